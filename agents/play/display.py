"""Open the window of a command, or raise a one-line error if there is no display."""

from __future__ import annotations

from agents.errors import RAMError
from ram_envs.rendering import NoDisplay, View, layout, open_window


class DisplayError(RAMError, RuntimeError):
    """No window can be opened, because there is no display."""


def open_display(view: View, title: str, advice: str) -> None:
    """Open a window with the size of a view.

    Args:
        view: The first view to show.
        title: The text of the title bar.
        advice: The alternative that the error names if there is no display.

    Raises:
        DisplayError: If there is no display.
        gymnasium.error.DependencyNotInstalled: If pygame is missing.
    """
    places = layout(view)
    open_sized_display((places.width, places.height), title, advice)


def open_sized_display(size: tuple[int, int], title: str, advice: str) -> None:
    """Open a window of a size, (width, height) in pixels; see :func:`open_display`."""
    try:
        open_window(size, title)
    except NoDisplay as error:
        raise DisplayError(f"{error}: {advice}") from error
