"""A person plays: the arrow keys steer, the mouse looks, and the scene stays hidden but for the glimpses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from agents.errors import RAMError
from ram_envs.arguments import check_number
from ram_envs.rendering import Renderer, View, hide_unseen, import_pygame, layout
from ram_envs.rendering.frame import BACKGROUND, LABEL_COLOUR
from ram_envs.rendering.layout import MARGIN

if TYPE_CHECKING:
    import pygame

HELP_HEIGHT = 34
HELP_SIZE = 18
FRAMES_PER_SECOND = 30
LONGEST_WAIT = 0.25  # seconds; a game that was held up, by a dragged window say, does not catch up


class DisplayError(RAMError, RuntimeError):
    """No window can be opened."""


class Score(NamedTuple):
    """What a person achieved.

    Attributes:
        successes: Episodes that ended well.
        episodes: Episodes that were played to their end.
    """

    successes: int
    episodes: int


def play(
    env_id: str,
    env_settings: Mapping[str, Any] | None = None,
    *,
    seed: int | None = None,
    hidden: bool = True,
    steps_per_second: float = 4.0,
) -> Score:
    """Open a window in which a person plays until they leave.

    Args:
        env_id: The environment.
        env_settings: Its arguments; the action and observation format do not matter to a person and are ignored.
        seed: Of the first episode; None for a random one.
        hidden: Whether the scene is hidden at first, so that the person sees what an agent sees.
        steps_per_second: The pace of a game. Classification waits for the person.

    Returns:
        The score when the person left.

    Raises:
        ValueError: If an argument is out of range or unknown to the environment.
        DependencyNotInstalled: If pygame is missing.
        DisplayError: If there is no display.
    """
    check_number("steps_per_second", steps_per_second, 0.1, 1000)
    pygame = import_pygame()
    formats = {"action_format": "dict", "observation_format": "dict"}
    env = gymnasium.make(env_id, render_mode=None, **{**(env_settings or {}), **formats})
    try:
        game_class = CatchGame if env.unwrapped.task.answer.key == "move" else ClassificationGame  # type: ignore[attr-defined]
        game = game_class(pygame, env, seed, hidden)
        _run(pygame, game, steps_per_second)
        return game.score
    finally:
        env.close()
        pygame.display.quit()


class Game(ABC):
    """One person's episodes: reacts to events and to time, and says what to show.

    Args:
        pygame: The module.
        env: The environment, with the action format "dict".
        seed: Of the first episode.
        hidden: Whether the scene is hidden.
    """

    help: str
    """What the keys do, for the line below the picture."""

    def __init__(self, pygame: ModuleType, env: gymnasium.Env[Any, Any], seed: int | None, hidden: bool) -> None:
        self.pygame, self.env, self.hidden = pygame, env, hidden
        self.source: Any = env.unwrapped
        self.score = Score(0, 0)
        self.left = False
        """Whether the person wants to leave."""
        self.begin(seed)

    def begin(self, seed: int | None = None) -> None:
        """Begin the next episode, or the first one of a seed; one that was not played to its end does not count."""
        self.observation, self.info = self.env.reset(seed=seed)
        self.steps, self.over = 0, False

    def handle(self, event: pygame.event.Event) -> None:
        """React to what the person does."""
        pygame = self.pygame
        if event.type == pygame.QUIT:
            self.left = True
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
            self.left = True
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_h:
            self.hidden = not self.hidden
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_r:
            self.begin()
        elif self.over:
            pressed = event.type == pygame.KEYDOWN and event.key in (pygame.K_SPACE, pygame.K_RETURN, pygame.K_KP_ENTER)
            if pressed or event.type == pygame.MOUSEBUTTONDOWN:
                self.begin()
        else:
            self.act(event)

    @abstractmethod
    def act(self, event: pygame.event.Event) -> None:
        """React to an event of a running episode."""

    @abstractmethod
    def tick(self) -> None:
        """Take the step that is due, if any; called `steps_per_second` times a second."""

    @abstractmethod
    def caption(self) -> str:
        """Return how the episode stands, without what only an evaluator may know."""

    def step(self, fixation: NDArray[np.float32], task_action: int) -> None:
        """Take a step and keep the score."""
        action = {"fixation": fixation, self.source.task.answer.key: task_action}
        self.observation, _, terminated, truncated, self.info = self.env.step(action)
        self.steps += 1
        if terminated or truncated:
            self.over = True
            self.score = Score(self.score.successes + bool(self.info["is_success"]), self.score.episodes + 1)

    def location_at(self, position: tuple[float, float]) -> NDArray[np.float32]:
        """Return the location, float32 (2,) in [-1, 1], that a position in the window stands for: the nearest one."""
        view = self.source.view()
        height, width = view.scene.shape[:2]
        column, row = layout(view).scene_point(position)
        return np.clip([column / width * 2 - 1, row / height * 2 - 1], -1, 1).astype(np.float32)

    def view(self) -> View:
        """Return what the person gets to see; at the end of an episode, all of it."""
        view: View = self.source.view()
        successes, episodes = self.score
        caption = f"{self.caption()} · score {successes} of {episodes}"
        return (hide_unseen(view) if self.hidden and not self.over else view)._replace(caption=caption)


class CatchGame(Game):
    """Catch, played at a steady pace."""

    help = "left, right: paddle · mouse: look · space: go · H: scene · R: restart · Esc: leave"
    pointed: NDArray[np.float32] | None = None
    """The location that the pointer is at, once it has moved."""

    def begin(self, seed: int | None = None) -> None:
        """Begin the next episode, which waits for the person."""
        super().begin(seed)
        self.running = False
        self.held: set[int] = set()
        self.tapped: set[int] = set()

    def act(self, event: pygame.event.Event) -> None:
        """Note the keys and the pointer."""
        pygame = self.pygame
        if event.type == pygame.KEYDOWN:
            self.running = True
            self.held.add(event.key)
            self.tapped.add(event.key)
        elif event.type == pygame.KEYUP:
            self.held.discard(event.key)
        elif event.type == pygame.MOUSEBUTTONDOWN:
            self.running = True
        if event.type in (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN):
            self.pointed = self.location_at(event.pos)

    def tick(self) -> None:
        """Move by the keys that are held, or were pressed since the last step, and look where the pointer is."""
        if not self.running or self.over:
            return
        keys = self.held | self.tapped
        self.tapped = set()
        move = 1 + (self.pygame.K_RIGHT in keys) - (self.pygame.K_LEFT in keys)
        self.step(self.observation["location"] if self.pointed is None else self.pointed, move)

    def caption(self) -> str:
        """Step and outcome."""
        if self.over:
            return "caught! space: next ball" if self.info["is_success"] else "missed. space: next ball"
        if not self.running:
            return "press a key to start"
        return f"step {self.steps} of {self.source.task.max_episode_steps}"


class ClassificationGame(Game):
    """Classification: a click looks, a number answers."""

    help = "click: look · number: answer · H: scene · R: restart · Esc: leave"

    def begin(self, seed: int | None = None) -> None:
        """Begin the next episode."""
        super().begin(seed)
        self.typed = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What the classes are called."""
        return self.source.task.data.class_names

    @property
    def glimpses_left(self) -> int:
        """How many more there are to take."""
        return self.source.task.num_glimpses - 1 - self.steps

    def act(self, event: pygame.event.Event) -> None:
        """Look where the person clicks; answer what they type."""
        pygame = self.pygame
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            if self.glimpses_left > 0:
                self.look(self.location_at(event.pos))
        elif event.type == pygame.KEYDOWN:
            digits = len(str(len(self.names) - 1))
            if event.key == pygame.K_BACKSPACE:
                self.typed = self.typed[:-1]
            elif event.key in (pygame.K_RETURN, pygame.K_KP_ENTER):
                self.answer()
            elif event.unicode in tuple("0123456789"):
                self.typed += event.unicode
                if len(self.typed) == digits:
                    self.answer()

    def tick(self) -> None:
        """Wait for the person."""

    def look(self, fixation: NDArray[np.float32]) -> None:
        """Take a further glimpse: by the action "look on", or where there is none, by a class that does not count."""
        self.step(fixation, self.source.task.answer.size - 1)

    def answer(self) -> None:
        """Name the class that was typed; where an episode has a fixed length, the glimpses that are left are wasted."""
        label, self.typed = self.typed, ""
        if not label or int(label) >= len(self.names):
            return
        while not self.over:
            self.step(self.observation["location"], int(label))

    def caption(self) -> str:
        """Glimpses left, what there is to answer, and at the end the outcome."""
        if self.over:
            guess, truth = self.names[self.info["prediction"]], self.names[self.info["label"]]
            verdict = f"{guess} is right" if self.info["is_success"] else f"{guess}? It is {truth}"
            return f"{verdict}. space: next"
        names = "" if all(name == str(label) for label, name in enumerate(self.names)) else self._choices()
        question = f"answer {self.typed}_ of 0 to {len(self.names) - 1}" if self.typed or not self.glimpses_left else ""
        looks = f"glimpses left: {self.glimpses_left}"
        return " · ".join(part for part in (looks, question, names) if part)

    def _choices(self) -> str:
        return ", ".join(f"{label} {name}" for label, name in enumerate(self.names))


