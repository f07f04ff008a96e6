import numpy as np
import pytest
import scipy.stats

from agents.benchmark.statistics import estimate, interquartile_mean


def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end():
    assert interquartile_mean(np.array([100.0, 1, 2, 3, 4, 5, 6, -50])) == 3.5
    assert interquartile_mean(np.array([9.0, 0, 3])) == 4  # up to three runs: the mean
    runs = np.array([[0.0, 8], [1, 6], [5, 7], [9, 1]])  # 4 runs of 2 points
    np.testing.assert_array_equal(interquartile_mean(runs), [3, 6.5])


def test_the_interquartile_mean_is_scipys_trimmed_mean():
    scores = np.random.default_rng(0).normal(size=(19, 3))
    np.testing.assert_allclose(interquartile_mean(scores), scipy.stats.trim_mean(scores, 0.25))


def test_runs_are_drawn_within_their_environment():
    # Environments that differ, runs that do not: whoever drew over all of them would get an interval.
    found = estimate([np.full(3, 10.0), np.full(3, 50.0)], replicates=200)
    assert found == (30, 30, 30)
    found = estimate([np.array([0.0, 1, 2]), np.array([10.0])], replicates=2000)
    assert found.value == pytest.approx(1.5)  # 0, 1, 2, 10 without the ends
    assert found.low < 1.5 < found.high < 3


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    generator = np.random.default_rng(1)
    hits = 0
    for trial in range(60):
        scores = generator.normal(size=(2, 30))
        found = estimate([scores[0], 5 + scores[1]], replicates=300, seed=trial)
        hits += found.low <= 2.5 <= found.high
    assert hits >= 51


def test_curves_keep_their_shape():
    found = estimate([np.zeros((3, 5)), np.ones((2, 5))], replicates=50)
    assert found.value.shape == found.low.shape == found.high.shape == (5,)
