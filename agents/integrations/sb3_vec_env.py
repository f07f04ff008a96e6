"""The vector environment with the ``VecEnv`` interface of Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices, VecEnvObs, VecEnvStepReturn

from ram_envs import parse_id
from ram_envs.envs.vector import GlimpseVectorEnv
from ram_envs.tasks import Task


class RAMVecEnv(VecEnv):
    """A vector environment of ``ram_envs`` as a Stable-Baselines3 ``VecEnv``.

    It behaves like SB3's ``DummyVecEnv`` over single environments, and is several times faster. The one difference:
    infos are empty until an episode ends. Then they hold ``terminal_observation``, ``TimeLimit.truncated`` and the
    infos of the environment, such as ``is_success``. Like any ``VecEnv`` it can be wrapped in ``VecMonitor`` (from
    which SB3 takes the returns and success rates of its logs), ``VecNormalize`` or ``VecFrameStack``.

    ``seed(s)`` gives row i the seed s + i. All rows share one environment: ``set_attr`` only works for all rows
    together, and ``env_method`` calls a method once and returns its result for every row. Only ``render`` and the
    attribute ``scene`` differ between rows.

    Args:
        env_id: The environment, as in ``gymnasium.make``: one of ``ram_envs``, or one that you registered.
        num_envs: Number of rows, B.
        render_mode: None or "rgb_array".
        **settings: The formats and the arguments of the task.

    Attributes:
        env: The vector environment.

    Raises:
        ValueError: If the id is not of ``ram_envs``, an argument is unknown or not valid, or ``action_format`` is
            "dict", which SB3 does not support.
    """

    def __init__(self, env_id: str, num_envs: int, *, render_mode: str | None = None, **settings: Any) -> None:
        parse_id(env_id)  # raises for environments that are not of ram_envs
        env = gymnasium.make_vec(
            env_id, num_envs, autoreset_mode=AutoresetMode.SAME_STEP, render_mode=render_mode, **settings
        )
        assert isinstance(env, GlimpseVectorEnv)
        if isinstance(env.single_action_space, spaces.Dict):
            raise ValueError(
                "action_format='dict': Stable-Baselines3 takes no dictionary actions; expected 'box' (PPO, A2C, "
                "RecurrentPPO, SAC, TD3), 'multidiscrete' (PPO, A2C, RecurrentPPO) or 'discrete' (these and DQN)"
            )
        self.env = env
        self._actions: Any = None
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    @property
    def task(self) -> Task:
        """The task."""
        return self.env.task

    def reset(self) -> VecEnvObs:
        """Start an episode in every row, with the seeds and options that were set before, if any.

        Returns:
            Observations, each float32 (B, n).

        Raises:
            ValueError: If the options have a key that is not ``image_index``, or not every row has it.
        """
        seeds = None if all(seed is None for seed in self._seeds) else self._seeds
        observation, info = self.env.reset(seed=seeds, options=self._joined_options())
        self._reset_seeds()
        self._reset_options()
        names = [name for name in info if not name.startswith("_")]
        self.reset_infos = _infos(info, names, np.arange(self.num_envs))
        return observation

    def step_async(self, actions: NDArray[Any]) -> None:
        """Note down the actions of the next :meth:`step_wait`, in the format of the action space, (B, ...)."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Take one step in every row, and reset the rows whose episodes end.

        Returns:
            Observations float32 (B, n) each, rewards float32 (B,), whether an episode ended bool (B,), and B infos.

        Raises:
            InvalidAction: If the actions have a wrong shape or dtype, a NaN, or name what does not exist; nothing has
                changed then.
        """
        observation, reward, terminated, truncated, info = self.env.step(self._actions)
        # A dictionary of its own for every row, since a wrapper may write into it: 64 of them take 2 microseconds.
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if "final_info" in info:
            rows = np.flatnonzero(info["_final_info"])
            names = [name for name in info["final_info"] if not name.startswith("_")]
            began = _infos(info, names, rows)
            for row, ended, new in zip(rows.tolist(), _infos(info["final_info"], names, rows), began, strict=True):
                ended["TimeLimit.truncated"] = bool(truncated[row] and not terminated[row])
                ended["terminal_observation"] = info["final_obs"][row]
                infos[row], self.reset_infos[row] = ended, new
        return observation, reward.astype(np.float32), terminated | truncated, infos

    def close(self) -> None:
        """Free what was used for drawing."""
        self.env.close()

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Draw every row: uint8 (height, width, 3) each; None each without a render mode."""
        return self.env.render() or [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute for each of some rows, or of all: spaces are those of one row, ``scene`` is its own."""
        rows = self._rows(indices)
        if attr_name in ("action_space", "observation_space"):
            attr_name = f"single_{attr_name}"
        value = getattr(self.env, attr_name)
        return [value[row] if attr_name == "scene" else value for row in rows]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of all rows.

        Raises:
            ValueError: If ``indices`` leaves some out: the rows share one environment.
        """
        if len(set(self._rows(indices))) < self.num_envs:
            raise ValueError(
                f"set_attr({attr_name!r}) with indices={indices!r}: the {self.num_envs} rows share one environment; "
                "expected indices=None"
            )
        setattr(self.env, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the vector environment once; return its answer for each of some rows, or of all.

        Raises:
            ValueError: For "reset", "step" and "close", which rows that share one environment cannot do by themselves.
        """
        rows = self._rows(indices)
        if method_name in ("reset", "step", "close"):
            raise ValueError(
                f"env_method({method_name!r}): the {self.num_envs} rows share one environment; call {method_name}() of "
                "this VecEnv"
            )
        if method_name == "render":
            images = self.get_images()
            return [images[row] for row in rows]
        answer = getattr(self.env, method_name)(*method_args, **method_kwargs)
        return [answer for _ in rows]

    def env_is_wrapped(self, wrapper_class: type[gymnasium.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        """Return False for each row: no wrapper of single environments has a place here."""
        return [False for _ in self._rows(indices)]

    def _rows(self, indices: VecEnvIndices) -> list[int]:
        return list(self._get_indices(indices))

    def _joined_options(self) -> dict[str, Any] | None:
        """Turn the options of the rows into those of the vector environment."""
        keys = [set(options) for options in self._options]
        if not any(keys):
            return None
        if any(row_keys != {"image_index"} for row_keys in keys):
            raise ValueError(
                f"options are {self._options}: expected {{'image_index': ...}} for each of the {self.num_envs} rows, "
                "or none at all"
            )
        return {"image_index": np.array([options["image_index"] for options in self._options])}


def _infos(info: dict[str, Any], names: list[str], rows: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Take the named infos of some rows out of arrays, as plain Python values."""
    columns = [info[name][rows].tolist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
