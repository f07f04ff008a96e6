"""Keyboard and mouse controls of `ram play`, derived from the answer and the sensor."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from agents.play.rules import REST_NAMES

if TYPE_CHECKING:
    import pygame

    from agents.play.rules import Rules
    from ram_envs.tasks import Answer, Task

ARROWS = ("left", "right", "up", "down")
OPPOSITES = {"left": "right", "right": "left", "up": "down", "down": "up"}
ZOOM_STEP = 0.1
"""Change of the third number of a location per notch of the mouse wheel, or per press of + or -."""


class AnswerKeys:
    """Maps keys to answers.

    Choices named after directions have the arrow keys. Choices named by numbers are typed as these numbers, all other
    choices as their indices. A number is complete when no further digit can follow, or with Return. The values of a
    Box, or of several choices, are typed with spaces between them and confirmed with Return. The choice to look on has
    no key: it is a click. Keys of the environment itself come first; combinations of them are possible.

    Args:
        pygame: The module.
        answer: The answer.
        own_keys: The keys of the environment itself: each combination of key codes and its choice.

    Attributes:
        typed: The characters typed so far.
    """

    def __init__(
        self, pygame: ModuleType, answer: Answer, own_keys: Mapping[frozenset[int], int] | None = None
    ) -> None:
        self.pygame, self.answer, self._own_keys = pygame, answer, own_keys or {}
        self._is_own_key = {code for codes in self._own_keys for code in codes}
        self._own_held: set[int] = set()
        self._own_tapped: set[int] = set()
        self.typed = ""
        arrows = {name: index for index, name in enumerate(answer.names) if answer.is_choice and name in ARROWS}
        self._arrows = {getattr(pygame, f"K_{name.upper()}"): index for name, index in arrows.items()}
        self._opposites = {arrows[name]: arrows.get(OPPOSITES[name]) for name in arrows}
        choices = [index for index in range(answer.size) if answer.is_choice and index != answer.look_on]
        named = all(answer.names[index].isdecimal() for index in choices)
        self._typed_choices = {answer.names[index] if named else str(index): index for index in choices}
        self._held: dict[int, int] = {}
        self._tapped: dict[int, int] = {}
        self._current = self._rest

    @property
    def _rest(self) -> Any:
        """The answer while no key is pressed in a game; None if there is none, which repeats the last answer."""
        answer = self.answer
        if not answer.is_choice:
            return None
        named = (answer.names.index(name) for name in REST_NAMES if name in answer.names)
        return next(named, answer.look_on)

    @property
    def arrows_only(self) -> bool:
        """Whether all choices have arrow keys, so that no digits are needed."""
        return len(self._arrows) + (self._rest is not None) == self.answer.size and bool(self._arrows)

    def handle(self, event: pygame.event.Event) -> Any | None:
        """Handle a key, and return the answer that it completes, int or float32 (n,); None if it completes none."""
        pygame = self.pygame
        if event.type == pygame.KEYUP:
            self._held.pop(event.key, None)
            self._own_held.discard(event.key)
        if event.type != pygame.KEYDOWN:
            return None
        if event.key in self._is_own_key:
            self._own_held.add(event.key)
            self._own_tapped.add(event.key)
            return self._own_choice(self._own_held)
        if event.key in self._arrows:
            self._held[event.key] = self._tapped[event.key] = self._arrows[event.key]
            return self._arrows[event.key]
        if event.key == pygame.K_BACKSPACE:
            self.typed = self.typed[:-1]
        elif event.key in (pygame.K_RETURN, pygame.K_KP_ENTER):
            return self._complete()
        elif self.answer.is_choice and event.unicode in tuple("0123456789") and not self.arrows_only:
            self.typed += event.unicode
            if not any(text.startswith(self.typed) and text != self.typed for text in self._typed_choices):
                return self._complete()
        elif not self.answer.is_choice and event.unicode in tuple("0123456789.,-e "):
            self.typed += event.unicode
        return None

    def _complete(self) -> Any | None:
        """Return the typed answer and clear the input.

        Returns:
            None if the input is not valid. Numbers then stay and can be corrected; a choice is cleared.
        """
        if self.answer.is_choice:
            completed: Any = self._typed_choices.get(self.typed)
        else:
            completed = _numbers(self.typed, self.answer.space)
        if completed is not None:
            self._current = completed
        if completed is not None or self.answer.is_choice:
            self.typed = ""
        return completed

    def pressed(self) -> Any:
        """Return the answer for the next step of a game, from the keys that are held or were tapped since the last one.

        Without a key it is the resting choice ("stay" or "look on"), or the last answer. Opposite arrows cancel.
        """
        own = self._own_choice(self._own_held | self._own_tapped)
        self._own_tapped = set()
        if own is not None:
            return own
        choices = list({**self._tapped, **self._held}.values())
        self._tapped = {}
        choices = [choice for choice in choices if self._opposites[choice] not in choices]
        if choices:
            if self._rest is None:
                self._current = choices[-1]
            return choices[-1]
        if self._current is None:
            self._current = 0 if self.answer.is_choice else _middle(self.answer.space)
        current = self._current
        if self._rest is not None:
            self._current = self._rest  # typed answers are used once
        return current

    def _own_choice(self, pressed: set[int]) -> int | None:
        """Return the choice of the largest combination of own keys that are pressed; None if there is none."""
        combinations = [codes for codes in self._own_keys if codes <= pressed]
        return self._own_keys[max(combinations, key=len)] if combinations else None

    def reset(self) -> None:
        """Clear typed and tapped keys at the start of an episode; held keys stay active."""
        self.typed, self._tapped, self._own_tapped, self._current = "", {}, set(), self._rest

    def help(self) -> str:
        """Return a short description of the keys; empty if there are none."""
        if not self.answer.is_choice:
            return f"number keys and Return: {self.answer.key}"
        if self._own_keys:
            names = {self.pygame.key.name(code) for code in self._is_own_key if code < 128}
            return f"arrow keys, {' '.join(sorted(names))}: {self.answer.key}"
        arrows = [name for name in self.answer.names if name in ARROWS]
        parts = [f"arrow keys: {' '.join(arrows)}"] if arrows else []
        texts = [] if self.arrows_only else list(self._typed_choices)
        if texts:  # a task may have no answer besides the gaze
            parts.append(f"{texts[0]}-{texts[-1]}: {self.answer.key}")
        return " · ".join(parts)

    def choices(self) -> tuple[str, ...]:
        """Return a line for each answer that says how to give it; empty if the names make that obvious."""
        names, space = self.answer.names, self.answer.space
        if isinstance(space, Box):
            bounds = zip(names, space.low, space.high, strict=True)
            return tuple(f"{name}: {low:g} to {high:g}" for name, low, high in bounds)
        plain = self.arrows_only or all(text == names[index] for text, index in self._typed_choices.items())
        return () if plain else tuple(f"{text}  {names[index]}" for text, index in self._typed_choices.items())


class Gaze:
    """The location that a person points at: x and y by the pointer, the third number by the wheel or + and -.

    Args:
        pygame: The module.
        rules: The rules of the environment, which have the sensor and the gaze control.
    """

    def __init__(self, pygame: ModuleType, rules: Rules | Task[Any]) -> None:
        self.pygame, self._control = pygame, rules.gaze_control
        self.zooms = rules.glimpse_sensor.gaze_size > 2
        self._zoom_keys = rules.answer.is_choice  # otherwise "-" is part of a number
        self._point: NDArray[np.float32] | None = None
        self._zoom: float | None = None

    def point(self, location: NDArray[np.float32]) -> None:
        """Set the position of the pointer, float32 (2,), (x, y) in [-1, 1]."""
        self._point = location

    def handle(self, event: pygame.event.Event, location: NDArray[np.float32]) -> None:
        """Handle the wheel, + and -: smaller values show more detail, larger values a wider area.

        Args:
            event: The event.
            location: float32 (gaze_size,), the current location.
        """
        pygame = self.pygame
        if not self.zooms:
            return
        notches = 0
        if event.type == pygame.MOUSEWHEEL:
            notches = event.y
        elif event.type == pygame.KEYDOWN and self._zoom_keys:
            notches = (event.unicode == "+" or event.key == pygame.K_KP_PLUS) - (
                event.unicode == "-" or event.key == pygame.K_KP_MINUS
            )
        zoom = float(location[2]) if self._zoom is None else self._zoom
        if notches:
            self._zoom = float(np.clip(zoom - ZOOM_STEP * notches, -1, 1))

    @property
    def moves(self) -> bool:
        """Whether the person has pointed or zoomed since the start."""
        return self._point is not None or self._zoom is not None

    def action(self, location: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the gaze part of the action: the location itself, or the move towards it.

        Args:
            location: float32 (gaze_size,), the current location; it does not change until the person has pointed.

        Returns:
            float32 (gaze_size,) in [-1, 1].
        """
        wanted = location.copy()
        if self._point is not None:
            wanted[:2] = self._point
        if self._zoom is not None:
            wanted[2] = self._zoom
        action: NDArray[np.float32] = self._control.towards(location[None], wanted[None])[0]
        return action

    def next_location(self, location: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the location after the action, float32 (gaze_size,)."""
        moved: NDArray[np.float32] = self._control.move(location[None], self.action(location)[None])[0]
        return moved

    def reset(self) -> None:
        """Reset the zoom at the start of an episode; the position of the pointer stays."""
        self._zoom = None

    def help(self, click: bool) -> str:
        """Return a short description of mouse and wheel."""
        zoom = " or + -" if self._zoom_keys else ""
        return ("click: look" if click else "mouse: look") + (f" · wheel{zoom}: zoom" if self.zooms else "")


def _numbers(text: str, space: Any) -> NDArray[Any] | None:
    """Return the typed numbers, (n,) with the dtype of the space; None if they are not an element of the space."""
    try:
        numbers = np.array([float(word) for word in text.replace(",", " ").split()])
    except ValueError:
        return None
    converted = numbers.astype(space.dtype)
    is_integer = converted.dtype.kind in "iu"
    if is_integer and not np.array_equal(converted, numbers):
        return None
    return converted if space.contains(converted) else None


def _middle(space: Any) -> NDArray[np.float32]:
    """Return the middle of a bounded Box, float32 (n,)."""
    middle: NDArray[np.float32] = ((space.low.astype(float) + space.high) / 2).astype(np.float32)
    return middle
