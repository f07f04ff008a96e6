"""The running episodes of a batch of rows: seeds, episode numbers, states and auto-reset.

Each interface (single, vector, tensor) owns one :class:`Episodes` and adds only its own formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from gymnasium.vector import AutoresetMode

from ram_envs.arguments import check_integer
from ram_envs.arrays import Array, namespace
from ram_envs.envs.options import check_image_index, fresh_seed, next_keys
from ram_envs.tasks import Observation, Task


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
        max_episode_steps: Episodes are truncated after so many steps; None for no limit.
    """

    def __init__(
        self,
        task: Task[Any],
        num_rows: int,
        like: Array,
        autoreset_mode: AutoresetMode,
        freeze: bool = False,
        max_episode_steps: int | None = None,
    ) -> None:
        xp = namespace(like)
        self.task, self.num_rows, self.autoreset_mode = task, num_rows, autoreset_mode
        self._like, self._freeze = like, freeze
        if max_episode_steps is not None:
            check_integer("max_episode_steps", max_episode_steps, 1)
        self._limit = max_episode_steps
        self._seed = xp.zeros((num_rows,), dtype=xp.int64, device=like.device)
        self._episode = xp.zeros((num_rows,), dtype=xp.int64, device=like.device)
        self.state: Any = None

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
        if seed is None and self.state is None:
            seed = fresh_seed()
        new_seed, episode = next_keys(seed, self._seed, self._episode)
        index = check_image_index(image_index, self.task, self.num_rows, self._like)
        if rows is None or self.state is None:
            self.state = self._initial(new_seed, episode, index)
            self._seed, self._episode = new_seed, episode
            return
        fresh = self._initial(new_seed[rows], episode[rows], None if index is None else index[rows])
        for old, new in zip(self.state, fresh, strict=True):
            old[rows] = new
        self._seed[rows] = new_seed[rows]
        self._episode[rows] = episode[rows]

    def step(self, gaze: Array, answer: Array) -> Outcome:
        """Take one step in every row, and reset the rows that are due.

        Args:
            gaze: float32 (B, gaze_size), without NaN; the gaze part of the actions.
            answer: int64 (B,) in [0, n), or float32 (B, n) for a Box answer.
        """
        task, before = self.task, self.state
        state = task.transition(before, task.gaze_control.move(before.location, gaze), answer)
        self.state = state
        if self.autoreset_mode == AutoresetMode.NEXT_STEP:
            self._begin_where(self.ended(before))
        reward, terminated = task.reward(self.state), task.terminal(self.state)
        if self.autoreset_mode == AutoresetMode.DISABLED and self._freeze:
            ended = self.ended(before)
            self.state = _select(ended, before, self.state)
            reward, terminated = namespace(reward).where(ended, 0.0, reward), task.terminal(self.state)
        truncated = self._truncated(self.state)
        final_observation = final_info = None
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            ended = terminated if truncated is None else terminated | truncated
            if bool(namespace(ended).any(ended)):
                final_observation, final_info = self.observation(), self.info()
                self._begin_where(ended)
        return Outcome(self.observation(), reward, terminated, truncated, self.info(), final_observation, final_info)

    def ended(self, state: Any) -> Array:
        """Return which episodes have ended in a state, by termination or truncation: bool (B,)."""
        terminated = self.task.terminal(state)
        truncated = self._truncated(state)
        return terminated if truncated is None else terminated | truncated

    def observation(self) -> Observation:
        """Return the current observations, as new arrays."""
        glimpse, location, senses = self.task.observation(self.state)
        return Observation(glimpse, _copy(location), senses)

    def info(self) -> dict[str, Array]:
        """Return the current infos, as new arrays."""
        return {key: _copy(value) for key, value in self.task.info(self.state).items()}

    def _initial(self, seed: Array, episode: Array, image_index: Array | None) -> Any:
        if self.task.num_images is None:
            return self.task.initial(seed, episode)
        return self.task.initial(seed, episode, image_index)  # type: ignore[call-arg]

    def _truncated(self, state: Any) -> Array | None:
        """Return which rows have reached the limit, as Gymnasium's TimeLimit does: also if they terminated with it."""
        return None if self._limit is None else state.step >= self._limit

    def _begin_where(self, mask: Array) -> None:
        xp = namespace(mask)
        if bool(xp.all(mask)):
            self.begin(None)
        elif bool(xp.any(mask)):
            self.begin(None, rows=xp.nonzero(mask)[0])


def _select(mask: Array, chosen: Any, other: Any) -> Any:
    """Return the rows of ``chosen`` where ``mask``, else of ``other``; arrays that both share stay as they are."""
    xp = namespace(mask)
    leaves = (
        a if a is b else xp.where(xp.reshape(mask, (-1, *[1] * (a.ndim - 1))), a, b)
        for a, b in zip(chosen, other, strict=True)
    )
    return type(chosen)(*leaves)


def _copy(array: Array) -> Array:
    return array.copy() if isinstance(array, np.ndarray) else cast(Any, array).clone()
