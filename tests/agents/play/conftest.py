"""Every test of this folder runs without a display and leaves pygame as it found it."""

from collections.abc import Iterator

import pygame
import pytest


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.font.init()
    yield
    pygame.quit()
