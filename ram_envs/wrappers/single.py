"""Glimpses of any Gymnasium environment with pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from ram_envs.arguments import check_choice
from ram_envs.envs.observations import take_row
from ram_envs.envs.options import check_seed
from ram_envs.errors import InvalidArgument
from ram_envs.rendering import Renderer, View, draw_text
from ram_envs.sensors import Sensor
from ram_envs.sensors.gaze import GazeControl
from ram_envs.tasks import Answer
from ram_envs.wrappers.core import GlimpseCore
from ram_envs.wrappers.inner import action_names, first_frame
from ram_envs.wrappers.settings import OBSERVATION, RENDER, GlimpseSettings
from ram_envs.wrappers.trail import Trail

OWN_RENDER_MODES = ("human", "rgb_array", "ansi")


class Glimpse(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Shows the frames of an environment through glimpses: each action also chooses where to look next.

    ## Description
    The agent no longer sees the frame, but a few patches of it around its current location. The location of the next
    observation is the one that the action chose. The first one after a reset follows ``first_location`` and the seed.
    Rewards, ends of episodes and infos are those of the inner environment.

    ## Action Space
    The next location and the inner action, in the format ``action_format``: "dict" is ``{"fixation": float32
    (gaze_size,) in [-1, 1], "action": the inner action}``. "box" has the location, then a score for each choice of a
    Discrete, MultiDiscrete or MultiBinary action, or the numbers of a Box, scaled from [-1, 1] to its bounds.

    ## Observation Space
    | key | dtype, shape | range | meaning |
    |---|---|---|---|
    | glimpse | float32 (num_scales * channels * patch_size**2,) | [0, 1] | the patches, finest first |
    | location | float32 (gaze_size,) | [-1, 1] | center of the glimpse, (x, y); (-1, -1) is the top-left corner |
    | each sense | float32 (n,) | its bounds | a vector part of the inner observation |

    Args:
        env: The environment, with an image in its observation or with ``render_mode="rgb_array"``.
        patch_size: See :class:`GlimpseSettings`, as for all arguments from here to ``grid_size``.
        num_scales: Number of patches.
        sensor: The sensor.
        gaze: "absolute" or "relative".
        max_step: The longest move of a relative gaze.
        first_location: Location of the first glimpse.
        pixels: "observation", "render", or a key. "render" resets the environment once, to learn the size of a frame.
        layout: The axes of the image.
        senses: Keys of the senses, or "all".
        action_format: "box", "dict", "multidiscrete" or "discrete".
        observation_format: "dict", "flat" or "image".
        grid_size: Cells per value of the gaze in the two discrete action formats.
        render_mode: None for the render mode of ``env``. "human", "rgb_array" and "ansi" draw the frame with the
            sensor's outlines, whatever ``env`` can render.

    Attributes:
        glimpse_sensor: The sensor.
        gaze_control: Translates the gaze part of an action to the next location.
        answer: The inner action, with the key "action".
        sense_keys: The keys of the senses.

    Raises:
        InvalidArgument: If the environment has no pixels, or an argument has a value that it cannot take.
    """

    glimpse_sensor: Sensor
    gaze_control: GazeControl
    answer: Answer
    sense_keys: tuple[str, ...]

    def __init__(
        self,
        env: gym.Env[Any, Any],
        patch_size: int = 12,
        num_scales: int = 3,
        sensor: str = "retina",
        gaze: str = "absolute",
        max_step: float | None = None,
        first_location: str | Sequence[float] = "random",
        pixels: str = OBSERVATION,
        layout: str | None = None,
        senses: str | tuple[str, ...] = (),
        action_format: str = "box",
        observation_format: str = "dict",
        grid_size: int = 5,
        render_mode: str | None = None,
    ) -> None:
        settings = GlimpseSettings(
            patch_size=patch_size,
            num_scales=num_scales,
            sensor=sensor,
            gaze=gaze,
            max_step=max_step,
            first_location=first_location,
            pixels=pixels,
            layout=layout,
            senses=senses,
            action_format=action_format,
            observation_format=observation_format,
            grid_size=grid_size,
        )
        RecordConstructorArgs.__init__(self, **settings.recorded(), render_mode=render_mode)
        if not isinstance(env, gym.Env):
            raise InvalidArgument(
                f"env={env!r} is not a Gymnasium environment: use VectorGlimpse for a vector environment"
            )
        gym.Wrapper.__init__(self, env)
        if render_mode is not None:
            check_choice("render_mode", render_mode, OWN_RENDER_MODES)
            if env.render_mode == "human":
                raise InvalidArgument(
                    f"render_mode={render_mode!r} cannot be combined with an environment of render_mode='human', which "
                    "shows a window of its own: make it with render_mode='rgb_array' or without one"
                )
        self._own_render_mode = render_mode
        fps = env.metadata.get("render_fps", 8)
        self.metadata = {**env.metadata, "render_modes": list(OWN_RENDER_MODES), "render_fps": fps}
        frame = first_frame(env) if settings.pixels == RENDER else None
        self._core = GlimpseCore(settings, env.observation_space, env.action_space, 1, frame, action_names(env))
        self.glimpse_sensor, self.gaze_control = self._core.glimpse_sensor, self._core.gaze_control
        self.answer, self.sense_keys = self._core.answer, tuple(self._core.senses)
        self.observation_space, self.action_space = self._core.observations.space, self._core.actions.space
        self._trail = Trail(self._core, 1)
        self._renderer: Renderer | None = None

    @property
    def gaze(self) -> NDArray[np.float32]:
        """The current location, float32 (gaze_size,) in [-1, 1], a copy.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        self._check_begun("gaze")
        return self._core.gaze[0].copy()

    @property
    def scene(self) -> NDArray[np.uint8]:
        """The last frame, uint8 (H, W) or (H, W, 3), a copy: for oracles, renderings and tests, not for the agent.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        self._check_begun("scene")
        return self._core.scene[0]

    @property
    def render_mode(self) -> str | None:  # type: ignore[override]
        """The wrapper's own render mode, or that of the inner environment."""
        return self._own_render_mode or self.env.render_mode

    @property
    def window_closed(self) -> bool:
        """Whether the user has closed the window of render mode "human"."""
        return self._renderer is not None and self._renderer.window_closed

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: Random seed of the inner environment, and of the first locations of this and later episodes.
            options: Passed on to the inner environment.

        Returns:
            The first observation, and the info of the inner environment.

        Raises:
            InvalidArgument: If the seed is not valid. The environment is unchanged then.
            InvalidObservation: If the environment returned pixels that are NaN.
        """
        if seed is not None:
            seed = check_seed(seed)
        observation, info = self.env.reset(seed=seed, options=options)
        self._core.begin(None if seed is None else [seed])
        self._trail.begin(0)
        return self._shown(observation, 0.0), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take one step of the inner environment, then look where the action says.

        Args:
            action: An element of ``action_space``. A location outside [-1, 1] is clipped.

        Raises:
            InvalidAction: If the action has a wrong shape or dtype, a NaN, or a choice that does not exist. The
                environment is unchanged then.
            ResetNeeded: If no episode has begun.
            InvalidObservation: If the environment returned pixels that are NaN.
        """
        self._check_begun("step()")
        gaze, inner = self._core.actions.split_single(action)
        observation, reward, terminated, truncated, info = self.env.step(inner)
        self._core.move(gaze)
        return self._shown(observation, float(reward)), reward, terminated, truncated, info

    def view(self) -> View:
        """Return what :meth:`render` draws: the frame, the gaze and the glimpse.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        self._check_begun("view()")
        return self._trail.view(0)

    def render(self) -> Any:
        """Draw the frame with the sensor's outlines, the path of the gaze, and the glimpse.

        Returns:
            uint8 (height, width, 3) for "rgb_array", a string for "ansi", None for "human". If the render mode is that
            of the inner environment and not "rgb_array", what the inner environment renders.
        """
        mode = self.render_mode
        if mode is None or (self._own_render_mode is None and mode != "rgb_array"):
            return self.env.render()
        if mode == "ansi":
            return draw_text(self.view())
        if self._renderer is None:
            self._renderer = Renderer()
        if mode == "rgb_array":
            return self._renderer.draw(self.view())
        self._renderer.show(self.view(), self.metadata["render_fps"])
        return None

    def close(self) -> None:
        """Close the window, if there is one, and the inner environment."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
        super().close()

    def get_keys_to_action(self) -> dict[Any, Any]:
        """Return the action of each combination of pressed keys, for ``gymnasium.utils.play``.

        The keys are those of the inner environment. The gaze goes to the center, or stays where it is with relative
        gaze; ``ram play`` also has the mouse.
        """
        if not self.answer.is_choice or not self.env.has_wrapper_attr("get_keys_to_action"):
            return {}
        inner = self.env.get_wrapper_attr("get_keys_to_action")()
        start = int(getattr(self.answer.space, "start", 0))
        return {keys: self._core.actions.format.centered([int(action) - start]) for keys, action in inner.items()}

    def _check_begun(self, name: str) -> None:
        if not self._core.begun:
            raise ResetNeeded(f"{name} was called before reset()")

    def _shown(self, observation: Any, reward: float) -> Any:
        frame = self.env.render() if self._core.is_rendered else None
        batch = self._core.observe(observation, frame, batched=False)
        self._trail.follow([reward])
        if self._own_render_mode == "human":
            self.render()
        return take_row(batch, 0)
