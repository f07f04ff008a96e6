"""docs/guarantees.md names tests that exist, and quotes the reports of the last campaigns."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


def test_the_page_names_tests():
    assert len(NAMED) > 20


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_the_page_names_exists(file, name):
    names = set()
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    assert name in names


def test_the_make_targets_and_modules_that_the_page_names_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make (\w+)", PAGE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for module in set(re.findall(r"`python -m tests\.(\w+)`", PAGE)):
        assert (ROOT / "tests" / module / "__main__.py").exists(), module


def test_figures_are_those_of_the_last_campaigns():
    soak = json.loads((ROOT / "docs/results/soak.json").read_text(encoding="utf-8"))
    hostile = json.loads((ROOT / "docs/results/hostile.json").read_text(encoding="utf-8"))
    assert soak["problems"] == [] and soak["runs_that_differ"] == 0 and hostile["wrong"] == []
    faults = sum(soak["faults"].values())
    assert f"| {soak['kills']:,} kills, {faults:,} full disks and read-only folders |" in PAGE
    assert soak["signals_that_python_ignored"] == 1 and f"one such signal in {soak['kills']:,} kills" in PAGE
    assert f"| {soak['runs_equal']:,} runs completed, all equal to a run that never stopped |" in PAGE
    assert f"| {hostile['calls']:,} calls on three interfaces and all formats |" in PAGE
