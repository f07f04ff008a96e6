"""One training iteration as a CUDA graph: one launch instead of a thousand small kernels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from agents.training.fast import distributed

Function = Callable[..., dict[str, Tensor]]

_CALLS_BEFORE = 3
"""Ordinary calls before the capture, in which libraries and the optimiser allocate their state."""


class Graph:
    """Calls a function of tensors; on a GPU the fourth call captures it as a CUDA graph, which runs from then on.

    A graph repeats the same kernels on the same addresses. So everything that changes between two calls must be in a
    tensor that stays in place (weights, optimiser state, learning rate), an argument, or drawn from the generator; and
    the function must not wait for the device or copy data to it. Its results are valid until the next call. On a CPU,
    and with several processes, the function is called as it is.

    Args:
        function: Takes tensors, always of the same shapes, and returns tensors by name.
        generator: Its random generator, which may be seeded between two calls.
    """

    def __init__(self, function: Function, generator: torch.Generator) -> None:
        self._function, self._generator = function, generator
        self._calls = 0
        captured = generator.device.type == "cuda" and distributed.share()[1] == 1
        self._stream = torch.cuda.Stream() if captured else None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._arguments: tuple[Tensor, ...] = ()
        self._results: dict[str, Tensor] = {}

    def __call__(self, *arguments: Tensor) -> dict[str, Tensor]:
        """Run the function, or its graph, and return the results."""
        if self._stream is None:
            return self._function(*arguments)
        self._calls += 1
        if self._calls <= _CALLS_BEFORE:
            return self._warm_up(self._stream, arguments)
        graph = self._graph or self._capture(self._stream, arguments)
        for captured, argument in zip(self._arguments, arguments, strict=True):
            captured.copy_(argument)
        graph.replay()
        return self._results

    def _warm_up(self, stream: torch.cuda.Stream, arguments: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Run the function in a side stream, which a later capture requires."""
        current = torch.cuda.current_stream()
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            results = self._function(*arguments)
        current.wait_stream(stream)
        return results

    def _capture(self, stream: torch.cuda.Stream, arguments: tuple[Tensor, ...]) -> torch.cuda.CUDAGraph:
        """Capture the kernels without running them."""
        self._graph = graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._generator)
        self._arguments = tuple(argument.clone() for argument in arguments)
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            self._results = self._function(*self._arguments)
        return graph
