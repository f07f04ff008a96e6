"""The registry of datasets: which names there are, and the function that loads each."""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import os
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ram_envs.arguments import check_integer
from ram_envs.errors import InvalidArgument
from ram_envs.scenes import mnist
from ram_envs.scenes.reading import Reading, ReadingOptions
from ram_envs.scenes.user_arrays import check_splits

NUM_DIGITS_TRAIN = 1_437
"""Training images of the digits, of 1,797. They are not shuffled: neighbours in the file were written by one person."""
Loader = Callable[[str], tuple[Any, ...]]
"""Returns (images, labels) or (images, labels, class_names) of the split "train" or "test"."""
_NAME = re.compile(r"[\w.-]+")
_MODULE_AND_NAME = re.compile(r"([^\W\d][\w.]*):([\w.-]+)")


class DatasetWarning(UserWarning):
    """Something about a dataset that the user should know: files left out, a test split held out, a name replaced."""


@dataclass(frozen=True)
class DatasetSpec:
    """A registered dataset; see :func:`register_dataset`."""

    name: str
    loader: Loader = field(hash=False)
    shape: tuple[int, int, int] | None = None
    num_classes: int | None = None
    splits: tuple[str, ...] = ("train", "test")


_REGISTRY: dict[str, DatasetSpec] = {}
_BUILT_IN = ("mnist", "digits")


def register_dataset(
    name: str,
    loader: Loader,
    *,
    shape: Sequence[int] | None = None,
    num_classes: int | None = None,
    splits: Sequence[str] = ("train", "test"),
) -> None:
    """Register a dataset, so that ``dataset=name`` finds it in every environment and command.

    A process that did not import the registering module finds it as ``dataset="module:name"``, which imports the module
    first. Registering a name again replaces the dataset, with a :class:`DatasetWarning` if anything is different.

    Args:
        name: Letters, digits, "_", "-" and ".".
        loader: Called as ``loader("train")`` or ``loader("test")`` when the images are needed, once per process.
            Returns (images, labels) or (images, labels, class_names): uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3);
            integers (N,) from 0; and one name for each class.
        shape: (height, width, channels) of the images, so that they can be described without being loaded.
        num_classes: Number of classes. If it is None and there are no class names, all splits are loaded to count them.
        splits: The splits that the loader knows: "train", "test" or both.

    Raises:
        InvalidArgument: If an argument is not as described, or ``name`` is one of this package's own datasets.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidArgument(f"name={name!r} is not valid: expected letters, digits, '_', '-' and '.'")
    if not callable(loader):
        raise InvalidArgument(f"loader of type {type(loader).__name__} is not valid: expected a function of the split")
    if shape is not None:
        if len(shape) != 3 or shape[2] not in (1, 3):
            raise InvalidArgument(f"shape={shape!r} is not valid: expected (height, width, channels), channels 1 or 3")
        height, width, channels = (check_integer("shape", side, 1) for side in shape)
        shape = height, width, channels
    if num_classes is not None:
        check_integer("num_classes", num_classes, 1)
    if not splits or not set(splits) <= {"train", "test"}:
        raise InvalidArgument(f"splits={splits!r} is not valid: expected 'train', 'test' or both")
    spec = DatasetSpec(name, loader, shape, num_classes, tuple(splits))
    previous = _REGISTRY.get(name)
    if previous not in (None, spec):
        if name in _BUILT_IN:
            raise InvalidArgument(f"name={name!r} is a dataset of ram_envs: expected another name")
        warnings.warn(f"dataset {name!r} was registered before and is now replaced", DatasetWarning, stacklevel=2)
    _REGISTRY[name] = spec


def registered_datasets() -> tuple[str, ...]:
    """Return the names of all registered datasets, sorted."""
    return tuple(sorted(_REGISTRY))


def dataset_spec(dataset: Any) -> DatasetSpec | None:
    """Return the registered dataset of this name, or None if ``dataset`` is a path or arrays. No image is loaded.

    Raises:
        InvalidArgument: If ``dataset`` is "module:name" and the module is missing or does not register the name.
    """
    if not isinstance(dataset, str):
        return None
    match = _MODULE_AND_NAME.fullmatch(dataset)
    if dataset in _REGISTRY or match is None or os.path.exists(dataset):
        return _REGISTRY.get(dataset)
    module, name = match.groups()
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there, and lacks something itself
        raise InvalidArgument(
            f"dataset={dataset!r}: there is no module {module!r}. Install it, or run where Python finds it"
        ) from None
    if name not in _REGISTRY:
        raise InvalidArgument(
            f"dataset={dataset!r}: the module {module!r} registers no dataset {name!r}. {suggest(name)}"
        )
    return _REGISTRY[name]


def suggest(name: str) -> str:
    """Return a hint for an unknown name: the registered name that is closest, or all of them."""
    alike = difflib.get_close_matches(name, _REGISTRY, n=1)
    return f"Did you mean {alike[0]!r}?" if alike else f"Registered are {', '.join(map(repr, registered_datasets()))}"


@dataclass(frozen=True)
class RegisteredSource:
    """A registered dataset. ``data_variable`` is the value of RAM_ENVS_DATA, where loaders may look for files."""

    spec: DatasetSpec
    data_variable: str | None
    layout: str = "register it with splits=('train', 'test')"

    @property
    def title(self) -> str:
        """The dataset in messages."""
        return f"dataset={self.spec.name!r}"

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the loader knows."""
        return self.spec.splits

    def read(self, split: str, options: ReadingOptions) -> Reading:
        """Call the loader and check what it returns.

        Raises:
            InvalidArgument: If the images or labels are not as :func:`register_dataset` describes.
        """
        pairs = {split: _call_loader(self, split)}
        if self.spec.num_classes is None and len(pairs[split]) == 2:
            pairs = {name: _call_loader(self, name) for name in self.splits}
        reading = check_splits(pairs, f"{self.title}: ", self.spec.num_classes)[split]
        if self.spec.shape not in (None, reading.images.shape[1:]):
            raise InvalidArgument(
                f"{self.title}: the images have the shape {reading.images.shape[1:]}: expected {self.spec.shape}, as "
                "registered"
            )
        return reading


