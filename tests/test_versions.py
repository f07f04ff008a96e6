"""The lower bounds in setup.cfg are the versions in constraints-lowest.txt, which the continuous tests install."""

import re
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"rllib", "hub", "tracking", "torchrl", "skrl", "export", "atari", "minigrid", "apgym", "docs"}
"""Extras with an environment of their own, on the versions in constraints-integrations.txt or constraints-docs.txt."""


def lower_bounds():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = config["options.extras_require"]
    texts = [config["options"]["install_requires"], *(extras[name] for name in extras if name not in ELSEWHERE)]
    return dict(re.findall(r"^([\w.-]+)>=([\d.]+)", "\n".join(texts), re.MULTILINE))


def test_every_lower_bound_is_the_version_that_is_tested():
    text = (ROOT / "constraints-lowest.txt").read_text(encoding="utf-8")
    tested = dict(re.findall(r"^([\w.-]+)==([\d.]+)$", text, re.MULTILINE))
    bounds = lower_bounds()
    assert len(bounds) > 20 and tested.keys() == bounds.keys()
    different = {name: (bound, tested[name]) for name, bound in bounds.items() if not _same(bound, tested[name])}
    assert not different


def _same(one, other):
    numbers = [[int(number) for number in version.split(".")] for version in (one, other)]
    length = max(map(len, numbers))
    padded = [version + [0] * (length - len(version)) for version in numbers]
    return padded[0] == padded[1]
