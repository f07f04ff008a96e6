"""The running episodes of a batch of rows: their seeds, their numbers, their states, and what follows when one ends.

The interfaces (single, vector, tensor) own one of these each and add nothing but their own way to write things down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode

from ram_envs.arrays import Array, as_array, namespace
from ram_envs.tasks.task import Observation, Task


class Outcome(NamedTuple):
    """What one step of a batch leads to.

    Attributes:
        observation: Of the state that each row is in now, after any auto-reset.
        reward: float32 (B,).
        terminated: bool (B,).
        info: Arrays (B,), of the state that each row is in now.
        final_observation: Of all rows before a same-step auto-reset; None where no row was reset.
        final_info: Likewise.
    """

    observation: Observation
    reward: Array
    terminated: Array
    info: dict[str, Array]
    final_observation: Observation | None = None
    final_info: dict[str, Array] | None = None


class Episodes:
    """The episodes of ``num_rows`` rows of one task.

    Args:
        task: The rules.
        num_rows: Number of rows, B.
        like: Any array: its kind (NumPy or torch) and device become those of the rows.
        autoreset_mode: NEXT_STEP resets a row that has ended with its next step, SAME_STEP at once, DISABLED never.
        freeze: Whether rows that have ended may be stepped on with auto-reset disabled: they then stay as they are,
            with reward 0, until they are begun anew. Without it the caller sees to it that this does not happen.
    """

    def __init__(
        self, task: Task, num_rows: int, like: Array, autoreset_mode: AutoresetMode, freeze: bool = False
    ) -> None:
        xp = namespace(like)
        self.task, self.num_rows, self.autoreset_mode = task, num_rows, autoreset_mode
        self._like, self._freeze = like, freeze
        self._seed = xp.zeros((num_rows,), dtype=xp.int64, device=like.device)
        self._episode = xp.zeros((num_rows,), dtype=xp.int64, device=like.device)
        self.state: Any = None

    def begin(
        self,
        seed: int | Sequence[int | None] | Array | None,
        rows: Array | None = None,
        image_index: Array | None = None,
    ) -> None:
        """Start an episode in every row, or in ``rows``.

        Args:
            seed: An int s makes s + i the seed of row i; a sequence has one seed for each of the B rows. A row that
                gets a seed starts its episode 0, one that gets None its next one.
            rows: int64 (R,), the rows to begin; None for all.
            image_index: int64 (B,) or None; see :meth:`Task.initial`.

        Raises:
            ValueError: If the seeds are not as many as the rows, or negative, or an image index does not exist.
        """
        xp = namespace(self._like)
        if seed is None:
            episode = self._episode + 1
            new_seed = self._seed
        else:
            given, values = self._row_seeds(seed)
            new_seed = xp.where(given, values, self._seed)
            episode = xp.where(given, xp.zeros_like(values), self._episode + 1)
        image_index = self._checked_image_index(image_index)
        if rows is None or self.state is None:
            self.state = self.task.initial(new_seed, episode, image_index)
            self._seed, self._episode = new_seed, episode
            return
        fresh = self.task.initial(new_seed[rows], episode[rows], None if image_index is None else image_index[rows])
        for old, new in zip(self.state, fresh, strict=True):
            old[rows] = new
        self._seed[rows] = new_seed[rows]
        self._episode[rows] = episode[rows]

    def step(self, fixation: Array, task_action: Array) -> Outcome:
        """Take one step in every row, and reset the rows that ask for it.

        Args:
            fixation: float32 (B, 2) in [-1, 1].
            task_action: int64 (B,) in [0, num_actions).
        """
        task, before = self.task, self.state
        self.state = task.transition(before, fixation, task_action)
        if self.autoreset_mode == AutoresetMode.NEXT_STEP:
            self._begin_where(task.terminal(before))
        reward, terminated = task.reward(self.state), task.terminal(self.state)
        if self.autoreset_mode == AutoresetMode.DISABLED and self._freeze:
            ended = task.terminal(before)
            self.state = _select(ended, before, self.state)
            reward, terminated = namespace(reward).where(ended, 0.0, reward), task.terminal(self.state)
        final_observation = final_info = None
        if self.autoreset_mode == AutoresetMode.SAME_STEP and bool(namespace(terminated).any(terminated)):
            final_observation, final_info = self.observation(), self.info()
            self._begin_where(terminated)
        return Outcome(self.observation(), reward, terminated, self.info(), final_observation, final_info)

    def observation(self) -> Observation:
        """Return what the agents see now, in arrays of their own."""
        glimpse, location = self.task.observation(self.state)
        return Observation(glimpse, _copy(location))

    def info(self) -> dict[str, Array]:
        """Return what an evaluator may know, in arrays of their own."""
        return {key: _copy(value) for key, value in self.task.info(self.state).items()}

    def _begin_where(self, mask: Array) -> None:
        xp = namespace(mask)
        if bool(xp.all(mask)):
            self.begin(None)
        elif bool(xp.any(mask)):
            self.begin(None, rows=xp.nonzero(mask)[0])

    def _row_seeds(self, seed: int | Sequence[int | None] | Array) -> tuple[Array, Array]:
        """Return which rows get a seed, bool (B,), and the seeds, int64 (B,)."""
        xp, device = namespace(self._like), self._like.device
        if isinstance(seed, (int, np.integer)):
            if seed < 0:
                raise ValueError(f"seed={seed} is negative: expected an integer of at least 0")
            values = [(int(seed) + row) % 2**63 for row in range(self.num_rows)] if seed >= 2**62 else None
            first = xp.arange(self.num_rows, dtype=xp.int64, device=device)
            seeds = first + int(seed) if values is None else xp.asarray(values, dtype=xp.int64, device=device)
            return xp.ones((self.num_rows,), dtype=xp.bool, device=device), seeds
        if not hasattr(seed, "__len__") or getattr(seed, "ndim", 1) == 0:
            raise ValueError(f"seed={seed!r} is not valid: expected an integer, or a sequence with one for each row")
        if len(seed) != self.num_rows:
            raise ValueError(
                f"seed has {len(seed)} entries: expected one integer, or one for each of the {self.num_rows} rows"
            )
        if as_array(seed) is seed and xp.isdtype(seed.dtype, "integral"):
            if str(seed.device) == "cpu" and seed.min() < 0:  # on a GPU that would have to be waited for
                raise ValueError(f"seed has the entry {seed.min()}: expected integers of at least 0")
            seeds = xp.astype(xp.asarray(seed, device=device), xp.int64) & (2**63 - 1)
            return xp.ones_like(seeds, dtype=xp.bool), seeds
        entries = seed.tolist() if hasattr(seed, "tolist") else list(seed)
        for entry in entries:
            if entry is not None and (not isinstance(entry, (int, np.integer)) or entry < 0):
                raise ValueError(
                    f"seed has the entry {entry!r}: expected integers of at least 0, or None for the next episode"
                )
        given = xp.asarray([entry is not None for entry in entries], dtype=xp.bool, device=device)
        values = [0 if entry is None else int(entry) % 2**63 for entry in entries]
        return given, xp.asarray(values, dtype=xp.int64, device=device)

    def _checked_image_index(self, image_index: Any) -> Array | None:
        if image_index is None:
            return None
        count = getattr(self.task, "num_images", None)
        if count is None:
            raise ValueError(
                f"options['image_index'] is for tasks that show images: {type(self.task).__name__} has none"
            )
        xp = namespace(self._like)
        index = xp.asarray(image_index, device=self._like.device)
        if tuple(index.shape) != (self.num_rows,) or not xp.isdtype(index.dtype, "integral"):
            raise ValueError(
                f"options['image_index'] is {index.dtype} of shape {tuple(index.shape)}: expected integers, one "
                f"for each of the {self.num_rows} rows"
            )
        if str(self._like.device) == "cpu" and (index.min() < 0 or index.max() >= count):
            raise ValueError(
                f"options['image_index'] goes from {index.min()} to {index.max()}: expected 0 to {count - 1}, "
                "the images of the split"
            )
        return xp.astype(index, xp.int64)


def _select(mask: Array, chosen: Any, other: Any) -> Any:
    """Return the rows of ``chosen`` where ``mask``, else of ``other``; arrays that both share stay as they are."""
    xp = namespace(mask)
    leaves = (
        a if a is b else xp.where(xp.reshape(mask, (-1, *[1] * (a.ndim - 1))), a, b)
        for a, b in zip(chosen, other, strict=True)
    )
    return type(chosen)(*leaves)


def _copy(array: Array) -> Array:
    return array.copy() if isinstance(array, np.ndarray) else array.clone()
