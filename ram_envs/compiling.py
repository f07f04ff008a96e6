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

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

_CACHE_LINE = 64  # bytes
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


def load_soon(array: Any, start: int, count: int) -> None:
    """Load ``count`` values of a one-dimensional uint8 array into the cache in the background; interpreted, nothing."""


@overload(load_soon)
def _load_soon(array: Any, start: Any, count: Any) -> Callable[..., None]:
    """Return what :func:`load_soon` does when it is compiled."""

    def load(array: Any, start: Any, count: Any) -> None:
        for index in range(start, min(start + count, array.shape[0]), _CACHE_LINE):
            _prefetch(array, index)

    return load


def _emit_prefetch(context: Any, array: Any, index: Any) -> Any:
    """Return the types and the code of the processor's instruction that loads a cache line in the background."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer, integer = ir.IntType(8).as_pointer(), ir.IntType(32)
        address = builder.bitcast(builder.gep(values.data, [arguments[1]]), pointer)
        code_types = ir.FunctionType(ir.VoidType(), [pointer, integer, integer, integer])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], code_types)
        builder.call(function, [address, integer(0), integer(3), integer(1)])  # to read, into all caches, data
        return context.get_dummy_value()

    return types.void(array, index), emit


_prefetch: Any = intrinsic(_emit_prefetch)


def _digest() -> str:
    """Return a hash of the sources of all kernels, and of this file, whose code they contain."""
    files = [Path(__file__), *sorted(Path(__file__).parent.rglob("*kernels.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


_SOURCES = _digest()
