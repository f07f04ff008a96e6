"""Progress bars and messages on standard error. A closed or broken output never ends the computation."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import Any

LINE_SECONDS = 20.0
"""Time between two lines of progress where the output is a file or a pipe."""
FIGURE_SECONDS = 3.0
"""The figure of merit is shown at least this often, even if the next line of the logs is further away."""


def notice(message: str) -> None:
    """Print a line to standard error, if there is one, above a progress bar."""
    from tqdm import tqdm

    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # closed, or nobody reads it
            tqdm.write(message, file=sys.stderr)


class ProgressBar:
    """The progress of a run and its figure of merit: a bar on a terminal or in a notebook, lines in a file.

    Args:
        total: Environment steps of the whole run.
        initial: Environment steps that are already done.
        show: Whether to show anything.
    """

    def __init__(self, total: int, initial: int = 0, show: bool = True) -> None:
        self._total, self._initial, self._done = total, initial, initial
        self._figure = ""
        self._started = self._figure_time = self._line_time = time.monotonic()
        self._bar: Any = None
        self._show = show and sys.stderr is not None and not getattr(sys.stderr, "closed", False)
        if self._show and (_in_notebook() or sys.stderr.isatty()):
            from tqdm.auto import tqdm

            with suppress(OSError, ValueError):
                self._bar = tqdm(
                    total=total, initial=initial, unit=" frames", unit_scale=True, mininterval=0.2, dynamic_ncols=True
                )

    @property
    def due(self) -> bool:
        """Whether the figure of merit has not been shown for ``FIGURE_SECONDS``."""
        return self._show and time.monotonic() - self._figure_time >= FIGURE_SECONDS

    def advance(self, done: int) -> None:
        """Show how many environment steps are done."""
        self._done = done
        if self._bar is not None:
            with suppress(OSError, ValueError):
                self._bar.update(done - self._bar.n)
        elif self._show and time.monotonic() - self._line_time >= LINE_SECONDS:
            self._write_line()

    def show(self, figure: str) -> None:
        """Show the figure of merit, as in "success rate 97.50 %", from the next call of :meth:`advance` on."""
        self._figure, self._figure_time = figure, time.monotonic()
        if self._bar is not None:
            self._bar.set_postfix_str(figure, refresh=False)

    def close(self) -> None:
        """Show the final state."""
        if self._bar is not None:
            with suppress(OSError, ValueError):
                self._bar.close()
        elif self._show:
            self._write_line()

    def _write_line(self) -> None:
        self._line_time = time.monotonic()
        speed = (self._done - self._initial) / max(self._line_time - self._started, 1e-9)
        left = (self._total - self._done) / speed if speed else 0.0
        parts = [f"{self._done:,} of {self._total:,} frames ({self._done / self._total:.0%})", self._figure]
        parts += [f"{speed:,.0f} frames/s", f"{left / 60:.0f} min left" if left >= 90 else f"{left:.0f} s left"]
        with suppress(OSError, ValueError):
            print(", ".join(filter(None, parts)), file=sys.stderr, flush=True)


def _in_notebook() -> bool:
    """Whether tqdm draws its bar as a widget of a notebook."""
    if "ipykernel" not in sys.modules:
        return False
    from tqdm.auto import tqdm

    return any(base.__module__ == "tqdm.notebook" for base in tqdm.__mro__)
