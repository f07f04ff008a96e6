"""How a dataset is read: the options that every kind of dataset shares, and the record that reading one returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from ram_envs.arguments import check_integer
from ram_envs.errors import InvalidArgument

MAX_PIXELS = 2**26
"""Default of ``max_pixels``, 67,108,864: an image of 8192x8192."""
MAX_SIDE = 8192
"""Largest side that images can be resized to."""
_ALL_IMAGES = 64
"""All images of a split together may have this many times ``max_pixels`` pixels."""


@dataclass(frozen=True)
class ReadingOptions:
    """Options of :func:`ram_envs.scenes.datasets.load_dataset`, checked and hashable.

    Attributes:
        resize: (height, width) to scale the images to, or None to leave them as they are.
        max_pixels: Most pixels that one image may have. All images of a split together may have 64 times as many.
        test_fraction: Share of each class held out as the test split of data that has none, in [0, 1).
    """

    resize: tuple[int, int] | None = None
    max_pixels: int = MAX_PIXELS
    test_fraction: float = 0.0

    @classmethod
    def checked(cls, resize: Any, max_pixels: Any, test_fraction: Any) -> ReadingOptions:
        """Return the options.

        Raises:
            InvalidArgument: If one of them has a value that it cannot take.
        """
        number = isinstance(test_fraction, (int, float, np.number)) and not isinstance(test_fraction, bool)
        if not number or not 0 <= test_fraction < 1:
            raise InvalidArgument(
                f"test_fraction={test_fraction!r} is not valid: expected the share of images to hold out for testing, "
                "at least 0 and below 1"
            )
        return cls(_check_resize(resize), check_integer("max_pixels", max_pixels, 1), float(test_fraction))

    @property
    def max_total(self) -> int:
        """Most pixels that all images of a split together may have."""
        return _ALL_IMAGES * self.max_pixels

    def check_total(self, name: str, count: int, height: int, width: int) -> None:
        """Check that ``count`` images of this size may be held in memory.

        Args:
            name: How the error message calls the dataset.
            count: Number of images.
            height: Rows of each.
            width: Columns of each.

        Raises:
            InvalidArgument: If they have more pixels than ``max_pixels`` allows.
        """
        if count * height * width > self.max_total:
            raise InvalidArgument(
                f"{name} has {count:,} images of {width}x{height} (width x height), {count * height * width:,} pixels: "
                f"expected at most {self.max_total:,} in all. Pass resize=SIDE (on the command line --resize SIDE), or "
                f"a larger max_pixels (now {self.max_pixels:,}; all images together may have {_ALL_IMAGES} times that)"
            )


class Reading(NamedTuple):
    """One split of a dataset as it was read.

    Attributes:
        images: uint8 (N, H, W, C), C = 1 for grey and 3 for colour.
        labels: int64 (N,), from 0.
        class_names: One name for each class.
        notes: Sentences for the user: what was left out or changed.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Where images come from. Two sources that are equal and have one hash give the same images."""

    def __hash__(self) -> int:
        """Part of the key of the cache."""

    @property
    def title(self) -> str:
        """How messages call the dataset, as in "dataset='mnist'"."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits it has: "train", "test" or both."""

    @property
    def layout(self) -> str:
        """What the user does to add a missing split, for messages."""

    def read(self, split: str, options: ReadingOptions) -> Reading:
        """Read one split. Only folders apply ``options.resize`` themselves."""


def _check_resize(resize: Any) -> tuple[int, int] | None:
    if resize is None:
        return None
    sides = tuple(resize) if isinstance(resize, Sequence) and not isinstance(resize, str) else (resize, resize)
    try:
        height, width = (check_integer("resize", side, 1, MAX_SIDE) for side in sides)
    except ValueError:
        raise InvalidArgument(
            f"resize={resize!r} is not valid: expected a side in pixels or a pair (height, width), each from 1 to "
            f"{MAX_SIDE}, or None"
        ) from None
    return height, width
