"""What happens to a training in the soak: kills, a full disk, a read-only folder."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from agents.ram.tensor_file import CheckpointError, read_metadata
from tests.soak.compare import differences
from tests.soak.launch import Ending, Launch

NETWORK = ["--core-size=8", "--glimpse-hidden=8", "--location-hidden=8", "--glimpse-features=8"]
COMMON = [*NETWORK, "--log-every=3", "--checkpoint-every=7", "--device=cpu", "--out=run"]
KINDS = {
    "hybrid": ["RAM-Digits-v0", *COMMON, "--num-envs=16", "--epochs=3", "--num-glimpses=3", "--split=train[:640]"],
    "game": [
        *("RAM-CatchGame-v0", *COMMON, "--num-envs=8", "--screen-size=6", "--patch-size=2", "--num-scales=2"),
        *("--frames=4800", "--minibatches=2", "--update-epochs=1"),
    ],
}
ITERATIONS = 120
"""Iterations of each."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
KILL_AFTER_S = {"fork": (0.0, 1.6), "process": (0.2, 8.0), "fork x 2": (0.0, 4.0), "torchrun": (0.5, 16.0)}
"""The seconds after which a launch is killed, on a machine where nothing else runs."""
DISK_BYTES = 2**20
MAX_KILLS = 25
MAX_FAULTS = 4


