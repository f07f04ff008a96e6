import subprocess
import sys

import numpy as np
import pytest

from ram_envs.scenes.datasets import load_dataset


@pytest.fixture
def arrays():
    """Twelve random grey images of four classes."""
    images = np.random.default_rng(0).integers(256, size=(12, 5, 6), dtype=np.uint8)
    return images, np.arange(12) % 4


def test_digits_are_the_first_1437_and_the_last_360_in_their_order():
    from sklearn.datasets import load_digits

    train, test = load_dataset("digits"), load_dataset("digits", "test")
    assert train.images.shape == (1437, 8, 8, 1) and test.images.shape == (360, 8, 8, 1)
    assert train.images.dtype == np.uint8 and train.images.min() == 0 and train.images.max() == 255
    values = load_digits().images
    np.testing.assert_array_equal(np.concatenate([train.images, test.images])[..., 0], np.rint(values * 255 / 16))
    np.testing.assert_array_equal(np.concatenate([train.labels, test.labels]), load_digits().target)
    assert train.num_classes == 10 and set(test.labels) == set(range(10))


def test_digits_are_loaded_once_and_are_read_only():
    first, second = load_dataset("digits"), load_dataset("digits", "train[5:]")
    assert np.shares_memory(first.images, second.images)
    with pytest.raises(ValueError, match="read-only"):
        second.images[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        second.labels[0] = 0


@pytest.mark.parametrize(
    ("split", "part"),
    [
        ("train", slice(None)),
        ("train[:-5]", slice(None, -5)),
        ("train[-5:]", slice(-5, None)),
        ("train[2:4]", slice(2, 4)),
        ("train[:]", slice(None)),
        ("train[0:12]", slice(0, 12)),
    ],
)
def test_a_split_is_sliced_as_a_list_is(arrays, split, part):
    dataset = load_dataset(arrays, split)
    np.testing.assert_array_equal(dataset.images[..., 0], arrays[0][part])
    np.testing.assert_array_equal(dataset.labels, arrays[1][part])
    assert dataset.num_classes == 4


@pytest.mark.parametrize("split", ["validation", "Train", "train[5]", "train[::2]", "train[a:]", "train[:5", "", None])
def test_an_unknown_split_is_refused_with_the_legal_ones(arrays, split):
    with pytest.raises(ValueError, match=r"split=.* is not valid: expected 'train' or 'test'.*'train\[:-5000\]'"):
        load_dataset(arrays, split)


@pytest.mark.parametrize("split", ["train[:13]", "train[-13:]", "train[13:]"])
def test_a_slice_beyond_the_images_is_refused(arrays, split):
    with pytest.raises(ValueError, match="reaches beyond the 12 images"):
        load_dataset(arrays, split)


@pytest.mark.parametrize("split", ["train[12:]", "train[5:5]", "train[6:2]"])
def test_an_empty_slice_is_refused(arrays, split):
    with pytest.raises(ValueError, match="selects none of the 12 images"):
        load_dataset(arrays, split)


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_arrays_are_taken_in_grey_and_colour_without_a_copy(channels):
    shape = (4, 5, 6) if channels is None else (4, 5, 6, channels)
    images = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    dataset = load_dataset((images, [0, 1, 2, 1]))
    assert dataset.images.shape == (4, 5, 6, channels or 1)
    assert np.shares_memory(dataset.images, images)
    assert dataset.labels.dtype == np.int64 and dataset.class_names == ("0", "1", "2")


def test_a_users_arrays_stay_writable_and_the_dataset_does_not(arrays):
    dataset = load_dataset(arrays)
    arrays[0][0] = 0
    with pytest.raises(ValueError, match="read-only"):
        dataset.images[0] = 0


def test_classes_are_counted_over_both_splits(arrays):
    images, labels = arrays
    pairs = {"train": (images, labels), "test": (images[:2], np.array([7, 1], np.uint8))}
    assert load_dataset(pairs, "train").num_classes == 8
    assert load_dataset(pairs, "test[:1]").labels.tolist() == [7]


def test_a_pair_of_arrays_has_no_test_split(arrays):
    with pytest.raises(ValueError, match=r"no split 'test', only 'train': give the arrays as \{'train': "):
        load_dataset(arrays, "test")


def test_float_images_are_refused_with_the_conversion(arrays):
    with pytest.raises(ValueError, match=r"float64.*expected uint8.*np.rint\(images \* 255\)"):
        load_dataset((arrays[0] / 255, arrays[1]))
    with pytest.raises(ValueError, match=r"float32.*expected uint8.*np.rint\(images\)"):
        load_dataset((arrays[0].astype(np.float32), arrays[1]))


@pytest.mark.parametrize(
    "shape", [(12,), (12, 5), (12, 5, 6, 2), (12, 5, 6, 4), (12, 3, 5, 6), (12, 0, 6), (0, 5, 6), (12, 5, 6, 3, 1)]
)
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"train images have the shape .*expected \(N, H, W\)"):
        load_dataset((np.zeros(shape, np.uint8), np.zeros(shape[0], int)))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(11, int), "12 train images but 11 labels"),
        (np.zeros(12), "labels are float64 .* expected integers"),
        (np.zeros(12, bool), "labels are bool"),
        (np.zeros((12, 1), int), r"of shape \(12, 1\)"),
        (["cat"] * 12, "labels are <U3"),
        (np.arange(1, 13), "labels run from 1 to 12: expected classes counted from 0"),
        (np.arange(-1, 11), "labels run from -1 to 10"),
        (np.arange(12) * 10**9, "labels run from 0 to 11000000000"),
    ],
)
def test_labels_that_do_not_fit_are_refused(arrays, labels, message):
    with pytest.raises(ValueError, match=message):
        load_dataset((arrays[0], labels))


def test_both_splits_are_checked_whichever_is_asked_for(arrays):
    images, labels = arrays
    with pytest.raises(ValueError, match="12 test images but 3 labels"):
        load_dataset({"train": arrays, "test": (images, labels[:3])}, "train")
    with pytest.raises(ValueError, match="train and test images differ in shape"):
        load_dataset({"train": arrays, "test": (images[:, :4], labels)}, "train")


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"training": 0}, "has the splits 'training': expected 'train', 'test' or both"),
        ({}, "has the splits none"),
        ({"train": np.zeros((3, 4, 4), np.uint8)}, r"dataset\['train'\] is of type ndarray: expected a pair"),
        (np.zeros((3, 4, 4), np.uint8), "dataset of type ndarray is not valid: expected one of 'mnist', 'digits', a "),
        (None, "dataset of type NoneType"),
    ],
)
def test_anything_else_is_refused_with_what_is_expected(dataset, message):
    with pytest.raises(ValueError, match=message):
        load_dataset(dataset)


def test_a_misspelt_name_is_neither_a_dataset_nor_a_folder():
    with pytest.raises(FileNotFoundError, match="'minst' is neither one of 'mnist', 'digits' nor a folder"):
        load_dataset("minst")


def test_importing_the_module_brings_no_heavy_library():
    code = (
        "import sys, ram_envs.scenes.datasets; "
        "sys.exit(str({'sklearn', 'pooch', 'PIL', 'torch', 'requests', 'filelock', 'pygame'} & set(sys.modules) or ''))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr.strip() == ""
