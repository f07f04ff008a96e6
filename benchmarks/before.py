"""Speed relative to an earlier commit, side by side on one core: `python benchmarks/before.py` (needs git, and MNIST).

The earlier version is unpacked into a temporary folder and imported by a second process. Both take turns, which are
timed in processor time. The default commit is the last one before the compiled kernels (version 0.1's environments).
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from elsewhere import Elsewhere, NotThere, use_one_core
from measure import check_mnist, figure, measure, ratio, write_json

from agents.pictures.markdown import markdown_table

COMMIT = "df8ec1d"
ROOT = Path(__file__).parents[1]
MNIST = "RAM-MNIST-v0"
RATES: dict[str, tuple[str, list[Any]]] = {
    "Catch, vector, 1,024 rows: steps/s": ("vector", ["RAM-CatchGame-v0", 1024]),
    "MNIST, vector, 1,024 rows: steps/s": ("vector", [MNIST, 1024]),
    "Cluttered 60x60, vector, 1,024 rows: steps/s": ("vector", ["RAM-ClutteredMNIST-v0", 1024]),
    "Cluttered 100x100, vector, 1,024 rows: steps/s": ("vector", ["RAM-ClutteredMNIST100-v0", 1024]),
    "Catch, single environment: steps/s": ("single", ["RAM-CatchGame-v0"]),
    "MNIST, single environment: steps/s": ("single", [MNIST]),
    "Catch, rgb_array: frames/s": ("rgb_frames", ["RAM-CatchGame-v0"]),
    "MNIST, rgb_array: frames/s": ("rgb_frames", [MNIST]),
    "scenes of 60x60: scenes/s": ("scenes", [60, 256]),
    "scenes of 800x800: scenes/s": ("scenes", [800, 64]),
    "scenes of 1600x1600: scenes/s": ("scenes", [1600, 16]),
    "MNIST, training: images/s": ("training", [MNIST, 1024, 40]),
    "Cluttered 60x60, training: images/s": ("training", ["RAM-ClutteredMNIST-v0", 1024, 20]),
    "scenes of 800x800, training: images/s": ("training", ["RAM-TranslatedMNIST-v0", 64, 40, 800]),
    "scenes of 1600x1600, training: images/s": ("training", ["RAM-TranslatedMNIST-v0", 64, 240, 1600]),
}
"""Contestants of both versions: function and arguments."""
COMMANDS: dict[str, list[str]] = {
    "`ram evaluate` of 10,000 MNIST images: processor seconds": ["-m", "agents.cli", "evaluate", f"pretrained:{MNIST}"],
    "`ram benchmark --help`: processor seconds": ["-m", "agents.cli", "benchmark", "--help"],
    "first reset of Catch in a new process: processor seconds": [
        "-c",
        "import gymnasium as gym; gym.make('ram_envs:RAM-CatchGame-v0').reset(seed=0)",
    ],
    "`import torch` alone, the same in both: processor seconds": ["-c", "import torch"],
}
"""Commands of both versions: arguments of Python."""


def unpack(commit: str, folder: Path) -> None:
    """Write the files of a commit into a folder.

    Raises:
        NotThere: If there is no git or no such commit.
    """
    try:
        done = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotThere(f"commit {commit} cannot be read: run this in a clone with its history ({error})") from error
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def compare(function: str, arguments: list[Any], earlier: Path, repeats: int, seconds: float) -> dict[str, Any]:
    """Return the rate now, the rate before, and the median ratio of the turns."""
    contestants = {
        name: Elsewhere(f"contestants:{function}", *arguments, path=path)
        for name, path in (("now", ROOT), ("before", earlier))
    }
    rates = measure(contestants, repeats, seconds, clock="processor")
    for contestant in contestants.values():
        contestant.close()
    times = ratio(rates["now"], rates["before"])
    if function == "command":
        rates = {name: [1 / each for each in values] for name, values in rates.items()}
    return {**{name: figure(values) for name, values in rates.items()}, "times before": times}


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter turns, for a first look")
    parser.add_argument("--commit", default=COMMIT, help="the earlier version")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/before.json"))
    options = parser.parse_args()
    check_mnist()
    use_one_core()
    repeats, seconds = (3, 0.2) if options.quick else (5, 1.0)
    contestants = {**RATES, **{name: ("command", arguments) for name, arguments in COMMANDS.items()}}
    found, missing = {}, {}
    with TemporaryDirectory() as folder:
        try:
            unpack(options.commit, Path(folder))
        except NotThere as error:
            sys.exit(str(error))
        for name, (function, arguments) in contestants.items():
            try:
                found[name] = compare(function, arguments, Path(folder), repeats, seconds)
            except NotThere as error:
                missing[name] = str(error)
                continue
            row = [[name, *found[name].values()]]
            print(markdown_table(["what", "now", f"at {options.commit}", "times as fast"], row), flush=True)
    for name, error in missing.items():
        print(f"missing: {name} ({error})")
    write_json(options.out, {"commit": options.commit, "found": found, "missing": missing})


if __name__ == "__main__":
    main()
