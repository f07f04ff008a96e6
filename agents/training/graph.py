"""On a GPU, an iteration of training as one CUDA graph: a thousand small kernels for one launch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from agents.training import distributed

Function = Callable[..., dict[str, Tensor]]

_CALLS_BEFORE = 3
"""How often a function runs as it is before it is captured: libraries set themselves up, the optimiser its state."""


class Graph:
    """Runs a function of tensors as it is; on a GPU, from the fourth call on, as the CUDA graph that it then became.

    A graph repeats kernels, with the addresses that they had. So whatever changes between two calls has to lie in
    tensors that stay where they are (weights, the optimiser's state, its learning rate), be an argument, or be drawn
    from the generator; and the function may neither wait for the device nor copy anything to it. What it returns is
    good until the next call. Where several processes train together it always runs as it is.

    Args:
        function: Takes tensors, always of the same shapes, and returns tensors by name.
        generator: What it draws from, seeded anew or not between two calls.
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
        """Run the function, or its graph, and return what it returned."""
        if self._stream is None:
            return self._function(*arguments)
        self._calls += 1
        if self._calls <= _CALLS_BEFORE:
            return self._beside(self._stream, arguments)
        graph = self._graph or self._capture(self._stream, arguments)
        for mine, given in zip(self._arguments, arguments, strict=True):
            mine.copy_(given)
        graph.replay()
        return self._results

    def _beside(self, stream: torch.cuda.Stream, arguments: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Run the function in a stream of its own, as what is to be captured later has to."""
        current = torch.cuda.current_stream()
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            results = self._function(*arguments)
        current.wait_stream(stream)
        return results

    def _capture(self, stream: torch.cuda.Stream, arguments: tuple[Tensor, ...]) -> torch.cuda.CUDAGraph:
        """Write the kernels down, without running them."""
        self._graph = graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._generator)
        self._arguments = tuple(argument.clone() for argument in arguments)
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            self._results = self._function(*self._arguments)
        return graph
