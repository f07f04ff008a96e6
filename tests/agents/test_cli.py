"""The command, as people run it: what it prints, what it leaves, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from agents import cli, commands
from agents.cli import main
from agents.ram.checkpoint import FILE_NAME
from ram_envs.tasks.figure import SUCCESS_RATE

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "SDL_VIDEODRIVER": "dummy"}
NETWORK = ["--core-size=8", "--glimpse-hidden=8", "--location-hidden=8", "--glimpse-features=8", "--log-every=1"]
DIGITS = ["train", "RAM-Digits-v0", *NETWORK, "--num-envs=32", "--epochs=1", "--device=cpu"]
CATCH = ["train", "RAM-CatchGame-v0", *NETWORK, "--num-envs=8", "--minibatches=2", "--update-epochs=1", "--device=cpu"]


def start(*arguments, folder):
    command = [sys.executable, "-m", "agents.cli", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ram(*arguments, folder):
    process = start(*arguments, folder=folder)
    stdout, stderr = process.communicate(timeout=120)
    return process.returncode, stdout, stderr


def refused(capsys, *arguments):
    """Run a command that must fail, and return the one line that it says why."""
    assert main(list(map(str, arguments))) == 2
    output = capsys.readouterr()
    lines = output.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"ram {arguments[0]}: ")
    return lines[0]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The folder of a tiny run on the digits, and what the command printed."""
    folder = tmp_path_factory.mktemp("digits")
    status, stdout, stderr = ram(*DIGITS, "--num-glimpses=3", "--out=run", folder=folder)
    assert status == 0, stderr
    return folder / "run", stdout


@pytest.fixture(scope="module")
def catch(tmp_path_factory):
    """The folder of a tiny run on Catch, without --out."""
    folder = tmp_path_factory.mktemp("catch")
    status, _, stderr = ram(*CATCH, "--frames=400", "--seed=3", folder=folder)
    assert status == 0, stderr
    (run,) = (folder / "runs").iterdir()
    return run


def test_train_leaves_curve_animation_and_settings(digits):
    folder, stdout = digits
    assert (folder / "curve.png").exists() and (folder / "animation.gif").exists() and (folder / FILE_NAME).exists()
    assert "run/curve.png" in stdout and "ram evaluate run" in stdout
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["training"]["environment"]["num_glimpses"] == 3
    assert settings["training"]["network"]["core_size"] == 8


def test_train_names_a_folder_by_environment_and_seed(catch):
    assert catch.name.startswith("RAM-CatchGame-v0-seed3-")
    assert json.loads((catch / "settings.json").read_text())["seed"] == 3


def test_evaluate_prints_one_json_object_and_nothing_else(digits, tmp_path):
    status, stdout, stderr = ram("evaluate", digits[0], "--json", folder=tmp_path)
    assert status == 0, stderr
    result = json.loads(stdout)
    assert result["figure"] == "error_percent" and result["episodes"] == 360 and result["mean_glimpses"] == 3
    assert result["interval_low"] < result["value"] < result["interval_high"]


def test_evaluate_prints_figure_interval_and_number(catch, capsys):
    assert main(["evaluate", str(catch), "--episodes", "50", "--sampled", "--device", "cpu"]) == 0
    line = capsys.readouterr().out
    assert line.startswith("success_rate 0.") and "  95% interval [0." in line and "  50 episodes" in line


def test_evaluate_takes_a_part_of_a_split(digits, capsys):
    assert main(["evaluate", str(digits[0] / FILE_NAME), "--split", "train[-100:]"]) == 0
    assert "100 episodes, one rollout per image" in capsys.readouterr().out


def test_watch_writes_a_video(catch, tmp_path):
    status, stdout, stderr = ram("watch", catch, "--video", "out.gif", "--episodes", "1", folder=tmp_path)
    assert (status, stdout) == (0, "out.gif\n"), stderr
    assert (tmp_path / "out.gif").read_bytes().startswith(b"GIF89a")


def test_watch_shows_a_window(digits, monkeypatch, capsys):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    assert main(["watch", str(digits[0]), "--episodes", "1"]) == 0


