"""TorchRL: the tensor environment as an ``EnvBase``, batched and on any device.

::

    env = RAMEnv("RAM-CatchGame-v0", num_envs=256, device="cuda")
    rollout = env.rollout(23)  # TensorDict (256, 23): "glimpse", "location", "fixation", "move", ("next", "reward")

TorchRL's own wrappers work too: ``GymEnv("ram_envs:RAM-CatchGame-v0")``, and ``GymWrapper`` around
``gymnasium.make_vec("ram_envs:RAM-CatchGame-v0", num_envs=64, autoreset_mode="SameStep")``.

Importing this module raises ``gymnasium.error.DependencyNotInstalled`` if TorchRL is missing.
"""

# ruff: noqa: E402 (libraries are imported after the check that they are installed)
from __future__ import annotations

from typing import Any

from gymnasium import spaces

from agents.extras import require

require("torchrl", "torch", "torchrl")

import torch
from tensordict import TensorDict, TensorDictBase
from torchrl.data import Binary, Bounded, Categorical, Composite, MultiCategorical, TensorSpec, Unbounded
from torchrl.envs import EnvBase

import ram_envs
from ram_envs.errors import InvalidArgument

__all__ = ["RAMEnv"]


class RAMEnv(EnvBase):
    """A :class:`ram_envs.envs.tensor.TensorEnv` as a TorchRL environment; its rows are the batch.

    Observations are "glimpse" float32 (B, glimpse_size) in [0, 1] and "location" float32 (B, 2) in [-1, 1], or
    "observation" in the format "flat". Actions are "fixation" float32 (B, 2) and "move" or "label" int64 (B,) in the
    format "dict", or "action" in all other formats; fixations outside [-1, 1] are clipped. Values that the policy must
    not see are under "info": ("info", "is_success") bool (B,), and for classification ("info", "label") and
    ("info", "prediction") int64 (B,). "reward" float32, "terminated", "truncated" and "done" bool are (B, 1).

    Finished rows keep their state and get reward 0 until they are reset. Collectors and
    ``rollout(..., break_when_any_done=False)`` reset them.

    Args:
        env_id: Id of the environment, as in ``gymnasium.make``.
        num_envs: Number of rows, B.
        device: Device of the rows.
        action_format: "dict", "box", "multidiscrete" or "discrete".
        observation_format: "dict" or "flat".
        check_actions: Whether invalid actions raise an error. On a GPU the check synchronizes at every step.
        **settings: The arguments of the task, ``grid_size`` and ``max_episode_steps``.

    Raises:
        ValueError: If an argument is unknown or not valid. ``autoreset_mode`` is unknown: TorchRL resets the rows.
    """

    def __init__(
        self,
        env_id: str,
        num_envs: int,
        device: str | torch.device = "cpu",
        *,
        action_format: str = "dict",
        observation_format: str = "dict",
        check_actions: bool = True,
        **settings: Any,
    ) -> None:
        if "autoreset_mode" in settings:
            raise InvalidArgument(
                f"autoreset_mode={settings['autoreset_mode']!r} is not valid: TorchRL resets the rows; leave it out"
            )
        env = ram_envs.make_tensor(
            env_id,
            num_envs,
            device,
            action_format=action_format,
            observation_format=observation_format,
            check_actions=check_actions,
            autoreset_mode="Disabled",
            **settings,
        )
        super().__init__(device=env.device, batch_size=torch.Size([num_envs]))
        self._env = env
        self._seed: int | None = torch.Generator().seed() % 2**62  # until a seed is set
        batch = {"shape": self.batch_size, "device": self.device}
        _, info = env.reset(seed=0)
        info_spec = Composite({key: _info_spec(value) for key, value in info.items()}, **batch)
        observation = _named("observation", _spec(env.single_observation_space, **batch), **batch)
        self.observation_spec = Composite({**observation, "info": info_spec}, **batch)
        self.action_spec = _named("action", _spec(env.single_action_space, **batch), **batch)
        self.reward_spec = Unbounded(shape=(num_envs, 1), dtype=torch.float32, device=self.device)
        flag = Binary(shape=(num_envs, 1), dtype=torch.bool, device=self.device)
        self.done_spec = Composite({name: flag.clone() for name in ("done", "terminated", "truncated")}, **batch)
        self._flat_observation = observation_format == "flat"
        self._action_keys = list(self.action_spec.keys()) if action_format == "dict" else None

    @property
    def task(self) -> ram_envs.tasks.Task:
        """The task."""
        return self._env.task

    def _reset(self, tensordict: TensorDictBase | None, **kwargs: Any) -> TensorDictBase:
        mask = None if tensordict is None else tensordict.get("_reset", None)
        seed, self._seed = self._seed, None
        if mask is None or seed is not None:
            observation, info = self._env.reset(seed=seed)
        else:
            observation, info = self._env.reset(options={"reset_mask": mask.reshape(self.batch_size)})
        return self._write(observation, info)

    def _step(self, tensordict: TensorDictBase) -> TensorDictBase:
        keys = self._action_keys
        action = tensordict["action"] if keys is None else {key: tensordict[key] for key in keys}
        observation, reward, terminated, truncated, info = self._env.step(action)
        result = self._write(observation, info)
        result["reward"] = reward[:, None]  # (B,) -> (B, 1)
        result["terminated"], result["truncated"] = terminated[:, None], truncated[:, None]
        result["done"] = result["terminated"] | result["truncated"]
        return result

    def _set_seed(self, seed: int | None) -> None:
        """Give row i the seed ``seed`` + i, from the next reset on."""
        self._seed = seed

    def _write(self, observation: Any, info: dict[str, torch.Tensor]) -> TensorDict:
        content = {"observation": observation} if self._flat_observation else dict(observation)
        content["info"] = TensorDict(info, batch_size=self.batch_size, device=self.device)
        return TensorDict(content, batch_size=self.batch_size, device=self.device)


def _spec(space: spaces.Space[Any], shape: torch.Size, device: torch.device) -> TensorSpec:
    """Return the specification of a batch of elements of a space."""
    if isinstance(space, spaces.Dict):
        return Composite({key: _spec(part, shape, device) for key, part in space.items()}, shape=shape, device=device)
    if isinstance(space, spaces.Discrete):
        return Categorical(int(space.n), shape=shape, device=device)
    if isinstance(space, spaces.MultiDiscrete):
        return MultiCategorical(space.nvec.tolist(), shape=(*shape, len(space.nvec)), device=device)
    assert isinstance(space, spaces.Box)
    low, high = (torch.as_tensor(bound).expand(*shape, *space.shape).clone() for bound in (space.low, space.high))
    return Bounded(low, high, shape=(*shape, *space.shape), dtype=torch.float32, device=device)


def _named(name: str, spec: TensorSpec, **batch: Any) -> Composite:
    """Return a Composite: the specification itself, or one that holds it under this name."""
    return spec if isinstance(spec, Composite) else Composite({name: spec}, **batch)


def _info_spec(value: torch.Tensor) -> TensorSpec:
    kind = Binary if value.dtype == torch.bool else Unbounded
    return kind(shape=value.shape, dtype=value.dtype, device=value.device)
