"""`ram train`: it reads its command line by the environment, and leaves a complete run folder."""

import json
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch

from agents.cli import main, train
from agents.cli.parser import UsageError
from agents.cli.runs import new_folder
from agents.ram.checkpoint import FILE_NAME
from agents.training.presets import NOTES, PRESETS, settings_for
from agents.training.settings import GameSettings, HybridSettings
from agents.training.trainer import RANDOM_WEIGHTS
from tests.limits import HANG_S


def read(*arguments):
    return train.read(["RAM-Digits-v0", *arguments])


def test_options_change_the_preset_and_nothing_else():
    request = read("--epochs", "3", "--core-size=16", "--num_glimpses", "2", "--seed", "4", "--log-every=1")
    preset = settings_for("RAM-Digits-v0")
    assert isinstance(request.settings, HybridSettings)
    assert (request.settings.epochs, request.settings.network.core_size, request.settings.log_every) == (3, 16, 1)
    assert request.settings.environment == {"num_glimpses": 2}
    assert request.settings.learning_rate == preset.learning_rate
    assert (request.options.seed, request.options.out) == (4, None)


def test_the_environment_is_the_argument_that_no_option_takes():
    request = train.read(["--out", "RAM-MNIST-v0", "RAM-CatchGame-v0", "--screen-size", "12"])
    assert request.environment.id == "RAM-CatchGame-v0" and request.options.out == Path("RAM-MNIST-v0")
    assert isinstance(request.settings, GameSettings)
    request = train.read(["--dataset", "RAM-CatchGame-v0", "--preset", "quick", "RAM-MNIST-v0"])
    assert request.environment.id == "RAM-MNIST-v0" and request.settings.environment["dataset"] == "RAM-CatchGame-v0"
    assert request.settings.epochs == settings_for("RAM-MNIST-v0", "quick").epochs


@pytest.mark.parametrize("id", ["RAM-MNIST-v0", "ram_envs:RAM-MNIST-v0", "RAM-MNIST-Flat-v0"])
def test_an_id_may_have_a_module_and_a_variant(id):
    assert train.read([id]).environment.id == "RAM-MNIST-v0"


@pytest.mark.parametrize(
    ("options", "value"),
    [
        (["--first-location", "0", "-0.5"], (0.0, -0.5)),
        (["--first-location=0,-0.5"], (0.0, -0.5)),
        (["--first-location", "inside"], "inside"),
    ],
)
def test_a_location_is_a_name_or_numbers(options, value):
    for arguments in (["RAM-MNIST-v0", *options], [*options, "RAM-MNIST-v0"]):
        assert train.read(arguments).settings.environment == {"first_location": value}


def test_every_argument_of_the_task_is_an_option():
    request = train.read(["RAM-ClutteredMNIST-v0", "--clutter-size", "4", "--image-size", "none", "--dataset", "~/x"])
    expected = {"clutter_size": 4, "image_size": None, "dataset": str(Path.home() / "x")}
    # None is the default of the task, but not of this environment.
    assert {**expected, **request.settings.environment} == expected


def test_the_method_decides_which_options_there_are():
    request = read("--clip-range", "0.1", "--method", "game", "--stop", "learned")
    assert isinstance(request.settings, GameSettings) and request.settings.clip_range == 0.1
    assert request.settings.environment == {"stop": "learned"}
    assert request.settings.network == settings_for("RAM-Digits-v0").network
    with pytest.raises(UsageError, match="--epochs is for the training method 'hybrid', and this one is 'game'"):
        read("--method", "game", "--epochs", "3")
    with pytest.raises(UsageError, match="--clip-range is for the training method 'segments', and .* 'hybrid'"):
        read("--clip-range", "0.1")


def test_paths_expand_the_home_folder():
    assert read("--out", "~/runs/x").options.out == Path.home() / "runs" / "x"


def test_help_shows_the_arguments_of_the_task_and_the_values_of_the_preset(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["train", "RAM-MNIST-v0", "--preset", "quick", "--help"]) == 0
    help = capsys.readouterr().out
    assert "usage: ram train [ENV_ID] [OPTIONS]" in help
    for title in ("run", "environment", "network", "optimisation", "algorithm"):
        assert f"{title} options:" in help
    for option in ("--num-glimpses", "--clutter-size", "--location-std", "--rollouts-per-image", "--resume"):
        assert option in help
    assert "--clip-range" not in help and "--screen-size" not in help
    assert "(default: 75)" in " ".join(help.split()) and "None)" not in help
    assert "RAM-MNIST-v0  quick" in help and "RAM-CatchGame-v0" not in help.replace("as in", "")