def interrupt(process, folder, lines):
    """Press Ctrl-C once the run has written so many lines of metrics; return its end."""
    metrics, deadline = folder / "metrics.csv", time.monotonic() + 60
    while not metrics.exists() or len(metrics.read_text().splitlines()) < lines:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


def test_ctrl_c_saves_and_resume_goes_on(tmp_path):
    run = tmp_path / "run"
    status, stdout, stderr = interrupt(start(*CATCH, "--frames=1_000_000", "--out=run", folder=tmp_path), run, 3)
    assert status == 130 and "ram train --resume run" in stdout, stderr
    before = (run / "metrics.csv").read_text().splitlines()
    resumed = start("train", "--resume", "run", "--device=cpu", folder=tmp_path)
    status, stdout, stderr = interrupt(resumed, run, len(before) + 2)
    assert status == 130, stderr
    after = (run / "metrics.csv").read_text().splitlines()
    assert after[: len(before)] == before
    assert [int(line.split(",")[0]) for line in after[1:]] == list(range(1, len(after)))


def test_list_shows_every_environment(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "game, 24x24" in lines[1] and "3 scales of 6x6" in lines[1]
    assert "mnist, 100x100, 8 pieces of clutter" in lines[5] and "4 scales of 12x12" in lines[5]
    assert "digits, 8x8" in lines[6]


WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {missing}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Missing())
from agents.cli import main
sys.exit(main({arguments}))
"""


def without(*missing, arguments):
    """Run a command in a Python that lacks some packages."""
    script = WITHOUT.format(missing=missing, arguments=arguments)
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return result.returncode, result.stdout, result.stderr


def test_list_works_without_the_extra():
    status, stdout, stderr = without("torch", "tyro", "safetensors", arguments=["list"])
    assert status == 0 and "RAM-MNIST-v0" in stdout, stderr


@pytest.mark.parametrize("missing", ["tyro", "torch"])
def test_a_missing_extra_is_asked_for_by_name(missing):
    status, stdout, stderr = without(missing, arguments=["train", "RAM-Digits-v0"])
    assert (status, len(stderr.splitlines())) == (2, 1)
    assert f"needs {missing}" in stderr and "pip install 'ram-active-vision[agents]'" in stderr


def test_help_of_training_needs_no_torch_and_explains_every_setting():
    status, stdout, stderr = without("torch", arguments=["train", "RAM-MNIST-v0", "--help"])
    assert status == 0, stderr
    for option in ("--num-glimpses", "--location-std", "--epochs", "--rollouts-per-image", "--resume"):
        assert option in stdout
    assert "How often each image is shown" in stdout and "--clip-range" not in stdout


def test_help_lists_the_commands(capsys):
    assert main(["--help"]) == 0
    assert "ram evaluate CHECKPOINT" in capsys.readouterr().out
    assert main([]) == 2


@pytest.mark.parametrize("command", ["train", "play"])
def test_an_unknown_id_is_answered_with_those_spelled_alike(capsys, command):
    assert "did you mean RAM-MNIST-v0" in refused(capsys, command, "RAM-MNSIT-v0")


@pytest.mark.parametrize("command", ["train", "play"])
def test_the_id_of_a_variant_is_answered_with_that_of_the_environment(capsys, command):
    assert "other formats, which make no difference here: say RAM-MNIST-v0" in refused(
        capsys, command, "ram_envs:RAM-MNIST-Flat-v0"
    )


@pytest.mark.parametrize("command", ["train", "play"])
def test_help_says_where_the_id_goes_also_if_one_is_given(capsys, command):
    with pytest.raises(SystemExit) as exit:
        main([command, "RAM-CatchGame-v0", "--help"])
    assert exit.value.code == 0 and f"usage: ram {command} [-h] [OPTIONS] ENV_ID" in capsys.readouterr().out


def test_an_unknown_command_is_answered_with_the_one_spelled_alike(capsys):
    assert "did you mean `ram train`" in refused(capsys, "trian", "RAM-MNIST-v0")


def test_an_unknown_option_is_answered_with_the_one_spelled_alike(capsys):
    with pytest.raises(SystemExit) as exit:
        main([*DIGITS, "--epohs", "3"])
    assert exit.value.code == 2 and "--epochs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--preset=fats"], "preset='fats'"),
        (["--num-scales=0"], "num_scales=0"),
        (["--screen-size=12"], "screen_size=12"),
        (["--split=validation"], "split='validation'"),
        (["--seed=-1"], "seed=-1"),
        (["--dataset=/nowhere"], "/nowhere"),
    ],
)
def test_training_refuses_bad_settings(capsys, tmp_path, options, message):
    assert message in refused(capsys, *DIGITS, f"--out={tmp_path}/run", *options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_cuda_is_refused_where_there_is_none(capsys, digits, tmp_path, command, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    rest = [*DIGITS[1:-1], f"--out={tmp_path}/run"] if command == "train" else [digits[0]]
    assert "no CUDA device" in refused(capsys, command, *rest, "--device=cuda")


def test_a_folder_that_holds_a_run_is_refused(capsys, digits):
    before = (digits[0] / FILE_NAME).read_bytes()
    assert "holds another run" in refused(capsys, *DIGITS, "--out", digits[0])
    assert (digits[0] / FILE_NAME).read_bytes() == before


def test_a_folder_that_cannot_be_made_is_refused(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(capsys, *DIGITS, f"--out={tmp_path}/file/run")


def test_resume_keeps_the_settings_of_the_run(capsys, digits):
    assert "leave out --epochs=2" in refused(capsys, "train", "--resume", digits[0], "--epochs=2")


def test_resume_refuses_a_run_of_another_environment(capsys, digits):
    assert "RAM-Digits-v0" in refused(capsys, "train", "RAM-CatchGame-v0", "--resume", digits[0])


@pytest.mark.parametrize("arguments", [["evaluate"], ["watch"], ["train", "--resume"]])
def test_a_truncated_checkpoint_is_refused(capsys, digits, tmp_path, arguments):
    content = (digits[0] / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(content[: len(content) // 2])
    assert "truncated" in refused(capsys, *arguments, tmp_path)


@pytest.mark.parametrize("arguments", [["evaluate"], ["watch"], ["train", "--resume"]])
def test_a_missing_checkpoint_is_refused(capsys, tmp_path, arguments):
    assert "does not exist" in refused(capsys, *arguments, tmp_path / "nowhere")


def test_evaluate_refuses_more_images_than_there_are(capsys, digits):
    assert "at most 360" in refused(capsys, "evaluate", digits[0], "--episodes", "361")


def test_evaluate_refuses_the_split_of_a_game(capsys, catch):
    assert "shows no images" in refused(capsys, "evaluate", catch, "--split", "test")


def test_watch_refuses_an_unknown_kind_of_video(capsys, digits, tmp_path):
    assert ".gif or .mp4" in refused(capsys, "watch", digits[0], "--video", tmp_path / "out.avi")


def test_watch_and_play_say_that_there_is_no_display(capsys, digits, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "nope")
    assert "--video FILE" in refused(capsys, "watch", digits[0])
    assert "no display" in refused(capsys, "play", "RAM-Digits-v0")


def test_play_hands_on_its_options(monkeypatch, capsys):
    from agents import play

    calls, score = [], play.Score(SUCCESS_RATE, 5, 2)
    monkeypatch.setattr(play, "play", lambda *args, **kwargs: calls.append((args, kwargs)) or score)
    assert main(["play", "RAM-CatchGame-v0", "--screen-size", "12", "--show-scene", "--seed", "4"]) == 0
    expected = {"seed": 4, "hidden": False, "steps_per_second": 4.0}
    assert calls == [(("RAM-CatchGame-v0", {"screen_size": 12}), expected)]
    assert capsys.readouterr().out == "2 of 5\n"


@pytest.mark.parametrize("bug", [lambda _: int("x"), lambda _: [].pop(), lambda _: torch.ones(2) @ torch.ones(3)])
def test_a_bug_shows_its_traceback(monkeypatch, bug):
    monkeypatch.setattr(commands, "play", bug)
    with pytest.raises((ValueError, IndexError, RuntimeError)):
        main(["play", "RAM-Digits-v0"])


def test_ctrl_c_ends_with_130(monkeypatch):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "play", interrupted)
    assert main(["play", "RAM-Digits-v0"]) == cli.INTERRUPTED
