import gzip
import warnings

import numpy as np
import pytest

from ram_envs.scenes import idx
from ram_envs.scenes.datasets import DatasetWarning, load_dataset

from .conftest import write_idx

RANDOM = np.random.default_rng(0)
IMAGES = {"train": RANDOM.integers(256, size=(30, 5, 6)), "test": RANDOM.integers(256, size=(20, 5, 6))}
LABELS = {"train": np.arange(30) % 10, "test": np.arange(20) % 10}


def write_set(folder, prefix="", test="t10k", compress=True, first=0, splits=("train", "test")):
    for split in splits:
        start = f"{prefix}{'train' if split == 'train' else test}"
        ending = ".gz" if compress else ""
        write_idx(folder / f"{start}-images-idx3-ubyte{ending}", IMAGES[split], compress)
        write_idx(folder / f"{start}-labels-idx1-ubyte{ending}", LABELS[split] + first, compress)
    return folder


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_folder_with_the_four_names_is_read(tmp_path, split, compress):
    with warnings.catch_warnings(action="error"):
        dataset = load_dataset(write_set(tmp_path, compress=compress), split)
    np.testing.assert_array_equal(dataset.images[..., 0], IMAGES[split])
    np.testing.assert_array_equal(dataset.labels, LABELS[split])
    assert dataset.images.dtype == np.uint8 and dataset.labels.dtype == np.int64
    assert dataset.class_names == tuple("0123456789") and not dataset.images.flags.writeable


def test_other_spellings_of_the_names_are_read(tmp_path):
    write_idx(tmp_path / "Train-Images.idx3-ubyte", IMAGES["train"], compress=False)
    write_idx(tmp_path / "Train-Labels.idx1-ubyte", LABELS["train"], compress=False)
    assert len(load_dataset(tmp_path).images) == 30


def test_e_mnist_is_turned_upright_and_counted_from_0(tmp_path):
    write_set(tmp_path, "emnist-letters-", "test", first=1)
    with pytest.warns(DatasetWarning) as said:
        train, test = load_dataset(tmp_path), load_dataset(tmp_path, "test")
    np.testing.assert_array_equal(train.images[..., 0], IMAGES["train"].transpose(0, 2, 1))
    np.testing.assert_array_equal(test.images[..., 0], IMAGES["test"].transpose(0, 2, 1))
    np.testing.assert_array_equal(train.labels, LABELS["train"])
    assert train.class_names == test.class_names == tuple(map(str, range(1, 11)))
    notes = sorted(str(warning.message) for warning in said)
    assert len(notes) == 2
    assert "rows and columns were swapped" in notes[0] and "the labels 1 to 10 were renumbered 0 to 9" in notes[1]


def test_the_mapping_of_e_mnist_names_the_classes(tmp_path):
    write_set(tmp_path, "emnist-letters-", "test", first=1)
    lines = [f"{number} {64 + number} {96 + number}" for number in range(1, 27)]
    (tmp_path / "emnist-letters-mapping.txt").write_text("\n".join(lines) + "\n")
    with pytest.warns(DatasetWarning):
        assert load_dataset(tmp_path).class_names == ("Aa", "Bb", "Cc", "Dd", "Ee", "Ff", "Gg", "Hh", "Ii", "Jj")
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65\n")
    idx._read_all.cache_clear()
    with pytest.raises(ValueError, match=r"mapping.txt does not name the labels 1 to 10 \(2\): expected lines such as"):
        load_dataset(tmp_path, resize=9)


def test_of_several_datasets_in_a_folder_one_is_named(tmp_path):
    write_set(tmp_path, "emnist-digits-", "test")
    write_set(tmp_path, "emnist-mnist-", "test")
    with pytest.raises(ValueError, match=r"'emnist-digits', 'emnist-mnist': name one, as in dataset='.*emnist-mnist'"):
        load_dataset(tmp_path)
    with pytest.warns(DatasetWarning, match="emnist-digits': rows and columns"):
        assert len(load_dataset(tmp_path / "emnist-digits").images) == 30
    with pytest.raises(FileNotFoundError, match="is neither a registered dataset nor a folder"):
        load_dataset(tmp_path / "emnist-letters")


def test_without_test_files_a_test_split_is_held_out(tmp_path):
    write_set(tmp_path, splits=("train",))
    with pytest.raises(
        ValueError, match="has no split 'test', only 'train': expected the files train-images-idx3-ubyte"
    ):
        load_dataset(tmp_path, "test")
    with pytest.warns(DatasetWarning, match="10 of the 30 images are held out"):
        assert len(load_dataset(tmp_path, "test", test_fraction=0.3).images) == 10


def test_images_without_labels_are_named(tmp_path):
    (write_set(tmp_path) / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match="has no IDX file of the test labels: expected images and labels"):
        load_dataset(tmp_path)


def test_files_are_read_once_until_they_change(tmp_path, monkeypatch):
    calls = []
    original = idx.read_array
    monkeypatch.setattr(idx, "read_array", lambda *arguments: calls.append(arguments) or original(*arguments))
    write_set(tmp_path)
    first = load_dataset(tmp_path)
    assert np.shares_memory(load_dataset(tmp_path, "train[5:]").images, first.images)
    load_dataset(tmp_path, "test")
    assert len(calls) == 4
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", 255 - IMAGES["train"])
    np.testing.assert_array_equal(load_dataset(tmp_path).images, 255 - first.images)


def truncated(content):
    return gzip.compress(content)[:-9]


def plain_and_short(content):
    return content[:-1]


def longer(content):
    return content + b"\0"


def another_type(content):
    return b"\0\0\x0d" + content[3:]


def a_web_page(content):
    return b"<html>404 Not Found</html>"


def empty(content):
    return b""


def enormous(content):
    return content[:4] + b"\x7f\xff\xff\xff" * 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (truncated, "is a truncated or damaged gzip archive"),
        (plain_and_short, "has fewer than 916 bytes"),
        (longer, "has more than 916 bytes"),
        (another_type, r"begins with b'\\x00\\x00\\r\\x03'"),
        (a_web_page, "begins with b'<htm'"),
        (empty, "begins with b''"),
        (enormous, r"claims an array of shape \(2147483647, 2147483647, 2147483647\), more than"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, change, message):
    write_set(tmp_path, compress=False)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(
        ValueError, match=f"{path.name} {message}.*: expected an IDX file of uint8 with 3 axes"
    ) as caught:
        load_dataset(tmp_path)
    assert "\n" not in str(caught.value)


def test_images_and_labels_that_do_not_fit_are_refused(tmp_path):
    write_set(tmp_path)
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.arange(29))
    with pytest.raises(ValueError, match=r"dataset='.*': there are 30 train images but 29 labels"):
        load_dataset(tmp_path)
