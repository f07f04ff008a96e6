"""Every example runs as it is, here with a small budget."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def run(example, *arguments, folder):
    # One thread, no display, and a home of its own: what an example writes lands in `folder`.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "SDL_VIDEODRIVER": "dummy"}
    command = [sys.executable, str(ROOT / "examples" / example), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=HANG_S)


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
