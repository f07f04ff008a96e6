"""Surfaces and lines of text that are kept for the next frame.

The operating system clears fresh memory page by page: a surface of the size of a frame takes as long to get as to draw
on. Each thread keeps its own.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from ram_envs.rendering.style import Colour, import_pygame, shortened

if TYPE_CHECKING:
    import pygame

_KEPT = threading.local()


def scratch(name: str, size: tuple[int, int], transparent: bool = False) -> pygame.Surface:
    """Return a surface whose content does not matter, until the next call with this name.

    Args:
        name: Its purpose.
        size: Width and height in pixels.
        transparent: Whether pixels have an opacity, or else 32 bits of color.
    """
    pygame = import_pygame()
    kept = getattr(_KEPT, name, None)
    if kept is None or kept.get_width() < size[0] or kept.get_height() < size[1]:
        kept = pygame.Surface(size, pygame.SRCALPHA) if transparent else pygame.Surface(size, depth=32)
        setattr(_KEPT, name, kept)
    return kept.subsurface((0, 0), size)


@lru_cache(maxsize=512)
def line_of_text(text: str, size: int, colour: Colour, width: int | None = None) -> pygame.Surface:
    """Return one line of text on a surface, which must not be changed.

    Args:
        text: The text.
        size: Size of the font.
        colour: Colour of the text.
        width: The end of a text wider than this is replaced by an ellipsis; None for no limit.
    """
    pygame = import_pygame()
    pygame.font.init()  # another library may have quit it since the last text, so no font is kept
    font = pygame.font.Font(None, size)
    return font.render(text if width is None else shortened(text, font, width), True, colour)