def test_general_help_shows_all_presets(capsys):
    assert main(["train", "--help"]) == 0
    help = capsys.readouterr().out
    lines = help.splitlines()
    for env_id, presets in PRESETS.items():
        for name in presets:
            training, result = NOTES[env_id][name]
            assert any([env_id, name] == line.split()[:2] and training in line and result in line for line in lines)
    assert "--epochs" in help and "--clip-range" in help


def test_somebody_elses_environment_is_trained_and_used(elsewhere, ram):
    options = ["--core-size=8", "--frames=100", "--num-envs=8", "--minibatches=2", "--device=cpu", "--out=run"]
    status, stdout, stderr = ram("train", "somebody:Basket-v0", "--corners", "1", "2", *options, folder=elsewhere)
    assert status == 0, stderr
    settings = json.loads((elsewhere / "run/settings.json").read_text())
    assert settings["env_id"] == "somebody:Basket-v0" and settings["training"]["environment"] == {"corners": [1, 2]}
    for command in (["evaluate", "run", "--episodes=10"], ["watch", "run", "--video=out.gif", "--episodes=1"]):
        status, _, stderr = ram(*command, folder=elsewhere)
        assert status == 0, stderr
    assert (elsewhere / "out.gif").exists()


def test_a_run_leaves_curve_animation_and_figures(digits):
    folder, stdout = digits
    for name in ("curve.png", "animation.gif", FILE_NAME, "metrics.csv"):
        assert (folder / name).exists()
    assert "run/curve.png" in stdout and "ram evaluate run" in stdout
    assert "with sampled actions in training; " in stdout and "deterministic, 360 episodes on the test split" in stdout
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["training"]["environment"] == {"num_glimpses": 3}
    assert settings["training"]["network"]["core_size"] == 8


def test_a_run_without_a_name_gets_a_folder_named_after_environment_and_seed(catch):
    folder, stdout = catch
    assert folder.name.startswith("RAM-CatchGame-v0-seed3-") and f"seed 3: runs/{folder.name}" in stdout
    assert json.loads((folder / "settings.json").read_text())["seed"] == 3


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "strftime", lambda _: "now")
    folders = [new_folder(tmp_path, read()) for _ in range(3)]
    assert [folder.name for folder in folders] == [f"RAM-Digits-v0-seed0-now{suffix}" for suffix in ("", "-2", "-3")]
    assert all(folder.is_dir() for folder in folders)


def test_several_seeds_share_one_folder_and_are_plotted(tmp_path, ram, digits_options):
    status, stdout, stderr = ram(*digits_options, "--seeds=2", "--seed=5", "--out=run", folder=tmp_path)
    assert status == 0, stderr
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["seed5", "seed6"]
    assert json.loads((tmp_path / "run/seed6/settings.json").read_text())["seed"] == 6
    assert "ram plot run" in stdout
    status, stdout, stderr = ram("plot", "run", "--out=both.svg", folder=tmp_path)
    assert status == 0, stderr
    assert stdout == "RAM-Digits-v0: run/seed5 (seed 5), run/seed6 (seed 6)\nboth.svg\n"
    assert "2 seeds" in (tmp_path / "both.svg").read_text() or (tmp_path / "both.svg").stat().st_size > 5000
    status, _, stderr = ram("train", "--resume=run", folder=tmp_path)
    assert status == 2 and "resume one of them, such as run/seed5" in stderr


def test_a_run_starts_from_the_weights_of_another(tmp_path, ram, digits, digits_options):
    start = ["--num-glimpses=3", f"--init-from={digits[0]}"]
    status, _, stderr = ram(*digits_options, *start, "--out=same", folder=tmp_path)
    assert status == 0 and "warning" not in stderr, stderr
    record = json.loads((tmp_path / "same/init_from.json").read_text())
    assert record["checkpoint"] == str(digits[0]) and record["started_anew"] == []
    status, _, stderr = ram(*digits_options, *start, "--patch-size=2", "--out=other", folder=tmp_path)
    lines = [line for line in stderr.splitlines() if "warning" in line]
    assert status == 0 and len(lines) == 1 and lines[0].startswith("ram train: warning: init_from="), stderr


def test_none_starts_from_random_weights_where_the_preset_names_a_checkpoint():
    preset, chosen = (train.read(["RAM-MNISTPairs-v0", *more]) for more in ([], ["--init-from=none"]))
    assert preset.settings.init_from == "pretrained:RAM-ClutteredMNIST100-v0" and preset.options.init_from is None
    assert str(chosen.options.init_from) == RANDOM_WEIGHTS


def interrupt(process, folder, lines, number=signal.SIGINT):
    """Send a signal once the run has written so many lines of metrics; return its end."""
    metrics, deadline = folder / "metrics.csv", time.monotonic() + HANG_S
    while not metrics.exists() or len(metrics.read_text().splitlines()) < lines:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.02)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=HANG_S)
    return process.returncode, stdout, stderr


