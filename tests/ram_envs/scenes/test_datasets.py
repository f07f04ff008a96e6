import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from ram_envs.scenes import registry
from ram_envs.scenes.datasets import ARRAYS, DatasetWarning, load_dataset, portable_dataset


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


def test_digits_are_the_same_where_their_file_is_not_found(monkeypatch):
    read = registry._digits_table()
    monkeypatch.setattr(registry.Path, "is_file", lambda path: False)
    np.testing.assert_array_equal(registry._digits_table(), read)


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
    with pytest.raises(ValueError, match="is out of range: this split has 12 images"):
        load_dataset(arrays, split)


@pytest.mark.parametrize("split", ["train[12:]", "train[5:5]", "train[6:2]"])
def test_an_empty_slice_is_refused(arrays, split):
    with pytest.raises(ValueError, match="is empty: expected a part that holds some of the 12 images"):
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
        (np.zeros((3, 4, 4), np.uint8), "dataset of type ndarray is not valid: expected one of 'digits', 'mnist', "),
        (3, "dataset of type int is not valid"),
    ],
)
def test_anything_else_is_refused_with_what_is_expected(dataset, message):
    with pytest.raises(ValueError, match=message):
        load_dataset(dataset)


def test_a_misspelt_name_is_neither_a_dataset_nor_a_folder():
    with pytest.raises(FileNotFoundError, match="'minst' is neither a registered dataset nor a .*Did you mean 'mnist'"):
        load_dataset("minst")


def test_an_unlike_name_is_answered_with_the_registered_ones():
    with pytest.raises(FileNotFoundError, match="Registered are .*'digits', 'mnist'"):
        load_dataset("nowhere-at-all")


@pytest.mark.parametrize("value", [0, 7])
def test_images_of_one_value_are_refused(arrays, value):
    with pytest.raises(ValueError, match=f"every pixel of the train images is {value}: expected images that show"):
        load_dataset((np.full_like(arrays[0], value), arrays[1]))


def test_images_are_scaled_to_fit_and_centred_on_black(arrays):
    images = np.full((2, 4, 8, 3), 200, np.uint8)
    images[0, 0, 0] = 0
    scaled = load_dataset((images, [0, 1]), resize=16).images
    assert scaled.shape == (2, 16, 16, 3)
    assert (scaled[1, 4:12] == 200).all() and not scaled[1, :4].any() and not scaled[1, 12:].any()
    assert load_dataset((images, [0, 1]), resize=(8, 4)).images.shape == (2, 8, 4, 3)
    np.testing.assert_array_equal(load_dataset(arrays, resize=(5, 6)).images, load_dataset(arrays).images)


@pytest.mark.parametrize("resize", [0, -1, 2.5, True, "28", (28,), (28, 0), 8193])
def test_an_impossible_size_is_refused(arrays, resize):
    with pytest.raises(ValueError, match="resize=.* is not valid: expected a side in pixels or a pair"):
        load_dataset(arrays, resize=resize)


def test_a_size_that_fills_the_memory_is_refused(arrays):
    with pytest.raises(ValueError, match=r"12 images of 100x100 .* 120,000 pixels: expected at most 64,000 in all"):
        load_dataset(arrays, resize=100, max_pixels=1000)


@pytest.mark.parametrize("fraction", [1, -0.1, "0.2", None, True, float("nan")])
def test_an_impossible_test_fraction_is_refused(arrays, fraction):
    with pytest.raises(ValueError, match="test_fraction=.* is not valid: expected the share of images"):
        load_dataset(arrays, test_fraction=fraction)


def test_a_test_split_is_held_out_of_data_that_has_none(arrays):
    images, labels = arrays
    with pytest.warns(DatasetWarning, match=r"no test split: 4 of the 12 images are held out .*33 % of each class"):
        train = load_dataset(arrays, "train", test_fraction=0.33)
    with warnings.catch_warnings(action="error"):  # it is said once
        test = load_dataset(arrays, "test", test_fraction=0.33)
    assert np.bincount(train.labels).tolist() == [2] * 4 and np.bincount(test.labels).tolist() == [1] * 4
    both = {image.tobytes() for image in (*train.images, *test.images)}
    assert both == {image.tobytes() for image in images}
    assert not test.images.flags.writeable and len(load_dataset(arrays, "test[:2]", test_fraction=0.33).labels) == 2


def test_a_test_split_that_is_there_is_used_whatever_the_fraction(arrays):
    pairs = {"train": arrays, "test": (arrays[0][:4], arrays[1][:4])}
    assert len(load_dataset(pairs, "train", test_fraction=0.5).labels) == 12
    assert len(load_dataset(pairs, "test", test_fraction=0.5).labels) == 4


def test_without_a_second_image_of_any_class_no_test_split_is_held_out(arrays):
    with pytest.raises(ValueError, match="has one image for each class: expected at least two"):
        load_dataset((arrays[0], np.arange(12)), test_fraction=0.2)


def test_class_names_are_given_with_the_arrays(arrays):
    assert load_dataset((*arrays, ["a", "b", "c", "d"])).class_names == ("a", "b", "c", "d")
    pairs = {"train": (*arrays, np.array(["a", "b", "c", "d", "e"])), "test": arrays}
    assert load_dataset(pairs, "test").class_names == ("a", "b", "c", "d", "e")
    for names, message in (
        (["a", "b", "c"], "labels run from 0 to 3: expected 0 to 2, for 3 classes"),
        (["a", "b", "c", "c"], "expected one name for each class, all different"),
    ):
        with pytest.raises(ValueError, match=message):
            load_dataset((*arrays, names))


def test_a_dataset_is_stored_as_a_name_or_an_absolute_path_and_arrays_are_left_out(arrays, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert portable_dataset("pets") == portable_dataset(Path("pets")) == str(tmp_path / "pets")
    assert portable_dataset("~/pets") == str(tmp_path / "home" / "pets")
    assert portable_dataset("mnist") == "mnist" and portable_dataset(None) is None
    for given in (arrays, {"train": arrays}, ARRAYS):
        assert portable_dataset(given) == ARRAYS


def test_images_that_are_missing_are_asked_for(tmp_path):
    with pytest.raises(ValueError, match="dataset is missing: pass the images as dataset"):
        load_dataset(None)
    with pytest.raises(ValueError, match="trained on arrays, which its checkpoint does not hold: pass them again"):
        load_dataset(ARRAYS)
    with pytest.raises(FileNotFoundError, match="If the images have moved, pass the new path .*--dataset PATH"):
        load_dataset(tmp_path / "moved")


def test_a_file_of_another_type_is_refused(tmp_path):
    (tmp_path / "pets.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"pets.zip' is a file: expected a folder or a .npz file. Unpack archives"):
        load_dataset(tmp_path / "pets.zip")


def test_importing_the_module_brings_no_heavy_library():
    code = (
        "import sys, ram_envs.scenes.datasets; "
        "sys.exit(str({'sklearn', 'pooch', 'PIL', 'torch', 'requests', 'filelock', 'pygame'} & set(sys.modules) or ''))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr.strip() == ""
