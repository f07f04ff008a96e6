"""The decorator of compiled kernels: loops that repeat a rule for speed, compiled by numba (extra ``fast``).

A rule on NumPy and torch (the array API) is the definition. A kernel stands in a file ``kernels.py`` or
``*_kernels.py`` beside the rule it repeats, and tests hold both equal, bit for bit. Only files with kernels import this
module, since it imports numba, which takes 0.3 s.

Two habits keep kernels fast. Array indices are unsigned, which spares the check for negative ones. Functions that are
called for every row take numbers only: numba counts references to every array that it passes on, atomically.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit

_njit: Any = njit  # whose types lack the two options on wrappers


def helper(function: Callable[..., Any]) -> Any:
    """Compile a function as a part of the kernels that call it; Python cannot call it."""
    return _njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True, no_cpython_wrapper=True)(function)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function on its first call from Python; the machine code is cached on disk."""
    dispatcher = _njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function)
    cache_file = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if cache_file is not None:
        # numba notices changes in the file of the function itself, but not in kernels of other files that it calls.
        cache_file._source_stamp = (cache_file._source_stamp, _SOURCES)
    return dispatcher


def _digest() -> str:
    """Return a hash of the sources of all kernels."""
    files = sorted(Path(__file__).parent.rglob("*kernels.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


_SOURCES = _digest()
