"""Draws the sidebar: a policy's probabilities of the answers at every glimpse and its value, or a list of choices."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ram_envs.rendering.layout import Box
from ram_envs.rendering.style import (
    BORDER,
    CAPTION_COLOUR,
    LABEL_COLOUR,
    LABEL_SIZE,
    PATH_COLOUR,
    shortened,
)
from ram_envs.rendering.view import Readout

if TYPE_CHECKING:
    import pygame

MAX_ROWS = 10  # of many answers the most probable ones are shown
TITLE_HEIGHT = 24
ROW_HEIGHTS = (24, 44)  # least and most; few answers get higher bars
CHOICE_HEIGHT = 20
MAX_COLUMNS = 3
NAME_WIDTH = 76
NUMBER_WIDTH = 44
VALUE_HEIGHT = 84  # the curve of the value, with its title
PAST_BAR_COLOUR = (58, 108, 138)


def draw_readout(pygame: ModuleType, frame: pygame.Surface, box: Box, readout: Readout) -> None:
    """Draw the readout.

    Args:
        pygame: The module, with its fonts initialized.
        frame: Where to draw.
        box: The place to fill.
        readout: What to draw.
    """
    left, top, width, height = box
    latest = readout.probabilities[-1]
    best, answers = int(np.argmax(latest)), _shown(latest)
    row_height = int(np.clip((height - TITLE_HEIGHT - VALUE_HEIGHT) // len(answers), *ROW_HEIGHTS))
    font = pygame.font.Font(None, LABEL_SIZE)
    frame.blit(font.render(f"P({readout.title}) at each glimpse", True, LABEL_COLOUR), (left, top))
    bars = pygame.Rect(left + NAME_WIDTH, top + TITLE_HEIGHT, width - NAME_WIDTH - NUMBER_WIDTH, row_height - 6)
    slots = _slots(bars.width, readout.num_glimpses)
    for answer in answers:
        colour = CAPTION_COLOUR if answer == best else LABEL_COLOUR
        middle = bars.centery
        name = font.render(shortened(readout.names[answer], font, NAME_WIDTH - 8), True, colour)
        frame.blit(name, (left, middle - name.get_height() // 2))
        number = font.render(f"{latest[answer]:.0%}", True, colour)
        frame.blit(number, (left + width - number.get_width(), middle - number.get_height() // 2))
        pygame.draw.line(frame, BORDER, bars.bottomleft, (bars.right - 1, bars.bottom))
        _draw_bars(pygame, frame, bars, slots, readout.probabilities[:, answer])
        bars = bars.move(0, row_height)
    if len(readout.values):
        title = font.render(f"value {readout.values[-1]:.2f}", True, LABEL_COLOUR)
        frame.blit(title, (left, bars.top + 12))
        curve = pygame.Rect(bars.left, bars.top + 8, bars.width, VALUE_HEIGHT - 8)
        _draw_curve(pygame, frame, curve, slots, readout.values)


def draw_choices(pygame: ModuleType, frame: pygame.Surface, box: Box, choices: tuple[str, ...]) -> None:
    """Draw lines of text, in as many columns as they need; what has no room is left out.

    Args:
        pygame: The module, with its fonts initialized.
        frame: Where to draw.
        box: The place to fill.
        choices: The lines.
    """
    left, top, width, height = box
    font = pygame.font.Font(None, LABEL_SIZE)
    rows = height // CHOICE_HEIGHT
    columns = min(-(-len(choices) // rows), MAX_COLUMNS)
    if len(choices) > rows * columns:
        choices = (*choices[: rows * columns - 1], "…")
    pitch = width // columns
    for index, choice in enumerate(choices):
        text = font.render(shortened(choice, font, pitch - 8), True, CAPTION_COLOUR)
        frame.blit(text, (left + index // rows * pitch, top + index % rows * CHOICE_HEIGHT))


def _shown(probabilities: NDArray[np.floating]) -> list[int]:
    """Return the answers to show, in the order of their numbers: all of them, or the most probable of many."""
    if len(probabilities) <= MAX_ROWS:
        return list(range(len(probabilities)))
    return sorted(np.argsort(-probabilities, kind="stable")[:MAX_ROWS].tolist())


def _slots(width: int, count: int) -> NDArray[np.integer]:
    """Return the edges of so many slots side by side, int (count + 1,), in pixels from the left."""
    return np.arange(count + 1) * width // count


def _draw_bars(
    pygame: ModuleType,
    frame: pygame.Surface,
    bars: pygame.Rect,
    slots: NDArray[np.integer],
    probabilities: NDArray[np.floating],
) -> None:
    """Draw one bar per glimpse, the latest one bright."""
    for glimpse, probability in enumerate(probabilities):
        height = round(float(np.clip(probability, 0, 1)) * bars.height)
        width = max(int(slots[glimpse + 1] - slots[glimpse]) - (1 if len(slots) > 40 else 2), 1)
        colour = PATH_COLOUR if glimpse == len(probabilities) - 1 else PAST_BAR_COLOUR
        pygame.draw.rect(frame, colour, (bars.left + int(slots[glimpse]), bars.bottom - height, width, height))


def _draw_curve(
    pygame: ModuleType,
    frame: pygame.Surface,
    box: pygame.Rect,
    slots: NDArray[np.integer],
    values: NDArray[np.floating],
) -> None:
    """Draw the values at the middle of each glimpse's slot, on an axis that shows at least 0 to 1."""
    low, high = min(0.0, float(values.min())), max(1.0, float(values.max()))
    heights = (np.asarray(values, dtype=float) - low) / (high - low) * (box.height - 5)
    zero = box.bottom - 3 - round(-low / (high - low) * (box.height - 5))
    pygame.draw.line(frame, BORDER, (box.left, zero), (box.right - 1, zero))
    centres = box.left + (slots[:-1] + slots[1:])[: len(values)] / 2
    points = np.stack([centres, box.bottom - 3 - heights], axis=1)
    if len(points) > 1:
        pygame.draw.aalines(frame, PAST_BAR_COLOUR, False, points.tolist())
    pygame.draw.circle(frame, PATH_COLOUR, points[-1].tolist(), 3)