def _run(pygame: ModuleType, game: Game, steps_per_second: float) -> None:
    """Show the game and pass on events and time until the person leaves."""
    places = layout(game.view())
    try:
        pygame.display.init()
        window = pygame.display.set_mode((places.width, places.height + HELP_HEIGHT))
    except pygame.error as error:
        raise DisplayError(f"no window can be opened ({error}): playing needs a display") from error
    pygame.display.set_caption(game.env.spec.id if game.env.spec else "ram play")
    renderer, clock = Renderer(), pygame.time.Clock()
    due = 0.0  # seconds that have passed since the last step
    while not game.left:
        for event in pygame.event.get():
            game.handle(event)
        due += min(clock.tick(FRAMES_PER_SECOND) / 1000, LONGEST_WAIT)
        while due >= 1 / steps_per_second:
            due -= 1 / steps_per_second
            game.tick()
        _show(pygame, window, renderer.draw(game.view()), game.help)


def _show(pygame: ModuleType, window: pygame.Surface, frame: NDArray[np.uint8], help: str) -> None:
    """Put a frame, uint8 (height, width, 3), and the line of help into the window."""
    height, width, _ = frame.shape
    window.fill(BACKGROUND)
    window.blit(pygame.image.frombuffer(frame.tobytes(), (width, height), "RGB"), (0, 0))
    pygame.font.init()
    text = pygame.font.Font(None, HELP_SIZE).render(help, True, LABEL_COLOUR)
    window.blit(text, (MARGIN, height))
    pygame.display.flip()
