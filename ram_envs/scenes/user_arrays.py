"""Checks of images and labels given as arrays. Each error names what was given, what is expected and how to convert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Any, NamedTuple

import numpy as np

from ram_envs.errors import InvalidArgument
from ram_envs.scenes.reading import Reading, ReadingOptions

MAX_CLASSES = 100_000
"""Larger labels are taken for identifiers, not classes."""


class CheckedPair(NamedTuple):
    """One split that passed the checks: images uint8 (N, H, W, C), labels of an integer type (N,), names or None."""

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...] | None


@dataclass(frozen=True, eq=False)
class ArraySource:
    """A dataset given as arrays.

    Attributes:
        pairs: For "train", "test" or both: (images, labels) or (images, labels, class_names).
    """

    pairs: Mapping[str, Any]
    title: str = "dataset"
    layout: str = "give the arrays as {'train': (images, labels), 'test': (images, labels)}"

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits given."""
        return tuple(self.pairs)

    def read(self, split: str, options: ReadingOptions) -> Reading:
        """Check all splits and return one."""
        return check_splits(self.pairs)[split]


def check_splits(pairs: Mapping[str, Any], prefix: str = "", num_classes: int | None = None) -> dict[str, Reading]:
    """Check splits that belong together; the arrays are not copied if they need no conversion.

    Args:
        pairs: For each split (images, labels) or (images, labels, class_names). Images are uint8 (N, H, W),
            (N, H, W, 1) or (N, H, W, 3); labels are integers (N,) counted from 0.
        prefix: Begins each error message, for example the name of a file and a colon.
        num_classes: Number of classes if it is known. Otherwise it follows from the class names, or from the largest
            label of all splits.

    Raises:
        InvalidArgument: If anything is not as described.
    """
    checked = {split: check_pair(pair, split, prefix) for split, pair in pairs.items()}
    shapes = {split: pair.images.shape[1:] for split, pair in checked.items()}
    if len(set(shapes.values())) > 1:
        raise InvalidArgument(
            f"{prefix}train and test images differ in shape, {shapes}: expected one height, width and channels"
        )
    given = {pair.class_names for pair in checked.values() if pair.class_names is not None}
    if len(given) > 1:
        raise InvalidArgument(f"{prefix}train and test have different class names: expected the same names for both")
    class_names = given.pop() if given else None
    if class_names is not None:
        if num_classes not in (None, len(class_names)):
            raise InvalidArgument(
                f"{prefix}there are {len(class_names)} class names: expected {num_classes}, one per class"
            )
        num_classes = len(class_names)

    lowest = min(int(pair.labels.min()) for pair in checked.values())
    highest = max(int(pair.labels.max()) for pair in checked.values())
    if num_classes is not None and not 0 <= lowest <= highest < num_classes:
        raise InvalidArgument(
            f"{prefix}labels run from {lowest} to {highest}: expected 0 to {num_classes - 1}, for {num_classes} classes"
        )
    if num_classes is None and (lowest != 0 or highest >= MAX_CLASSES):
        raise InvalidArgument(
            f"{prefix}labels run from {lowest} to {highest}: expected classes counted from 0, at most {MAX_CLASSES:,}. "
            "Renumber them with np.unique(labels, return_inverse=True)[1], training and test labels together"
        )
    names = class_names or tuple(map(str, range(num_classes or highest + 1)))
    return {split: Reading(pair.images, pair.labels.astype(np.int64), names) for split, pair in checked.items()}


def check_pair(pair: Any, split: str, prefix: str = "") -> CheckedPair:
    """Check one split.

    Args:
        pair: (images, labels) or (images, labels, class_names).
        split: "train" or "test", for messages.
        prefix: Begins each error message.

    Raises:
        InvalidArgument: If it is not as :func:`check_splits` describes.
    """
    if not isinstance(pair, (tuple, list)) or len(pair) not in (2, 3):
        raise InvalidArgument(
            f"{prefix}dataset[{split!r}] is of type {type(pair).__name__}: expected a pair (images, labels) or "
            "(images, labels, class_names)"
        )
    images = _check_images(_as_array(pair[0], f"{prefix}{split} images"), f"{prefix}{split} images")
    labels = _check_labels(_as_array(pair[1], f"{prefix}{split} labels"), f"{prefix}{split} labels")
    if len(labels) != len(images):
        raise InvalidArgument(
            f"{prefix}there are {len(images):,} {split} images but {len(labels):,} labels: expected one label per image"
        )
    if len(pair) == 2 or pair[2] is None:
        return CheckedPair(images, labels, None)
    names = tuple(map(str, np.asarray(pair[2]).ravel()))
    if len(set(names)) != len(names) or not names:
        raise InvalidArgument(f"{prefix}class names are {names}: expected one name for each class, all different")
    return CheckedPair(images, labels, names)


def _as_array(value: Any, name: str) -> np.ndarray:
    """Return ``value`` as a plain array that is not ragged."""
    if isinstance(value, np.ma.MaskedArray):
        raise InvalidArgument(f"{name} are a masked array: expected a plain one. Fill the gaps with images.filled(0)")
    try:
        array = np.asarray(value)
    except Exception:  # whatever the conversion of a ragged list or of a foreign type of array raises
        array = None
    if array is None or array.dtype == object:
        raise InvalidArgument(f"{name} {_why_no_array(value)}")
    return array


