"""Colours and text sizes of frames, and the import of pygame."""

from __future__ import annotations

import os
import warnings
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pygame

Colour = tuple[int, int, int]

LABEL_SIZE = 18
CAPTION_SIZE = 22
BANNER_SIZES = (56, 44, 36, 28, 22)  # the largest that fits is taken

BACKGROUND = (24, 26, 31)
BORDER = (66, 71, 82)
LABEL_COLOUR = (160, 167, 180)
CAPTION_COLOUR = (232, 235, 240)
PATH_COLOUR = (64, 196, 255)
HALO_COLOUR = (8, 10, 14)
SUCCESS_COLOUR = (98, 220, 140)
FAILURE_COLOUR = (255, 104, 104)
# From the finest level to the coarsest: bright to dull, so that the finest outline stands out.
LEVEL_COLOURS = ((255, 225, 80), (255, 164, 46), (244, 104, 62), (214, 64, 104), (160, 60, 140), (110, 62, 158))

# Grey scenes are drawn with a gamma: a white pixel averaged over a block of 4 x 4 is 16 of 255, which is hard to tell
# from black on a screen. Colour scenes are drawn as they are: photographs are made for screens.
GAMMA = 2.2
SEEN_BLACK = 44  # grey level of black next to fog, which is darker than everything that is seen
FOG_COLOUR = (9, 11, 24)
HATCH_COLOUR = (22, 27, 50)
HATCH_SPACING = 12

_BRIGHTENED = np.rint((np.arange(256) / 255) ** (1 / GAMMA) * 255).astype(np.uint8)


def import_pygame() -> ModuleType:
    """Import pygame without its greeting and return the module.

    Raises:
        gymnasium.error.DependencyNotInstalled: If pygame is missing.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it imports the deprecated pkg_resources where that exists
            import pygame
            import pygame.pkgdata
            import pygame.surfarray
    except ImportError as error:
        raise DependencyNotInstalled(
            "Rendering needs pygame, which is not installed: run `pip install pygame-ce`, or leave out render_mode."
        ) from error
    return pygame


def displayed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colours in which pixels are drawn.

    Args:
        pixels: uint8 (H, W), (H, W, 1) or (H, W, 3), linear if grey.

    Returns:
        uint8 (H, W, 1) with gamma for grey pixels; (H, W, 3) as they are for colour.
    """
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        return pixels
    return _BRIGHTENED[pixels.reshape(*pixels.shape[:2], 1)]


def level_colour(level: int) -> Colour:
    """Return the colour of a level of the glimpse; levels beyond the table share its last colour."""
    return LEVEL_COLOURS[min(level, len(LEVEL_COLOURS) - 1)]


def shortened(text: str, font: pygame.font.Font, width: int) -> str:
    """Return the text, with its end replaced by an ellipsis where it is wider than `width` pixels."""
    if font.size(text)[0] <= width:
        return text
    while text and font.size(text + "…")[0] > width:
        text = text[:-1]
    return text.rstrip() + "…"
