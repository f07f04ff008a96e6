"""The page docs/own-images.md works as it is written: photographs, one command that trains, one that evaluates."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from agents.cli import main
from agents.ram.checkpoint import load_checkpoint

PAGE = (Path(__file__).parents[2] / "docs" / "own-images.md").read_text(encoding="utf-8")
MAKE_PHOTOGRAPHS, TRAIN_ON_ARRAYS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
TRAIN, EVALUATE, *_ = re.findall(r"^ram (.*)$", PAGE, flags=re.MULTILINE)
CHANCE = 50
"""Error of guessing one of two classes, in percent."""


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """The current folder, with the photographs of the page in the folder "photos"."""
    monkeypatch.chdir(tmp_path)
    exec(compile(MAKE_PHOTOGRAPHS, "own-images.md", "exec"), {})
    return tmp_path / "photos"


def learns_above_chance(capsys, *options):
    """Run the two commands of the page; the interval of the error has to exclude that of chance."""
    assert main([*TRAIN.split(), *options, "--device=cpu"]) == 0
    trained = capsys.readouterr()
    assert main([*EVALUATE.split(), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["episodes"] == 8 and result["interval_high"] < CHANCE
    return trained


@pytest.mark.filterwarnings("default::ram_envs.scenes.datasets.DatasetWarning")
def test_40_photographs_of_different_sizes_are_learned_by_one_command(photographs, capsys):
    sizes = set()
    for file in photographs.glob("*/*"):
        with Image.open(file) as picture:
            sizes.add(picture.size)
    assert len(sizes) > 20 and len(list(photographs.glob("*/*"))) == 40
    trained = learns_above_chance(capsys, "--epochs=400")
    assert "32 training images are fewer than the preset is for: using --num-envs 64 --epochs 400" in trained.out
    notes = [line for line in trained.err.splitlines() if "photos" in line]
    assert (
        len(notes) == 1
        and notes[0].startswith("ram train: warning: ")
        and "8 of the 40 images are held out" in notes[0]
    )
    checkpoint = load_checkpoint("runs/photos")
    assert checkpoint.env_settings["dataset"] == str(photographs)
    assert checkpoint.policy.answer_names == ("china", "flower")


@pytest.mark.slow
def test_40_photographs_are_learned_with_the_preset(photographs, capsys):
    assert "--num-envs 64 --epochs 2000 (1,000 updates)" in learns_above_chance(capsys).out
    assert "--num-envs 64 --epochs 2000 (1,000 updates)" in PAGE


def test_arrays_are_learned_in_python(photographs, capsys, monkeypatch):
    from agents.training import presets

    monkeypatch.setattr(presets, "FEWEST_UPDATES", 100)
    names = {}
    exec(compile(TRAIN_ON_ARRAYS, "own-images.md", "exec"), names)
    assert (names["settings"].num_envs, names["settings"].epochs) == (64, 214)  # 100 updates for 30 images
    error, high = map(float, re.search(r"error_percent ([\d.]+) .*, ([\d.]+)\]", capsys.readouterr().out).groups())
    assert error <= 20 and high < CHANCE