@functools.lru_cache(maxsize=16)
def _call_loader(source: RegisteredSource, split: str) -> tuple[Any, ...]:
    pair = source.spec.loader(split)
    if not isinstance(pair, (tuple, list)) or len(pair) not in (2, 3):
        raise InvalidArgument(
            f"{source.title}: the loader returned {type(pair).__name__} for the split {split!r}: expected "
            "(images, labels) or (images, labels, class_names)"
        )
    return tuple(pair)


def _load_mnist(split: str) -> tuple[np.ndarray, np.ndarray]:
    return mnist.load_mnist(split, mnist.data_folder())


def _load_digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the digits of scikit-learn, their 17 grey levels spread over [0, 255]: uint8 (N, 8, 8), int64 (N,)."""
    table = _digits_table()
    part = slice(None, NUM_DIGITS_TRAIN) if split == "train" else slice(NUM_DIGITS_TRAIN, None)
    grey_levels, labels = table[part, :64].reshape(-1, 8, 8), table[part, 64]
    return np.rint(grey_levels * (255 / 16)).astype(np.uint8), labels.astype(np.int64)


def _digits_table() -> np.ndarray:
    """Return 64 grey levels and the label of every digit: float64 (1797, 65).

    Importing scikit-learn takes seconds, so its file is read without that, if it is where it has always been.
    """
    package = importlib.util.find_spec("sklearn")
    file = Path(package.origin).parent / "datasets/data/digits.csv.gz" if package and package.origin else Path()
    if file.is_file():
        return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits

    digits = load_digits()
    return np.column_stack([digits.data, digits.target])


register_dataset("mnist", _load_mnist, shape=(28, 28, 1), num_classes=10)
register_dataset("digits", _load_digits, shape=(8, 8, 1), num_classes=10)
