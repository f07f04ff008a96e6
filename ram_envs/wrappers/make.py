"""The id "RAM-Glimpse-v0": any registered environment, made and wrapped by ``gymnasium.make`` and ``make_vec``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib import import_module as python_import
from typing import Any

import gymnasium
from gymnasium.envs.registration import VectorizeMode
from gymnasium.vector import AutoresetMode

from ram_envs.arguments import check_choice
from ram_envs.envs.options import check_num_envs, parse_autoreset_mode
from ram_envs.errors import InvalidArgument, UnknownArgument, did_you_mean
from ram_envs.lookup import import_module
from ram_envs.wrappers.settings import RENDER, GlimpseSettings
from ram_envs.wrappers.single import Glimpse
from ram_envs.wrappers.vector import VectorGlimpse

PROVIDERS: Mapping[str, tuple[str, str]] = {
    "ALE/": ("ale_py", "atari"),
    "MiniGrid-": ("minigrid", "minigrid"),
    "BabyAI-": ("minigrid", "minigrid"),
}
"""What ids begin with -> the module that registers them, and the extra that installs it."""
VECTORIZATION_MODES = tuple(mode.value for mode in VectorizeMode)


def make_single(
    env_id: str | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    render_mode: str | None = None,
    **settings: Any,
) -> Glimpse:
    """Make an environment and wrap it: ``gymnasium.make("ram_envs:RAM-Glimpse-v0", env_id="ALE/Pong-v5")``.

    Args:
        env_id: The id of the inner environment, as in ``gymnasium.make``.
        env_kwargs: Arguments of the inner environment.
        render_mode: None, "human", "rgb_array" or "ansi"; drawn with the sensor's outlines.
        **settings: The fields of :class:`GlimpseSettings`.

    Raises:
        UnknownArgument: If there is no such setting.
        InvalidArgument: If an argument has a value that it cannot take, or the environment cannot be seen this way.
        DependencyNotInstalled: If the package of the inner environment is missing.
    """
    checked = _check_settings(settings)
    inner = _inner_arguments(env_kwargs, checked)
    env = gymnasium.make(import_environment(env_id), **inner)
    return Glimpse(env, **asdict(checked), render_mode=render_mode)


def make_vector(
    num_envs: int = 1,
    env_id: str | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    env_vectorization: str | None = None,
    autoreset_mode: str | AutoresetMode | None = None,
    render_mode: str | None = None,
    max_episode_steps: int | None = None,
    **settings: Any,
) -> VectorGlimpse:
    """Make a vector environment and wrap it: ``gymnasium.make_vec("ram_envs:RAM-Glimpse-v0", 8, env_id=...)``.

    ``gymnasium.make_vec`` makes the inner environment: natively vectorized where its id has a vector entry point (which
    may show other frames than the single environment, as in Atari), otherwise with ``SyncVectorEnv``.

    Args:
        num_envs: Number of rows.
        env_id: The id of the inner environment, as in ``gymnasium.make_vec``.
        env_kwargs: Arguments of the inner environment.
        env_vectorization: "vector_entry_point", "sync" or "async", the ``vectorization_mode`` of the inner environment;
            None for its default.
        autoreset_mode: "NextStep", "SameStep" or "Disabled"; None for the default of the inner environment.
        render_mode: None or "rgb_array"; drawn with the sensor's outlines.
        max_episode_steps: Truncate episodes after so many steps; None for the limit of the inner environment.
        **settings: The fields of :class:`GlimpseSettings`.

    Raises:
        UnknownArgument: If there is no such setting.
        InvalidArgument: If an argument has a value that it cannot take, or the environment cannot be seen this way.
        DependencyNotInstalled: If the package of the inner environment is missing.
    """
    check_num_envs(num_envs)
    checked = _check_settings(settings)
    inner = _inner_arguments(env_kwargs, checked)
    if max_episode_steps is not None:
        inner["max_episode_steps"] = max_episode_steps
    name = import_environment(env_id)
    if env_vectorization is not None:
        check_choice("env_vectorization", env_vectorization, VECTORIZATION_MODES)
    native = VectorizeMode.VECTOR_ENTRY_POINT.value
    if env_vectorization is None:
        env_vectorization = native if gymnasium.spec(name).vector_entry_point is not None else "sync"
    vector_kwargs: dict[str, Any] = {}
    if autoreset_mode is not None:
        (inner if env_vectorization == native else vector_kwargs)["autoreset_mode"] = parse_autoreset_mode(
            autoreset_mode
        )
    try:
        envs = gymnasium.make_vec(
            name, num_envs, vectorization_mode=env_vectorization, vector_kwargs=vector_kwargs, **inner
        )
    except TypeError as error:
        if max_episode_steps is None or "'max_episode_steps'" not in str(error):
            raise
        raise InvalidArgument(
            f"max_episode_steps={max_episode_steps} cannot be passed on to the vector environment of {name}: use "
            "env_vectorization='sync', or its own argument in env_kwargs (Atari: max_num_frames_per_episode)"
        ) from error
    return VectorGlimpse(envs, **asdict(checked), render_mode=render_mode)


def import_environment(env_id: str | None) -> str:
    """Import the module that registers an environment, and return its id for ``gymnasium.make``.

    The module is the part of the id before ":", or that of a package that is known by the beginning of its ids.

    Raises:
        InvalidArgument: If there is no id.
        DependencyNotInstalled: If a known package is missing; the message names the extra.
        UnknownName: If there is no such module.
    """
    if not isinstance(env_id, str) or not env_id:
        raise InvalidArgument(
            f"env_id={env_id!r} is not valid: name the environment to wrap, as in env_id='ALE/Pong-v5'"
        )
    module, separator, name = env_id.rpartition(":")
    known = next((entry for prefix, entry in PROVIDERS.items() if name.startswith(prefix)), None)
    if known is not None:
        try:
            python_import(known[0])
        except ImportError as error:
            raise gymnasium.error.DependencyNotInstalled(
                f"env_id={env_id!r} needs the package {known[0]}, which cannot be imported ({error}): "
                f"pip install 'ram-active-vision[{known[1]}]'"
            ) from error
    if separator:
        import_module(module, f"env_id={env_id!r}")
    return name


def _check_settings(settings: Mapping[str, Any]) -> GlimpseSettings:
    known = [field.name for field in fields(GlimpseSettings)]
    for name in settings:
        if name not in known:
            hint = did_you_mean(name, known) or "."
            raise UnknownArgument(
                f"RAM-Glimpse-v0 got an unexpected keyword argument {name!r}{hint} It takes env_id, env_kwargs, "
                f"render_mode, {', '.join(known)}; arguments of the inner environment belong in env_kwargs"
            )
    return GlimpseSettings(**settings)


def _inner_arguments(env_kwargs: Mapping[str, Any] | None, settings: GlimpseSettings) -> dict[str, Any]:
    """Return the arguments of the inner environment, with the render mode that the pixels need."""
    if env_kwargs is not None and not isinstance(env_kwargs, Mapping):
        raise InvalidArgument(f"env_kwargs={env_kwargs!r} is not valid: expected a dictionary")
    inner = dict(env_kwargs or {})
    if settings.pixels == RENDER:
        inner.setdefault("render_mode", "rgb_array")
    return inner
