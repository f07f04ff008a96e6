"""What a long computation prints: notices and a progress bar. A stderr that is closed or broken never ends the work."""

from __future__ import annotations

import sys
from contextlib import suppress

from tqdm import tqdm


def notice(message: str) -> None:
    """Print a line to stderr, if there is one."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # closed, or nobody reads it
            tqdm.write(message, file=sys.stderr)


class ProgressBar:
    """A bar of environment steps on stderr.

    Args:
        total: Environment steps of the whole run.
        initial: Environment steps that are already done.
        show: Whether to print anything.
    """

    def __init__(self, total: int, initial: int, show: bool) -> None:
        self._bar: tqdm[None] | None = None
        if not show or sys.stderr is None:
            return
        with suppress(OSError, ValueError):
            self._bar = tqdm(
                total=total,
                initial=initial,
                unit=" frames",
                unit_scale=True,
                mininterval=0.2 if sys.stderr.isatty() else 20.0,
                dynamic_ncols=True,
            )

    def update(self, done: int, text: str) -> None:
        """Show how many environment steps are done, and a text behind the bar."""
        if self._bar is None:
            return
        try:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(done - self._bar.n)
        except (OSError, ValueError):
            self._bar = None

    def close(self) -> None:
        """Print the final state."""
        if self._bar is not None:
            with suppress(OSError, ValueError):
                self._bar.close()
