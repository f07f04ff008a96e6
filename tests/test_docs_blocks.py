"""Every Python block of the documentation runs: here, or in the test that is named here."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = {
    "docs/agent.md": ["['RAM-CatchGame-v0', 'RAM-ClutteredMNIST-v0'", "game 256 lstm"],
    "docs/anything.md": ["'observation': (4,)", "episode_return", "\n["],
    "docs/benchmark-own-algorithm.md": [],
    "docs/beyond.md": ["glimpses, class "],
    "docs/environments.md": ["(110,) Discrete(75)", "(1, 4, 4)", "torch.Size([4, 108])"],
    "docs/faq.md": ["[ 1.  -0.5]"],
    "docs/libraries.md": [],
    "SECURITY.md": ["env_id"],
}
"""The pages whose blocks run here, one after the other in one namespace, and what they print."""
TESTED_ELSEWHERE = {
    "README.md": "tests/test_readme.py",
    "docs/extending.md": "tests/outside/test_extending_page.py",
    "docs/own-images.md": "tests/agents/test_own_images_page.py",
    "docs/python.md": "tests/test_python_page.py",
}
OTHER_LIBRARIES = {"docs/libraries.md": ("torchrl", "ray", "skrl")}
"""Blocks with one of these imports need tests/integrations, where test_libraries_page.py runs them."""
SHORTER = {"frames=200_000, reward_gain": "frames=2_000, num_envs=4, reward_gain", "20_000": "200", "10_000": "1_472"}
"""Budgets that are longer than a test should take."""


def blocks(page):
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def needs_another_environment(page, block):
    return any(
        re.search(rf"^(from|import) .*\b{name}\b", block, re.MULTILINE) for name in OTHER_LIBRARIES.get(page, ())
    )


def test_every_page_with_a_python_block_is_tested():
    documents = [file for pattern in ("*.md", "docs/*.md", "docs/*/*.md") for file in ROOT.glob(pattern)]
    with_blocks = {file.relative_to(ROOT).as_posix() for file in documents if BLOCK.search(file.read_text("utf-8"))}
    assert with_blocks == {*PAGES, *TESTED_ELSEWHERE}
    assert all((ROOT / test).exists() for test in TESTED_ELSEWHERE.values())


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run(page, tmp_path, monkeypatch, capsys):
    (tmp_path / "agents").symlink_to(ROOT / "agents")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for block in blocks(page):
        for shown, shorter in SHORTER.items():
            block = block.replace(shown, shorter)
        if not needs_another_environment(page, block):
            exec(compile(block, page, "exec"), names)
    printed = capsys.readouterr().out
    assert all(expected in printed for expected in PAGES[page]), printed


def test_programs_and_make_targets_that_are_shown_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shown = 0
    for file in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        text = file.read_text(encoding="utf-8")
        for program, options in re.findall(r"^python (examples/\w+\.py)(.*)$", text, re.MULTILINE):
            source = (ROOT / program).read_text(encoding="utf-8")
            for option in re.findall(r"--([\w-]+)", options):
                assert f'"--{option}"' in source or f"{option.replace('-', '_')}: " in source, (program, option)
            shown += 1
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{file.name}: make {target}"
            shown += 1
    assert shown > 10


def test_the_class_of_the_page_about_benchmarks_has_what_it_needs():
    names = {"__name__": "page"}
    (block,) = blocks("docs/benchmark-own-algorithm.md")
    exec(block, names)
    problem = type("Problem", (), {"env_id": "RAM-CatchGame-v0"})()
    done = []
    algorithm = names["AlwaysLeft"](problem, {})
    algorithm.learn(100, done.append)
    action = algorithm.act({"location": [[0.0, 0.0]] * 3})
    assert done == [100] and action["move"].tolist() == [0, 0, 0] and action["fixation"].shape == (3, 2)
