"""The page docs/extending.md works as it is written: its code is pasted into one file, and every interface takes it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
USE = """
import gymnasium as gym, numpy as np, ram_envs
for id in ("my_module:RAM-Pursuit-v0", "my_module:RAM-Noise-v0", "my_module:RAM-Pursuit-Discrete-v0"):
    env = gym.make(id)
    env.reset(seed=1)
    assert env.step(env.action_space.sample())[1] in (0.0, 1.0)
    assert len(ram_envs.make_tensor(id, 3).reset(seed=0)) == 2
env = gym.make("ram_envs:RAM-Digits-v0", sensor="line")
assert env.observation_space["glimpse"].shape == (8,)
from agents.training.presets import settings_for
assert settings_for("my_module:RAM-Pursuit-v0").frames == 200_000
"""


@pytest.fixture
def folder(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    tests = [block for block in blocks if "TaskContract" in block]
    (tmp_path / "my_module.py").write_text("\n".join(block for block in blocks if block not in tests))
    (tmp_path / "test_mine.py").write_text("\n".join(tests))
    return tmp_path


def test_its_module_works_on_every_interface(folder):
    subprocess.run([sys.executable, "-c", USE], cwd=folder, check=True)


def test_its_contract_test_passes(folder):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-2000:]


def test_its_commands_take_the_options_that_are_shown(folder):
    commands = re.findall(r"^ram (.* )?(my_module\S*)(.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) >= 3
    for name, module, options in commands:
        words = [*name.split(), module, *options.split(), "--help"]
        command = [sys.executable, "-m", "agents.cli", *words]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert all(word in result.stdout for word in words if word.startswith("--"))
