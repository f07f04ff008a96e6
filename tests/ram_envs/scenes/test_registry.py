import subprocess
import sys
import warnings

import numpy as np
import pytest

from ram_envs.scenes.datasets import (
    DatasetWarning,
    dataset_spec,
    load_dataset,
    register_dataset,
    registered_datasets,
)

IMAGES = np.random.default_rng(0).integers(256, size=(12, 5, 6, 3), dtype=np.uint8)
LABELS = np.arange(12) % 3


class Loader:
    """Returns random images, and counts how often it is called for which split."""

    def __init__(self, names=None):
        self.calls = []
        self.names = names

    def __call__(self, split):
        self.calls.append(split)
        pair = (IMAGES, LABELS) if split == "train" else (IMAGES[:2], LABELS[:2])
        return pair if self.names is None else (*pair, self.names)


def test_a_registered_dataset_is_loaded_when_it_is_needed_and_once():
    loader = Loader()
    register_dataset("birds", loader, shape=(5, 6, 3), num_classes=3)
    assert "birds" in registered_datasets() and loader.calls == []
    spec = dataset_spec("birds")
    assert spec.shape == (5, 6, 3) and spec.num_classes == 3 and spec.splits == ("train", "test")
    for _ in range(3):
        dataset = load_dataset("birds", "train[2:]")
    assert loader.calls == ["train"]
    np.testing.assert_array_equal(dataset.images, IMAGES[2:])
    assert dataset.class_names == ("0", "1", "2") and dataset.labels.tolist() == LABELS[2:].tolist()
    assert load_dataset("birds", "test").num_classes == 3
    assert loader.calls == ["train", "test"]


def test_class_names_come_from_the_loader():
    loader = Loader(["duck", "goose", "swan"])
    register_dataset("birds", loader)
    assert load_dataset("birds", "test").class_names == ("duck", "goose", "swan")
    assert loader.calls == ["test"]


def test_classes_are_counted_over_all_splits_where_nobody_says_how_many():
    loader = Loader()
    register_dataset("birds", loader)
    assert load_dataset("birds", "test").num_classes == load_dataset("birds").num_classes == 3
    assert sorted(loader.calls) == ["test", "train"]


def test_mnist_and_digits_are_in_the_registry():
    assert dataset_spec("mnist").shape == (28, 28, 1) and dataset_spec("digits").shape == (8, 8, 1)
    assert dataset_spec("mnist").num_classes == dataset_spec("digits").num_classes == 10
    assert dataset_spec("pets") is None and dataset_spec((IMAGES, LABELS)) is None
    assert {"digits", "mnist"} <= set(registered_datasets())  # other tests register more


def test_registering_again_replaces_and_says_so_unless_nothing_changes():
    loader = Loader()
    with warnings.catch_warnings(action="error"):
        register_dataset("birds", loader)
        register_dataset("birds", loader)
    load_dataset("birds")
    with pytest.warns(DatasetWarning, match="dataset 'birds' was registered before and is now replaced"):
        register_dataset("birds", Loader(["duck", "goose", "swan"]))
    assert load_dataset("birds").class_names == ("duck", "goose", "swan")


def test_the_datasets_of_published_environments_cannot_be_replaced():
    with pytest.raises(ValueError, match="name='mnist' is a dataset of ram_envs: expected another name"):
        register_dataset("mnist", Loader())
    assert dataset_spec("mnist").shape == (28, 28, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "a/b"}, "name='a/b' is not valid: expected letters"),
        ({"name": ""}, "name='' is not valid"),
        ({"name": None}, "name=None is not valid"),
        ({"loader": (IMAGES, LABELS)}, "loader of type tuple is not valid: expected a function"),
        ({"shape": (5, 6)}, r"shape=\(5, 6\) is not valid: expected \(height, width, channels\)"),
        ({"shape": (5, 6, 4)}, r"shape=\(5, 6, 4\) is not valid"),
        ({"shape": (0, 6, 3)}, "shape=0 is out of range"),
        ({"num_classes": 0}, "num_classes=0 is out of range"),
        ({"splits": ()}, r"splits=\(\) is not valid: expected 'train', 'test' or both"),
        ({"splits": ("train", "val")}, "splits=.* is not valid"),
    ],
)
def test_an_argument_that_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        register_dataset(**{"name": "birds", "loader": Loader(), **arguments})
    assert "birds" not in registered_datasets()


