"""The README: every Python block runs in a process of its own, the commands exist, and the tables are current."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from agents.cli import main
from paper.__main__ import main as paper
from ram_envs import ENVIRONMENTS, make_task
from tests.limits import HANG_S

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = {file.relative_to(ROOT).as_posix(): file for file in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
PYTHON = [block for language, block in BLOCK.findall(README) if language == "python"]
SMALLER = {"60_000": "600"}
"""Budgets that are longer than a test should take."""
NO_NETWORK = """
import socket

def refuse(*arguments, **options):
    raise OSError("this test has no network")

socket.socket.connect = socket.create_connection = refuse
"""


def run(block, folder):
    """Return what a block prints in a new process without a GPU, a network, a display and a home folder."""
    for budget, smaller in SMALLER.items():
        block = block.replace(budget, smaller)
    environment = {
        **{name: value for name, value in os.environ.items() if name != "RAM_ENVS_DATA"},
        "PYTHONPATH": str(ROOT),
        "CUDA_VISIBLE_DEVICES": "",
        "HOME": str(folder),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-W", "ignore", "-c", NO_NETWORK + block]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=HANG_S)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150
    assert len(PYTHON) == 4


def test_the_gymnasium_block_shows_the_observation_and_the_outcome(tmp_path):
    shapes, outcome = run(PYTHON[0], tmp_path).splitlines()
    assert shapes == "{'glimpse': (108,), 'location': (2,)}"
    assert re.fullmatch(r"random agent: (True|False)", outcome)


def test_the_vectorized_block_shows_its_throughput(tmp_path):
    number, rest = run(PYTHON[1], tmp_path).strip().split(" ", 1)
    assert rest == "steps per second"
    assert int(number.replace(",", "")) > 0


def test_the_trained_agent_catches_most_balls(tmp_path):
    caught = re.fullmatch(r"caught (\d+) of 20 balls\n", run(PYTHON[2], tmp_path)).group(1)
    assert int(caught) >= 18


def test_the_stable_baselines3_block_shows_its_accuracy_on_test_images(tmp_path):
    assert all(budget in PYTHON[3] for budget in SMALLER)
    printed = run(PYTHON[3], tmp_path).splitlines()[-1]
    assert 0 <= int(re.fullmatch(r"(\d+) % correct; chance is 10 %", printed).group(1)) <= 100


@pytest.mark.slow
def test_the_stable_baselines3_block_learns_as_much_as_the_readme_says(tmp_path, monkeypatch):
    monkeypatch.setitem(SMALLER, "60_000", "60_000")
    accuracy = int(re.match(r"\d+", run(PYTHON[3], tmp_path).splitlines()[-1]).group())
    assert accuracy >= 50


def test_every_environment_is_in_the_table_as_it_is(tiny_images):
    lines = [line.split("|")[1:-1] for line in README.splitlines() if line.startswith("| `RAM-")]
    table = {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in lines}
    source = (ROOT / "ram_envs" / "__init__.py").read_text(encoding="utf-8")
    suite = re.findall(r'^register\(\s*"(RAM-[\w-]+)"', source, flags=re.MULTILINE)
    assert list(table) == suite
    for id, (scene, sensor, steps, _) in table.items():
        task = make_task(id, **({"dataset": tiny_images} if "MNIST" in id or id == "RAM-Images-v0" else {}))
        scales = f"{task.num_scales} scale" + "s" * (task.num_scales > 1)
        assert sensor == f"{task.patch_size}x{task.patch_size}, {scales}"
        assert steps == str(task.max_episode_steps)
        assert "the same" in scene or "your own" in scene or "x".join(map(str, task.scene_shape[:2])) in scene


PROGRAMS = {"ram": main, "python -m paper": paper}
SHOWN = re.compile(r"(?:\.venv/bin/)?(ram|python -m paper) ([a-z-]+(?: .*)?)")


def commands():
    """Yield every command of the documents, in blocks and in running text, with the name of its document.

    Commands with ``my_module`` are left to tests/outside/test_extending_page.py, which has this module.
    """
    for name, file in DOCUMENTS.items():
        text = file.read_text(encoding="utf-8")
        blocks = [line.partition("#")[0].strip() for _, block in BLOCK.findall(text) for line in block.splitlines()]
        inline = re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
        shown = [one for one in dict.fromkeys(blocks + inline) if SHOWN.fullmatch(one)]
        yield from ((name, one) for one in shown if "my_module:RAM" not in one)


@pytest.mark.parametrize(("document", "command"), list(commands()))
def test_the_commands_take_the_options_that_are_shown(document, command, capsys):
    program, rest = SHOWN.fullmatch(command).groups()
    name, *arguments = shlex.split(rest)
    known = {*ENVIRONMENTS, "RAM-Glimpse-v0"}
    ids = [argument for argument in arguments if argument.removeprefix("ram_envs:") in known]
    try:
        status = PROGRAMS[program]([name, *ids, "--help"])
    except SystemExit as exit:
        status = exit.code
    help = capsys.readouterr().out
    assert status == 0
    options = [argument.partition("=")[0] for argument in arguments if argument.startswith("--")]
    assert [option for option in options if option not in help] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_to_files_lead_somewhere(document):
    file = DOCUMENTS[document]
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", BLOCK.sub("", file.read_text(encoding="utf-8")))
    assert [one for one in targets if "://" not in one and not (file.parent / one).exists()] == []
