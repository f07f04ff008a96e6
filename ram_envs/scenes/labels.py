"""The classes of scenes with several objects: the digits in them in no order, or their sum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import combinations_with_replacement, product

import numpy as np
from numpy.typing import NDArray

from ram_envs.arguments import check_choice, check_integer
from ram_envs.arrays import Array, Constants
from ram_envs.errors import InvalidArgument

COMBINATIONS = ("set", "sum")
MAX_OBJECTS = 4
_MAX_CLASSES = 10_000
"""Most joint classes, and most sequences of labels in a table."""


class CombinedLabels:
    """Joins the labels of the objects in a scene to one class.

    Args:
        combine: "set": which objects are there, in no order and with repetitions; two digits have 55 classes, "0 0",
            "0 1", ... "9 9". "sum": the sum of the numbers of their classes; two digits have 19 classes.
        num_objects: Objects in a scene.
        class_names: Names of the classes of one object.

    Attributes:
        combine: As above; so are ``num_objects`` and ``class_names``.

    Raises:
        InvalidArgument: If an argument is not valid.
    """

    def __init__(self, combine: str, num_objects: int, class_names: Sequence[str]) -> None:
        check_choice("combine", combine, COMBINATIONS)
        check_integer("num_objects", num_objects, 1, MAX_OBJECTS)
        self.combine, self.num_objects, self.class_names = combine, num_objects, tuple(class_names)
        if combine == "sum" or num_objects == 1:
            return
        if math.comb(len(class_names) + num_objects - 1, num_objects) > _MAX_CLASSES:
            raise InvalidArgument(
                f"num_objects={num_objects} of {len(class_names)} classes have more than {_MAX_CLASSES:,} "
                "combinations: use fewer objects, or combine='sum'"
            )
        self._check_sequences()  # a table joins the labels

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the joint classes."""
        if self.num_objects == 1:
            return self.class_names
        if self.combine == "sum":
            return tuple(map(str, range(self.num_objects * (len(self.class_names) - 1) + 1)))
        return tuple(" ".join(group) for group in combinations_with_replacement(self.class_names, self.num_objects))

    def join(self, labels: Sequence[Array]) -> Array:
        """Return the joint classes, int64 (B,), of the labels of the objects, one int64 (B,) for each object."""
        if self.combine == "sum" or self.num_objects == 1:
            total = labels[0]
            for label in labels[1:]:
                total = total + label
            return total
        index = labels[0]
        for label in labels[1:]:
            index = index * len(self.class_names) + label
        return self._classes.like(index)["classes"][index]

    @property
    def _groups(self) -> list[tuple[int, ...]]:
        """The labels of each joint class of a "set", sorted."""
        return list(combinations_with_replacement(range(len(self.class_names)), self.num_objects))

    @cached_property
    def _classes(self) -> Constants:
        return Constants(classes=self.joint_classes())

    def joint_classes(self) -> NDArray[np.int64]:
        """Return the joint class of every sequence of labels, int64 (classes**objects,), the first varying slowest.

        Raises:
            InvalidArgument: If there are too many sequences.
        """
        self._check_sequences()
        sequences = product(range(len(self.class_names)), repeat=self.num_objects)
        if self.combine == "sum":
            return np.array([sum(labels) for labels in sequences], dtype=np.int64)
        known = {group: n for n, group in enumerate(self._groups)}
        return np.array([known[tuple(sorted(labels))] for labels in sequences], dtype=np.int64)

    def _check_sequences(self) -> None:
        classes = len(self.class_names)
        if classes**self.num_objects > 4 * _MAX_CLASSES:
            raise InvalidArgument(
                f"num_objects={self.num_objects} of {classes} classes make more than {4 * _MAX_CLASSES:,} sequences: "
                "expected fewer objects or classes"
            )

    def overlap(self) -> NDArray[np.float32] | None:
        """Return the share of objects that an answer names correctly, float32 (n, n), by answer and right answer.

        None for sums, which do not say which objects there are.
        """
        if self.combine == "sum" and self.num_objects > 1:
            return None
        counts = np.array([np.bincount(group, minlength=len(self.class_names)) for group in self._groups])
        both = np.stack([np.minimum(counts, one).sum(1) for one in counts], axis=1)  # by answer, by right answer
        return (both / self.num_objects).astype(np.float32)
