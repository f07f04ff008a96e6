"""Confidence intervals: those of scipy, without scipy."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from agents.evaluation.intervals import mean_interval, wilson_interval


@pytest.mark.parametrize("count", [1, 2, 10, 360, 10_000])
def test_the_interval_of_a_share_is_wilsons(count):
    for hits in {0, 1, count // 3, count - 1, count}:
        expected = binomtest(hits, count).proportion_ci(method="wilson")
        assert wilson_interval(hits, count) == pytest.approx((expected.low, expected.high), abs=1e-12, rel=0)


def test_the_interval_of_a_mean_is_normal():
    values = np.random.default_rng(0).normal(size=400)
    expected = norm.interval(0.95, values.mean(), values.std() / np.sqrt(400))
    assert mean_interval(values.mean(), values.std(), 400) == pytest.approx(expected)
