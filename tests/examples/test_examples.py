"""Every example runs as it is, here with a small budget."""

import os
import re
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import gymnasium
import pytest

import ram_envs
from agents.ram.checkpoint import save_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from tests.limits import HANG_S

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    "random_agent.py": "balls",
    "vector.py": "a second; caught",
    "tensor.py": "a second; caught",
    "own_images.py": "right by chance",
    "sb3_ppo.py": "% of the balls",
    "sb3_recurrent_ppo.py": "success_rate",
    "sb3_ram_policy.py": "stock policy: caught",
    "sb3_digits.py": "correct over 3 seeds",
    "train_catch_from_python.py": "success_rate",
    "cleanrl_ppo_lstm.py": "episodic_return",
    "benchmark_own_algorithm.py": "own-algorithm/report.md",
    "agent.py": "figure of its gaze: gaze.png",
    "early_stopping.py": "best.safetensors: error_percent",
}
"""What each one prints, among other things."""
SMALL = {"early_stopping.py": ["--epochs", "4", "--patience", "1"]}
"""A small budget, where it is not --steps 200."""
INTEGRATIONS = {
    "rllib_catch.py",
    "torchrl_catch.py",
    "skrl_catch.py",
    "optuna_pruning.py",
    "mlflow_tracking.py",
    "wandb_offline.py",
    "ap_gym_circle_square.py",
    "pong_through_glimpses.py",
    "minigrid_memory.py",
}
"""Those that need an environment of their own: tests/integrations runs them."""


def command(example, *arguments, folder):
    # One thread, no display, and a home of its own: what an example writes lands in `folder`.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "SDL_VIDEODRIVER": "dummy"}
    return {
        "args": [sys.executable, str(ROOT / "examples" / example), *arguments],
        **{"cwd": folder, "env": environment, "text": True},
    }


def run(example, *arguments, folder):
    return subprocess.run(**command(example, *arguments, folder=folder), capture_output=True, timeout=HANG_S)


def test_every_example_is_tested():
    assert {file.name for file in (ROOT / "examples").glob("*.py")} == set(EXAMPLES) | INTEGRATIONS


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs(example, tmp_path):
    result = run(example, *SMALL.get(example, ["--steps", "200"]), folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert EXAMPLES[example] in result.stdout


def test_example_takes_a_folder_of_images(tmp_path):
    from PIL import Image

    for name, grey in (("bright", 200), ("dark", 60)):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.new("L", (20, 20), grey + number).save(tmp_path / name / f"{number}.png")
    result = run("own_images.py", "--steps", "60", "--folder", str(tmp_path), folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "(3, 1, 8, 8)" in result.stdout


def test_a_return_is_the_sum_of_the_rewards(tmp_path, monkeypatch, capsys):
    """In sequences each right digit has a reward, and an episode with a wrong one ends without any."""
    env_id, small = "RAM-MNISTSequence-v0", {"dataset": "digits"}
    settings = RAMSettings.for_environment(ram_envs.make_tensor(env_id, 1, **small), NetworkSettings())
    save_checkpoint(tmp_path / "untrained.safetensors", RAMPolicy(settings), env_id, small)
    result = run("agent.py", "untrained.safetensors", "--steps", "2000", folder=tmp_path)
    assert result.returncode == 0, result.stderr

    make_vec = gymnasium.make_vec
    monkeypatch.setattr(gymnasium, "make_vec", lambda id, **arguments: make_vec(id, **arguments, **small))
    monkeypatch.setattr(sys, "argv", ["cleanrl_ppo_lstm.py", "--env-id", env_id, "--steps", "200"])
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples" / "cleanrl_ppo_lstm.py"), run_name="__main__")

    for said, expected in ((result.stdout, "mean return "), (capsys.readouterr().out, "episodic_return=")):
        assert 0 < float(re.search(expected + r"([\d.]+)", said)[1]) < 1


def test_early_stopping_says_when_it_was_interrupted(tmp_path):
    process = subprocess.Popen(
        **command("early_stopping.py", folder=tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert "in validation" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    said, complaint = process.communicate(timeout=HANG_S)
    assert process.returncode == 1 and "stopped by SIGINT: ram train --resume runs/early-stopping" in complaint
    assert "the end of the training" not in said


def test_pong_refuses_a_video_of_a_gaze_that_nobody_learned(tmp_path):
    result = run("pong_through_glimpses.py", "--gaze", "center", "--video", "pong.gif", folder=tmp_path)
    assert result.returncode == 2 and "--video shows a learned gaze, and --gaze=center has none" in result.stderr
