"""Makes vector environments from ids, functions and environments, and the worlds around them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import gymnasium
from gymnasium.vector import SyncVectorEnv, VectorEnv

from agents.environments.adapter import find_attribute
from agents.environments.world import World
from agents.errors import SettingsError
from ram_envs import parse_id
from ram_envs.errors import UnknownName
from ram_envs.registration import GLIMPSE_ID
from ram_envs.wrappers.make import import_environment

_EXTRAS = {"ap_gym": "apgym", "ale_py": "atari", "minigrid": "minigrid"}
"""The extra that installs a package."""
Vectorization = Literal["auto", "sync", "async"]


def make_world(
    source: str | VectorEnv | Callable[[], gymnasium.Env],
    num_envs: int,
    env_settings: Mapping[str, Any] | None = None,
    vectorization: Vectorization = "auto",
    render_mode: str | None = None,
) -> World:
    """Make a vector environment and the world around it.

    Args:
        source: An id as in ``gymnasium.make``, with the module that registers it: "ale_py:ALE/Pong-v5"; or a vector
            environment of ``num_envs`` rows; or a function that makes one environment.
        num_envs: Number of rows.
        env_settings: Arguments of the environment; for ids only.
        vectorization: "sync" steps the rows one after the other, "async" in processes of their own. "auto" takes the
            environment's own vector environment if it has one, and "sync" otherwise.
        render_mode: As in ``gymnasium.make_vec``; for ids only.

    Raises:
        SettingsError: If the environment cannot be made or the policy cannot act in it.
    """
    if isinstance(source, str):
        return World(_make_vec(source, num_envs, dict(env_settings or {}), vectorization, render_mode))
    if env_settings:
        raise SettingsError(f"environment={dict(env_settings)} are arguments for an id: here the environment is made")
    if isinstance(source, VectorEnv):
        if source.num_envs != num_envs:
            raise SettingsError(
                f"num_envs={num_envs}, but the vector environment has {source.num_envs} rows: expected the same number"
            )
        return World(source)
    if not callable(source):
        raise SettingsError(
            f"env={source!r} is not valid: expected an id, a vector environment, or a function that makes one "
            "environment, such as lambda: gymnasium.make('CartPole-v1')"
        )
    make = gymnasium.vector.AsyncVectorEnv if vectorization == "async" else SyncVectorEnv
    with _no_interrupts():
        env = make([lambda: _call(source)] * num_envs)
    return World(env)


def portable_id(env_id: str) -> str:
    """Return an id with the module that registers it, so that it is found in a new process.

    Raises:
        SettingsError: If there is no such environment.
    """
    if is_task(env_id):
        return parse_id(env_id).portable
    spec = _spec(env_id)
    module = spec.entry_point.partition(":")[0] if isinstance(spec.entry_point, str) else ""
    package = module.partition(".")[0]
    known = ":" in env_id or package in ("", "gymnasium", "ram_envs", "__main__")
    return env_id if known else f"{package}:{env_id}"


def is_task(env_id: str) -> bool:
    """Return whether an id is that of a task, of the suite or registered with ``ram_envs.register``."""
    try:
        parse_id(env_id)
    except UnknownName:
        return False
    return True


def arguments_of(env_id: str, env_settings: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a registered name and the arguments with which Gymnasium makes the environment for the RAM policy.

    Raises:
        SettingsError: If there is no such environment.
    """
    name = _spec(env_id).id
    if is_task(env_id):
        return name, {**env_settings, "action_format": "dict", "observation_format": "dict"}
    if name == GLIMPSE_ID:
        return name, {**env_settings, "action_format": "dict"}
    return name, dict(env_settings)


def steps_of_an_episode(env: VectorEnv) -> int | None:
    """Return the largest number of steps in an episode; None if it is not known."""
    task = find_attribute(env, "task")
    steps = getattr(task, "max_episode_steps", None) or getattr(env.spec, "max_episode_steps", None)
    return steps if isinstance(steps, int) else None


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Keep Ctrl-C from the processes that are started here; in this one it is only delayed.

    A terminal sends it to all processes, and those of an environment would end before the run has saved its checkpoint.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _call(make: Callable[[], gymnasium.Env]) -> gymnasium.Env:
    env = make()
    if not isinstance(env, gymnasium.Env):
        raise SettingsError(f"the function {make!r} returned {env!r}: expected a Gymnasium environment")
    return env


def _make_vec(
    env_id: str, num_envs: int, env_settings: dict[str, Any], vectorization: Vectorization, render_mode: str | None
) -> VectorEnv:
    name, arguments = arguments_of(env_id, env_settings)
    if render_mode is not None:
        arguments["render_mode"] = render_mode
    mode = None if vectorization == "auto" else vectorization
    try:
        with _no_interrupts():
            return gymnasium.make_vec(name, num_envs, vectorization_mode=mode, **arguments)
    except (gymnasium.error.Error, ImportError, TypeError) as error:
        raise SettingsError(f"{env_id} cannot be made: {error}") from error


def _spec(env_id: str) -> gymnasium.envs.registration.EnvSpec:
    """Return the registration of an id, after importing its module.

    Raises:
        SettingsError: If there is none.
    """
    try:
        return gymnasium.spec(import_environment(env_id))
    except gymnasium.error.DependencyNotInstalled as error:
        raise SettingsError(str(error)) from error
    except UnknownName as error:
        extra = _EXTRAS.get(env_id.partition(":")[0])
        hint = f" (pip install 'ram-active-vision[{extra}]')" if extra else ""
        raise SettingsError(f"{error}{hint}") from error
    except gymnasium.error.Error as error:
        raise SettingsError(
            f"there is no environment {env_id!r} ({error}): if a package registers it, write its module before the id, "
            "as in ale_py:ALE/Pong-v5"
        ) from error
