"""Fuzzing for some minutes: property tests with new random examples, hostile calls and corrupted files, in turn.

python -m tests.fuzz --minutes 30

Each round takes other random seeds. The first failure ends it with status 1. hypothesis prints the smallest example it
found and keeps it in .hypothesis/, where the next round or `make test` with RAM_FUZZ_PROFILE=fuzz finds it again.
Add it to the tests, as an @example or as a test of its own, together with the fix.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = 500
"""Examples of each property in a round; stories of environments are a fifth of that."""
CALLS = 50_000
CASES = 50


def main() -> int:
    """Fuzz until the time is up or something fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="time limit (default: %(default)g)")
    arguments = parser.parse_args()
    end = time.monotonic() + 60 * arguments.minutes
    chance, rounds = random.SystemRandom(), 0
    properties = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/properties").glob("test_*.py"))
    while True:
        pytest = [sys.executable, "-m", "pytest", "-q", "-x"]
        first = chance.randrange(10**9)
        parts: list[tuple[list[str], dict[str, str]]] = [
            *(
                ([*pytest, file], {"RAM_FUZZ_PROFILE": "fuzz", "RAM_FUZZ_EXAMPLES": str(EXAMPLES)})
                for file in properties
            ),
            ([sys.executable, "-m", "tests.hostile", "--calls", str(CALLS)], {}),
            (
                [*pytest, "tests/agents/test_fuzz.py"],
                {"RAM_FUZZ_FIRST": str(first), "RAM_FUZZ_CASES": str(first + CASES)},
            ),
        ]
        for command, variables in parts:
            left = end - time.monotonic()
            if left < 1:
                print(f"{arguments.minutes:g} minutes are over: {rounds} whole rounds, nothing failed")
                return 0
            print(" ".join([*(f"{name}={value}" for name, value in variables.items()), *command[1:]]), flush=True)
            try:
                status = subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, timeout=left).returncode
            except subprocess.TimeoutExpired:
                continue
            if status:
                return 1
        rounds += 1


if __name__ == "__main__":
    sys.exit(main())
