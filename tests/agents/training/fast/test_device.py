"""Device and precision of training."""

import pytest
import torch

from agents.errors import RAMError
from agents.training.fast import device
from agents.training.fast.device import cpu_precision, resolve_device, resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_given_precision_is_kept(precision):
    assert resolve_precision(precision, CPU) == precision


@pytest.mark.parametrize(
    ("vendor", "instructions", "expected"),
    [
        ("AuthenticAMD", {"avx512_bf16"}, "bfloat16"),  # Zen 4
        ("AuthenticAMD", set(), "float32"),  # Zen 3
        ("GenuineIntel", {"avx512_bf16", "amx_bf16"}, "bfloat16"),  # Sapphire Rapids
        ("GenuineIntel", {"avx512_bf16"}, "float32"),  # Cooper Lake
        ("GenuineIntel", set(), "float32"),
        ("", {"avx512_bf16"}, "float32"),  # unknown
    ],
)
def test_the_precision_follows_from_the_processor(monkeypatch, vendor, instructions, expected):
    capabilities = {name: name in instructions for name in ("avx512_bf16", "amx_bf16")}
    assert cpu_precision(vendor, capabilities) == expected
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    monkeypatch.setattr(device, "_cpu_vendor", lambda: vendor)
    assert resolve_precision("auto", CPU) == expected


def test_the_precision_does_not_depend_on_the_load(monkeypatch):
    """Version 0.1 timed a product: on a busy machine a seed could give other weights."""
    expected = resolve_precision("auto", CPU)

    def timed(*_):
        raise AssertionError("nothing is timed")

    monkeypatch.setattr(torch.nn.functional, "linear", timed)
    assert resolve_precision("auto", CPU) == expected


def test_an_unknown_device_is_refused():
    with pytest.raises(RAMError, match="device='tpu'"):
        resolve_device("tpu")
