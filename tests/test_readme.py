"""What the README shows can be typed in: its Python runs, here on small data, and its commands and options exist."""

import re
import shlex
from pathlib import Path

import pytest

from agents.cli import main
from paper.__main__ import main as paper
from ram_envs.scenes.datasets import load_dataset
from ram_envs.tasks import classification

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
SMALLER = {"num_envs=1024": "num_envs=4", 'device="cuda"': 'device="cpu"', "10_000": "1"}
"""What stands for more than a test should take, or for a machine that it may not run on."""


def test_the_python_examples_run_one_after_the_other(tiny_images, monkeypatch):
    monkeypatch.setattr(
        classification, "load_dataset", lambda dataset, split, **options: load_dataset(tiny_images, split)
    )
    code = "\n".join(block for language, block in BLOCKS if language == "python")
    for shown, smaller in SMALLER.items():
        assert shown in code
        code = code.replace(shown, smaller)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["frame"].shape[2] == 3 and names["rewards"].shape == (4,)
    assert names["observation"]["glimpse"].shape == (4, 108)


PROGRAMS = {"ram": main, "python -m paper": paper}
COMMANDS = [line.partition("#")[0].strip() for _, block in BLOCKS for line in block.splitlines()]
SHOWN = re.compile(r"(?:\.venv/bin/)?(ram|python -m paper) (.*)")


@pytest.mark.parametrize("command", [line for line in COMMANDS if SHOWN.match(line)])
def test_the_commands_take_the_options_that_are_shown(command, capsys):
    program, rest = SHOWN.match(command).groups()
    name, *arguments = shlex.split(rest)
    ids = [argument for argument in arguments if argument.startswith("RAM-")]
    try:
        status = PROGRAMS[program]([name, *ids, "--help"])
    except SystemExit as exit:
        status = exit.code
    help = capsys.readouterr().out
    assert status == 0
    assert [option for option in arguments if option.startswith("--") and option not in help] == []
