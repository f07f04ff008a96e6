"""Dataset loaders: what was written in any format is what is loaded, and wrong arrays are refused in one line."""

import gzip
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from ram_envs.errors import InvalidArgument
from ram_envs.scenes.datasets import DatasetWarning, load_dataset
from tests.properties.strategies import ODD_OBJECTS, odd_arrays


@st.composite
def splits(draw, color=True):
    """Images and labels for training and testing: uint8 (N, H, W) or (N, H, W, 3), and classes from 0."""
    height, width, classes = draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(st.integers(1, 4))
    depth = (3,) if color and draw(st.booleans()) else ()
    found = {}
    for split in ("train", "test"):
        count = draw(st.integers(classes, classes + 3))
        images = draw(arrays.arrays(np.uint8, (count, height, width, *depth)))
        images.reshape(-1)[0], images.reshape(-1)[-1] = 255, 0
        images[-1, -1, -1] = 0 if images[0].size > 1 or count > 1 else 255
        found[split] = images, np.array(draw(st.permutations([min(index, classes - 1) for index in range(count)])))
    return found


def usable(pairs):
    """Images that are the same everywhere are refused."""
    return all(images.min() != images.max() for images, _ in pairs.values())


def assert_loaded(dataset, pairs, resize=None):
    for split, (images, labels) in pairs.items():
        loaded = load_dataset(dataset, split)
        expected = images if images.ndim == 4 else images[..., None]
        assert loaded.images.dtype == np.uint8 and np.array_equal(loaded.images, expected)
        assert loaded.labels.dtype == np.int64 and np.array_equal(loaded.labels, labels)
        assert loaded.num_classes == max(labels.max() for _, labels in pairs.values()) + 1
        part = load_dataset(dataset, f"{split}[:1]")
        assert np.array_equal(part.images, expected[:1])


@given(splits().filter(usable), st.sampled_from(["u1", "i2", "<i4", ">i8", "u8"]))
def test_arrays(pairs, dtype):
    assert_loaded({split: (images, labels.astype(dtype)) for split, (images, labels) in pairs.items()}, pairs)
    images, labels = pairs["train"]
    assert_loaded((images[::-1], labels[::-1]), {"train": (images[::-1], labels[::-1])})


NAMES = [("x_train", "y_train", "x_test", "y_test"), ("train_images", "train_labels", "test_images", "test_labels")]


@given(splits().filter(usable), st.sampled_from(NAMES), st.booleans(), st.booleans())
def test_npz_files(tmp_path_factory, pairs, names, compressed, columns):
    path = tmp_path_factory.mktemp("npz") / "images.npz"
    values = [value for pair in pairs.values() for value in pair]
    if columns:  # labels as (N, 1), as CIFAR has them
        values = [value[:, None] if value.ndim == 1 else value for value in values]
    (np.savez_compressed if compressed else np.savez)(path, **dict(zip(names, values, strict=True)))
    assert_loaded(path, pairs)


@given(splits(color=False).filter(usable), st.booleans(), st.sampled_from(["", "fashion-"]))
def test_idx_files(tmp_path_factory, pairs, compressed, prefix):
    folder = tmp_path_factory.mktemp("idx")
    for split, pair in pairs.items():
        for array, name in zip(pair, ("images-idx3-ubyte", "labels-idx1-ubyte"), strict=True):
            content = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
            content += array.astype(np.uint8).tobytes()
            file = folder / f"{prefix}{'train' if split == 'train' else 't10k'}-{name}{'.gz' if compressed else ''}"
            file.write_bytes(gzip.compress(content) if compressed else content)
    assert_loaded(folder, pairs)


@given(splits().filter(usable), st.sampled_from(["png", "bmp", "tiff"]))
def test_image_folders(tmp_path_factory, pairs, suffix):
    folder = tmp_path_factory.mktemp("folder")
    for split, (images, labels) in pairs.items():
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            place = folder / split / f"class{label}"
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{number:03}.{suffix}")
    order = {split: np.argsort(labels, kind="stable") for split, (_, labels) in pairs.items()}
    expected = {split: (pairs[split][0][index], pairs[split][1][index]) for split, index in order.items()}
    assert_loaded(folder, expected)


@given(st.one_of(ODD_OBJECTS, odd_arrays((3, 2, 2))), st.one_of(ODD_OBJECTS, odd_arrays((3,))))
def test_wrong_arrays_are_refused_in_one_line(images, labels):
    try:
        loaded = load_dataset((images, labels))
    except InvalidArgument as error:
        assert len(str(error).splitlines()) == 1 and len(str(error)) < 2000
    else:
        assert loaded.images.dtype == np.uint8 and loaded.images.ndim == 4 and loaded.labels.dtype == np.int64


@given(st.one_of(ODD_OBJECTS, odd_arrays((3,)), st.dictionaries(st.sampled_from(["train", "test", 1]), ODD_OBJECTS)))
def test_anything_else_is_refused_in_one_line(dataset):
    with (
        warnings.catch_warnings(action="ignore", category=DatasetWarning),
        pytest.raises((ValueError, OSError)) as error,
    ):
        load_dataset(dataset)
    assert len(str(error.value).splitlines()) == 1