@pytest.mark.parametrize(
    ("result", "settings", "message"),
    [
        (None, {}, r"the loader returned NoneType for the split 'train': expected \(images, labels\)"),
        ((IMAGES / 255, LABELS), {}, "dataset='birds': train images are float64: expected uint8"),
        (
            (IMAGES, LABELS),
            {"num_classes": 2},
            "dataset='birds': labels run from 0 to 2: expected 0 to 1, for 2 classes",
        ),
        ((IMAGES, LABELS), {"shape": (5, 6, 1)}, r"have the shape \(5, 6, 3\): expected \(5, 6, 1\), as registered"),
        ((IMAGES, LABELS, "abc"), {"num_classes": 3}, "expected one name for each class|there are 1 class names"),
    ],
)
def test_what_a_loader_returns_is_checked(result, settings, message):
    register_dataset("birds", lambda split: result, **settings)
    with pytest.raises(ValueError, match=message):
        load_dataset("birds")


def test_a_test_split_is_held_out_where_the_loader_has_none():
    register_dataset("birds", Loader(), splits=("train",))
    with pytest.raises(ValueError, match="has no split 'test', only 'train': register it with .*test_fraction=0.2"):
        load_dataset("birds", "test")
    with pytest.warns(DatasetWarning, match="dataset='birds' has no test split: 3 of the 12 images"):
        test = load_dataset("birds", "test", test_fraction=0.25)
    assert sorted(test.labels) == [0, 1, 2]


MODULE = """
import numpy as np
from ram_envs.scenes.datasets import register_dataset

def birds(split):
    return np.random.default_rng(0).integers(256, size=(6, 9, 9), dtype=np.uint8), np.arange(6) % 2

register_dataset("birds", birds, shape=(9, 9, 1), num_classes=2)
"""
PROGRAM = """
import gymnasium as gym
import ram_envs

if __name__ == "__main__":
    make = lambda: gym.make("ram_envs:RAM-MNIST-v0", dataset="bird_data:birds")
    envs = gym.vector.AsyncVectorEnv([make] * 2, context="spawn")
    envs.reset(seed=0)
    print(envs.action_space.shape)
    envs.close()
"""


def test_another_process_finds_a_dataset_by_its_module(tmp_path):
    (tmp_path / "bird_data.py").write_text(MODULE)
    (tmp_path / "program.py").write_text(PROGRAM)
    ended = subprocess.run([sys.executable, tmp_path / "program.py"], capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "(2, 4)\n"


def test_a_module_that_is_missing_or_registers_another_name_is_named(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "bird_data_2.py").write_text(MODULE)
    with pytest.raises(ValueError, match="'nowhere.at.all:birds': there is no module 'nowhere.at.all'"):
        load_dataset("nowhere.at.all:birds")
    with pytest.raises(ValueError, match="'bird_data_2' registers no dataset 'bird'. Did you mean 'birds'"):
        load_dataset("bird_data_2:bird")
    assert dataset_spec("bird_data_2:birds").num_classes == 2


def test_an_import_that_fails_within_the_module_says_so_itself(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "bird_data_3.py").write_text("import missing_package")
    with pytest.raises(ModuleNotFoundError, match="missing_package"):
        load_dataset("bird_data_3:birds")


def test_a_path_with_a_colon_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:b" / "cat").mkdir(parents=True)
    assert dataset_spec("a:b") is None
    with pytest.raises(ValueError, match="holds no image"):
        load_dataset("a:b")
