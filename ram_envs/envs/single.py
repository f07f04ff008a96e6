"""One environment at a time: the interface of ``gymnasium.make``."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from ram_envs.arguments import check_choice
from ram_envs.arrays import Array
from ram_envs.envs.actions import format_observation, make_action_format, observation_space
from ram_envs.envs.drawing import picture, view_row
from ram_envs.envs.episodes import Episodes
from ram_envs.rendering import Renderer, View, draw_text
from ram_envs.tasks import make_task


class GlimpseEnv(gym.Env[Any, Any]):
    """A task as a Gymnasium environment.

    Args:
        task: "catch" or "classification"; :class:`ram_envs.tasks.Catch` and :class:`ram_envs.tasks.Classification`
            document the rules.
        render_mode: None, "human" (a window), "rgb_array" or "ansi".
        action_format: "box", "dict", "multidiscrete" or "discrete"; see :mod:`ram_envs.envs.actions`.
        observation_format: "dict", or "flat" for glimpse and location in one array.
        grid_size: Cells on a side of the grid of fixations of the two discrete action formats.
        **settings: The arguments of the task.

    Raises:
        ValueError: If an argument is unknown or has a value that it cannot take.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["human", "rgb_array", "ansi"], "render_fps": 8}  # type: ignore[misc]

    def __init__(
        self,
        task: str,
        render_mode: str | None = None,
        action_format: str = "box",
        observation_format: str = "dict",
        grid_size: int = 5,
        **settings: Any,
    ) -> None:
        if render_mode is not None:
            check_choice("render_mode", render_mode, self.metadata["render_modes"])
        self.render_mode = render_mode
        self.task = make_task(task, settings)
        self.observation_space = observation_space(observation_format, self.task)
        self._action_format = make_action_format(action_format, self.task, grid_size)
        self.action_space = self._action_format.space
        self._observation_format = observation_format
        self._episodes = Episodes(self.task, 1, np.empty(0), AutoresetMode.DISABLED)
        self._over = True
        self._path: list[NDArray[np.float32]] = []
        self._renderer: Renderer | None = None

    @property
    def scene(self) -> NDArray[np.uint8]:
        """The hidden picture, uint8 (H, W) or (H, W, 3): for oracles, drawings and tests, not for the agent.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        return picture(self.task.scene(self._state()))[0]

    @property
    def window_closed(self) -> bool:
        """Whether a person has closed the window of render mode "human"."""
        return self._renderer is not None and self._renderer.window_closed

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: Makes this the first episode of that seed, which decides everything that follows; None begins the
                next one.
            options: ``{"image_index": int}`` chooses the image of a classification task.

        Returns:
            The first observation, and what an evaluator may know.

        Raises:
            ValueError: If ``options`` has a key or a value that the task cannot take.
        """
        image_index = _check_options(options)
        super().reset(seed=seed)
        if seed is None and self._episodes.state is None:
            seed = (self.np_random_seed or 0) % 2**63
        self._episodes.begin(seed, image_index=image_index)
        self._over = False
        self._path = []
        return self._shown(self._episodes.observation()), self._one(self._episodes.info())

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take one step.

        Args:
            action: In the format of ``action_space``. A fixation outside [-1, 1] is clipped.

        Raises:
            InvalidAction: If the action has a wrong shape or dtype, a NaN, or names what does not exist; nothing has
                changed then.
            ResetNeeded: If no episode is running.
        """
        if self._over:
            raise ResetNeeded(
                "step() was called before reset()"
                if self._episodes.state is None
                else "step() was called after the episode's end: call reset()"
            )
        fixation, task_action = self._action_format.decode(self._action_format.check_single(action))
        outcome = self._episodes.step(fixation, task_action)
        self._over = bool(outcome.terminated[0])
        shown = self._shown(outcome.observation)
        return shown, float(outcome.reward[0]), self._over, False, self._one(outcome.info)

    def view(self) -> View:
        """Return what :meth:`render` draws: scene, gaze and glimpse of the present moment.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        return view_row(self.task, self._state(), 0, self._path)

    def render(self) -> Any:
        """Draw the present moment: uint8 (height, width, 3) for "rgb_array", a string for "ansi", None for "human"."""
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

    def _state(self) -> Any:
        if self._episodes.state is None:
            raise ResetNeeded("there is nothing to see before reset()")
        return self._episodes.state

    def _shown(self, observation: Any) -> Any:
        self._path.append(observation.location[0].copy())
        if self.render_mode == "human":
            self.render()
        batch = format_observation(self._observation_format, observation)
        return {key: value[0] for key, value in batch.items()} if isinstance(batch, dict) else batch[0]

    @staticmethod
    def _one(info: dict[str, Array]) -> dict[str, Any]:
        return {key: value[0].item() for key, value in info.items()}


def _check_options(options: dict[str, Any] | None) -> list[int] | None:
    unknown = set(options or {}) - {"image_index"}
    if unknown:
        raise ValueError(f"options has {sorted(unknown)}: expected nothing but 'image_index'")
    image_index = (options or {}).get("image_index")
    return None if image_index is None else [image_index]
