"""The running episodes of a batch of rows: seeds, episode numbers, states and auto-reset.

Each interface (single, vector, tensor) owns one :class:`Episodes` and adds only its own formats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from gymnasium.vector import AutoresetMode

from ram_envs.arguments import check_integer
from ram_envs.arrays import Array, compiled_kernels, namespace
from ram_envs.envs.actions import ActionFormat
from ram_envs.envs.compiled_actions import Reader, make_reader
from ram_envs.envs.options import check_image_index, fresh_seed, next_keys
from ram_envs.tasks import Observation, Task
from ram_envs.tasks.compiled import CompiledTask, Step, compile_task


class Outcome(NamedTuple):
    """The result of one step of a batch.

    Attributes:
        observation: The observation after any auto-reset.
        reward: float32 (B,).
        terminated: bool (B,).
        truncated: bool (B,); None without a limit on the steps.
        info: The info after any auto-reset, arrays of shape (B,).
        final_observation: The observation of all rows before a same-step auto-reset; None if no row was reset.
        final_info: The info of all rows before a same-step auto-reset; None if no row was reset.
    """

    observation: Observation
    reward: Array
    terminated: Array
    truncated: Array | None
    info: dict[str, Array]
    final_observation: Observation | None = None
    final_info: dict[str, Array] | None = None

    @property
    def ended(self) -> Array:
        """Which episodes the step ended: bool (B,)."""
        return self.terminated if self.truncated is None else self.terminated | self.truncated


class Episodes:
    """The episodes of ``num_rows`` rows of one task.

    Args:
        task: The rules.
        num_rows: Number of rows, B.
        like: Any array; the rows use its library (NumPy or torch) and device.
        autoreset_mode: NEXT_STEP resets a row that has ended with its next step, SAME_STEP at once, DISABLED never.
        freeze: Whether rows that have ended may be stepped with auto-reset disabled: they then stay as they are, with
            reward 0, until they are reset. Otherwise the caller makes sure that this does not happen.
        max_episode_steps: Episodes are truncated after so many steps; None or, as in Gymnasium, -1 for no limit.
        actions: The format of the actions, to be read by ``reader``.

    Attributes:
        reader: Reads actions with compiled kernels; None if it cannot, or if numba is not worth loading yet.
    """

    def __init__(
        self,
        task: Task[Any],
        num_rows: int,
        like: Array,
        autoreset_mode: AutoresetMode,
        freeze: bool = False,
        max_episode_steps: int | None = None,
        actions: ActionFormat | None = None,
    ) -> None:
        xp = namespace(like)
        self.task, self.num_rows, self.autoreset_mode = task, num_rows, autoreset_mode
        self._like, self._freeze = like, freeze
        self._limit: int | None = None
        if max_episode_steps is not None and max_episode_steps != -1:
            self._limit = check_integer("max_episode_steps", max_episode_steps, 1, 2**31)
        self._seed = xp.zeros((num_rows,), dtype=xp.int64, device=like.device)
        self._episode = xp.zeros((num_rows,), dtype=xp.int64, device=like.device)
        self._state: Any = None  # unless there is a compiled task, which then holds the state
        self._compiled: CompiledTask | None = None
        self._may_compile = True
        self._actions, self.reader = actions, cast("Reader | None", None)
        self._on_numpy = isinstance(like, np.ndarray)

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle the state as the rules have it: a copy loads it into a compiled task of its own."""
        if self._compiled is None:
            return self.__dict__
        return {**self.__dict__, "_state": self.state, "_compiled": None, "reader": None, "_may_compile": True}

    @property
    def begun(self) -> bool:
        """Whether an episode has begun."""
        return self._state is not None

    @property
    def state(self) -> Any:
        """The state of the task; None before the first episode."""
        if self._compiled is None or not self.begun:  # a compiled task may be there before the first episode
            return self._state
        state = self._compiled.state
        return type(state)(*map(self._convert, state))

    def begin(
        self,
        seed: int | Sequence[int | None] | Array | None,
        rows: Array | None = None,
        image_index: Array | Sequence[int] | None = None,
    ) -> None:
        """Start an episode in every row, or in ``rows``.

        Args:
            seed: An int s makes s + i the seed of row i; a sequence has one seed for each of the B rows. A row that
                gets a seed starts its episode 0, a row that gets None its next one. None before the first episode draws
                a seed from the operating system.
            rows: int64 (R,), the rows to begin; None for all.
            image_index: int64 (B,) or None, the images to show.

        Raises:
            InvalidArgument: If the number of seeds is not that of the rows, a seed is negative or not an integer, or
                an image index does not exist.
        """
        if self._may_compile:
            self._compile()
        self._begin(seed, rows, image_index)

    def _begin(
        self,
        seed: int | Sequence[int | None] | Array | None,
        rows: Array | None = None,
        image_index: Array | Sequence[int] | None = None,
    ) -> None:
        if seed is None and not self.begun:
            seed = fresh_seed()
        new_seed, episode = next_keys(seed, self._seed, self._episode)
        index = check_image_index(image_index, self.task, self.num_rows, self._like)
        if self._compiled is not None:
            self._begin_compiled(self._compiled, rows, new_seed, episode, index)
            return
        if rows is None or not self.begun:
            self._state = self._initial(new_seed, episode, index)
            self._seed, self._episode = new_seed, episode
            return
        fresh = self._initial(new_seed[rows], episode[rows], None if index is None else index[rows])
        for old, new in zip(self._state, fresh, strict=True):
            old[rows] = new
        self._seed[rows] = new_seed[rows]
        self._episode[rows] = episode[rows]

    def step(self, gaze: Array, answer: Array) -> Outcome:
        """Take one step in every row, and reset the rows that are due.

        Args:
            gaze: float32 (B, gaze_size), without NaN; the gaze part of the actions.
            answer: int64 (B,) in [0, n), or float32 (B, n) for a Box answer.
        """
        if self._may_compile:
            self._compile()
        if self.task.gaze_control.scripted:
            gaze = self.task.scripted_location(self._seed, self._episode, self.state.step)
        if self._compiled is not None:
            return self._step_compiled(self._compiled, gaze, answer)
        task, before = self.task, self._state
        self._state = task.transition(before, task.gaze_control.move(before.location, gaze), answer)
        if self.autoreset_mode == AutoresetMode.NEXT_STEP:
            self._begin_where(self.ended(before))
        # Copied, because a task may return an array of its state, which a reset changes in place.
        reward, terminated = _copy(task.reward(self._state)), _copy(task.terminal(self._state))
        if self.autoreset_mode == AutoresetMode.DISABLED and self._freeze:
            ended = self.ended(before)
            self._state = _select(ended, before, self._state)
            reward, terminated = namespace(reward).where(ended, 0.0, reward), _copy(task.terminal(self._state))
        truncated = self._truncated(self._state)
        final_observation = final_info = None
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            ended = terminated if truncated is None else terminated | truncated
            if bool(namespace(ended).any(ended)):
                final_observation, final_info = self.observe()
                self._begin_where(ended)
        observation, info = self.observe()
        return Outcome(observation, reward, terminated, truncated, info, final_observation, final_info)

    def ended(self, state: Any) -> Array:
        """Return which episodes have ended in a state, by termination or truncation: bool (B,)."""
        terminated = self.task.terminal(state)
        truncated = self._truncated(state)
        return terminated if truncated is None else terminated | truncated

    def observe(self) -> tuple[Observation, dict[str, Array]]:
        """Return the current observations and infos, as new arrays."""
        if self._compiled is not None:
            observation, info = self._compiled.observe()
            return self._observation(observation), self._info(info)
        glimpse, location, senses = self.task.observation(self._state)
        info = {key: _copy(value) for key, value in self.task.info(self._state).items()}
        return Observation(glimpse, _copy(location), senses), info

    def _initial(self, seed: Array, episode: Array, image_index: Array | None) -> Any:
        if self.task.num_images is None:
            return self.task.initial(seed, episode)
        return self.task.initial(seed, episode, image_index)  # type: ignore[call-arg]

    def _compile(self) -> None:
        """Hand the episodes over to a compiled task if there is one, as soon as numba is worth loading."""
        if compiled_kernels(self._seed, math.prod(self.task.scene_shape)) is None:
            return
        self._may_compile = False
        compiled = compile_task(self.task, self.num_rows, self.autoreset_mode, self._limit)
        if compiled is None:
            return
        compiled.seed[:], compiled.episode[:] = np.asarray(self._seed), np.asarray(self._episode)
        if self._state is not None:
            compiled.load(self._state)
        self._seed, self._episode = self._convert(compiled.seed), self._convert(compiled.episode)  # the same memory
        self._compiled = compiled
        if self._actions is not None:
            self.reader = make_reader(self._actions, self.num_rows)

    def _begin_compiled(
        self, compiled: CompiledTask, rows: Array | None, seed: Array, episode: Array, image_index: Array | None
    ) -> None:
        mask = np.full(self.num_rows, rows is None or not self.begun)
        if rows is not None:
            mask[np.asarray(rows)] = True
        index = None if image_index is None else np.asarray(image_index)
        compiled.begin(mask, np.asarray(seed), np.asarray(episode), index)
        self._state = ()

    def _step_compiled(self, compiled: CompiledTask, gaze: Array, answer: Array) -> Outcome:
        step = compiled.step(plain(gaze), plain(answer))
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            ended = step.terminated if step.truncated is None else step.terminated | step.truncated
            if ended.any():
                compiled.begin(ended, compiled.seed, compiled.episode + 1, None)
                observation, info = compiled.observe()
                final = step.observation, step.info
                return self._outcome(step._replace(observation=observation, info=info), *final)
        return self._outcome(step)

    def _outcome(
        self, step: Step, final_observation: Observation | None = None, final_info: dict[str, Any] | None = None
    ) -> Outcome:
        """Convert the result of a compiled task."""
        if self._on_numpy:
            return Outcome(*step, final_observation, final_info)
        convert = self._convert
        return Outcome(
            self._observation(step.observation),
            convert(step.reward),
            convert(step.terminated),
            None if step.truncated is None else convert(step.truncated),
            self._info(step.info),
            None if final_observation is None else self._observation(final_observation),
            None if final_info is None else self._info(final_info),
        )

    def _observation(self, observation: Observation) -> Observation:
        """Convert an observation of a compiled task."""
        if self._on_numpy:
            return observation
        return Observation(self._convert(observation.glimpse), self._convert(observation.location))

    def _info(self, info: dict[str, Any]) -> dict[str, Array]:
        """Convert the info of a compiled task."""
        return {key: self._convert(value) for key, value in info.items()}

    def _convert(self, array: Any) -> Array:
        """Return an array of a compiled task as it is, or as a tensor with the same memory."""
        return array if self._on_numpy else namespace(self._like).asarray(array)

    def _truncated(self, state: Any) -> Array | None:
        """Return which rows have reached the limit, as Gymnasium's TimeLimit does: also if they terminated with it."""
        return None if self._limit is None else state.step >= self._limit

    def _begin_where(self, mask: Array) -> None:
        xp = namespace(mask)
        if bool(xp.all(mask)):
            self._begin(None)
        elif bool(xp.any(mask)):
            self._begin(None, rows=xp.nonzero(mask)[0])


def _select(mask: Array, chosen: Any, other: Any) -> Any:
    """Return the rows of ``chosen`` where ``mask``, else of ``other``; arrays that both share stay as they are."""
    xp = namespace(mask)
    leaves = (
        a if a is b else xp.where(xp.reshape(mask, (-1, *[1] * (a.ndim - 1))), a, b)
        for a, b in zip(chosen, other, strict=True)
    )
    return type(chosen)(*leaves)


def plain(array: Array) -> np.ndarray:
    """Return an array or a tensor on the CPU as kernels expect it: a C-contiguous NumPy array."""
    if type(array) is np.ndarray and array.flags.carray:
        return array
    return np.require(array, requirements=["C", "A", "W"])


def _copy(array: Array) -> Array:
    return array.copy() if isinstance(array, np.ndarray) else cast(Any, array).clone()
