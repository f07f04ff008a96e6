"""How far a training run has got: the part of a checkpoint that decides, with the settings, how the run continues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from agents.ram.tensor_file import CheckpointError
from agents.training import MAX_SEED
from agents.untrusted import shown

_LARGEST = 1e300


class Progress(NamedTuple):
    """How far a run has got.

    Attributes:
        seed: The run's random seed.
        iteration: Iterations done.
        frames: Environment steps done.
        time_s: Seconds of training.
        pending: Statistics since the last line of the log, as :meth:`agents.training.metrics.Means.state` returns
            them; None if there are none, or the checkpoint is of version 0.1.
        rewards: State of :class:`agents.training.reward_scale.RewardScale`; None if rewards are not scaled.
    """

    seed: int
    iteration: int = 0
    frames: int = 0
    time_s: float = 0.0
    pending: dict[str, Any] | None = None
    rewards: dict[str, float] | None = None

    @classmethod
    def restore(cls, values: Mapping[str, Any]) -> Progress:
        """Return the progress that a checkpoint holds.

        Raises:
            CheckpointError: If a value is missing, unexpected, of a wrong type or out of range.
        """
        unknown = set(values) - set(cls._fields)
        missing = set(cls._fields) - {"pending", "rewards"} - set(values)
        if missing or unknown:
            problem = f"{min(missing)!r} is missing" if missing else f"{shown(min(unknown))} is unexpected"
            raise CheckpointError(f"{problem} in its progress")
        progress = cls(**values)
        for name in ("seed", "iteration", "frames"):
            value = getattr(progress, name)
            largest = MAX_SEED if name == "seed" else 2**63 - 1
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= largest:
                raise CheckpointError(f"{name}={shown(value)} is not valid: expected an integer from 0 to {largest}")
        if not _is_number(progress.time_s) or progress.time_s < 0:
            raise CheckpointError(f"time_s={shown(progress.time_s)} is not valid: expected a number of seconds")
        if progress.pending is not None and not _is_pending(progress.pending, progress.iteration):
            raise CheckpointError(f"pending={shown(progress.pending)} is not valid: expected sums of statistics")
        if progress.rewards is not None and not _is_scale(progress.rewards):
            raise CheckpointError(f"rewards={shown(progress.rewards)} is not valid: expected mean, variance and count")
        return progress


def _is_pending(value: Any, iteration: int) -> bool:
    if not isinstance(value, dict) or value.keys() != {"iterations", "sums"}:
        return False
    iterations, sums = value["iterations"], value["sums"]
    counted = isinstance(iterations, int) and not isinstance(iterations, bool) and 1 <= iterations <= iteration
    return counted and isinstance(sums, dict) and all(map(_is_number, sums.values()))


def _is_scale(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"mean", "variance", "count"}:
        return False
    return all(map(_is_number, value.values())) and value["variance"] >= 0 and value["count"] >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST  # NaN is not
