"""Iterations that can be captured as a CUDA graph. That the graph learns the same is held by benchmarks/gpu.py."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import ram_envs.arrays
from agents.training import trainer
from agents.training.fast.graph import Graph
from paper.rows import ROWS

aten = torch.ops.aten
WAITING = {
    aten._local_scalar_dense.default: "a number was read from the device",
    aten.nonzero.default: "the device was asked how many there are",
    aten.masked_select.default: "the device was asked how many there are",
    aten.lift_fresh.default: "a number was copied to the device",
}


class Watch(TorchDispatchMode):
    """Notes operations for which a GPU would have to be waited for."""

    def __init__(self):
        super().__init__()
        self.waited = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if operation in WAITING:
            self.waited.append(WAITING[operation])
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["catch", "cluttered-8"])
def test_an_iteration_never_waits_for_the_device(name, tmp_path, monkeypatch):
    row = ROWS[name]
    settings = replace(row.settings, num_envs=8, precision="bfloat16")
    length = {"frames": 2 * 8 * 23} if name == "catch" else {"epochs": 1}
    if name != "catch":
        length["environment"] = {**settings.environment, "split": "train[:16]"}
    run, watches = Graph.__call__, []

    def watched(graph, *arguments):
        if watches:  # the first call copies the constants to the device
            with watches[-1]:
                result = run(graph, *arguments)
        else:
            result = run(graph, *arguments)
        watches.append(Watch())
        return result

    monkeypatch.setattr(Graph, "__call__", watched)
    monkeypatch.setattr(ram_envs.arrays, "_import_kernels", lambda: None)  # those of the CPU
    trainer.train(row.env_id, replace(settings, **length), tmp_path / "run", device="cpu", progress_bar=False)
    checks = 1 if name == "catch" else 3  # of seeds and images, on the CPU alone
    assert len(watches) == 2
    assert watches[0].waited == [WAITING[aten._local_scalar_dense.default]] * checks


class Recorded:
    """What stands in for a CUDA graph here: it runs the function again, on the arguments that it was captured with."""

    def __init__(self, graph):
        self.graph, self.generators = graph, []

    def register_generator_state(self, generator):
        self.generators.append(generator)

    def replay(self):
        for name, value in self.graph._function(*self.graph._arguments).items():
            self.graph._results[name].copy_(value)


class Stream:
    def wait_stream(self, other):
        pass


def test_from_the_fourth_call_on_it_is_the_graph_that_runs(monkeypatch):
    calls = []

    def function(number):
        calls.append(number)
        return {"square": number**2}

    generator = torch.Generator()
    graph = Graph(function, generator)
    assert [float(graph(torch.tensor(n))["square"]) for n in range(5)] == [0, 1, 4, 9, 16]
    assert graph._graph is None, "there is nothing to capture on the CPU"

    calls.clear()
    graph = Graph(function, generator)
    graph._stream = Stream()
    recorded = Recorded(graph)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: recorded)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "graph", lambda graph, **options: nullcontext())
    assert [float(graph(torch.tensor(n))["square"]) for n in range(3)] == [0, 1, 4]
    assert graph._graph is None, "three calls prepare it"
    assert [float(graph(torch.tensor(n))["square"]) for n in range(3, 6)] == [9, 16, 25]
    assert recorded.generators == [generator]
    assert all(call is graph._arguments[0] for call in calls[3:]), "the graph reads from where it was captured"
