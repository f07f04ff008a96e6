"""Rules that run on NumPy arrays and on torch tensors: the Python array API standard.

NumPy (2.1 or newer) is such a namespace itself; for torch, the package array-api-compat supplies one. The rules take
their namespace from the arrays they are given, and create arrays on the same device.
"""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any, Protocol, cast

import numpy as np


class Array(Protocol):
    """A NumPy array or a torch tensor: what both offer, as the array API standard has it.

    Which one it is, is the caller's choice: the same lines handle both.
    """

    @property
    def shape(self) -> Any:
        """Length of each axis."""

    @property
    def dtype(self) -> Any:
        """Type of the elements."""

    @property
    def device(self) -> Any:
        """The device that holds the elements."""

    @property
    def ndim(self) -> int:
        """Number of axes."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def __setitem__(self, key: Any, value: Any, /) -> None: ...
    def __len__(self) -> int: ...
    def __add__(self, other: Any, /) -> Any: ...
    def __radd__(self, other: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...
    def __rsub__(self, other: Any, /) -> Any: ...
    def __mul__(self, other: Any, /) -> Any: ...
    def __rmul__(self, other: Any, /) -> Any: ...
    def __truediv__(self, other: Any, /) -> Any: ...
    def __floordiv__(self, other: Any, /) -> Any: ...
    def __mod__(self, other: Any, /) -> Any: ...
    def __and__(self, other: Any, /) -> Any: ...
    def __or__(self, other: Any, /) -> Any: ...
    def __xor__(self, other: Any, /) -> Any: ...
    def __rshift__(self, other: Any, /) -> Any: ...
    def __neg__(self) -> Any: ...
    def __invert__(self) -> Any: ...
    def __lt__(self, other: Any, /) -> Any: ...
    def __le__(self, other: Any, /) -> Any: ...
    def __gt__(self, other: Any, /) -> Any: ...
    def __ge__(self, other: Any, /) -> Any: ...
    def __eq__(self, other: Any, /) -> Any: ...
    def __ne__(self, other: Any, /) -> Any: ...


def namespace(array: Array) -> ModuleType:
    """Return the array API namespace of ``array``: ``numpy``, or ``array_api_compat.torch`` for a torch tensor."""
    if isinstance(array, np.ndarray):
        return np
    import array_api_compat.torch

    return array_api_compat.torch


def numpy_array(value: Any) -> np.ndarray:
    """Return ``value`` as a plain NumPy array, without a copy where it is one already.

    Subclasses of ``numpy.ndarray`` become plain arrays, so they cannot change how the rules compute. Tensors on the CPU
    are taken without their gradient.

    Raises:
        TypeError: If it is a masked array, a sparse tensor or a tensor on another device.
        ValueError: If it is a nested list whose rows differ in length.
    """
    if type(value) is np.ndarray:
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError("a masked array: fill its missing values with value.filled(...)")
    return np.asarray(plain_tensor(value) if _is_tensor(value) else value)


def plain_tensor(value: Any) -> Array:
    """Return a torch tensor without gradient, lazy conjugation or subclass; the same tensor if it has none of these.

    Raises:
        TypeError: If it is sparse.
    """
    import torch

    if value.layout is not torch.strided:
        raise TypeError(f"a tensor of layout {value.layout}: convert it with value.to_dense()")
    if type(value) is torch.Tensor and not (value.requires_grad or value.is_conj() or value.is_neg()):
        return value
    return value.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg()


def _is_tensor(value: Any) -> bool:
    return any(cls.__module__.partition(".")[0] == "torch" and cls.__name__ == "Tensor" for cls in type(value).__mro__)


def clip(array: Array, least: float, greatest: float) -> Array:
    """Return the values of an array, none below ``least`` or above ``greatest``.

    NumPy uses two ufuncs, which take half the time of ``numpy.clip`` on a few values. Torch uses one operation, because
    each of the two would copy its number to the device and wait for it.
    """
    if isinstance(array, np.ndarray):
        return np.minimum(np.maximum(array, least), greatest)
    return cast(Any, array).clamp(least, greatest)


def float32(array: Array) -> Array:
    """Return floating-point numbers as float32, without a copy where they are; too large ones become infinite."""
    xp = namespace(array)
    if array.dtype == xp.float32:
        return array
    with np.errstate(over="ignore"):
        return cast(Array, xp.astype(array, xp.float32))


WORTH_LOADING = 300_000
"""Work, in rows, that is done before the kernels are loaded, which takes 0.3 s with numba and seconds where they have
never been compiled: some 700 steps of a single environment, 200 of 1,024 rows of a game, 16 with scenes of 60x60."""
_ROWS_PER_CALL, _PIXELS_PER_ROW = 400, 200  # what a call costs, however few its rows, and what a row costs
_work = 0


def compiled_kernels(array: Array, pixels: int = 0) -> ModuleType | None:
    """Return :mod:`ram_envs.sensors.kernels` if it is worth loading, numba is installed and ``array`` is on the CPU.

    Args:
        array: An array whose first axis is the rows that are computed next.
        pixels: Pixels of each row that are not in the array.

    Returns:
        The module; None for arrays on another device, without numba, and at the beginning of a process.
    """
    global _work
    if not on_cpu(array):
        return None
    if _work < WORTH_LOADING:
        _work += _ROWS_PER_CALL + len(array) + (math.prod(array.shape) + len(array) * pixels) // _PIXELS_PER_ROW
        if _work < WORTH_LOADING:
            return None
    return _import_kernels()


def kernels_to_come(array: Array) -> bool:
    """Return whether :func:`compiled_kernels` gives kernels for this array, now or later in this process."""
    return on_cpu(array) and _has_numba()


def on_cpu(array: Array) -> bool:
    """Return whether an array is NumPy's or a tensor on the CPU."""
    return isinstance(array, np.ndarray) or array.device.type == "cpu"


@cache
def _has_numba() -> bool:
    return importlib.util.find_spec("numba") is not None


@cache
def _import_kernels() -> ModuleType | None:
    if not _has_numba():
        return None
    try:
        from ram_envs.sensors import kernels
    except Exception as error:  # whatever a broken numba or llvmlite raises
        warnings.warn(
            f"numba is installed but cannot be used ({type(error).__name__}: {error}): sensors run on NumPy, which is "
            "slower. Reinstall numba, or uninstall it to silence this warning",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    return kernels


class Constants:
    """Named NumPy arrays that a rule needs on the device of the arrays it is given.

    Each device gets one copy, made at first use, so that a rule on a GPU does not copy its tables at every call.
    """

    def __init__(self, **arrays: np.ndarray) -> None:
        self._arrays = arrays
        self._copies: dict[str, dict[str, Array]] = {}

    def like(self, array: Array) -> Mapping[str, Array]:
        """Return the constants as arrays of the same kind and on the same device as ``array``."""
        if isinstance(array, np.ndarray):
            return self._arrays
        device = str(array.device)
        if device not in self._copies:
            xp = namespace(array)
            copies = {name: xp.asarray(value.copy(), device=array.device) for name, value in self._arrays.items()}
            self._copies[device] = copies
        return self._copies[device]

    def __getstate__(self) -> dict[str, np.ndarray]:
        """Pickle the NumPy arrays only: copies on a device belong to the process that made them."""
        return self._arrays

    def __setstate__(self, arrays: dict[str, np.ndarray]) -> None:
        """Restore from pickled NumPy arrays."""
        self._arrays, self._copies = arrays, {}
