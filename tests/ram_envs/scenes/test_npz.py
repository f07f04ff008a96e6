import io
import warnings
import zipfile

import numpy as np
import pytest

from ram_envs.scenes import npz
from ram_envs.scenes.datasets import DatasetWarning, load_dataset

RANDOM = np.random.default_rng(0)
IMAGES = {"train": RANDOM.integers(256, size=(30, 5, 6), dtype=np.uint8)}
IMAGES["test"] = RANDOM.integers(256, size=(20, 5, 6), dtype=np.uint8)
LABELS = {"train": np.arange(30) % 5, "test": np.arange(20) % 5}


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("images_train", "labels_train", "images_test", "labels_test"),
        ("train_x", "train_y", "test_x", "test_y"),
        ("training_images", "training_labels", "testing_images", "testing_labels"),
        ("train_data", "train_targets", "test_data", "test_targets"),
    ],
)
def test_the_usual_names_of_two_splits_are_understood(tmp_path, names):
    arrays = (IMAGES["train"], LABELS["train"], IMAGES["test"], LABELS["test"])
    np.savez_compressed(tmp_path / "data.npz", **dict(zip(names, arrays, strict=True)))
    with warnings.catch_warnings(action="error"):
        for split in ("train", "test"):
            dataset = load_dataset(tmp_path / "data.npz", split)
            np.testing.assert_array_equal(dataset.images[..., 0], IMAGES[split])
            np.testing.assert_array_equal(dataset.labels, LABELS[split])
            assert dataset.class_names == tuple("01234") and not dataset.images.flags.writeable


@pytest.mark.parametrize("names", [("images", "labels"), ("x", "y"), ("data", "target")])
def test_one_set_of_images_is_a_training_split(tmp_path, names):
    np.savez(tmp_path / "data.npz", **dict(zip(names, (IMAGES["train"], LABELS["train"]), strict=True)))
    assert len(load_dataset(str(tmp_path / "data.npz")).images) == 30
    with pytest.raises(ValueError, match="has no split 'test', only 'train': expected the arrays x_train, y_train"):
        load_dataset(tmp_path / "data.npz", "test")
    with pytest.warns(DatasetWarning, match="5 of the 30 images are held out"):
        assert len(load_dataset(tmp_path / "data.npz", "test", test_fraction=0.2).images) == 5


def test_class_names_columns_of_labels_and_a_validation_split_are_understood(tmp_path):
    arrays = {f"{name}_images": IMAGES["train"] for name in ("train", "val", "test")}
    arrays |= {f"{name}_labels": LABELS["train"][:, None] for name in ("train", "val", "test")}
    np.savez(tmp_path / "data.npz", **arrays, class_names=["a", "b", "c", "d", "e"])
    with pytest.warns(DatasetWarning, match="data.npz: the arrays 'val_images', 'val_labels' were left out"):
        dataset = load_dataset(tmp_path / "data.npz")
    assert dataset.class_names == tuple("abcde") and dataset.labels.tolist() == LABELS["train"].tolist()
    del arrays["test_images"], arrays["test_labels"]
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.warns(DatasetWarning, match="has no test arrays: 'val_images' is the test split"):
        assert len(load_dataset(tmp_path / "data.npz", "test").images) == 30


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"a": IMAGES["train"], "b": LABELS["train"]},
            "holds the arrays 'a', 'b': expected the arrays x_train, y_train",
        ),
        ({}, "holds the arrays none: expected"),
        ({"x_train": IMAGES["train"]}, "has 'x_train' but no train labels: expected"),
        ({"labels": LABELS["train"]}, "has 'labels' but no train images: expected"),
        ({"x_train": IMAGES["train"], "train_images": IMAGES["train"]}, "two arrays for the same thing, 'x_train' and"),
        ({"x": IMAGES["train"] / 255, "y": LABELS["train"]}, "data.npz: train images are float64: expected uint8"),
        ({"x": IMAGES["train"], "y": np.eye(5)[LABELS["train"]]}, "data.npz: train labels .*They are one-hot"),
        ({"x": np.array([None] * 3), "y": np.arange(3)}, "cannot be read as a .npz file of arrays .*allow_pickle"),
    ],
)
def test_other_contents_are_refused_with_what_is_expected(tmp_path, arrays, message):
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        load_dataset(tmp_path / "data.npz")
    assert "\n" not in str(caught.value)


def test_an_array_that_claims_to_be_enormous_is_not_allocated(tmp_path):
    stream = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (10**6, 10**4, 10**4)}
    np.lib.format.write_array_header_1_0(stream, header)
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("images.npy", stream.getvalue())
        archive.writestr("labels.npy", stream.getvalue())
    with pytest.raises(
        ValueError, match=r"'images' has the shape \(1000000, 10000, 10000\): expected at most .*max_pixels"
    ):
        load_dataset(tmp_path / "data.npz")


def test_a_damaged_file_is_named_in_one_line(tmp_path):
    random, path = np.random.default_rng(0), tmp_path / "data.npz"
    np.savez_compressed(path, images=IMAGES["train"], labels=LABELS["train"])
    content, refused = path.read_bytes(), 0
    for _ in range(100):
        damaged = bytearray(content[: random.integers(len(content))] if random.random() < 0.5 else content)
        for place in random.integers(len(damaged), size=8) if damaged else ():
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        try:
            load_dataset(path)
        except ValueError as error:
            assert "data.npz" in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 50


def test_a_file_is_read_once_until_it_changes(tmp_path, monkeypatch):
    np.savez(tmp_path / "data.npz", images=IMAGES["train"], labels=LABELS["train"])
    first = load_dataset(tmp_path / "data.npz")
    original = npz.np.load
    monkeypatch.setattr(npz.np, "load", lambda *a, **k: pytest.fail("read again"))
    assert np.shares_memory(load_dataset(tmp_path / "data.npz").images, first.images)
    monkeypatch.setattr(npz.np, "load", original)
    np.savez(tmp_path / "data.npz", images=IMAGES["test"], labels=LABELS["test"])
    assert len(load_dataset(tmp_path / "data.npz").images) == 20
