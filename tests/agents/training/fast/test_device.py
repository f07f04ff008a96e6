"""Which device trains, and in which arithmetic."""

import pytest
import torch

from agents.training.fast import device
from agents.training.fast.device import resolve_device, resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_precision_that_was_asked_for_is_taken(precision):
    assert resolve_precision(precision, CPU) == precision


@pytest.mark.parametrize(
    ("native", "faster", "expected"),
    [(True, True, "bfloat16"), (True, False, "float32"), (False, True, "float32")],
)
def test_auto_is_bfloat16_where_the_processor_has_it_and_is_faster_in_it(monkeypatch, native, faster, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": native}, raising=False)
    monkeypatch.setattr(device, "_bfloat16_is_faster", lambda: faster)
    assert resolve_precision("auto", CPU) == expected


def test_both_products_are_timed(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(device.time, "perf_counter", lambda: next(clock))
    assert device._bfloat16_is_faster.__wrapped__() is False  # by this clock both take one tick: no gain


def test_a_device_that_is_none_is_refused():
    with pytest.raises(ValueError, match="device='tpu'"):
        resolve_device("tpu")
