"""The classes of scenes with several objects: the digits in them in no order, or their sum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import combinations_with_replacement, product

import numpy as np

from ram_envs.arguments import check_choice, check_integer
from ram_envs.arrays import Array, Constants
from ram_envs.errors import InvalidArgument

COMBINATIONS = ("set", "sum")
MAX_OBJECTS = 4
_MAX_CLASSES = 10_000


class CombinedLabels:
    """Joins the labels of the objects in a scene to one class.

    Args:
        combine: "set": which objects are there, in no order and with repetitions; two digits have 55 classes, "0 0",
            "0 1", ... "9 9". "sum": the sum of the numbers of their classes; two digits have 19 classes.
        num_objects: Objects in a scene.
        class_names: Names of the classes of one object.

    Raises:
        InvalidArgument: If an argument is not valid.
    """

    def __init__(self, combine: str, num_objects: int, class_names: Sequence[str]) -> None:
        check_choice("combine", combine, COMBINATIONS)
        check_integer("num_objects", num_objects, 1, MAX_OBJECTS)
        self._combine, self._num_objects, self._names = combine, num_objects, tuple(class_names)
        if combine == "set" and math.comb(len(class_names) + num_objects - 1, num_objects) > _MAX_CLASSES:
            raise InvalidArgument(
                f"num_objects={num_objects} of {len(class_names)} classes have more than {_MAX_CLASSES:,} "
                "combinations: use fewer objects, or combine='sum'"
            )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the joint classes."""
        if self._num_objects == 1:
            return self._names
        if self._combine == "sum":
            return tuple(map(str, range(self._num_objects * (len(self._names) - 1) + 1)))
        return tuple(" ".join(group) for group in combinations_with_replacement(self._names, self._num_objects))

    def join(self, labels: Sequence[Array]) -> Array:
        """Return the joint classes, int64 (B,), of the labels of the objects, one int64 (B,) for each object."""
        if self._combine == "sum" or self._num_objects == 1:
            total = labels[0]
            for label in labels[1:]:
                total = total + label
            return total
        index = labels[0]
        for label in labels[1:]:
            index = index * len(self._names) + label
        return self._classes.like(index)["classes"][index]

    @cached_property
    def _classes(self) -> Constants:
        """The joint class of every sequence of labels, int64 (classes ** objects,), the first label varying slowest."""
        numbers = range(len(self._names))
        known = {group: n for n, group in enumerate(combinations_with_replacement(numbers, self._num_objects))}
        joint = [known[tuple(sorted(group))] for group in product(numbers, repeat=self._num_objects)]
        return Constants(classes=np.array(joint, dtype=np.int64))
