"""The folder of a training run: settings, metrics, logs and checkpoints, and how a run starts, stops and goes on.

| file | holds |
|---|---|
| settings.json | id, seed and settings, to read |
| metrics.csv | a line every `log_every` iterations |
| tensorboard/ | the same for TensorBoard: `charts/` and `losses/` |
| checkpoint.safetensors | the policy, and all that is needed to go on exactly |
| curve.png, animation.gif | made at the end |
"""

from __future__ import annotations

import csv
import io
import json
import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from agents.errors import RAMError
from agents.ram.checkpoint import FILE_NAME, save_checkpoint, write_atomically
from agents.ram.policy import RAMPolicy
from agents.terminal import ProgressBar
from agents.training.fast import distributed
from ram_envs.tasks import FigureOfMerit

SETTINGS, METRICS, TENSORBOARD = "settings.json", "metrics.csv", "tensorboard"


class TrainingError(RAMError, RuntimeError):
    """Training cannot start or go on; the message says why and what to do."""


class Progress(NamedTuple):
    """Where a run stands: with the settings, all that decides how it goes on.

    Attributes:
        seed: The run's seed.
        iteration: Iterations that are done.
        frames: Environment steps that are done.
        time_s: Seconds that they took.
    """

    seed: int
    iteration: int = 0
    frames: int = 0
    time_s: float = 0.0


class Plan(NamedTuple):
    """How long a run is and what it is judged by.

    Attributes:
        iterations: Iterations of the whole run.
        frames_per_iteration: Environment steps of each.
        figure: The figure of merit, one of the statistics.
        log_every: Iterations between two lines of the logs.
        checkpoint_every: Iterations between two checkpoints.
    """

    iterations: int
    frames_per_iteration: int
    figure: FigureOfMerit
    log_every: int
    checkpoint_every: int


def check_new(folder: Path) -> Path:
    """Check that a folder can take a new run, and return it; one that ended before its first checkpoint was none.

    Raises:
        TrainingError: If it holds a run.
    """
    if any((folder / name).exists() for name in (METRICS, FILE_NAME)):
        raise TrainingError(
            f"{folder} holds another run: go on with that one (`ram train --resume {folder}`), or choose another folder"
        )
    return folder