def test_ctrl_c_saves_and_resume_continues(tmp_path, start, catch_options):
    run = tmp_path / "run"
    process = start(*catch_options, "--frames=1_000_000", "--out=run", folder=tmp_path)
    status, stdout, stderr = interrupt(process, run, 3)
    assert status == 130 and "ram train --resume run" in stdout, stderr
    before = (run / "metrics.csv").read_text().splitlines()
    resumed = start("train", "--resume", "run", "--device=cpu", folder=tmp_path)
    status, stdout, stderr = interrupt(resumed, run, len(before) + 2, signal.SIGTERM)
    assert status == 143, stderr
    after = (run / "metrics.csv").read_text().splitlines()
    assert after[: len(before)] == before
    assert [int(line.split(",")[0]) for line in after[1:]] == list(range(1, len(after)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RAM-MNSIT-v0"], "did you mean RAM-MNIST-v0"),
        (["--num-glimpses", "3", "RAM-MNSIT-v0"], "did you mean RAM-MNIST-v0"),
        (["nowhere:Mine-v0"], "there is no module 'nowhere'"),
        ([], "missing ENV_ID"),
        (["catch"], "there is no environment 'catch'"),
        (["RAM-Digits-v0", "RAM-MNIST-v0"], "unexpected argument 'RAM-MNIST-v0'"),
        (["RAM-Digits-v0", "--epohs", "3"], "no option --epohs, did you mean --epochs?"),
        (["RAM-Digits-v0", "--epochs"], "--epochs: expected one argument"),
        (["RAM-Digits-v0", "--epochs=x"], "--epochs: expected an integer, got 'x'"),
        (["RAM-Digits-v0", "--core=gru"], "--core: expected one of relu, lstm, got 'gru'"),
        (["RAM-Digits-v0", "--preset=fats"], "preset='fats'"),
        (["RAM-Digits-v0", "--num-envs=0"], "num_envs=0"),
        (["RAM-Digits-v0", "--num-scales=0"], "num_scales=0"),
        (["RAM-Digits-v0", "--split=validation"], "split='validation'"),
        (["RAM-Digits-v0", "--seed=-1"], "seed=-1"),
        (["RAM-Digits-v0", "--seeds=0"], "--seeds=0"),
        (["RAM-Digits-v0", "--dataset=/nowhere"], "/nowhere"),
        (["RAM-CatchGame-v0", "--screen-size=2"], "screen_size=2"),
        (["RAM-Digits-v0", "--stop=learned"], "--method game"),
        (["RAM-Digits-v0", "--init-from=nowhere"], "nowhere does not exist"),
        (["RAM-Digits-v0", "--frames=1000"], "--frames=1000 has no effect on RAM-Digits-v0, which has a fixed set"),
        (["RAM-Digits-v0", "--seeds=2", f"--seed={2**29 - 1}"], "seed=536870912 is out of range"),
        (["RAM-Digits-v0", "--core-size=100000"], "not enough memory"),
    ],
)
def test_wrong_input_is_explained_in_one_line(refused, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused("train", *arguments)
    assert not list(Path("runs").glob("*"))


def test_cuda_is_refused_where_there_is_none(refused, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no CUDA device" in refused("train", "RAM-Digits-v0", f"--out={tmp_path}/run", "--device=cuda")
    assert "no CUDA device" in refused("evaluate", digits[0], "--device=cuda")


def test_a_folder_that_holds_a_run_is_refused(refused, digits, digits_options):
    before = (digits[0] / FILE_NAME).read_bytes()
    assert "holds another run" in refused(*digits_options, "--out", digits[0])
    assert (digits[0] / FILE_NAME).read_bytes() == before


def test_the_folders_of_all_seeds_are_checked_before_training(refused, digits, digits_options, tmp_path):
    shutil.copytree(digits[0], tmp_path / "seed1")
    assert "seed1 holds another run" in refused(*digits_options, "--seeds=2", "--out", tmp_path)
    assert not (tmp_path / "seed0").exists()


def test_a_folder_that_cannot_be_made_is_refused(refused, tmp_path, digits_options):
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(*digits_options, f"--out={tmp_path}/file/run")


def test_resume_keeps_the_settings_of_the_run(refused, digits):
    assert "leave out --epochs=2" in refused("train", "--resume", digits[0], "--epochs=2")
    assert "leave out --seed" in refused("train", "--resume", digits[0], "--seed=2")
    assert "leave out more" in refused("train", "--resume", digits[0], "RAM-Digits-v0", "more")


def test_resume_refuses_a_run_of_another_environment(refused, digits):
    assert "RAM-Digits-v0" in refused("train", "RAM-CatchGame-v0", "--resume", digits[0])
