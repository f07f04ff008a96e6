"""Several objects on a canvas, whose labels make one class: a set or a sum."""

import itertools

import gymnasium as gym
import numpy as np
import pytest

import ram_envs
from ram_envs import arrays
from ram_envs.errors import InvalidArgument
from ram_envs.scenes.labels import CombinedLabels

# Ten classes of 4x4 images, each of one grey level that names its class.
LEVELS = np.arange(10, dtype=np.uint8) * 20 + 10
IMAGES = np.repeat(LEVELS, 16).reshape(10, 4, 4)
DATASET = {"train": (IMAGES, np.arange(10)), "test": (IMAGES[::-1].copy(), np.arange(10)[::-1].copy())}
SMALL = {"dataset": DATASET, "image_size": 64, "patch_size": 4, "num_scales": 1, "num_clutter": 0}


def scenes(id, **settings):
    envs = gym.make_vec(f"ram_envs:{id}", 400, **{**SMALL, **settings}).unwrapped
    _, info = envs.reset(seed=7)
    return envs, envs.scene, info


@pytest.mark.parametrize("id", ["RAM-MNISTPairs-v0", "RAM-MNISTAddition-v0"])
def test_the_class_is_that_of_the_objects_in_the_scene(id):
    envs, pictures, info = scenes(id)
    names, sums = envs.task.answer.names, id == "RAM-MNISTAddition-v0"
    assert len(names) == (19 if sums else 55)
    apart = 0
    for picture, label, index in zip(pictures, info["label"], info["image_index"], strict=True):
        levels, counts = np.unique(picture[picture > 0], return_counts=True)
        if not (np.isin(levels, LEVELS).all() and (counts % 16 == 0).all() and counts.sum() == 32):
            continue  # they overlap
        digits = sorted(np.repeat((levels.astype(int) - 10) // 20, counts // 16).tolist())
        assert names[label] == (str(sum(digits)) if sums else " ".join(map(str, digits)))
        assert index in digits  # image i shows digit i
        apart += 1
    assert apart > 360


def test_overlapping_objects_are_added_and_clipped():
    _, pictures, _ = scenes("RAM-MNISTPairs-v0", image_size=4)
    assert (pictures == pictures[:, :1, :1]).all()
    brightest = pictures.max(axis=(1, 2))
    assert brightest.max() == 255 and len(set(brightest.tolist())) > 10


def test_every_digit_is_as_likely_as_any_other_and_independent_of_the_first():
    envs = gym.make_vec("ram_envs:RAM-MNISTPairs-v0", 20_000, **SMALL).unwrapped
    _, info = envs.reset(seed=0, options={"image_index": np.zeros(20_000, np.int64)})
    assert (info["image_index"] == 0).all()
    counts = np.bincount(info["label"], minlength=55)
    assert (counts[10:] == 0).all()  # the first digit is 0
    assert np.abs(counts[:10] / 2000 - 1).max() < 0.1


def test_the_digits_come_from_the_split():
    odd = {"train": (IMAGES[1::2], np.arange(1, 10, 2)), "test": (IMAGES, np.arange(10))}
    _, _, info = scenes("RAM-MNISTAddition-v0", dataset=odd)
    assert (info["label"] % 2 == 0).all()
    _, _, info = scenes("RAM-MNISTAddition-v0", dataset=odd, split="test")
    assert (info["label"] % 2 == 1).any()


def test_one_object_is_what_it_was():
    for settings in ({}, {"combine": "sum"}):
        task = ram_envs.make_task("RAM-TranslatedMNIST-v0", **SMALL, **settings)
        assert task.answer.names == tuple("0123456789")
        state = task.initial(np.arange(50), np.zeros(50, np.int64))
        np.testing.assert_array_equal(state.label, state.image_index)


def test_kernels_that_are_loaded_between_two_resets_change_nothing(monkeypatch):
    """Rows that begin later than others were prepared in another way, and did not fit into the same array."""
    monkeypatch.setattr(arrays, "_work", 0)
    envs, _, _ = scenes("RAM-MNISTPairs-v0", action_format="dict")
    action = {"fixation": np.zeros((400, 2), np.float32), "label": np.zeros(400, np.int64)}
    envs.step(action)
    monkeypatch.setattr(arrays, "WORTH_LOADING", 0)
    mask = np.arange(400) % 2 == 0
    envs.reset(options={"reset_mask": mask})
    observation, *_ = envs.step(action)
    expected = envs.task.glimpse_sensor.read(envs.task.glimpse_sensor.prepare(envs.scene[:, None]), envs.state.location)
    np.testing.assert_array_equal(observation["glimpse"], expected)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_labels_are_joined_in_any_order(count):
    names = ("a", "b", "c")
    sets, sums = (CombinedLabels(combine, count, names) for combine in ("set", "sum"))
    for group in itertools.product(range(3), repeat=count):
        labels = [np.array([label]) for label in group]
        assert sets.names[sets.join(labels)[0]] == " ".join(names[label] for label in sorted(group))
        assert sums.join(labels)[0] == sum(group)
    assert len(set(sets.names)) == len(sets.names)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_objects": 5}, "num_objects=5 is out of range: expected an integer from 1 to 4"),
        ({"num_objects": 2, "image_size": None}, "num_objects=2 need a canvas: pass image_size"),
        ({"num_objects": 2, "combine": "product"}, "combine='product' is not"),
    ],
)
def test_what_does_not_go_together_is_refused(settings, message):
    with pytest.raises(InvalidArgument, match=message):
        ram_envs.make_task("RAM-TranslatedMNIST-v0", **{**SMALL, **settings})


def test_too_many_combinations_are_refused():
    with pytest.raises(InvalidArgument, match=r"more than 10,000 combinations: use fewer objects, or combine='sum'"):
        CombinedLabels("set", 4, [str(number) for number in range(30)])


def test_too_many_sequences_are_refused_before_the_first_scene():
    with pytest.raises(InvalidArgument, match="num_objects=4 of 15 classes make more than 40,000 sequences"):
        CombinedLabels("set", 4, [str(number) for number in range(15)])
    CombinedLabels("sum", 4, [str(number) for number in range(15)])
