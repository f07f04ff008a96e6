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
    """Return Student's interval of a mean; without end for a sample of one.

    Args:
        mean: Mean of the sample.
        std: Standard deviation of the sample, with ``count - 1`` degrees of freedom.
        count: Size of the sample.
    """
    if count == 1:
        return -math.inf, math.inf
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    reach = float(stdtrit(count - 1, 0.975)) * std / math.sqrt(count)
    return mean - reach, mean + reach
