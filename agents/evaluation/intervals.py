"""Confidence intervals of figures of merit, at the 95 % level."""

from __future__ import annotations

import math

QUANTILE = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution."""


def wilson_interval(hits: int, count: int) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion, in [0, 1].

    Wilson 1927, "Probable inference, the law of succession, and statistical inference".

    Args:
        hits: Successes, from 0 to ``count``.
        count: Trials, at least 1.
    """
    z, p = QUANTILE, hits / count
    scale = 2 * (count + z**2)
    center = (2 * count * p + z**2) / scale
    reach = z / scale * math.sqrt(4 * count * p * (1 - p) + z**2)
    return 0.0 if hits == 0 else center - reach, 1.0 if hits == count else center + reach


def mean_interval(mean: float, std: float, count: int) -> tuple[float, float]:
    """Return the normal approximation of the interval of a mean.

    Args:
        mean: Mean of the sample.
        std: Standard deviation of the sample.
        count: Size of the sample.
    """
    reach = QUANTILE * std / math.sqrt(count)
    return mean - reach, mean + reach
