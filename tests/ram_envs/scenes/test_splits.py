import numpy as np
import pytest

from ram_envs.scenes.splits import hold_out


def test_the_held_out_images_never_change():
    train, test = hold_out(np.repeat([0, 1, 2], [10, 5, 2]), 0.2)
    assert test.tolist() == [7, 8, 11, 15]
    assert sorted([*train, *test]) == list(range(17)) and sorted(train) == list(train)


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.99])
def test_every_class_of_two_images_is_in_both_splits(fraction):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(8), [1, 2, 3, 5, 10, 50, 100, 1000]))
    train, test = hold_out(labels, fraction)
    in_train, in_test = np.bincount(labels[train], minlength=8), np.bincount(labels[test], minlength=8)
    assert (in_train >= 1).all() and in_test[0] == 0 and (in_test[1:] >= 1).all()
    np.testing.assert_allclose(in_test[5:] / np.array([50, 100, 1000]), fraction, atol=0.011)


def test_which_images_are_held_out_is_random():
    _, test = hold_out(np.zeros(1000, int), 0.5)
    assert 350 < np.count_nonzero(np.diff(test) == 1) / 499 * 1000 < 650
