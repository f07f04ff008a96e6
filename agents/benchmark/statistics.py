"""Statistics over runs: the interquartile mean, with intervals from a stratified bootstrap.

Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice", section 4: the mean of the
middle half of all runs over all environments is less sensitive to single runs than the mean. The bootstrap samples runs
with replacement within each environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

REPLICATES = 5000
CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """An interquartile mean and its 95 % interval; each float64 (...), the shape of one run's score."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def interquartile_mean(scores: NDArray[np.float64], axis: int = 0) -> NDArray[np.float64]:
    """Return the mean without the lowest and the highest quarter.

    Args:
        scores: float64 (..., n, ...), n runs along the axis. floor(n / 4) are left out at each end: none for n < 4.
        axis: The axis.
    """
    ordered = np.sort(np.moveaxis(scores, axis, 0), axis=0)
    cut = len(ordered) // 4
    return np.asarray(ordered[cut : len(ordered) - cut].mean(axis=0))


def estimate(strata: Sequence[NDArray[np.float64]], replicates: int = REPLICATES, seed: int = 0) -> Estimate:
    """Return the interquartile mean of all runs, and its interval.

    Args:
        strata: Runs of each environment, float64 (runs, ...): scores, or learning curves of equal length.
        replicates: Number of bootstrap samples.
        seed: Random seed of the bootstrap.
    """
    generator = np.random.default_rng(seed)
    value = interquartile_mean(np.concatenate(strata))
    drawn = np.empty((replicates, *value.shape))
    for replicate in range(replicates):
        runs = [stratum[generator.integers(len(stratum), size=len(stratum))] for stratum in strata]
        drawn[replicate] = interquartile_mean(np.concatenate(runs))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return Estimate(value, low, high)
