"""The tensor environment: batched on torch tensors on any device, for fast training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from ram_envs.arrays import plain_tensor
from ram_envs.envs.actions import make_action_format
from ram_envs.envs.episodes import Episodes
from ram_envs.envs.observations import ObservationFormat
from ram_envs.envs.options import check_num_envs, parse_autoreset_mode, plain_array, read_options
from ram_envs.errors import InvalidArgument
from ram_envs.tasks import Task, construct_task


class TensorEnv:
    """A batch of environments whose data stay on one device; on the CPU it equals the vector environment bit for bit.

    Rows, seeds, formats and auto-reset modes are those of :class:`ram_envs.envs.vector.GlimpseVectorEnv`, with three
    differences. Values are tensors. Infos have no masks, and after a same-step reset ``info["final_obs"]`` and
    ``info["final_info"]`` hold all rows. With auto-reset disabled, rows that have ended may be stepped: they stay as
    they are, with reward 0, until they are reset.

    Args:
        task: A short name ("catch", "classification"), "module:Class" or a :class:`ram_envs.tasks.Task` class.
        num_envs: Number of rows, B.
        device: Device of all tensors, "cpu" or "cuda".
        autoreset_mode: "NextStep", "SameStep" or "Disabled". Disabled, a step never waits for the device if
            ``check_actions`` is False.
        action_format: "box", "dict", "multidiscrete" or "discrete".
        observation_format: "dict", "flat" or "image".
        grid_size: Cells per side of the grid of fixations in the two discrete action formats.
        check_actions: Whether to check the values of actions. On a GPU the check waits for the device at every step.
        max_episode_steps: Truncate episodes after so many steps; None for no limit.
        **settings: The arguments of the task.

    Raises:
        UnknownArgument: If the task has no such argument.
        InvalidArgument: If an argument has a value that it cannot take.
    """

    def __init__(
        self,
        task: str | type[Task[Any]],
        num_envs: int,
        device: str | torch.device = "cpu",
        autoreset_mode: str | AutoresetMode = AutoresetMode.DISABLED,
        action_format: str = "box",
        observation_format: str = "dict",
        grid_size: int = 5,
        check_actions: bool = True,
        max_episode_steps: int | None = None,
        **settings: Any,
    ) -> None:
        self.num_envs = check_num_envs(num_envs)
        self.device = _check_device(device)
        self.autoreset_mode = parse_autoreset_mode(autoreset_mode)
        self.task = construct_task(task, settings)
        self.__doc__ = type(self.task).__doc__
        self._observations = ObservationFormat(observation_format, self.task)
        self.single_observation_space = self._observations.space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self._actions = make_action_format(action_format, self.task, grid_size)
        self._actions.convert = self._own_tensor
        self.single_action_space = self._actions.space
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._check_actions = check_actions
        self._never_truncated = torch.zeros(self.num_envs, dtype=torch.bool, device=self.device)
        self._episodes = Episodes(
            self.task,
            self.num_envs,
            self._never_truncated,
            self.autoreset_mode,
            freeze=True,
            max_episode_steps=max_episode_steps,
        )

    @property
    def state(self) -> Any:
        """The hidden states of the task, a NamedTuple of tensors: for oracles and tests, not for the agent.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        if not self._episodes.begun:
            raise ResetNeeded("there is nothing to see before reset()")
        return self._episodes.state

    @property
    def scene(self) -> torch.Tensor:
        """The hidden scenes, uint8 (B, C, H, W): for oracles, renderings and tests, not for the agent.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        return cast(torch.Tensor, self.task.scene(self.state)).clone()

    def target(self) -> torch.Tensor | None:
        """Return the correct answer of each row, as :meth:`Task.target` does; None in a game."""
        return cast("torch.Tensor | None", self.task.target(self.state))

    def answer_counts(self) -> torch.Tensor:
        """Return whether the answer of the next action counts, bool (B,)."""
        return cast(torch.Tensor, self.task.answer_counts(self.state))

    def reset(
        self, *, seed: int | Sequence[int | None] | torch.Tensor | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, torch.Tensor]]:
        """Start an episode in every row, or in those of ``options["reset_mask"]``, bool (B,).

        Args:
            seed: An int s seeds row i with s + i, a sequence has one entry per row; None begins the next episode of
                every row. A tensor on a GPU, int64 (B,), is neither waited for nor checked.
            options: ``reset_mask``, and ``image_index``, int64 (B,), in tasks that show images.

        Returns:
            Observations, float32 (B, ...), and infos, (B,).

        Raises:
            InvalidArgument: If seeds or options have a shape or a value that they cannot have; nothing has changed
                then.
            ResetNeeded: If there is a mask, but no episode has begun.
        """
        given = read_options(options, ("reset_mask", "image_index"))
        rows = None if given["reset_mask"] is None else self._read_mask(given["reset_mask"]).nonzero()[:, 0]
        self._episodes.begin(seed, rows=rows, image_index=given["image_index"])
        observation, info = self._episodes.observe()
        return self._observations.write(observation), cast("dict[str, torch.Tensor]", info)

    def step(self, action: Any) -> tuple[Any, torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]]:
        """Take one step in every row.

        Args:
            action: Tensors on this environment's device, in the format of ``action_space``; gradients are ignored.
                Fixations outside [-1, 1] are clipped.

        Returns:
            observations float32 (B, ...), reward float32 (B,), terminated bool (B,), truncated bool (B,) and infos.

        Raises:
            InvalidAction: If ``check_actions`` and the actions have a wrong shape or dtype, a NaN or a choice that does
                not exist, or are not tensors on this device; nothing has changed then.
            ResetNeeded: If no episode has begun.
        """
        if not self._episodes.begun:
            raise ResetNeeded("step() was called before reset()")
        if self._check_actions:
            action = self._actions.check(action, self.num_envs)
        elif isinstance(action, Mapping):
            action = {key: plain_tensor(value) for key, value in action.items()}
        else:
            action = plain_tensor(action)
        outcome: Any = self._episodes.step(*self._actions.decode(action))
        info: dict[str, Any] = dict(outcome.info)
        if outcome.final_observation is not None:
            info["final_obs"] = self._observations.write(outcome.final_observation)
            info["final_info"] = outcome.final_info
        truncated = self._never_truncated.clone() if outcome.truncated is None else outcome.truncated
        return self._observations.write(outcome.observation), outcome.reward, outcome.terminated, truncated, info

    def _own_tensor(self, value: Any) -> torch.Tensor:
        """Return a value of an action as a plain tensor, if it is one on this environment's device."""
        if not isinstance(value, torch.Tensor) or value.device != self.device:
            place = f"on {value.device}" if isinstance(value, torch.Tensor) else f"a {type(value).__name__}"
            raise TypeError(f"{place}, not a tensor on {self.device}")
        return cast(torch.Tensor, plain_tensor(value))

    def _read_mask(self, mask: Any) -> torch.Tensor:
        mask = plain_array("options['reset_mask']", mask, "bools", self._never_truncated)
        if isinstance(mask, np.ndarray) and mask.dtype == np.bool_:
            mask = torch.as_tensor(mask)
        if not isinstance(mask, torch.Tensor) or mask.shape != (self.num_envs,) or mask.dtype != torch.bool:
            raise InvalidArgument(
                f"options['reset_mask'] is {mask.dtype} of shape {tuple(mask.shape)}: expected bool of shape "
                f"({self.num_envs},)"
            )
        if not self._episodes.begun:
            raise ResetNeeded("reset() with a mask was called before the first reset() of all rows")
        return mask.to(self.device)


def _check_device(device: str | torch.device) -> torch.device:
    try:
        resolved = torch.zeros(0, device=device).device
    except (RuntimeError, AssertionError, TypeError):
        raise InvalidArgument(
            f"device={device!r} is not available on this machine: use 'cpu', or 'cuda' if a GPU is present"
        ) from None
    return resolved
