"""A vector environment as one stream of steps, whatever its auto-reset mode.

| mode | what a step returns at the end of an episode | the next step |
|---|---|---|
| NEXT_STEP | the final observation | ignores the action, and returns the first observation of a new episode |
| SAME_STEP | the first observation of a new episode; the final one is in ``info["final_obs"]`` | an ordinary step |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, VectorEnv
from gymnasium.vector.utils import concatenate, create_empty_array
from numpy.typing import NDArray

from agents.environments.adapter import Adapter, Choice, adapter_for
from agents.errors import RAMError, SettingsError, invalid_settings
from ram_envs.wrappers.inner import find_autoreset_mode

Observation = dict[str, NDArray[np.float32]]


class InvalidValue(RAMError, ValueError):
    """An environment returned NaN or infinity; the message names the value, the step and the row."""


class ProcessGone(RAMError, RuntimeError):
    """A process of a vector environment has ended before its time."""


class Step(NamedTuple):
    """What a step of B rows returned.

    Attributes:
        observation: What the policy sees next; see :meth:`agents.environments.adapter.Adapter.observe`.
        reward: float32 (B,).
        terminated: bool (B,).
        truncated: bool (B,).
        taken: bool (B,), whether the step belongs to an episode; False for the step in which a row starts a new one.
        starts: bool (B,), whether an episode starts with ``observation``.
        final: What the policy would have seen at the end of the episodes that ended, if ``observation`` is that of new
            ones already; the values of the other rows have no meaning. None if no episode ended, or if ``observation``
            is the final one.
        info: The infos.
        success: bool (B,), the episodes that succeeded if they ended with this step; None if that has no meaning.
    """

    observation: Observation
    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    taken: NDArray[np.bool_]
    starts: NDArray[np.bool_]
    final: Observation | None
    info: dict[str, Any]
    success: NDArray[np.bool_] | None

    @property
    def over(self) -> NDArray[np.bool_]:
        """The episodes that ended with this step, bool (B,)."""
        return self.terminated | self.truncated


class World:
    """Steps a vector environment with the policy's decisions, and checks what it returns.

    Args:
        env: A vector environment that resets its rows itself.
        adapter: Connects the policy to it; None to find the one that fits.

    Raises:
        SettingsError: If the environment does not say how it resets, or does not.
    """

    def __init__(self, env: VectorEnv, adapter: Adapter | None = None) -> None:
        with invalid_settings():
            self._mode = find_autoreset_mode(env)
        if self._mode == AutoresetMode.DISABLED:
            raise SettingsError(
                f"{env} does not reset its rows (AutoresetMode.DISABLED): make it with autoreset_mode NEXT_STEP or "
                "SAME_STEP"
            )
        self.env, self.num_envs = env, env.num_envs
        self.adapter = adapter_for(env) if adapter is None else adapter
        self._over = np.zeros(self.num_envs, bool)
        self._steps = 0
        self._gone = False
        self._send, self._receive = _halves_of_a_step(env)

    def reset(self, seed: int | None = None) -> Observation:
        """Start new episodes in all rows, and return the observations.

        Args:
            seed: Seed of the first row; row i gets ``seed + i``. None to go on with the generators there are.
        """
        with self._processes():
            observation, _ = self.env.reset(seed=seed)
        self._over = np.zeros(self.num_envs, bool)
        self._steps = 0
        return self._observed(observation)

    def step(self, choice: Choice) -> Step:
        """Take one step; see :meth:`end_step`."""
        self.begin_step(choice)
        return self.end_step()

    def begin_step(self, choice: Choice) -> None:
        """Begin a step. Environments that run in processes or threads of their own work until :meth:`end_step`."""
        self._choice = choice
        with self._processes():
            self._send(self.adapter.act(choice))

    def end_step(self) -> Step:
        """Wait for the step that was begun, and return what it led to.

        Raises:
            InvalidValue: If an observation or a reward is NaN or infinite.
            ProcessGone: If a process of the environment has ended.
        """
        with self._processes():
            observation, reward, terminated, truncated, info = self._receive()
        choice = self._choice
        self._steps += 1
        before, over = self._over, np.asarray(terminated) | np.asarray(truncated)
        self._over = over
        next_step = self._mode == AutoresetMode.NEXT_STEP
        seen = self._observed(observation)
        rewards = np.asarray(reward, np.float32)
        self._check("the reward", rewards)
        return Step(
            observation=seen,
            reward=rewards,
            terminated=np.asarray(terminated, bool),
            truncated=np.asarray(truncated, bool),
            taken=~before if next_step else np.ones(self.num_envs, bool),
            starts=before if next_step else over,
            final=None if next_step or not over.any() else self._final(seen, info, over),
            info=info,
            success=self.adapter.successes(choice, info),
        )

    def close(self) -> None:
        """Close the environment."""
        if not self._gone:
            with suppress(ProcessGone), self._processes():  # one may have ended after the last step
                self.env.close()
        if self._gone:
            env = self.env.unwrapped
            for process in getattr(env, "processes", ()):  # they wait for messages, and closing would wait for theirs
                process.kill()
            env.closed = True  # otherwise it is closed when it is deleted

    @contextmanager
    def _processes(self) -> Iterator[None]:
        """Name the cause where a process of the environment does not answer.

        Raises:
            ProcessGone: In place of the error of its pipe.
        """
        try:
            yield
        except (BrokenPipeError, ConnectionResetError, EOFError) as error:
            self._gone = True
            raise ProcessGone(
                "a process of the vector environment has ended (killed, perhaps for lack of memory)"
            ) from error

    def _observed(self, observation: Any) -> Observation:
        seen = self.adapter.observe(observation, self.num_envs)
        for key, values in seen.items():
            self._check(f"the observation's {key!r}", values)
        # Copied, because a vector environment may write the next observations into the same memory.
        return {key: np.array(values, np.float32) for key, values in seen.items()}

    def _final(self, seen: Observation, info: Mapping[str, Any], over: NDArray[np.bool_]) -> Observation:
        """Return the observations with those of the rows that have ended replaced by their final ones, as a copy."""
        if "final_obs" not in info:
            raise SettingsError(
                f"{self.env} resets rows in the same step, but its infos have no 'final_obs', which values at a "
                "truncation need: use autoreset_mode NEXT_STEP"
            )
        rows = np.flatnonzero(over)
        space, values = self.env.single_observation_space, info["final_obs"]
        if isinstance(values, np.ndarray) and values.dtype == object:  # one observation a row
            empty: Any = create_empty_array(space, len(rows))
            batch = concatenate(space, [values[row] for row in rows], empty)
            part = self.adapter.observe(batch, len(rows))
        else:
            part = {key: value[rows] for key, value in self.adapter.observe(values, self.num_envs).items()}
        final = {key: value.copy() for key, value in seen.items()}
        for key, value in part.items():
            final[key][rows] = value
            self._check(f"the final observation's {key!r}", final[key])
        return final

    def _check(self, name: str, values: NDArray[Any]) -> None:
        """Refuse values that are not finite, (B, ...)."""
        if np.isfinite(values).all():
            return
        row = int(np.argmin(np.isfinite(values).reshape(len(values), -1).all(1)))
        number = "NaN" if np.isnan(values[row]).any() else "infinite"
        raise InvalidValue(
            f"{name} is {number} at step {self._steps} of row {row} (steps since the last reset of all rows): the "
            f"environment {getattr(self.env.spec, 'id', None) or self.env} returned it; expected finite numbers"
        )


def _halves_of_a_step(env: Any) -> tuple[Callable[[Any], object], Callable[[], Any]]:
    """Return what begins a step, and what waits for its end and returns what ``env.step`` returns."""
    if isinstance(env, AsyncVectorEnv) or getattr(env, "can_step_async", False):
        return env.step_async, env.step_wait
    if hasattr(env, "send") and hasattr(env, "recv"):  # Atari's vector environment
        return env.send, env.recv
    outcomes: list[Any] = []
    return lambda action: outcomes.append(env.step(action)), lambda: outcomes.pop()
