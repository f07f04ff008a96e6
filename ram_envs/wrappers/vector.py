"""Glimpses of any Gymnasium vector environment with pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from ram_envs.arguments import check_choice
from ram_envs.envs.options import read_row_seeds
from ram_envs.errors import InvalidArgument
from ram_envs.rendering import Renderer
from ram_envs.sensors import Sensor
from ram_envs.sensors.gaze import GazeControl
from ram_envs.tasks import Answer
from ram_envs.wrappers.core import GlimpseCore
from ram_envs.wrappers.inner import find_autoreset_mode, first_frame, read_reset_mask, row_action_names
from ram_envs.wrappers.settings import OBSERVATION, RENDER, GlimpseSettings
from ram_envs.wrappers.trail import Trail


class VectorGlimpse(VectorWrapper, RecordConstructorArgs):
    """Shows the frames of a vector environment through glimpses; see :class:`ram_envs.wrappers.Glimpse`.

    Row i of a batch with seed s gives what :class:`Glimpse` over its inner environment gives with seed s + i. The
    auto-reset mode is that of the inner vector environment. With SAME_STEP, ``infos["final_obs"]`` holds the glimpses
    of the episodes that ended, at the location that their last action chose; with NEXT_STEP, the gaze part of an action
    that only resets a row is ignored.

    Args:
        envs: The vector environment.
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
        render_mode: None for the render mode of ``envs``. "rgb_array" draws the frames with the sensor's outlines.

    Attributes:
        glimpse_sensor: The sensor.
        gaze_control: Translates the gaze part of an action to the next location.
        answer: The inner action, with the key "action".
        sense_keys: The keys of the senses.
        autoreset_mode: The auto-reset mode.

    Raises:
        InvalidArgument: If the environment has no pixels or no auto-reset mode, or an argument has a value that it
            cannot take.
    """

    glimpse_sensor: Sensor
    gaze_control: GazeControl
    answer: Answer
    sense_keys: tuple[str, ...]

    def __init__(
        self,
        envs: VectorEnv[Any, Any, Any],
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
        if not isinstance(envs, VectorEnv):
            raise InvalidArgument(f"envs={envs!r} is not a vector environment: use Glimpse for a single one")
        if render_mode is not None:
            check_choice("render_mode", render_mode, ["rgb_array"])
        self.autoreset_mode = find_autoreset_mode(envs)
        if settings.pixels == RENDER and self.autoreset_mode == AutoresetMode.SAME_STEP:
            raise InvalidArgument(
                "pixels='render' cannot be combined with auto-reset mode SameStep, where the last frame of an episode "
                "is gone before it can be rendered: use NextStep, or wrap each environment in Glimpse, then vectorize"
            )
        self._core = GlimpseCore(
            settings,
            envs.single_observation_space,
            envs.single_action_space,
            envs.num_envs,
            first_frame(envs) if settings.pixels == RENDER else None,
            row_action_names(envs),
        )
        # Only now: Gymnasium 1.1 closes the environments of a wrapper that is discarded, also of one that was refused.
        VectorWrapper.__init__(self, envs)
        self.metadata = {
            **envs.metadata,
            "render_modes": ["rgb_array"],
            "render_fps": envs.metadata.get("render_fps", 8),
            "autoreset_mode": self.autoreset_mode,
        }
        self._own_render_mode = render_mode
        self.glimpse_sensor, self.gaze_control = self._core.glimpse_sensor, self._core.gaze_control
        self.answer, self.sense_keys = self._core.answer, tuple(self._core.senses)
        self.single_observation_space = self._core.observations.space
        self.observation_space = batch_space(self.single_observation_space, envs.num_envs)
        self.single_action_space = self._core.actions.space
        self.action_space = batch_space(self.single_action_space, envs.num_envs)
        self._ended = np.zeros(envs.num_envs, bool)
        self._pending: NDArray[np.float32] | None = None
        self._trail = Trail(self._core, envs.num_envs) if self.render_mode == "rgb_array" else None
        self._renderer: Renderer | None = None

    @property
    def gaze(self) -> NDArray[np.float32]:
        """The current locations, float32 (B, gaze_size) in [-1, 1], a copy.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        self._check_begun("gaze")
        return self._core.gaze.copy()

    @property
    def scene(self) -> NDArray[np.uint8]:
        """The last frames, uint8 (B, H, W) or (B, H, W, 3), a copy: for oracles and tests, not for the agent.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        self._check_begun("scene")
        return self._core.scene

    @property
    def render_mode(self) -> str | None:  # type: ignore[override]
        """The wrapper's own render mode, or that of the inner environment."""
        return self._own_render_mode or self.env.render_mode

    def get_wrapper_attr(self, name: str) -> Any:
        """Return an attribute of this wrapper, or of the environments that it wraps.

        Raises:
            AttributeError: If there is none.
        """
        layer: Any = self
        while layer is not None:
            if hasattr(layer, name):
                return getattr(layer, name)
            layer = vars(layer).get("env")
        raise AttributeError(f"{type(self).__name__} and the environments that it wraps have no attribute {name!r}")

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode in every row, or in some.

        Args:
            seed: An int s seeds row i with s + i; a sequence has one entry per row.
            options: Passed on to the inner environment. ``{"reset_mask": bool (B,)}`` selects the rows to reset.

        Returns:
            The observations of all rows, and the infos of the inner environment.

        Raises:
            InvalidArgument: If a seed or the mask is not valid. The environment is unchanged then.
            ResetNeeded: If there is a mask, but no episode has begun.
            InvalidObservation: If the environment returned pixels that are NaN.
        """
        if isinstance(seed, np.integer):
            seed = int(seed)
        if seed is not None:
            read_row_seeds(seed, self.num_envs, self._core.steps)
        mask = read_reset_mask(options, self.num_envs, self._core.begun)
        # A copy, because some vector environments remove the mask from it.
        observations, infos = self.env.reset(seed=seed, options=None if options is None else dict(options))  # type: ignore[arg-type]
        self._core.begin(seed, mask)
        began = np.ones(self.num_envs, bool) if mask is None else mask
        self._ended &= ~began
        return self._shown(observations, began, np.zeros(self.num_envs)), infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Take one step of the inner environments, then look where the actions say.

        Args:
            actions: An element of ``action_space``. Locations outside [-1, 1] are clipped.

        Raises:
            InvalidAction: If the actions have a wrong shape or dtype, a NaN, or a choice that does not exist. The
                environment is unchanged then.
            ResetNeeded: If no episode has begun.
            InvalidObservation: If the environment returned pixels that are NaN.
        """
        self._check_begun("step()")
        gaze, inner = self._core.actions.split(actions, self.num_envs)
        return self._received(gaze, self.env.step(inner))

    @property
    def can_step_async(self) -> bool:
        """Whether :meth:`step_async` and :meth:`step_wait` work."""
        return hasattr(self.env, "step_async") or hasattr(self.env, "send")

    def step_async(self, actions: Any) -> None:
        """Begin a step, so that this process can work while the inner environments do; see :meth:`step`.

        It needs an inner environment that can: ``AsyncVectorEnv``, or one with ``send`` and ``recv`` as in Atari.
        """
        self._check_begun("step_async()")
        self._pending, inner = self._core.actions.split(actions, self.num_envs)
        env: Any = self.env
        (env.step_async if hasattr(env, "step_async") else env.send)(inner)

    def step_wait(self) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """End the step that :meth:`step_async` began, and return what :meth:`step` returns.

        Raises:
            ResetNeeded: If no step was begun.
        """
        if self._pending is None:
            raise ResetNeeded("step_wait() was called before step_async()")
        env: Any = self.env
        gaze, self._pending = self._pending, None
        return self._received(gaze, (env.step_wait if hasattr(env, "step_async") else env.recv)())

    def _received(
        self, gaze: NDArray[np.float32], outcome: tuple[Any, Any, Any, Any, dict[str, Any]]
    ) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Move the gaze, and return the outcome of a step with glimpses in place of observations."""
        observations, rewards, terminated, truncated, infos = outcome
        self._core.move(gaze)
        ended = np.logical_or(terminated, truncated)
        began, shown_rewards = np.zeros(self.num_envs, bool), rewards
        if self.autoreset_mode == AutoresetMode.NEXT_STEP:
            began = self._ended
        elif self.autoreset_mode == AutoresetMode.SAME_STEP and ended.any():
            began = ended
            if "final_obs" in infos:
                final = self._core.final_observations(infos["final_obs"], ended)
                infos = {**infos, "final_obs": final, "_final_obs": ended.copy()}
        if began.any():
            self._core.begin(None, began)
            shown_rewards = np.where(began, 0.0, rewards)
        self._ended = ended
        return self._shown(observations, began, shown_rewards), rewards, terminated, truncated, infos

    def render(self) -> tuple[Any, ...] | None:
        """Draw every row: uint8 (height, width, 3) each.

        Without an own render mode, and if that of the inner environment is not "rgb_array", what this renders.
        """
        if self._trail is None:
            return self.env.render()
        self._check_begun("render()")
        if self._renderer is None:
            self._renderer = Renderer()
        return tuple(self._renderer.draw(self._trail.view(row)) for row in range(self.num_envs))

    def close(self, **kwargs: Any) -> None:
        """Close the renderer and the inner environment."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
        super().close(**kwargs)

    def _check_begun(self, name: str) -> None:
        if not self._core.begun:
            raise ResetNeeded(f"{name} was called before reset()")

    def _shown(self, observations: Any, began: NDArray[np.bool_], rewards: NDArray[Any]) -> Any:
        frames = np.stack(self.env.render() or ()) if self._core.is_rendered else None
        batch = self._core.observe(observations, frames)
        if self._trail is not None:
            for row in np.flatnonzero(began).tolist():
                self._trail.begin(row)
            self._trail.follow(rewards.tolist())
        return batch
