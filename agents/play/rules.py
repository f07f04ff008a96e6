"""What playing needs to know of an environment: of a task, or of any environment seen through glimpses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from numpy.typing import NDArray

from agents.errors import RAMError
from ram_envs.envs.actions import FIXATION
from ram_envs.rendering import View
from ram_envs.tasks.figure import EPISODE_RETURN, FigureOfMerit
from ram_envs.wrappers import Glimpse

if TYPE_CHECKING:
    from ram_envs.envs.single import GlimpseEnv
    from ram_envs.sensors import Sensor
    from ram_envs.sensors.gaze import GazeControl
    from ram_envs.tasks import Answer

REST_NAMES = ("stay", "none", "noop", "wait")
"""Names of the choice that a game takes while no key is pressed."""


class Rules(Protocol):
    """The rules and the present state of an environment, as playing needs them.

    Attributes:
        source: The environment whose ``view()`` is shown.
        answer: The part of an action that is not the gaze.
        glimpse_sensor: The sensor.
        gaze_control: Translates the gaze part of an action to the next location.
        figure: The figure of merit of the score.
        scene_size: Height and width of the scene.
        last_step: The maximum number of steps per episode; None if it is not known.
        real_time: Whether steps are taken at a fixed speed; otherwise the person decides when.
        keys: The environment's own keys: each combination of pygame key codes and its choice.
    """

    source: Any
    answer: Answer
    glimpse_sensor: Sensor
    gaze_control: GazeControl
    figure: FigureOfMerit
    scene_size: tuple[int, int]
    last_step: int | None
    real_time: bool
    keys: Mapping[frozenset[int], int]

    @property
    def location(self) -> NDArray[np.float32]:
        """Where the sensor looks, float32 (gaze_size,)."""

    @property
    def target(self) -> Any | None:
        """The correct answer at present; None if there is none."""

    @property
    def answer_counts(self) -> bool:
        """Whether the answer of the next action counts."""

    def action(self, gaze: NDArray[np.float32], answer: Any) -> dict[str, Any]:
        """Return an action in the dict format."""

    def result_caption(self, steps: int, episode_return: float) -> str:
        """Return the caption at the end of an episode."""

    def view(self) -> View:
        """Return what a rendering shows."""


class TaskRules:
    """The rules of a task; see :class:`Rules`."""

    keys: Mapping[frozenset[int], int] = {}

    def __init__(self, source: GlimpseEnv) -> None:
        self.source, self.task = source, source.task
        self.answer, self.figure = self.task.answer, self.task.figure
        self.glimpse_sensor, self.gaze_control = self.task.glimpse_sensor, self.task.gaze_control
        self.scene_size = self.task.scene_shape[:2]
        self.last_step: int | None = self.task.max_episode_steps
        self.real_time = self.target is None

    @property
    def location(self) -> NDArray[np.float32]:
        """Where the sensor looks, float32 (gaze_size,)."""
        location: NDArray[np.float32] = self.source.state.location[0]
        return location

    @property
    def target(self) -> Any | None:
        """The correct answer at present; None if there is none."""
        target = self.task.target(self.source.state)
        return None if target is None else target[0]

    @property
    def answer_counts(self) -> bool:
        """Whether the answer of the next action counts."""
        return bool(self.task.answer_counts(self.source.state)[0])

    def action(self, gaze: NDArray[np.float32], answer: Any) -> dict[str, Any]:
        """Return an action in the dict format."""
        return {FIXATION: gaze, self.answer.key: answer}

    def result_caption(self, steps: int, episode_return: float) -> str:
        """Return the caption of the task."""
        return self.task.caption(self.source.state, 0)

    def view(self) -> View:
        """Return what a rendering shows."""
        return self.source.view()


class WrappedRules:
    """The rules of an environment that is seen through glimpses; see :class:`Rules`.

    It runs in real time if one of its choices is to do nothing; otherwise it waits for the person.
    """

    target = None
    answer_counts = True
    figure = EPISODE_RETURN
    last_step: int | None = None

    def __init__(self, source: Glimpse, pygame: Any) -> None:
        self.source, self.answer = source, source.answer
        self.glimpse_sensor, self.gaze_control = source.glimpse_sensor, source.gaze_control
        self.scene_size = self.glimpse_sensor.height, self.glimpse_sensor.width
        space: Any = self.answer.space
        if not isinstance(space, (Discrete, MultiDiscrete, Box)) or len(space.shape or ()) > 1:
            raise RAMError(f"the action space {space} cannot be played: expected Discrete, MultiDiscrete or Box(n,)")
        self._start = int(getattr(space, "start", 0)) if self.answer.is_choice else 0
        self.keys = _own_keys(source, pygame, self._start)
        self.real_time = self.answer.is_choice and any(name in REST_NAMES for name in self.answer.names)

    @property
    def location(self) -> NDArray[np.float32]:
        """Where the sensor looks, float32 (gaze_size,)."""
        return self.source.gaze

    def action(self, gaze: NDArray[np.float32], answer: Any) -> dict[str, Any]:
        """Return an action in the dict format; choices are counted from 0, the inner action may begin elsewhere."""
        return {FIXATION: gaze, self.answer.key: answer + self._start if self.answer.is_choice else answer}

    def result_caption(self, steps: int, episode_return: float) -> str:
        """Return the length and the return of the episode."""
        return f"{steps} steps, return {episode_return:g}"

    def view(self) -> View:
        """Return what a rendering shows."""
        return self.source.view()


def rules_of(env: gymnasium.Env[Any, Any], pygame: Any) -> Rules:
    """Return the rules of an environment that was reset.

    Raises:
        RAMError: If its actions cannot be played.
    """
    layer: Any = env
    while isinstance(layer, gymnasium.Wrapper):
        if isinstance(layer, Glimpse):
            return cast(Rules, WrappedRules(layer, pygame))
        layer = layer.env
    return cast(Rules, TaskRules(layer))


def _own_keys(source: Glimpse, pygame: Any, start: int) -> dict[frozenset[int], int]:
    """Return the keys of the inner environment; where it uses W, A, S and D, the arrow keys do the same."""
    if not source.answer.is_choice or not source.env.has_wrapper_attr("get_keys_to_action"):
        return {}
    letters = {"w": pygame.K_UP, "a": pygame.K_LEFT, "s": pygame.K_DOWN, "d": pygame.K_RIGHT}
    arrows = {ord(letter): arrow for letter, arrow in letters.items()}
    keys: dict[frozenset[int], int] = {}
    for pressed, action in source.env.get_wrapper_attr("get_keys_to_action")().items():
        codes = [ord(key) if isinstance(key, str) else int(key) for key in pressed]
        if codes:
            keys[frozenset(codes)] = int(action) - start
            keys.setdefault(frozenset(arrows.get(code, code) for code in codes), int(action) - start)
    return keys
