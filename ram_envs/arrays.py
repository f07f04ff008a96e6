"""One way to write a rule for NumPy arrays and torch tensors alike: the Python array API standard.

NumPy (2.1 or newer) is such a namespace itself; for torch the package array-api-compat supplies one. The rules of the
suite take their namespace from the arrays they are given, and create arrays on the device of those.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

Array = Any
"""A NumPy array or a torch tensor: which one is the caller's choice, and both are handled by the same lines."""


def namespace(array: Array) -> ModuleType:
    """Return the array API namespace of ``array``: ``numpy``, or ``array_api_compat.torch`` for a torch tensor."""
    if isinstance(array, np.ndarray):
        return np
    import array_api_compat.torch

    return array_api_compat.torch


def as_array(value: Any) -> Array:
    """Return ``value`` itself if it is a NumPy array or a torch tensor, otherwise as a NumPy array."""
    return value if isinstance(value, np.ndarray) or type(value).__module__.startswith("torch") else np.asarray(value)


def clip(array: Array, least: float, greatest: float) -> Array:
    """Return the values of an array, none below ``least`` or above ``greatest``.

    In NumPy by two ufuncs, which take half the time of ``numpy.clip`` on a few values; in torch by one operation,
    because each of the two would bring its number to the device, and wait for it.
    """
    if isinstance(array, np.ndarray):
        return np.minimum(np.maximum(array, least), greatest)
    return array.clamp(least, greatest)


def compiled_kernels(array: Array) -> ModuleType | None:
    """Return :mod:`ram_envs.kernels` if numba is installed and ``array`` is on the CPU, otherwise None."""
    if isinstance(array, np.ndarray) or array.device.type == "cpu":
        return _import_kernels()
    return None


@cache
def _import_kernels() -> ModuleType | None:
    try:
        from ram_envs import kernels
    except ImportError:
        return None
    return kernels


class Constants:
    """Named NumPy arrays, handed out in the namespace and on the device of the arrays that they are to meet.

    A rule that runs on a GPU must not copy its tables there at every call, so each device gets one copy, made at first
    use.
    """

    def __init__(self, **arrays: np.ndarray) -> None:
        self._copies: dict[str, dict[str, Array]] = {"numpy": arrays}

    def like(self, array: Array) -> dict[str, Array]:
        """Return the constants as arrays of the same kind and on the same device as ``array``."""
        if isinstance(array, np.ndarray):
            return self._copies["numpy"]
        device = str(array.device)
        if device not in self._copies:
            xp = namespace(array)
            copies = {
                name: xp.asarray(value.copy(), device=array.device) for name, value in self._copies["numpy"].items()
            }
            self._copies[device] = copies
        return self._copies[device]

    def __getstate__(self) -> dict[str, np.ndarray]:
        """Pickle the NumPy arrays only: copies on a device belong to the process that made them."""
        return self._copies["numpy"]

    def __setstate__(self, arrays: dict[str, np.ndarray]) -> None:
        """Restore from pickled NumPy arrays."""
        self._copies = {"numpy": arrays}
