"""The soak: trainings that are killed at random moments and resumed must equal one that never stopped, bit for bit.

python -m tests.soak --minutes 10 [--kills 500] [--stories torchrun "full disk"] [--out docs/results/soak.json]

Trainings of both kinds (supervised and game) are started in the four ways of tests/soak/launch.py, killed with SIGTERM,
SIGINT and SIGKILL, and resumed until they are complete. Then weights, optimizer state, settings, metrics, curve and
animation are compared. Two more stories: a small file system that fills up during training and becomes free again, and
a folder that becomes read-only and writable again. They mount file systems: the soak runs in a mount namespace of its
own, for which a user who is not root needs unprivileged user namespaces (`unshare -Urm`). Where neither works, these
two stories are left out, and the report says so.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.soak.launch import LAUNCHES, import_everything
from tests.soak.stories import KINDS, Soak, can_mount

_NAMESPACE = "RAM_SOAK_NAMESPACE"
WEIGHTS = {"fork": 8, "process": 2, "fork x 2": 3, "torchrun": 1, "full disk": 1, "read-only": 1}
"""How often each story is told."""


def main() -> int:
    """Run the soak, print its report and return 1 if anything differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="time limit (default: %(default)g)")
    parser.add_argument("--kills", type=int, default=10**9, help="end after so many kills")
    parser.add_argument("--seed", type=int, default=None, help="random seed of the kills; by default a new one")
    parser.add_argument("--stories", nargs="+", choices=WEIGHTS, default=[*WEIGHTS], help="by default all")
    parser.add_argument("--out", type=Path, help="write the report to this JSON file")
    arguments = parser.parse_args()
    _own_namespace()
    seed = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    os.environ.update(OMP_NUM_THREADS="1", SDL_VIDEODRIVER="dummy", PYTHONPATH=os.getcwd())
    import_everything()
    start = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="ram-soak-"))
    chance = random.Random(seed)

    def over() -> bool:
        return time.monotonic() - start > 60 * arguments.minutes or soak.kills.total() >= arguments.kills

    soak, mounts = Soak(folder, chance, over), can_mount()
    possible = [story for story in arguments.stories if mounts or story in LAUNCHES]
    stories = [story for story in possible for _ in range(WEIGHTS[story])]
    while not over() and len(soak.problems) < 20:
        story, kind, run_seed = chance.choice(stories), chance.choice(list(KINDS)), chance.randrange(3)
        if story == "full disk":
            soak.full_disk(kind, run_seed)
        elif story == "read-only":
            soak.read_only(kind, run_seed)
        else:
            soak.killed(story, kind, run_seed)
        minutes = (time.monotonic() - start) / 60
        counts = f"{soak.kills.total():5} kills  {soak.runs.total():4} runs"
        print(f"{minutes:6.1f} min  {counts}  {story}, {kind}", flush=True)
    report = _report(soak, seed, (time.monotonic() - start) / 60, mounts)
    text = json.dumps(report, indent=2) + "\n"
    print(text)
    if arguments.out is not None:
        arguments.out.write_text(text)
    if soak.problems:
        print(f"what is left of the runs: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _report(soak: Soak, seed: int, minutes: float, mounts: bool) -> dict[str, Any]:
    from agents.experiments.machine import hardware, versions

    signals, launches, kinds = Counter[str](), Counter[str](), Counter[str]()
    for (how, kind, name), count in soak.kills.items():
        signals[name] += count
        launches[how] += count
        kinds[kind] += count
    equal, differ = Counter[str](), Counter[str]()
    for (story, outcome), count in soak.runs.items():
        (equal if outcome == "equal" else differ)[story] += count
    return {
        "kills": soak.kills.total(),
        "kills_by_signal": dict(sorted(signals.items())),
        "kills_by_launch": {how: launches[how] for how in LAUNCHES},
        "kills_by_kind": dict(sorted(kinds.items())),
        "kills_by_phase": dict(sorted(soak.kills_at.items())),
        "runs_equal": equal.total(),
        "runs_equal_by_story": dict(sorted(equal.items())),
        "runs_that_differ": differ.total(),
        "faults": dict(sorted(soak.faults.items())),
        "faults_refused_in_one_line": dict(sorted(soak.refusals.items())),
        "signals_that_python_ignored": soak.ignored,
        "mounts": mounts,
        "problems": soak.problems,
        "minutes": round(minutes, 1),
        "seed": seed,
        "date": time.strftime("%Y-%m-%d"),
        "hardware": hardware(),
        "versions": versions(),
    }


def _own_namespace() -> None:
    """Go on in a mount namespace of our own, if that is possible: mounts end with it, whatever happens."""
    if os.environ.get(_NAMESPACE) or shutil.which("unshare") is None:
        return
    options = ["-m"] if os.geteuid() == 0 else ["-Urm"]
    if subprocess.run(["unshare", *options, "true"], capture_output=True).returncode:
        return
    os.environ[_NAMESPACE] = "1"
    os.execvp("unshare", ["unshare", *options, sys.executable, "-m", "tests.soak", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
