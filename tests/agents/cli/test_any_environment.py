"""`ram train` and what follows it, on environments of other packages."""

import json
import re

import pytest

from agents.cli import main
from agents.ram.checkpoint import load_checkpoint
from tests.agents.cli.conftest import NETWORK

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
    assert checkpoint.env_id == "ram_envs:RAM-Glimpse-v0"
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
        (["CartPole-v1", "--method", "answers"], "CartPole-v1.*hands out no right answers|hands out no right answers"),
        (["CartPole-v1", "--preset", "quick"], "preset='quick' is not one of CartPole-v1"),
        (["Cartpole-v1"], "Did you mean: `CartPole`"),
        (["no_such_package:Thing-v0"], "there is no module 'no_such_package'"),
        (["ram_envs:RAM-Glimpse-v0"], "env_id=None is not valid: name the environment to wrap"),
        (["CartPole-v1", "--env-arguments", "{'size': 3}"], "unexpected keyword argument 'size'"),
        (["RAM-MNIST-v1"], "there is no environment 'RAM-MNIST-v1'"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(arguments, message, tmp_path, capsys):
    assert main(["train", *arguments, "--out", str(tmp_path / "run"), *SMALL[-2:]]) != 0
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert error.count("\n") <= 1
    assert not (tmp_path / "run").exists()
