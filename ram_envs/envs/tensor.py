"""Many environments on torch tensors, on any device: the interface for training at speed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from gymnasium.error import InvalidAction, ResetNeeded
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from ram_envs.arguments import check_integer
from ram_envs.envs.actions import format_observation, make_action_format, observation_space
from ram_envs.envs.episodes import Episodes
from ram_envs.envs.vector import parse_autoreset_mode
from ram_envs.tasks import make_task


class TensorEnv:
    """A batch of environments that never leaves its device; on the CPU it equals the vector environment bit for bit.

    Rows, seeds, formats and auto-reset modes are those of :class:`ram_envs.envs.vector.GlimpseVectorEnv`, with three
    differences: values are tensors; infos have no masks, and after a same-step reset ``info["final_obs"]`` and
    ``info["final_info"]`` hold all rows; and with auto-reset disabled, rows that have ended may be stepped on: they
    stay as they are, with reward 0, until they are reset.

    Args:
        task: "catch" or "classification".
        num_envs: Number of rows, B.
        device: Where the rows live, "cpu" or "cuda".
        autoreset_mode: "NextStep", "SameStep" or "Disabled". Disabled, a step never waits for the device if
            ``check_actions`` is False.
        action_format: "box", "dict", "multidiscrete" or "discrete".
        observation_format: "dict" or "flat".
        grid_size: Cells on a side of the grid of fixations of the two discrete action formats.
        check_actions: Whether actions are checked for wrong values, which on a GPU waits for the device at every step.
        **settings: The arguments of the task.

    Raises:
        ValueError: If an argument is unknown or has a value that it cannot take.
    """

    def __init__(
        self,
        task: str,
        num_envs: int,
        device: str | torch.device = "cpu",
        autoreset_mode: str | AutoresetMode = AutoresetMode.DISABLED,
        action_format: str = "box",
        observation_format: str = "dict",
        grid_size: int = 5,
        check_actions: bool = True,
        **settings: Any,
    ) -> None:
        self.num_envs = check_integer("num_envs", num_envs, 1)
        self.device = _check_device(device)
        self.autoreset_mode = parse_autoreset_mode(autoreset_mode)
        self.task = make_task(task, settings)
        self.sensor = self.task.sensor
        self.single_observation_space = observation_space(observation_format, self.task)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self._action_format = make_action_format(action_format, self.task, grid_size)
        self.single_action_space = self._action_format.space
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._observation_format = observation_format
        self._check_actions = check_actions
        self._never_truncated = torch.zeros(self.num_envs, dtype=torch.bool, device=self.device)
        self._episodes = Episodes(self.task, self.num_envs, self._never_truncated, self.autoreset_mode, freeze=True)

    @property
    def scene(self) -> torch.Tensor:
        """The hidden pictures, uint8 (B, C, H, W): for oracles, drawings and tests, not for the agent.

        Raises:
            ResetNeeded: If no episode has begun.
        """
        if self._episodes.state is None:
            raise ResetNeeded("there is nothing to see before reset()")
        return self.task.scene(self._episodes.state).clone()

    def reset(
        self, *, seed: int | Sequence[int | None] | torch.Tensor | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, torch.Tensor]]:
        """Begin an episode in every row, or in those of ``options["reset_mask"]``, bool (B,).

        Args:
            seed: An int s seeds row i with s + i, a sequence has one entry a row; None begins the next episode of
                every row. A tensor on this environment's device, int64 (B,), is not waited for, and not checked.
            options: ``reset_mask``, and ``image_index``, int64 (B,), the images of a classification task.

        Returns:
            Observations, float32 (B, ...), and infos, (B,).

        Raises:
            ValueError: If seeds or options have a shape or a value that they cannot have.
            ResetNeeded: If there is a mask, but no episode has begun.
        """
        options = options or {}
        unknown = set(options) - {"reset_mask", "image_index"}
        if unknown:
            raise ValueError(f"options has {sorted(unknown)}: expected nothing but 'reset_mask' and 'image_index'")
        mask, rows = options.get("reset_mask"), None
        if mask is not None:
            mask = torch.as_tensor(mask, device=self.device)
            if mask.shape != (self.num_envs,) or mask.dtype != torch.bool:
                raise ValueError(
                    f"options['reset_mask'] is {mask.dtype} of shape {tuple(mask.shape)}: expected torch.bool of shape "
                    f"({self.num_envs},)"
                )
            if self._episodes.state is None:
                raise ResetNeeded("reset() with a mask was called before the first reset() of all rows")
            rows = mask.nonzero()[:, 0]
        if seed is None and self._episodes.state is None:
            seed = int(torch.randint(2**62, (1,), generator=torch.Generator().manual_seed(torch.seed() % 2**62)))
        self._episodes.begin(seed, rows=rows, image_index=options.get("image_index"))
        return format_observation(self._observation_format, self._episodes.observation()), self._episodes.info()

    def step(self, action: Any) -> tuple[Any, torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]]:
        """Take one step in every row.

        Args:
            action: Tensors on this environment's device, in the format of ``action_space``. Fixations outside [-1, 1]
                are clipped.

        Returns:
            observations float32 (B, ...), reward float32 (B,), terminated bool (B,), truncated bool (B,) and infos.

        Raises:
            InvalidAction: If ``check_actions`` and the actions have a wrong shape or dtype, a NaN, or name what does
                not exist, or are no tensors on this device; nothing has changed then.
            ResetNeeded: If no episode has begun.
        """
        if self._episodes.state is None:
            raise ResetNeeded("step() was called before reset()")
        if self._check_actions:
            for part in action.values() if isinstance(action, dict) else [action]:
                if not isinstance(part, torch.Tensor) or part.device != self.device:
                    where = part.device if isinstance(part, torch.Tensor) else type(part).__name__
                    raise InvalidAction(f"action is on {where}: expected tensors on {self.device}")
            action = self._action_format.check(action, self.num_envs)
        fixation, task_action = self._action_format.decode(action)
        outcome = self._episodes.step(fixation, task_action)
        info: dict[str, Any] = dict(outcome.info)
        if outcome.final_observation is not None:
            info["final_obs"] = format_observation(self._observation_format, outcome.final_observation)
            info["final_info"] = outcome.final_info
        observation = format_observation(self._observation_format, outcome.observation)
        return observation, outcome.reward, outcome.terminated, self._never_truncated.clone(), info


def _check_device(device: str | torch.device) -> torch.device:
    try:
        resolved = torch.zeros(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device={device!r} is not at hand here: expected 'cpu', or 'cuda' on a machine that has one"
        ) from error
    return resolved
