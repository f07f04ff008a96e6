"""What the wrappers ask of the environments inside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from ram_envs.envs.options import parse_autoreset_mode
from ram_envs.errors import InvalidArgument, shown


def action_names(env: gym.Env[Any, Any]) -> tuple[str, ...]:
    """Return the names of an environment's choices in lower case, such as ("noop", "up", "down").

    Atari environments have ``get_action_meanings``, MiniGrid environments an enumeration ``actions``.

    Returns:
        Empty if the environment does not name them, or its actions are not choices.
    """
    if not isinstance(env.action_space, gym.spaces.Discrete):
        return ()
    names: list[str] = []
    if env.has_wrapper_attr("get_action_meanings"):
        names = [str(name) for name in env.get_wrapper_attr("get_action_meanings")()]
    elif env.has_wrapper_attr("actions"):
        members = getattr(env.get_wrapper_attr("actions"), "__members__", {})
        names = sorted(members, key=lambda name: members[name].value)
    return tuple(name.lower() for name in names) if len(names) == env.action_space.n else ()


def row_action_names(envs: VectorEnv[Any, Any, Any]) -> tuple[str, ...]:
    """Return the names of the choices of a vector environment whose environments are in this process, else nothing."""
    inner = getattr(envs.unwrapped, "envs", None)
    return action_names(inner[0]) if inner else ()


def first_frame(env: gym.Env[Any, Any] | VectorEnv[Any, Any, Any]) -> Any:
    """Return the frame that an environment, or the first row of a vector environment, renders after a reset.

    Raises:
        InvalidArgument: If it was not made with ``render_mode="rgb_array"``.
    """
    if env.render_mode != "rgb_array":
        raise InvalidArgument(
            f"pixels='render' needs an environment that renders arrays, and its render_mode is {env.render_mode!r}: "
            "make it with render_mode='rgb_array'"
        )
    env.reset()
    frame: Any = env.render()
    return frame[0] if isinstance(env, VectorEnv) and frame else frame


def find_autoreset_mode(envs: VectorEnv[Any, Any, Any]) -> AutoresetMode:
    """Return the auto-reset mode of a vector environment.

    Its attribute counts before its metadata, which all environments of some classes share.

    Raises:
        InvalidArgument: If it does not say.
    """
    mode = getattr(envs.unwrapped, "autoreset_mode", None) or envs.metadata.get("autoreset_mode")
    if mode is None:
        raise InvalidArgument(
            f"{envs} has no metadata['autoreset_mode'], so it is unknown when its episodes begin: set it to a member "
            "of gymnasium.vector.AutoresetMode"
        )
    return parse_autoreset_mode(mode)


def read_reset_mask(options: dict[str, Any] | None, num_envs: int, begun: bool) -> NDArray[np.bool_] | None:
    """Return ``options["reset_mask"]``, bool (B,), a copy; None for all rows.

    Args:
        options: The options of a reset, a dictionary or None.
        num_envs: Number of rows, B.
        begun: Whether all rows have begun an episode.

    Raises:
        InvalidArgument: If it is not valid.
        ResetNeeded: If it leaves out a row that has not begun an episode.
    """
    if options is not None and not isinstance(options, Mapping):
        raise InvalidArgument(f"options={shown(options)} is not valid: expected a dictionary or None")
    mask = None if options is None else options.get("reset_mask")
    if mask is None:
        return None
    valid = isinstance(mask, np.ndarray) and mask.dtype == np.bool_ and mask.shape == (num_envs,)
    if not valid or not mask.any():
        raise InvalidArgument(
            f"options['reset_mask']={shown(mask)} is not valid: expected a NumPy array of {num_envs} bools, one of "
            "them True"
        )
    if not begun and not mask.all():
        raise ResetNeeded("reset() with a mask was called before the first reset() of all rows")
    return mask.copy()