class Run:
    """A run in its folder: a context manager around the training loop.

    Ctrl-C or SIGTERM lets the loop end after the iteration in hand; a second one ends it at once. A loss that is not
    finite ends it with an error. Whatever happens, the last good checkpoint stays. Of several processes the first alone
    writes, and a signal to any of them ends all after the same iteration.

    Args:
        folder: Where it goes.
        policy: What is trained.
        optimizer: Of its parameters.
        env_id: Id of the environment.
        env_settings: Its arguments.
        training: The training's settings, plain values.
        plan: How long the run is.
        progress: Where it stands.
        progress_bar: Whether to show one.

    Attributes:
        progress: Where the run stands now.
        stopped_by: Name of the signal that stopped it early, or None. A run whose last iteration is done is complete.
    """

    def __init__(
        self,
        folder: Path,
        policy: RAMPolicy,
        optimizer: torch.optim.Optimizer,
        env_id: str,
        env_settings: Mapping[str, Any],
        training: Mapping[str, Any],
        plan: Plan,
        progress: Progress,
        progress_bar: bool = True,
    ) -> None:
        self.folder, self.policy, self.optimizer = folder, policy, optimizer
        self.env_id, self.env_settings, self.training = env_id, dict(env_settings), dict(training)
        self.plan, self.progress = plan, progress
        self.stopped_by: str | None = None
        self._saved = progress.iteration
        self._show = progress_bar and distributed.first()
        self._signal = 0
        # Statistics of the iterations since the last line of the logs, (number of statistics,) each: still on the
        # device, and read from there.
        self._on_device: list[Tensor] = []
        self._read: list[list[float]] = []
        self._names: list[str] = []
        self._handlers: dict[int, Any] = {}
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> Run:
        distributed.once(self._open_folder)
        self.save()
        if distributed.first():
            self._writer = SummaryWriter(str(self.folder / TENSORBOARD), purge_step=self.progress.frames)
        total = self.plan.iterations * self.plan.frames_per_iteration
        self._bar = ProgressBar(total, self.progress.frames, self._show)
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        self._started = time.perf_counter() - self.progress.time_s
        self._last_line = (self.progress.frames, self.progress.time_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore_handlers()
        self._bar.close()
        if self._writer is not None:
            self._writer.close()

    def iterations(self) -> Iterator[int]:
        """Yield the number of each iteration that is left; afterwards write what is due, and save before the end."""
        for iteration in range(self.progress.iteration, self.plan.iterations):
            yield iteration
            done = iteration + 1
            self.progress = self.progress._replace(
                iteration=done,
                frames=done * self.plan.frames_per_iteration,
                time_s=time.perf_counter() - self._started,
            )
            self._bar.advance(self.progress.frames)
            # One exchange for both: the last bit is whether the figure of merit is due in the first process's bar.
            number, due = divmod(distributed.largest(2 * self._signal + self._bar.due), 2)
            complete = done == self.plan.iterations
            if done % self.plan.log_every == 0 or complete or number:
                self._write_line()
            elif due:
                self._read_statistics()
                self._show_figure()
            if done % self.plan.checkpoint_every == 0 or complete or number:
                self.save()
            if number and not complete:
                self.stopped_by = signal.Signals(number).name
                return

    def log(self, statistics: Mapping[str, Tensor]) -> None:
        """Note the statistics of an iteration, each float (); they stay on their device until a line is due."""
        self._names = list(statistics)
        self._on_device.append(torch.stack([value.detach().float() for value in statistics.values()]))

    def save(self) -> None:
        """Write a checkpoint, once it is sure that everything was finite so far.

        Raises:
            TrainingError: If it was not.
            CheckpointError: If it cannot be written; the one before it is kept.
        """
        self._read_statistics()
        distributed.once(self._save)
        self._saved = self.progress.iteration

    def _open_folder(self) -> None:
        """Make the folder ready for what follows, in the process that writes."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            content = {"env_id": self.env_id, "seed": self.progress.seed, "training": self.training}
            write_atomically(self.folder / SETTINGS, (json.dumps(content, indent=2) + "\n").encode())
            forget_after(self.folder / METRICS, self.progress.frames)
        except OSError as error:
            raise TrainingError(f"{self.folder} cannot be written: {error.strerror or error}") from error

    def _save(self) -> None:
        save_checkpoint(
            self.folder,
            self.policy,
            self.env_id,
            self.env_settings,
            training=self.training,
            progress=self.progress._asdict(),
            optimizer=self.optimizer,
        )

    def _read_statistics(self) -> None:
        """Fetch the statistics of all processes from the device, all at once, and check that they are finite."""
        if not self._on_device:
            return
        rows = distributed.average(torch.stack(self._on_device)).tolist()
        first = self.progress.iteration - len(rows) + 1
        self._on_device.clear()
        for number, row in enumerate(rows, first):
            for name, value in zip(self._names, row, strict=True):
                if not math.isfinite(value):
                    raise TrainingError(
                        f"{name} is {value} at iteration {number} (frame {number * self.plan.frames_per_iteration:,}): "
                        f"training diverged. The checkpoint of iteration {self._saved} is kept in {self.folder}; train "
                        "again with a lower learning_rate or max_grad_norm"
                    )
        self._read += rows

    def _write_line(self) -> None:
        """Write the means since the last line to the logs, and show the progress."""
        self._read_statistics()
        means = self._show_figure()
        self._read.clear()
        frames, time_s = self.progress.frames, self.progress.time_s
        frames_per_second = (frames - self._last_line[0]) / max(time_s - self._last_line[1], 1e-9)
        self._last_line = (frames, time_s)
        line = {
            "iteration": self.progress.iteration,
            "frames": frames,
            "time_s": round(time_s, 3),
            "frames_per_second": round(frames_per_second, 1),
            **means,
        }
        distributed.once(lambda: self._append(line))

    def _show_figure(self) -> dict[str, float]:
        """Show the figure of merit, and return the means of all statistics since the last line of the logs."""
        columns = zip(*self._read, strict=True)
        means = {name: sum(column) / len(column) for name, column in zip(self._names, columns, strict=True)}
        figure = self.plan.figure
        self._bar.show(f"{figure.label} {figure.write(means[figure.name])}")
        return means

    def _append(self, line: Mapping[str, Any]) -> None:
        """Append a line to the logs."""
        assert self._writer is not None
        try:
            append_line(self.folder / METRICS, line)
            for name, value in line.items():
                if name not in ("iteration", "frames", "time_s"):
                    tag = name if "/" in name else f"charts/{name}"
                    self._writer.add_scalar(tag, value, line["frames"])
        except OSError as error:
            raise TrainingError(
                f"the logs in {self.folder} cannot be written: {error.strerror or error}; the checkpoint of iteration "
                f"{self._saved} is kept: resume from it"
            ) from error

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Ask the loop to end; a second signal does what it always does."""
        self._signal = number
        self._restore_handlers()

    def _restore_handlers(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}


def append_line(path: Path, line: Mapping[str, Any]) -> None:
    """Append a line to a CSV file, after a header if the file is new."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(line), lineterminator="\n")
    if not path.exists():
        writer.writeheader()
    writer.writerow(line)
    with open(path, "a", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())


def forget_after(path: Path, frames: int) -> None:
    """Drop the lines of a metrics file that lie beyond a number of frames: a run that goes on writes them again."""
    if not path.exists():
        return
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    header = rows[0] if rows else []
    column = header.index("frames") if "frames" in header else None
    kept = [row for row in rows[1:] if column is not None and len(row) == len(header) and int(row[column]) <= frames]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *kept] if kept else [])
    if kept:
        write_atomically(path, text.getvalue().encode())
    else:
        path.unlink()
