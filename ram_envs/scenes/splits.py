"""Splits: the names they go by, parts such as "train[:-5000]", and a test split held out of data that has none."""

from __future__ import annotations

import re

import numpy as np

from ram_envs.errors import InvalidArgument
from ram_envs.scenes.randomness import draw_words

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
"""What files, folders and arrays call a split, in lower case, and which split that is."""
HOLD_OUT_SEED = 0
"""Random seed of the held-out test split."""
_SPLIT = re.compile(r"(train|test)(?:\[(-?\d+)?:(-?\d+)?\])?")


def parse_split(split: str) -> tuple[str, slice]:
    """Return the name of a split and the part of it that is asked for.

    Raises:
        InvalidArgument: If ``split`` is neither "train" nor "test" nor a part of one, as in "train[:-5000]".
    """
    match = _SPLIT.fullmatch(split) if isinstance(split, str) else None
    if match is None:
        raise InvalidArgument(
            f"split={split!r} is not valid: expected 'train' or 'test', or a part of one, such as 'train[:-5000]' for "
            "training and 'train[-5000:]' for validation"
        )
    name, start, stop = match.groups()
    return name, slice(int(start) if start else None, int(stop) if stop else None)


def check_part(split: str, part: slice, count: int) -> None:
    """Check that a part lies within ``count`` images and is not empty.

    Raises:
        InvalidArgument: If it does not, or is.
    """
    if any(bound is not None and abs(bound) > count for bound in (part.start, part.stop)):
        raise InvalidArgument(f"split={split!r} is out of range: this split has {count:,} images")
    if not range(*part.indices(count)):
        raise InvalidArgument(f"split={split!r} is empty: expected a part that holds some of the {count:,} images")


def hold_out(labels: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Choose a stratified test split: the same share of every class, at random with a fixed seed.

    The choice depends only on the labels, their order and ``fraction``. A class with at least two images has at least
    one in each split; a class with one image has it in the training split.

    Args:
        labels: int64 (N,).
        fraction: Share of each class that is held out, in (0, 1).

    Returns:
        The indices of the training images and those of the test images, both int64 and ascending.
    """
    index = np.arange(len(labels), dtype=np.int64)
    words = draw_words(np.full_like(index, HOLD_OUT_SEED), index, 1)[:, 0]
    is_test = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = index[labels == label]
        wanted = max(int(len(members) * fraction + 0.5), 1)
        chosen = members[np.argsort(words[members], kind="stable")]
        is_test[chosen[: min(wanted, len(members) - 1)]] = True
    return index[~is_test], index[is_test]
