"""Confidence intervals: those of scipy."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, t

from agents.evaluation.evaluate import figure_of
from agents.evaluation.intervals import mean_interval, wilson_interval
from ram_envs.tasks.figure import EPISODE_RETURN


@pytest.mark.parametrize("count", [1, 2, 10, 360, 10_000])
def test_the_interval_of_a_share_is_wilsons(count):
    for hits in {0, 1, count // 3, count - 1, count}:
        expected = binomtest(hits, count).proportion_ci(method="wilson")
        assert wilson_interval(hits, count) == pytest.approx((expected.low, expected.high), abs=1e-12, rel=0)


@pytest.mark.parametrize("count", [2, 10, 400])
def test_the_interval_of_a_mean_is_students(count):
    values = np.random.default_rng(0).normal(size=count)
    expected = t.interval(0.95, count - 1, values.mean(), values.std(ddof=1) / np.sqrt(count))
    assert mean_interval(values.mean(), values.std(ddof=1), count) == pytest.approx(expected)
    assert figure_of(EPISODE_RETURN, np.ones(count, bool), values)[1:] == pytest.approx(expected)


def test_a_single_return_says_nothing_about_the_mean():
    assert figure_of(EPISODE_RETURN, np.array([True]), np.array([5.0])) == (5.0, -math.inf, math.inf)
