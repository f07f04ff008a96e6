"""The examples of these libraries run as they are, here with a small budget; RLlib's runs in test_rllib.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    "torchrl_catch.py": ["--num-envs", "8"],
    "torchrl_catch.py --gym": ["--num-envs", "4"],
    "skrl_catch.py": ["--num-envs", "8"],
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs(example, tmp_path):
    name, *options = example.split()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "examples" / name), *options, *EXAMPLES[example], "--steps", "200"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert "steps: caught" in result.stdout
