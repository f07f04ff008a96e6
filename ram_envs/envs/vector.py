"""Many environments in one call: the interface of ``gymnasium.make_vec``, native and batched, on NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from ram_envs.arguments import check_choice, check_integer
from ram_envs.envs.actions import format_observation, make_action_format, observation_space
from ram_envs.envs.drawing import picture, view_row
from ram_envs.envs.episodes import Episodes
from ram_envs.rendering import Renderer
from ram_envs.tasks import Observation, make_task


class GlimpseVectorEnv(VectorEnv[Any, Any, NDArray[Any]]):
    """A batch of environments whose row i, seeded s, is the single environment seeded s + i.

    What it returns equals what ``gymnasium.vector.SyncVectorEnv`` returns over single environments, infos and
    auto-resets included.

    Args:
        task: "catch" or "classification"; :class:`ram_envs.tasks.Catch` and :class:`ram_envs.tasks.Classification`
            document the rules.
        num_envs: Number of rows.
        autoreset_mode: "NextStep", "SameStep" or "Disabled", or a member of ``gymnasium.vector.AutoresetMode`` or its
            name.
        render_mode: None or "rgb_array".
        action_format: "box", "dict", "multidiscrete" or "discrete"; see :mod:`ram_envs.envs.actions`.
        observation_format: "dict", or "flat" for glimpse and location in one array.
        grid_size: Cells on a side of the grid of fixations of the two discrete action formats.
        **settings: The arguments of the task.

    Raises:
        ValueError: If an argument is unknown or has a value that it cannot take.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 8}  # type: ignore[misc]
    _renderer: Renderer | None = None  # here, because Gymnasium also closes what could not be made

    def __init__(
        self,
        task: str,
        num_envs: int = 1,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        action_format: str = "box",
        observation_format: str = "dict",
        grid_size: int = 5,
        **settings: Any,
    ) -> None:
        self.num_envs = check_integer("num_envs", num_envs, 1)
        self.autoreset_mode = parse_autoreset_mode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}  # type: ignore[misc]
        if render_mode is not None:
            check_choice("render_mode", render_mode, self.metadata["render_modes"])
        self.render_mode = render_mode
        self.task = make_task(task, settings)
        self.single_observation_space = observation_space(observation_format, self.task)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self._action_format = make_action_format(action_format, self.task, grid_size)
        self.single_action_space = self._action_format.space
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._observation_format = observation_format
        self._episodes = Episodes(self.task, self.num_envs, np.empty(0), self.autoreset_mode)
        self._ended = np.zeros(self.num_envs, bool)
        self._paths: list[list[NDArray[np.float32]]] = [[] for _ in range(self.num_envs)]

    @property
    def scene(self) -> NDArray[np.uint8]:
        """The hidden pictures, uint8 (B, H, W) or (B, H, W, 3): for oracles, drawings and tests, not for the agent.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        return picture(self.task.scene(self._state()))

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every row, or in some.

        Args:
            seed: An int s seeds row i with s + i, a sequence has one entry a row; None begins the next episode of
                every row.
            options: ``{"reset_mask": bool (B,)}`` names the rows to reset, the others stay as they are;
                ``{"image_index": int64 (B,)}`` chooses the images of a classification task.

        Returns:
            The observations of all rows, and what an evaluator may know.

        Raises:
            ValueError: If seeds or options have a shape or a value that they cannot have.
            TypeError: If the mask is no NumPy array of bools.
            ResetNeeded: If there is a mask, but no episode has begun.
        """
        mask, image_index = self._check_options(options)
        super().reset(seed=seed if isinstance(seed, (int, np.integer)) else None)
        if seed is None and self._episodes.state is None:
            seed = (self.np_random_seed or 0) % 2**63
        rows = None if mask is None else np.flatnonzero(mask)
        self._episodes.begin(seed, rows=rows, image_index=image_index)
        self._ended = self.task.terminal(self._episodes.state)
        if mask is None:
            mask = np.ones(self.num_envs, bool)
        observation = self._episodes.observation()
        self._follow(observation, mask)
        return format_observation(self._observation_format, observation), _masked(self._episodes.info(), mask)

    def step(
        self, actions: Any
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Take one step in every row; rows that ended are reset as ``autoreset_mode`` says.

        Args:
            actions: In the format of ``action_space``. Fixations outside [-1, 1] are clipped.

        Raises:
            InvalidAction: If the actions have a wrong shape or dtype, a NaN, or name what does not exist; nothing has
                changed then.
            ResetNeeded: If no episode is running, or, with auto-reset disabled, a row has ended and was not reset.
        """
        if self._episodes.state is None:
            raise ResetNeeded("step() was called before reset()")
        disabled = self.autoreset_mode == AutoresetMode.DISABLED
        if disabled and self._ended.any():
            raise ResetNeeded(
                f"step() was called after the end of the episodes in rows {np.flatnonzero(self._ended)[:10].tolist()}: "
                "call reset(options={'reset_mask': ...})"
            )
        fixation, task_action = self._action_format.decode(self._action_format.check(actions, self.num_envs))
        outcome = self._episodes.step(fixation, task_action)
        began = outcome.terminated if self.autoreset_mode == AutoresetMode.SAME_STEP else self._ended
        self._follow(outcome.observation, began)
        self._ended = outcome.terminated if outcome.final_info is None else np.zeros(self.num_envs, bool)
        info: dict[str, Any] = {}
        if outcome.final_info is not None:
            info = self._final(outcome.final_observation, outcome.final_info, outcome.terminated)
        info.update(_masked(outcome.info, np.ones(self.num_envs, bool)))
        return (
            format_observation(self._observation_format, outcome.observation),
            outcome.reward.astype(np.float64),
            outcome.terminated.copy(),
            np.zeros(self.num_envs, bool),
            info,
        )

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Draw every row: uint8 (height, width, 3) each; None without a render mode."""
        if self.render_mode is None:
            return None
        state = self._state()
        if self._renderer is None:
            self._renderer = Renderer()
        return tuple(self._renderer.draw(view_row(self.task, state, row, path)) for row, path in enumerate(self._paths))

    def close_extras(self, **kwargs: Any) -> None:
        """Free what was used for drawing."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _state(self) -> Any:
        if self._episodes.state is None:
            raise ResetNeeded("there is nothing to see before reset()")
        return self._episodes.state

    def _check_options(self, options: dict[str, Any] | None) -> tuple[NDArray[np.bool_] | None, Any]:
        options = options or {}
        unknown = set(options) - {"reset_mask", "image_index"}
        if unknown:
            raise ValueError(f"options has {sorted(unknown)}: expected nothing but 'reset_mask' and 'image_index'")
        mask = options.get("reset_mask")
        if mask is None:
            return None, options.get("image_index")
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"options['reset_mask'] is {mask!r}: expected a NumPy array of bools, one a row")
        if mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(
                f"options['reset_mask'] has shape {mask.shape} and {int(mask.sum())} True: expected shape "
                f"({self.num_envs},) and at least one True"
            )
        if self._episodes.state is None and not mask.all():
            raise ResetNeeded("reset() with a mask was called before the first reset() of all rows")
        return mask, options.get("image_index")

    def _follow(self, observation: Observation, began: NDArray[np.bool_]) -> None:
        """Keep the paths of the gaze, which only drawings need."""
        if self.render_mode is None:
            return
        for row in range(self.num_envs):
            location = observation.location[row].copy()
            self._paths[row] = [location] if began[row] else [*self._paths[row], location]

    def _final(self, observation: Observation | None, info: dict[str, Any], mask: NDArray[np.bool_]) -> dict[str, Any]:
        """Write down the last moments of episodes that a same-step reset has ended, as Gymnasium does."""
        batch = format_observation(self._observation_format, observation)  # type: ignore[arg-type]
        final = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(mask):
            final[row] = {key: value[row] for key, value in batch.items()} if isinstance(batch, dict) else batch[row]
        return {
            "final_obs": final,
            "_final_obs": mask.copy(),
            "final_info": _masked(info, mask),
            "_final_info": mask.copy(),
        }


def parse_autoreset_mode(mode: str | AutoresetMode) -> AutoresetMode:
    """Return the member of ``AutoresetMode`` of that value ("SameStep") or name ("SAME_STEP").

    Raises:
        ValueError: If there is none.
    """
    if isinstance(mode, AutoresetMode):
        return mode
    for member in AutoresetMode:
        if mode in (member.value, member.name):
            return member
    raise ValueError(f"autoreset_mode={mode!r} is not valid: expected 'NextStep', 'SameStep' or 'Disabled'")


def _masked(info: dict[str, Any], mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Write infos as Gymnasium's vector environments do: each key beside a mask of the rows that have it."""
    masked: dict[str, Any] = {}
    for key, value in info.items():
        masked[key] = value if mask.all() else np.where(mask, value, np.zeros_like(value))
        masked[f"_{key}"] = mask.copy()
    return masked