def _why_no_array(value: Any) -> str:
    """Return why ``value`` is not one array of numbers and what to do, in words that follow its name."""
    if hasattr(value, "detach"):
        return "are a tensor that NumPy cannot read: convert it with tensor.detach().cpu().numpy()"
    try:
        shapes = [np.shape(item) for item in value]
    except Exception:  # not a sequence, or ragged within
        shapes = []
    for index, shape in enumerate(shapes):
        if shape != shapes[0]:
            return (
                f"differ in shape, {shapes[0]} at index 0 and {shape} at index {index}: expected one shape. Bring them "
                "to one shape, then np.stack them"
            )
    if shapes and shapes[0]:
        return "are an array of objects: expected an array of numbers. Convert them with np.stack(array)"
    return f"are of type {type(value).__name__} and hold no numbers: expected an array of numbers"


def _check_images(images: np.ndarray, name: str) -> np.ndarray:
    """Return images as uint8 (N, H, W, C)."""
    if images.dtype != np.uint8:
        raise InvalidArgument(f"{name} are {_dtype(images)}: expected uint8 in [0, 255]. {_dtype_remedy(images)}")
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] not in (1, 3)) or 0 in images.shape:
        raise InvalidArgument(
            f"{name} have the shape {images.shape}: expected (N, H, W), (N, H, W, 1) or (N, H, W, 3), none of them 0. "
            f"{_shape_remedy(images.shape)}"
        )
    return images if images.ndim == 4 else images[..., None]


def _dtype_remedy(images: np.ndarray) -> str:
    """Return how to make uint8 of images of another dtype."""
    if images.dtype == bool:
        return "Convert with images.astype(np.uint8) * 255"
    if images.dtype.kind not in "iuf" or not images.size:
        return "Pass the pixels as numbers"
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        return "They hold NaN or infinite values: replace these first, for example with np.nan_to_num(images)"
    lowest, highest = images.min(), images.max()
    if lowest < 0:
        return (
            f"They go down to {lowest:.4g}: undo the normalisation first, for example with images * std + mean, then "
            "convert to uint8"
        )
    if images.dtype.kind == "f":
        if highest <= 1:
            return "If 1.0 is white, convert with np.rint(images * 255).astype(np.uint8)"
        if highest <= 255:
            return "If 255 is white, convert with np.rint(images).astype(np.uint8)"
        return f"They go up to {highest:.6g}: scale them first, np.rint(images * (255 / white)).astype(np.uint8)"
    if highest <= 1:
        return "If 1 is white, convert with (images * 255).astype(np.uint8)"
    if highest <= 255:
        return "Convert with images.astype(np.uint8)"
    if highest <= 65_535:
        return "If 65535 is white, convert with (images >> 8).astype(np.uint8)"
    return f"They go up to {highest}: scale them first, np.rint(images * (255 / white)).astype(np.uint8)"


def _shape_remedy(shape: tuple[int, ...]) -> str:
    """Return how to bring images of another shape into a legal one."""
    if 0 in shape:
        return "There is nothing to see"
    if len(shape) == 2:
        side = isqrt(shape[1])
        if side > 1 and side**2 == shape[1]:
            return f"Rows of pixels become images with images.reshape(-1, {side}, {side})"
        side = isqrt(shape[1] // 3)
        if side > 1 and 3 * side**2 == shape[1]:
            return f"Rows of channels become images with images.reshape(-1, 3, {side}, {side}).transpose(0, 2, 3, 1)"
        return "Rows of pixels become images with images.reshape(-1, height, width); a single image with images[None]"
    if len(shape) == 4 and shape[1] in (1, 3):
        return "Move the channels to the end with images.transpose(0, 2, 3, 1)"
    if len(shape) == 4 and shape[-1] in (2, 4):
        return f"Drop the transparency with images[..., :{shape[-1] - 1}]"
    return "Channels come last, 1 for grey or 3 for red, green and blue"


def _check_labels(labels: np.ndarray, name: str) -> np.ndarray:
    """Return labels of an integer type (N,)."""
    if np.issubdtype(labels.dtype, np.integer) and labels.ndim == 1:
        return labels
    raise InvalidArgument(
        f"{name} are {_dtype(labels)} of shape {labels.shape}: expected integers of shape (N,). {_label_remedy(labels)}"
    )


def _label_remedy(labels: np.ndarray) -> str:
    """Return how to make class indices of other labels."""
    numeric = labels.dtype.kind in "iufb"
    if labels.ndim == 2 and labels.shape[1] == 1:
        return "Flatten them with labels[:, 0]"
    if labels.ndim == 2 and numeric:
        if np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all():
            return "They are one-hot: convert with labels.argmax(axis=1)"
        return "Each image has one class; for class scores, labels.argmax(axis=1)"
    if labels.ndim != 1:
        return "Each image has one class"
    if labels.dtype.kind == "b":
        return "Convert with labels.astype(np.int64)"
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            return "They hold NaN or infinite values: remove these images"
        if (labels == np.rint(labels)).all():
            return "Convert with labels.astype(np.int64)"
        return "They are not whole numbers; if they are class names, number them with np.unique(return_inverse=True)"
    return (
        "Number the names with class_names, labels = np.unique(labels, return_inverse=True) and pass "
        "(images, labels, class_names)"
    )


def _dtype(array: np.ndarray) -> str:
    """Return the name of the dtype without its byte order."""
    return str(array.dtype.newbyteorder("="))
