"""A training run: how it starts, stops, is resumed, and when it writes its logs and checkpoints."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from agents.environments.world import ProcessGone
from agents.ram.checkpoint import FILE_NAME, save_checkpoint
from agents.ram.policy import RAMPolicy
from agents.terminal import ProgressBar
from agents.training.fast import distributed
from agents.training.folder import SETTINGS, RunFolder, TrainingError, check_new
from agents.training.metrics import METRICS, TENSORBOARD, Means
from agents.training.progress import Progress
from ram_envs.tasks import FigureOfMerit

__all__ = ["METRICS", "SETTINGS", "TENSORBOARD", "Plan", "Progress", "Run", "TrainingError", "check_new"]


Callback = Callable[[Progress, Mapping[str, float], RAMPolicy], object]
"""Called at every line of the logs with the progress, the metrics of the line (the columns of metrics.csv) and the
policy, which it must not change. If it returns False, the run stops after a checkpoint."""
CALLBACK = "callback"
"""``stopped_by`` of a run that its callback stopped."""


class Plan(NamedTuple):
    """The length of a run and its figure of merit.

    Attributes:
        iterations: Iterations of the whole run.
        frames_per_iteration: Environment steps of each.
        figure: The figure of merit, one of the statistics.
        log_every: Iterations between two lines of the logs.
        checkpoint_every: Iterations between two checkpoints.
        after_resume: How a resumed run differs from one that never stopped, for settings.json; empty if it does not.
    """

    iterations: int
    frames_per_iteration: int
    figure: FigureOfMerit
    log_every: int
    checkpoint_every: int
    after_resume: str = ""


class Run:
    """A run in its folder: a context manager around the training loop.

    The run locks its folder, so that no other process trains in it. Ctrl-C or SIGTERM stops the loop after the current
    iteration; a second one stops it at once. A loss that is not finite ends it with an error. In all cases the last
    good checkpoint stays. Of several processes only the first writes, and a signal to any of them stops all after the
    same iteration.

    Args:
        folder: Its folder; created if missing.
        policy: The policy to train.
        optimizer: The optimizer of its parameters.
        env_id: Id of the environment.
        env_settings: Arguments of the environment.
        training: The training settings, plain values.
        plan: The length of the run.
        progress: Where it starts: that of the checkpoint in the folder, or that of a new run.
        progress_bar: Whether to show a progress bar.
        callback: Called at every line of the logs, in the first process; see ``Callback``.

    Attributes:
        progress: How far the run has got.
        stopped_by: Name of the signal that stopped it early, or "callback". None if it is complete: once its last
            iteration is done, nothing stopped it early.
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
        callback: Callback | None = None,
    ) -> None:
        self.folder, self.policy, self.optimizer = folder, policy, optimizer
        self.env_id, self.env_settings, self.training = env_id, dict(env_settings), dict(training)
        self.plan, self.progress = plan, progress
        self.stopped_by: str | None = None
        self._callback = callback
        self._saved = progress.iteration
        self._show = progress_bar and distributed.first()
        self._signal = 0
        # Statistics of the iterations since the last transfer, (number of statistics,) each, still on the device.
        self._on_device: list[Tensor] = []
        self._names: list[str] = []
        self._means = Means(progress.pending)
        self._handlers: dict[int, Any] = {}
        self._files = RunFolder(folder)

    def __enter__(self) -> Run:
        self._check_progress()
        try:
            content = {"env_id": self.env_id, "seed": self.progress.seed, "training": self.training}
            if self.plan.after_resume:
                content["after_resume"] = self.plan.after_resume
            distributed.once(lambda: self._files.open(self.progress, content))
            self.save()
            distributed.once(lambda: self._files.open_logs(self.progress.frames))
        except BaseException:
            self._files.close()
            raise
        total = self.plan.iterations * self.plan.frames_per_iteration
        self._bar = ProgressBar(total, self.progress.frames, self._show)
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        self._started = time.perf_counter() - self.progress.time_s
        self._last_line = (self.progress.frames, self.progress.time_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        # A signal to all processes of a group ends those of an environment before this one has done its last iteration.
        process_gone = isinstance(error, ProcessGone)
        stopped = process_gone and bool(self._signal) and distributed.share()[1] == 1
        try:
            if stopped:
                self.save()
                self.stopped_by = signal.Signals(self._signal).name
        finally:
            self._restore_handlers()
            self._bar.close()
            self._files.close()
        if process_gone and not stopped:
            advice = f"`ram train --resume {self.folder}` continues the run from its last checkpoint"
            raise ProcessGone(f"{error}: {advice}") from error
        return stopped

    def iterations(self) -> Iterator[int]:
        """Yield the number of each iteration that is left; after each, write the logs and the checkpoint if due."""
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
            complete, stop = done == self.plan.iterations, False
            if done % self.plan.log_every == 0 or complete:
                stop = self._write_line()
            elif due:
                self._read_statistics()
                self._show_figure()
            if done % self.plan.checkpoint_every == 0 or complete or number or stop:
                self.save()
            if (number or stop) and not complete:
                self.stopped_by = signal.Signals(number).name if number else CALLBACK
                return

    def log(self, statistics: Mapping[str, Tensor]) -> None:
        """Note the statistics of an iteration, each float (); they stay on their device until a line is due."""
        self._names = list(statistics)
        self._on_device.append(torch.stack([value.detach().float() for value in statistics.values()]))

    def save(self) -> None:
        """Write a checkpoint, after a check that all statistics so far are finite.

        Raises:
            TrainingError: If they are not, or the folder is gone.
            CheckpointError: If the checkpoint cannot be written; the one before it is kept.
        """
        self._read_statistics()
        distributed.once(self._save)
        self._saved = self.progress.iteration

    def _check_progress(self) -> None:
        """Check that the run can start from its progress.

        Raises:
            TrainingError: If it cannot.
        """
        iteration, frames = self.progress.iteration, self.progress.frames
        if iteration > self.plan.iterations or frames != iteration * self.plan.frames_per_iteration:
            raise TrainingError(
                f"{self.folder} has a checkpoint of iteration {iteration:,} and environment step {frames:,}, but its "
                f"settings give {self.plan.iterations:,} iterations of {self.plan.frames_per_iteration:,} steps: it is "
                "damaged, or the dataset has changed; train again"
            )

    def _save(self) -> None:
        """Write the checkpoint, in the process that writes."""
        self._files.before_checkpoint(self._saved)
        self.write_checkpoint()

    def write_checkpoint(self) -> None:
        """Write the checkpoint; a subclass may write another kind."""
        save_checkpoint(
            self.folder / FILE_NAME,
            self.policy,
            self.env_id,
            self.env_settings,
            training=self.training,
            progress=self.progress._asdict(),
            optimizer=self.optimizer,
        )

    def _read_statistics(self) -> None:
        """Fetch the statistics of all processes from the device, all at once, and check that they are finite."""
        if self._on_device:
            rows = distributed.average(torch.stack(self._on_device)).tolist()
            self._on_device.clear()
            for number, row in enumerate(rows, self.progress.iteration - len(rows) + 1):
                for name, value in zip(self._names, row, strict=True):
                    if not math.isfinite(value):
                        raise TrainingError(
                            f"{name} is {value} at iteration {number} (frame "
                            f"{number * self.plan.frames_per_iteration:,}): training diverged; "
                            f"{self._files.last_checkpoint(self._saved)}. Train again with a lower learning_rate or "
                            "max_grad_norm"
                        )
                self._means.add(self._names, row)
        self.progress = self.progress._replace(pending=self._means.state())

    def _write_line(self) -> bool:
        """Write the means since the last line to the logs, show them, and return whether the callback stops the run."""
        self._read_statistics()
        self._show_figure()
        means = self._means.take()
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
        return distributed.once(lambda: self._report(line))

    def _report(self, line: Mapping[str, float]) -> bool:
        """Write a line of the logs and call the callback, in the process that writes."""
        self._files.append(line, self._saved)
        answer = None if self._callback is None else self._callback(self.progress, dict(line), self.policy)
        return isinstance(answer, (bool, np.bool_)) and not answer

    def _show_figure(self) -> None:
        """Show the mean figure of merit since the last line of the logs."""
        figure = self.plan.figure
        self._bar.show(f"{figure.label} {figure.write(self._means.means()[figure.name])}")

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Ask the loop to stop; a second signal does what it always does."""
        self._signal = number
        self._restore_handlers()

    def _restore_handlers(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
