"""The single environment: the interface of ``gymnasium.make``."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from ram_envs.arguments import check_choice
from ram_envs.arrays import Array
from ram_envs.envs.actions import make_action_format
from ram_envs.envs.drawing import picture, view_row
from ram_envs.envs.episodes import Episodes
from ram_envs.envs.observations import ObservationFormat, take_row
from ram_envs.envs.options import check_seed, first_seed, one_index, read_options
from ram_envs.rendering import Renderer, View, draw_text
from ram_envs.tasks import Observation, Task, construct_task


class GlimpseEnv(gym.Env[Any, Any]):
    """A task as a Gymnasium environment.

    ``help(env.unwrapped)`` shows the documentation of the task.

    Args:
        task: A short name ("catch", "classification"), "module:Class" or a :class:`ram_envs.tasks.Task` class; its
            class documents the rules.
        render_mode: None, "human" (a window), "rgb_array" or "ansi".
        action_format: "box", "dict", "multidiscrete" or "discrete"; see :mod:`ram_envs.envs.actions`.
        observation_format: "dict", "flat" or "image"; see :mod:`ram_envs.envs.observations`.
        grid_size: Cells per side of the grid of fixations in the two discrete action formats.
        **settings: The arguments of the task.

    Raises:
        UnknownArgument: If the task has no such argument.
        InvalidArgument: If an argument has a value that it cannot take.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["human", "rgb_array", "ansi"], "render_fps": 8}  # type: ignore[misc]

    def __init__(
        self,
        task: str | type[Task[Any]],
        render_mode: str | None = None,
        action_format: str = "box",
        observation_format: str = "dict",
        grid_size: int = 5,
        **settings: Any,
    ) -> None:
        if render_mode is not None:
            check_choice("render_mode", render_mode, self.metadata["render_modes"])
        self.render_mode = render_mode
        self.task = construct_task(task, settings)
        self.__doc__ = type(self.task).__doc__
        self._observations = ObservationFormat(observation_format, self.task)
        self.observation_space = self._observations.space
        self._actions = make_action_format(action_format, self.task, grid_size)
        self.action_space = self._actions.space
        self._episodes = Episodes(self.task, 1, np.empty(0), AutoresetMode.DISABLED, actions=self._actions)
        self._over = True
        self._path: list[bytes] = []  # locations, in the form that is fastest to keep
        self._renderer: Renderer | None = None

    @property
    def scene(self) -> NDArray[np.uint8]:
        """The hidden scene, uint8 (H, W) or (H, W, 3): for oracles, renderings and tests, not for the agent.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        return picture(np.asarray(self.task.scene(self.state)))[0]

    @property
    def state(self) -> Any:
        """The hidden state of the task, a NamedTuple of arrays with one row: for oracles and tests, not for the agent.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        if not self._episodes.begun:
            raise ResetNeeded("there is nothing to see before reset()")
        return self._episodes.state

    @property
    def window_closed(self) -> bool:
        """Whether the user has closed the window of render mode "human"."""
        return self._renderer is not None and self._renderer.window_closed

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: Random seed. It determines this episode and all later ones. None starts the next episode of the
                current seed.
            options: ``{"image_index": int}`` chooses the image, in tasks that show images.

        Returns:
            The first observation and the info.

        Raises:
            InvalidArgument: If the seed or an option is not valid. The environment is unchanged then.
        """
        if seed is not None:
            seed = check_seed(seed)
        image_index = read_options(options, ("image_index",))["image_index"]
        first = seed
        if seed is None and not self._episodes.begun:
            first = first_seed(self)
        self._episodes.begin(first, image_index=one_index(image_index))
        super().reset(seed=seed)  # once nothing can be refused any more
        self._over = False
        self._path = []
        observation, info = self._episodes.observe()
        return self._shown(observation), self._one(info)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take one step.

        Args:
            action: An element of ``action_space``. A fixation outside [-1, 1] is clipped.

        Raises:
            InvalidAction: If the action has a wrong shape or dtype, a NaN, or a choice that does not exist. The
                environment is unchanged then.
            ResetNeeded: If no episode is running.
        """
        if self._over:
            raise ResetNeeded(
                "step() was called before reset()"
                if not self._episodes.begun
                else "step() was called after the episode's end: call reset()"
            )
        reader = self._episodes.reader
        read: Any = None if reader is None else reader.read_single(action)
        if read is None:
            read = self._actions.decode(self._actions.check_single(action))
        outcome = self._episodes.step(*read)
        self._over = bool(outcome.terminated[0])
        shown = self._shown(outcome.observation)
        return shown, float(outcome.reward[0]), self._over, False, self._one(outcome.info)

    def view(self) -> View:
        """Return what :meth:`render` draws: the scene, the gaze and the glimpse.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        return view_row(self.task, self.state, 0, [np.frombuffer(location, np.float32) for location in self._path])

    def render(self) -> Any:
        """Draw the current state: uint8 (height, width, 3) for "rgb_array", a string for "ansi", None for "human"."""
        if self.render_mode is None:
            gym.logger.warn('render() was called without a render_mode: pass render_mode="rgb_array" to gym.make')
            return None
        if self.render_mode == "ansi":
            return draw_text(self.view())
        if self._renderer is None:
            self._renderer = Renderer()
        if self.render_mode == "rgb_array":
            return self._renderer.draw(self.view())
        self._renderer.show(self.view(), self.metadata["render_fps"])
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def get_keys_to_action(self) -> dict[tuple[int, ...], Any]:
        """Return the action of each combination of pressed keys, for ``gymnasium.utils.play``.

        Arrow keys give the choices that are named after directions, digits the others. The gaze goes to the center, or
        stays where it is with relative gaze; ``ram play`` also has the mouse.
        """
        arrows = {"left": 1073741904, "right": 1073741903, "up": 1073741906, "down": 1073741905}  # SDL key codes
        answer = self.task.answer
        if not answer.is_choice:
            return {}
        keys: dict[tuple[int, ...], Any] = {}
        for index, name in enumerate(answer.names[:10]):
            key = () if name == "stay" else (arrows.get(name, ord("0") + index),)
            keys[key] = self._actions.centered([index])
        return keys

    def _shown(self, observation: Observation) -> Any:
        self._path.append(np.asarray(observation.location).tobytes())
        if self.render_mode == "human":
            self.render()
        return take_row(self._observations.write(observation), 0)

    @staticmethod
    def _one(info: dict[str, Array]) -> dict[str, Any]:
        return {key: value[0].item() for key, value in info.items()}
