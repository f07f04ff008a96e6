"""`ram train` and what follows it, on environments of other packages."""

import json
import os
import re
import signal
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path

import pytest

from agents.cli import main
from agents.ram.checkpoint import load_checkpoint
from tests.agents.cli.conftest import NETWORK
from tests.limits import HANG_S

SMALL = [*NETWORK, "--num-envs=4", "--minibatches=2", "--segment-length=8", "--update-epochs=1", "--device=cpu"]


@pytest.fixture(scope="module")
def cartpole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "cartpole"
    command = [
        "train",
        "ram_envs:RAM-Glimpse-v0",
        "--env-id",
        "CartPole-v1",
        "--env-kwargs",
        "{'sutton_barto_reward': False}",
    ]
    options = ["--pixels", "render", "--senses", "all", "--frames", "96", "--out", str(folder), *SMALL]
    assert main([*command, *options]) == 0
    return folder


def test_training_writes_a_run_folder_with_pictures(cartpole):
    files = {file.name for file in cartpole.iterdir()}
    assert {"checkpoint.safetensors", "metrics.csv", "settings.json", "curve.png", "animation.gif"} <= files
    checkpoint = load_checkpoint(cartpole)
    assert checkpoint.env_id == "RAM-Glimpse-v0"
    assert checkpoint.env_settings["env_kwargs"] == {"sutton_barto_reward": False}
    assert checkpoint.policy.settings.senses == {"observation": 4} and checkpoint.training["method"] == "segments"


def test_a_run_is_evaluated_watched_plotted_and_resumed(cartpole, tmp_path, capsys):
    assert main(["evaluate", str(cartpole), "--episodes", "3", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["figure"], result["episodes"], result["split"]) == ("episode_return", 3, None)
    assert result["interval_low"] <= result["value"] <= result["interval_high"]
    assert main(["watch", str(cartpole), "--video", str(tmp_path / "watch.gif"), "--episodes", "1"]) == 0
    assert (tmp_path / "watch.gif").read_bytes().startswith(b"GIF8")
    assert main(["plot", str(cartpole), "--out", str(tmp_path / "curves.png")]) == 0
    assert main(["train", "--resume", str(cartpole), "--device", "cpu"]) == 0


def test_a_window_shows_the_frames_that_the_environment_renders(cartpole, monkeypatch):
    from agents.pictures import worlds

    monkeypatch.setattr(worlds, "HOLD_SECONDS", 0)
    monkeypatch.setattr(worlds, "frame_seconds", lambda world: 0)
    assert main(["watch", str(cartpole), "--episodes", "2"]) == 0


def test_an_environment_of_gymnasium_needs_no_module(tmp_path):
    command = ["train", "FrozenLake-v1", "--env-arguments", "{'is_slippery': False}", "--frames", "96"]
    assert main([*command, "--out", str(tmp_path / "run"), *SMALL]) == 0
    checkpoint = load_checkpoint(tmp_path / "run")
    assert (checkpoint.env_id, checkpoint.env_settings) == ("FrozenLake-v1", {"is_slippery": False})
    assert checkpoint.policy.settings.glimpse_shape == (1, 1, 1, 16)  # one of 16 fields


def test_the_tasks_of_the_suite_train_on_segments_too(tmp_path, capsys):
    command = ["train", "RAM-CatchGame-v0", "--method", "segments", "--frames", "96", "--screen-size", "8"]
    assert main([*command, "--out", str(tmp_path / "run"), *SMALL]) == 0
    assert "deterministic, 10,000 episodes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["CartPole-v1", "--method", "game"], "method='game' trains on tasks of the suite, not on CartPole-v1"),
        (["CartPole-v1", "--method", "answers"], "hands out no right answers to learn from"),
        (["CartPole-v1", "--preset", "quick"], "preset='quick' is not one of CartPole-v1"),
        (["Cartpole-v1"], "Did you mean: `CartPole`"),
        (["no_such_package:Thing-v0"], "there is no module 'no_such_package'"),
        (["ram_envs:RAM-Glimpse-v0"], "env_id=None is not valid: name the environment to wrap"),
        (["CartPole-v1", "--env-arguments", "3"], "env-arguments: expected a dictionary such as .*, got '3'"),
        (["CartPole-v1", "--env-arguments", "{[]: 1}"], "expected a dictionary such as"),
        (["CartPole-v1", "--core-size", "1e30"], "core_size=1000000000000000019884624838656 is out of range"),
        (["--resume", "none"], "--resume none: expected the folder of a run"),
        (["--resume", "~nosuchuser/run"], "there is no home folder of that user, got '~nosuchuser/run'"),
        (["CartPole-v1", "--env-arguments", "{'size': 3}"], "unexpected keyword argument 'size'"),
        (["RAM-MNIST-v1"], "there is no environment 'RAM-MNIST-v1'"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(arguments, message, tmp_path, capsys):
    assert main(["train", *arguments, "--out", str(tmp_path / "run"), "--device=cpu"]) != 0
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert error.count("\n") <= 1
    assert not (tmp_path / "run").exists()


ASYNC = ["train", "CartPole-v1", *SMALL, "--vectorization=async", "--frames=1000000", "--checkpoint-every=1000000"]


@pytest.fixture
def asynchronous(start, tmp_path):
    """A run whose environments are processes: its process and theirs, once it trains."""
    process = start(*ASYNC, "--out=run", folder=tmp_path)
    metrics = tmp_path / "run" / "metrics.csv"
    deadline = time.monotonic() + HANG_S
    while not metrics.exists() or metrics.read_text().count("\n") < 3:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
    workers = [int(number) for number in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    yield process, workers
    process.kill()
    process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_of_a_run_saves_a_checkpoint(asynchronous, tmp_path, number):
    """As a terminal sends Ctrl-C, and a batch system SIGTERM."""
    process, workers = asynchronous
    for pid in (*workers, process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    said, complaint = process.communicate(timeout=HANG_S)
    assert process.returncode == 128 + number, complaint
    assert "Traceback" not in complaint and f"stopped by {number.name}" in said + complaint
    assert load_checkpoint(tmp_path / "run").progress["iteration"] > 0


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_a_process_of_an_environment_that_is_killed_ends_the_run_with_an_error(asynchronous):
    process, workers = asynchronous
    os.kill(max(workers), signal.SIGKILL)
    _, complaint = process.communicate(timeout=HANG_S)
    assert process.returncode == 2
    line = complaint.splitlines()[-1]
    assert "ram train: a process of the vector environment has ended" in line and "`ram train --resume run`" in line
    assert not any(
        Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_text() for pid in workers
    )


def test_an_animation_that_is_cut_off_says_so(cartpole, tmp_path, monkeypatch, capsys):
    from agents.pictures import worlds

    monkeypatch.setattr(worlds, "MAX_FRAMES", 20)
    with warnings.catch_warnings():
        warnings.simplefilter("always", worlds.LongAnimationWarning)  # the tests turn warnings into errors
        assert main(["watch", str(cartpole), "--video", str(tmp_path / "a.gif"), "--episodes", "9"]) == 0
    assert re.search(r"a\.gif ends after 20 frames, with \d of 9 episodes complete", capsys.readouterr().err)