class Soak:
    """The state of a soak: its reference runs and what it has counted.

    Args:
        folder: Where everything goes.
        chance: Random numbers.
        out_of_time: Whether the soak is over.
    """

    def __init__(self, folder: Path, chance: random.Random, out_of_time: Callable[[], bool]) -> None:
        self._folder, self._chance, self._out_of_time = folder, chance, out_of_time
        self._whole: dict[tuple[str, int, int], Path] = {}
        self._number = 0
        self.kills: Counter[tuple[str, str, str]] = Counter()
        self.kills_at: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.runs: Counter[tuple[str, str]] = Counter()
        self.refusals: Counter[str] = Counter()
        self.ignored = 0
        self.problems: list[str] = []

    def whole(self, kind: str, seed: int, processes: int) -> Path:
        """Return the folder of a run that never stopped."""
        key = kind, seed, processes
        if key not in self._whole:
            place = self._place(f"whole-{kind}-{seed}-{processes}")
            ending = Launch("fork" if processes == 1 else "fork x 2", _train(kind, seed), place).wait()
            if not ending.complete:
                raise RuntimeError(f"a run that nobody disturbed failed: {ending}")
            self._whole[key] = place / "run"
        return self._whole[key]

    def killed(self, how: str, kind: str, seed: int) -> None:
        """Train, kill again and again, and resume until the run is complete."""
        whole = self.whole(kind, seed, 2 if how in ("fork x 2", "torchrun") else 1)
        place, story = self._place("killed"), f"killed, {how}, {kind}"
        kills_left = self._chance.randint(2, MAX_KILLS)
        for _ in range(MAX_KILLS + 1):
            if self._out_of_time():
                return
            launch = Launch(how, self._next(place, kind, seed), place)
            least, most = KILL_AFTER_S[how]
            end = time.monotonic() + self._chance.uniform(least, most)
            while launch.running() and time.monotonic() < end and kills_left:
                time.sleep(0.002)
            number = None
            if launch.running() and kills_left:
                number = self._chance.choice(SIGNALS)
                launch.send(number, self._chance)
                kills_left -= 1
                self.kills[how, kind, number.name] += 1
                self.kills_at[_phase(place / "run")] += 1
                if number != signal.SIGKILL and self._chance.random() < 0.2:  # an impatient user
                    time.sleep(self._chance.uniform(0, 0.05))
                    launch.send(number, self._chance)
            ending = self._ended(launch, story)
            if ending is None:
                return
            if ending.complete:
                self._compare(whole, place / "run", how, story)
                return
            self._judge(ending, number, story)
        self.problems.append(f"{story}: not complete after {MAX_KILLS} kills and an undisturbed attempt")

    def full_disk(self, kind: str, seed: int) -> None:
        """Train on a small file system that fills up and becomes free again."""
        whole, place, story = self.whole(kind, seed, 1), self._place("full"), f"full disk, {kind}"
        with _mounted(["-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)], place):
            self._disturbed(kind, seed, place, whole, story, lambda: _filled(place / "filler"))

    def read_only(self, kind: str, seed: int) -> None:
        """Train in a folder that becomes read-only and writable again."""
        whole, place, story = self.whole(kind, seed, 1), self._place("read-only"), f"read-only folder, {kind}"
        self._disturbed(kind, seed, place, whole, story, lambda: _read_only(place / "run"))

    def _disturbed(
        self,
        kind: str,
        seed: int,
        place: Path,
        whole: Path,
        story: str,
        fault: Callable[[], contextlib.AbstractContextManager[None]],
    ) -> None:
        faults_left = self._chance.randint(1, MAX_FAULTS)
        for _ in range(MAX_FAULTS + 1):
            if self._out_of_time():
                return
            launch = Launch("fork", self._next(place, kind, seed), place)
            end = time.monotonic() + self._chance.uniform(0.1, 1.6)
            while launch.running() and time.monotonic() < end and faults_left:
                time.sleep(0.002)
            if launch.running() and (place / "run").exists() and faults_left:
                faults_left -= 1
                self.faults[story] += 1
                with fault():
                    ending = self._ended(launch, story)
                    if ending is not None and not ending.complete:
                        self._refused(ending, story)
                        if self._chance.random() < 0.5:  # resumed before anybody has cleaned up
                            again = self._ended(Launch("fork", self._next(place, kind, seed), place), story)
                            if again is not None and not again.complete:
                                self._refused(again, f"{story}, resumed too early")
            else:
                ending = self._ended(launch, story)
            if ending is None:
                return
            if ending.complete:
                self._compare(whole, place / "run", "fork", story)
                return
        self.problems.append(f"{story}: not complete after {MAX_FAULTS} faults and an undisturbed attempt")

    def _next(self, place: Path, kind: str, seed: int) -> list[str]:
        """Return the command that a user gives next: a first start, or `--resume`."""
        has_checkpoint = (place / "run/checkpoint.safetensors").exists()
        return ["train", "--resume=run", "--device=cpu"] if has_checkpoint else _train(kind, seed)

    def _ended(self, launch: Launch, story: str) -> Ending | None:
        try:
            return launch.wait()
        except TimeoutError as error:
            self.problems.append(f"{story}: {error}")
            return None

    def _judge(self, ending: Ending, number: signal.Signals | None, story: str) -> None:
        """A command that was not killed has to be complete; one that was asked to end says what it has done."""
        if number is None:
            self.problems.append(f"{story}: failed by itself with {ending.statuses}: {ending.log[-500:]}")
        elif "Exception ignored on calling ctypes callback function" in ending.log:
            self.ignored += 1  # Python cannot raise through a callback of C, such as LLVM's: see docs/guarantees.md
        elif "Traceback" in ending.log and "agents/" in ending.log and "process of this training" not in ending.log:
            self.problems.append(f"{story}: a traceback after {number.name}: {ending.log[-1500:]}")

    def _refused(self, ending: Ending, story: str) -> None:
        """The command has ended with status 2 and one line that says why."""
        lines = [line for line in ending.log.splitlines() if line.startswith("ram train: ")]
        if ending.statuses == (2,) and len(lines) == 1 and "Traceback" not in ending.log:
            self.refusals[story] += 1
        else:
            self.problems.append(f"{story}: ended with {ending.statuses}: {ending.log[-1500:]}")

    def _compare(self, whole: Path, run: Path, how: str, story: str) -> None:
        found = differences(whole, run)
        self.problems += [f"{story}: {difference}" for difference in found]
        self.runs[story, "differs" if found else "equal"] += 1
        if not found:
            shutil.rmtree(run)

    def _place(self, name: str) -> Path:
        self._number += 1
        place = self._folder / f"{self._number}-{name}"
        place.mkdir(parents=True)
        return place


def can_mount() -> bool:
    """Whether this process may mount file systems, which two of the stories need."""
    return os.geteuid() == 0 and not subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode


def _phase(run: Path) -> str:
    """Return the phase of a run that has just been killed, from its checkpoint."""
    try:
        iteration = read_metadata(run / "checkpoint.safetensors")["progress"]["iteration"]
    except CheckpointError:
        return "before the first checkpoint"
    return "in training" if iteration < ITERATIONS else "while curve, animation and evaluation are made"


def _train(kind: str, seed: int) -> list[str]:
    return ["train", *KINDS[kind], f"--seed={seed}"]


@contextlib.contextmanager
def _mounted(arguments: list[str], place: Path) -> Iterator[None]:
    subprocess.run(["mount", *arguments], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextlib.contextmanager
def _filled(filler: Path) -> Iterator[None]:
    """Leave no free byte on a file system."""
    with open(filler, "wb", buffering=0) as file:
        for size in (2**16, 2**12, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Make a folder read-only, for root too, by a mount of itself over it."""
    with _mounted(["--bind", str(folder), str(folder)], folder):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
