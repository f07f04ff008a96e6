"""Opens the window of a command, or says in one line that there is no display and what to do."""

from __future__ import annotations

from agents.errors import RAMError
from ram_envs.rendering import NoDisplay, View, layout, open_window


class DisplayError(RAMError, RuntimeError):
    """No window can be opened."""


def open_display(view: View, title: str, advice: str) -> None:
    """Open a window of the size in which a view is drawn.

    Args:
        view: The first view to show.
        title: The text of the title bar.
        advice: What to do where there is no display.

    Raises:
        DisplayError: If there is no display.
        gymnasium.error.DependencyNotInstalled: If pygame is missing.
    """
    places = layout(view)
    try:
        open_window((places.width, places.height), title)
    except NoDisplay as error:
        raise DisplayError(f"{error}: {advice}") from error
