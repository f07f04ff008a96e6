"""Augmented digits: each copy is its image, changed by no more than the module says; the test images are unchanged."""

import numpy as np
import torch

from paper import augmented
from ram_envs.scenes import registry
from ram_envs.scenes.datasets import load_dataset

BAR = np.zeros((28, 28), np.uint8)
BAR[4:24, 13:15] = 240


def angle_and_length(image):
    """Angle to the vertical in degrees and length of a bar, from the moments of its pixels."""
    y, x = np.nonzero(image > 60)
    weights = image[y, x].astype(float)
    covariance = np.cov(np.stack([x, y]), aweights=weights)
    values, vectors = np.linalg.eigh(covariance)
    direction = vectors[:, -1]
    return np.degrees(np.arctan(direction[0] / direction[1])), np.sqrt(12 * values[-1])


def test_changes_are_as_large_as_described_and_no_larger():
    copies = augmented.augment(np.repeat(BAR[None], 400, 0), torch.Generator().manual_seed(0))
    assert copies.dtype == np.uint8 and copies.shape == (400, 28, 28)
    angles, lengths = np.array([angle_and_length(copy) for copy in copies]).T
    y, x = np.arange(28.0), np.arange(28.0)
    total = copies.sum((1, 2))
    place = np.stack([(copies.sum(1) * x).sum(1) / total, (copies.sum(2) * y).sum(1) / total])
    # Before: upright, 20 pixels long, in the middle. Half a degree and half a pixel are the error of the measurement.
    assert 11 < np.abs(angles).max() < augmented.ROTATION + 0.5
    assert 20 * 0.88 - 0.6 < lengths.min() < 18.5 and 21.5 < lengths.max() < 20 * 1.12 + 0.6
    assert 0.9 < np.abs(place - 13.5).max() < augmented.SHIFT * (1 + augmented.SCALE) + 0.1
    assert abs(place.mean() - 13.5) < 0.1 and abs(angles.mean()) < 1


def test_without_changes_an_image_stays_as_it_is(monkeypatch):
    for name in ("ROTATION", "SCALE", "SHIFT"):
        monkeypatch.setattr(augmented, name, 0.0)
    images = np.random.default_rng(0).integers(0, 256, (30, 28, 28)).astype(np.uint8)
    np.testing.assert_array_equal(augmented.augment(images, torch.Generator()), images)


def test_copies_of_an_image_are_neighbours_and_have_its_label(monkeypatch):
    """A part of the split, such as the validation images, then has all the copies of some images and no other."""
    images = np.stack([np.full((28, 28), value, np.uint8) for value in (0, 100, 200)])[..., None]
    labels = np.array([3, 1, 2])
    monkeypatch.setattr(augmented, "load_dataset", lambda name, split: (images, labels, ()))
    copies, their_labels = augmented._load("train")
    assert copies.shape == (3 * augmented.COPIES, 28, 28, 1)
    np.testing.assert_array_equal(copies[:, 14, 14, 0], np.repeat([0, 100, 200], augmented.COPIES))
    np.testing.assert_array_equal(their_labels, np.repeat(labels, augmented.COPIES))
    np.testing.assert_array_equal(augmented._load("test")[0], images)


def test_the_dataset_is_found_by_its_name():
    spec = registry.dataset_spec(augmented.DATASET)
    assert spec is not None and (spec.name, spec.shape) == (augmented.NAME, (28, 28, 1))
    expected = load_dataset("mnist", "test").images
    np.testing.assert_array_equal(load_dataset(augmented.DATASET, "test").images, expected)
