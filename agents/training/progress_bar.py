"""Shows how far a training is and its figure of merit: a bar on a terminal or in a notebook, lines in a file."""

from __future__ import annotations

import sys
import time
from typing import Any

LINE_SECONDS = 20.0
"""Time between two lines where the output is a file or a pipe."""
FIGURE_SECONDS = 3.0
"""The figure of merit is shown at least this often, even if the next line of the logs is further away."""


class ProgressBar:
    """The progress of one run, on standard error.

    Args:
        total: Environment steps of the whole run.
        done: Environment steps already done, in a resumed run.
        show: Whether to show anything.
    """

    def __init__(self, total: int, done: int = 0, show: bool = True) -> None:
        self._total, self._done, self._first = total, done, done
        self._text = ""
        self._started = self._figure_time = self._line_time = time.monotonic()
        self._bar: Any = None
        self._show = show
        if show and (sys.stderr.isatty() or _in_notebook()):
            from tqdm.auto import tqdm

            self._bar = tqdm(
                total=total, initial=done, unit=" frames", unit_scale=True, mininterval=0.2, dynamic_ncols=True
            )

    @property
    def due(self) -> bool:
        """Whether the figure of merit has not been shown for ``FIGURE_SECONDS``."""
        return self._show and time.monotonic() - self._figure_time >= FIGURE_SECONDS

    def advance(self, done: int) -> None:
        """Show how many environment steps are done."""
        self._done = done
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        elif self._show and time.monotonic() - self._line_time >= LINE_SECONDS:
            self._write_line()

    def show(self, figure: str) -> None:
        """Show the figure of merit, as in "success rate 97.50 %", from the next call of :meth:`advance` on."""
        self._text, self._figure_time = figure, time.monotonic()
        if self._bar is not None:
            self._bar.set_postfix_str(figure, refresh=False)

    def close(self) -> None:
        """Show the last state and stop."""
        if self._bar is not None:
            self._bar.close()
        elif self._show:
            self._write_line()

    def _write_line(self) -> None:
        self._line_time = time.monotonic()
        seconds = self._line_time - self._started
        speed = (self._done - self._first) / max(seconds, 1e-9)
        left = (self._total - self._done) / speed if speed else 0.0
        parts = [f"{self._done:,} of {self._total:,} frames ({self._done / self._total:.0%})", self._text]
        parts += [f"{speed:,.0f} frames/s", f"{left / 60:.0f} min left" if left >= 90 else f"{left:.0f} s left"]
        print(", ".join(filter(None, parts)), file=sys.stderr, flush=True)


def _in_notebook() -> bool:
    """Whether tqdm can draw its bar as a widget of a notebook."""
    if "ipykernel" not in sys.modules:
        return False
    from tqdm.auto import tqdm
    from tqdm.std import tqdm as terminal

    return not issubclass(terminal, tqdm)
