"""The logs of a run: ``metrics.csv`` and TensorBoard, and the means that a line of them consists of."""

from __future__ import annotations

import csv
import io
import math
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from agents.extras import require
from agents.files import set_aside, write_atomically
from agents.terminal import notice

require("agents", "torch", "tensorboard")

from torch.utils.tensorboard import SummaryWriter  # noqa: E402 (once it is there)

METRICS, TENSORBOARD = "metrics.csv", "tensorboard"
_FRAMES = "frames"
_NOT_SHOWN = ("iteration", _FRAMES, "time_s")  # columns that TensorBoard has as axes


class Means:
    """Means of statistics over the iterations since the last line of the log.

    They are running sums, so that a run can be stopped between two lines, continue from the sums in its checkpoint and
    log exactly the line that it would have logged without the stop.

    Args:
        state: What :meth:`state` returned; None to start from nothing.
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self._iterations: int = 0 if state is None else state["iterations"]
        self._sums: dict[str, float] = {} if state is None else dict(state["sums"])

    def add(self, names: Sequence[str], values: Sequence[float]) -> None:
        """Add the statistics of one iteration."""
        if list(names) != list(self._sums):  # the first iteration, or a checkpoint of a version with other statistics
            self._iterations, self._sums = 0, dict.fromkeys(names, 0.0)
        for name, value in zip(names, values, strict=True):
            self._sums[name] += value
        self._iterations += 1

    def means(self) -> dict[str, float]:
        """Return the means by name."""
        return {name: total / self._iterations for name, total in self._sums.items()}

    def take(self) -> dict[str, float]:
        """Return the means by name, and start from nothing."""
        means = self.means()
        self._iterations, self._sums = 0, {}
        return means

    def state(self) -> dict[str, Any] | None:
        """Return the sums as plain values: "iterations" and "sums" by name; None if there are none."""
        return {"iterations": self._iterations, "sums": dict(self._sums)} if self._iterations else None


class Logs:
    """The logs in a run's folder, open for writing.

    Lines that lie beyond the checkpoint are dropped first: a run that is resumed writes them again. A damaged
    ``metrics.csv`` is kept under another name, which is printed.

    Args:
        folder: The folder of the run.
        frames: Environment steps at the checkpoint.

    Raises:
        OSError: If a file cannot be written.
    """

    def __init__(self, folder: Path, frames: int) -> None:
        self._csv = folder / METRICS
        self._writer: SummaryWriter | None = None
        forget_after(self._csv, frames)
        try:
            str(folder).encode("utf-8")
        except UnicodeEncodeError:
            notice(f"no TensorBoard log in {ascii(str(folder))}: TensorBoard needs a path in UTF-8")
        else:
            self._writer = SummaryWriter(str(folder / TENSORBOARD), purge_step=frames)
        self._show_error = threading.excepthook
        threading.excepthook = self._show_other_errors

    def _show_other_errors(self, error: threading.ExceptHookArgs) -> None:
        """Leave out the traceback of TensorBoard's thread on a full disk: the next line raises its error."""
        ours = type(error.thread).__module__.startswith("tensorboard.") and isinstance(error.exc_value, OSError)
        if not ours:
            self._show_error(error)

    def append(self, line: Mapping[str, Any]) -> None:
        """Append a line to both logs.

        Args:
            line: Numbers by name, among them "frames".

        Raises:
            OSError: If that is not possible.
        """
        append_line(self._csv, line)
        if self._writer is not None:
            for name, value in line.items():
                if name not in _NOT_SHOWN:
                    self._writer.add_scalar(name if "/" in name else f"charts/{name}", value, line[_FRAMES])

    def flush(self) -> None:
        """Make sure that the lines of ``metrics.csv`` survive a power failure, as the checkpoint does.

        Raises:
            OSError: If that is not possible.
        """
        if self._csv.exists():
            with open(self._csv, "ab") as file:
                os.fsync(file.fileno())

    def close(self) -> None:
        """Write what TensorBoard still holds back."""
        if self._writer is not None:
            with suppress(OSError):  # the folder is gone or the disk full, which the run has noticed by itself
                self._writer.close()
        if threading.excepthook == self._show_other_errors:
            threading.excepthook = self._show_error


def append_line(path: Path, line: Mapping[str, Any]) -> None:
    """Append a line to a CSV file, after a header if the file is new.

    A file with other columns, of another version for instance, is set aside.

    Raises:
        OSError: If that is not possible.
    """
    header = list(line)
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n")
    found = _header(path)
    if found is not None and found != header:
        notice(f"{path} has other columns: kept as {set_aside(path).name}, and a new file begun")
        found = None
    if found is None:
        writer.writeheader()
    writer.writerow(line)
    with open(path, "a", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())


def forget_after(path: Path, frames: int) -> None:
    """Drop the lines of a metrics file that lie beyond a number of environment steps.

    The last line may be cut off, which happens when a process is killed. If anything else is damaged, a copy of the
    file is kept under another name, and the lines that are whole stay.

    Raises:
        OSError: If the file cannot be read or written.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    complete = data[: data.rfind(b"\n") + 1]
    header, lines, problem = _parse(complete or data)
    kept = [line for line, line_frames in lines if line_frames <= frames]
    new = "".join([header, *kept]).encode() if kept else b""
    if problem is not None:
        kept_as = set_aside(path, copy=True).name
        notice(f"{path} is damaged ({problem}): kept as {kept_as}, and continued with its {len(kept)} whole lines")
    if not kept:
        path.unlink()
    elif new != data:
        write_atomically(path, new)


def _parse(data: bytes) -> tuple[str, list[tuple[str, int]], str | None]:
    """Split a metrics file.

    Returns:
        The header; the lines that are whole, each with its environment steps; and what is wrong with the rest, None if
        nothing is.
    """
    try:
        header, *lines = data.decode("utf-8").split("\n")
        columns = next(csv.reader([header]), [])
    except (UnicodeDecodeError, csv.Error) as error:
        return "", [], f"it is not a table ({error})"
    if not data:
        return "", [], None
    if columns.count(_FRAMES) != 1 or len(set(columns)) < len(columns):
        return "", [], f"it has no header with the column {_FRAMES!r}"
    whole = [(f"{line}\n", frames) for line in lines[:-1] if (frames := _frames(line, columns)) is not None]
    damaged = len(lines[:-1]) - len(whole)
    return f"{header}\n", whole, f"{damaged} of its lines are damaged" if damaged else None


def _frames(line: str, columns: Sequence[str]) -> int | None:
    """Return the environment steps of a line; None if it is damaged."""
    try:
        row = next(csv.reader([line]), [])
        frames = int(row[columns.index(_FRAMES)])
        whole = len(row) == len(columns) and frames >= 0 and all(math.isfinite(float(value)) for value in row)
    except (ValueError, IndexError, csv.Error):
        return None
    return frames if whole else None


def _header(path: Path) -> list[str] | None:
    """Return the columns of a CSV file; None if it does not exist or is empty."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return next(csv.reader(file), None)
    except FileNotFoundError:
        return None
    except (UnicodeDecodeError, csv.Error):
        return []
