"""The vector environment: the interface of ``gymnasium.make_vec``, natively batched on NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from ram_envs.arguments import check_choice
from ram_envs.envs.actions import make_action_format
from ram_envs.envs.drawing import picture, view_row
from ram_envs.envs.episodes import Episodes
from ram_envs.envs.observations import ObservationFormat, take_row
from ram_envs.envs.options import check_num_envs, first_seed, parse_autoreset_mode, read_options
from ram_envs.errors import InvalidArgument, shown
from ram_envs.rendering import Renderer
from ram_envs.tasks import Observation, Task, construct_task


class GlimpseVectorEnv(VectorEnv[Any, Any, NDArray[Any]]):
    """A batch of environments. Row i of a batch with seed s equals the single environment with seed s + i.

    The return values are those of ``gymnasium.vector.SyncVectorEnv`` over single environments, including infos and
    auto-resets.

    Args:
        task: A short name ("catch", "classification"), "module:Class" or a :class:`ram_envs.tasks.Task` class; its
            class documents the rules.
        num_envs: Number of rows.
        autoreset_mode: "NextStep", "SameStep" or "Disabled", or a member of ``gymnasium.vector.AutoresetMode`` or its
            name.
        render_mode: None or "rgb_array".
        action_format: "box", "dict", "multidiscrete" or "discrete"; see :mod:`ram_envs.envs.actions`.
        observation_format: "dict", "flat" or "image"; see :mod:`ram_envs.envs.observations`.
        grid_size: Cells per side of the grid of fixations in the two discrete action formats.
        max_episode_steps: Truncate episodes after so many steps; None for no limit. ``gymnasium.make_vec`` passes the
            limit that an environment was registered with.
        **settings: The arguments of the task.

    Raises:
        UnknownArgument: If the task has no such argument.
        InvalidArgument: If an argument has a value that it cannot take.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 8}  # type: ignore[misc]
    _renderer: Renderer | None = None  # here, because Gymnasium also closes what could not be made

    def __init__(
        self,
        task: str | type[Task[Any]],
        num_envs: int = 1,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        action_format: str = "box",
        observation_format: str = "dict",
        grid_size: int = 5,
        max_episode_steps: int | None = None,
        **settings: Any,
    ) -> None:
        self.num_envs = check_num_envs(num_envs)
        self.autoreset_mode = parse_autoreset_mode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}  # type: ignore[misc]
        if render_mode is not None:
            check_choice("render_mode", render_mode, self.metadata["render_modes"])
        self.render_mode = render_mode
        self.task = construct_task(task, settings)
        self.__doc__ = type(self.task).__doc__
        self._observations = ObservationFormat(observation_format, self.task)
        self.single_observation_space = self._observations.space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self._actions = make_action_format(action_format, self.task, grid_size)
        self.single_action_space = self._actions.space
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._episodes = Episodes(
            self.task,
            self.num_envs,
            np.empty(0),
            self.autoreset_mode,
            max_episode_steps=max_episode_steps,
            actions=self._actions,
        )
        self._ended = np.zeros(self.num_envs, bool)
        self._paths: list[list[NDArray[np.float32]]] = [[] for _ in range(self.num_envs)]

    @property
    def scene(self) -> NDArray[np.uint8]:
        """The hidden scenes, uint8 (B, H, W) or (B, H, W, 3): for oracles, renderings and tests, not for the agent.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        return picture(np.asarray(self.task.scene(self.state)))

    @property
    def state(self) -> Any:
        """The hidden states of the task, a NamedTuple of arrays: for oracles and tests, not for the agent.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        if not self._episodes.begun:
            raise ResetNeeded("there is nothing to see before reset()")
        return self._episodes.state

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode in every row, or in some.

        Args:
            seed: An int s seeds row i with s + i; a sequence has one entry per row. None starts the next episode
                of every row.
            options: ``{"reset_mask": bool (B,)}`` selects the rows to reset, and the other rows stay unchanged;
                ``{"image_index": int64 (B,)}`` chooses the images, in tasks that show images.

        Returns:
            The observations and infos of all rows.

        Raises:
            InvalidArgument: If seeds or options have a wrong shape or value. The environment is unchanged then.
            TypeError: If the mask is not a NumPy array of bools.
            ResetNeeded: If there is a mask, but no episode has begun.
        """
        mask, image_index = self._check_options(options)
        first = seed
        if seed is None and not self._episodes.begun:
            first = first_seed(self)
        rows = None if mask is None else np.flatnonzero(mask)
        self._episodes.begin(first, rows=rows, image_index=image_index)
        super().reset(seed=int(seed) if isinstance(seed, (int, np.integer)) else None)  # nothing is refused any more
        self._ended = np.asarray(self._episodes.ended(self._episodes.state))
        if mask is None:
            mask = np.ones(self.num_envs, bool)
        observation, info = self._episodes.observe()
        if self.render_mode is not None:
            self._follow(observation, mask)
        return self._observations.write(observation), _masked(info, mask)

    def step(
        self, actions: Any
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Take one step in every row; ended rows are reset according to ``autoreset_mode``.

        Args:
            actions: An element of ``action_space``. Fixations outside [-1, 1] are clipped.

        Raises:
            InvalidAction: If the actions have a wrong shape or dtype, a NaN, or a choice that does not exist. The
                environment is unchanged then.
            ResetNeeded: If no episode is running, or, with auto-reset disabled, a row has ended and was not reset.
        """
        if not self._episodes.begun:
            raise ResetNeeded("step() was called before reset()")
        disabled = self.autoreset_mode == AutoresetMode.DISABLED
        if disabled and self._ended.any():
            raise ResetNeeded(
                f"step() was called after the end of the episodes in rows {np.flatnonzero(self._ended)[:10].tolist()}: "
                "call reset(options={'reset_mask': ...})"
            )
        reader = self._episodes.reader
        read: Any = None if reader is None else reader.read(actions)
        if read is None:
            read = self._actions.decode(self._actions.check(actions, self.num_envs))
        outcome: Any = self._episodes.step(*read)
        if self.render_mode is not None:
            same_step = self.autoreset_mode == AutoresetMode.SAME_STEP
            self._follow(outcome.observation, outcome.ended if same_step else self._ended)
        self._ended = outcome.ended if outcome.final_info is None else np.zeros(self.num_envs, bool)
        info: dict[str, Any] = {}
        if outcome.final_info is not None:
            info = self._final(outcome.final_observation, outcome.final_info, outcome.ended)
        for key, value in outcome.info.items():
            info[key], info[f"_{key}"] = value, np.ones(self.num_envs, bool)
        return (
            self._observations.write(outcome.observation),
            outcome.reward.astype(np.float64),
            outcome.terminated.copy(),
            np.zeros(self.num_envs, bool) if outcome.truncated is None else outcome.truncated,
            info,
        )

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Draw every row: uint8 (height, width, 3) each; None without a render mode."""
        if self.render_mode is None:
            return None
        state = self.state
        if self._renderer is None:
            self._renderer = Renderer()
        return tuple(self._renderer.draw(view_row(self.task, state, row, path)) for row, path in enumerate(self._paths))

    def close_extras(self, **kwargs: Any) -> None:
        """Close the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _check_options(self, options: dict[str, Any] | None) -> tuple[NDArray[np.bool_] | None, Any]:
        given = read_options(options, ("reset_mask", "image_index"))
        mask, image_index = given["reset_mask"], given["image_index"]
        if mask is None:
            return None, image_index
        if not isinstance(mask, np.ndarray) or isinstance(mask, np.ma.MaskedArray) or mask.dtype != np.bool_:
            raise TypeError(f"options['reset_mask'] is {shown(mask)}: expected a NumPy array of bools, one a row")
        if mask.shape != (self.num_envs,) or not mask.any():
            raise InvalidArgument(
                f"options['reset_mask'] has shape {mask.shape} and {int(mask.sum())} True: expected shape "
                f"({self.num_envs},) and at least one True"
            )
        if not self._episodes.begun and not mask.all():
            raise ResetNeeded("reset() with a mask was called before the first reset() of all rows")
        return np.asarray(mask), image_index

    def _follow(self, observation: Observation, began: NDArray[np.bool_]) -> None:
        """Keep the paths of the gaze, which only renderings need."""
        for row in range(self.num_envs):
            location = observation.location[row].copy()
            self._paths[row] = [location] if began[row] else [*self._paths[row], location]

    def _final(self, observation: Observation | None, info: dict[str, Any], mask: NDArray[np.bool_]) -> dict[str, Any]:
        """Return the final observations and infos of episodes that a same-step reset ended, as Gymnasium does."""
        batch = self._observations.write(observation)  # type: ignore[arg-type]
        final = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(mask).tolist():
            final[row] = take_row(batch, row)
        return {
            "final_obs": final,
            "_final_obs": mask.copy(),
            "final_info": _masked(info, mask),
            "_final_info": mask.copy(),
        }


def _masked(info: dict[str, Any], mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Write infos as Gymnasium's vector environments do: each key beside a mask of the rows that have it."""
    masked: dict[str, Any] = {}
    for key, value in info.items():
        masked[key] = value if mask.all() else np.where(mask, value, np.zeros_like(value))
        masked[f"_{key}"] = mask.copy()
    return masked
