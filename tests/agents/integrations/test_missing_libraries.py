"""A library that is missing is asked for by the name of the extra that installs it."""

import sys
from importlib import import_module

import pytest
from gymnasium.error import DependencyNotInstalled

MODULES = {
    "ray_cluster": ("rllib", "ray"),
    "rllib": ("rllib", "ray"),
    "sb3": ("sb3", "stable_baselines3"),
    "torchrl": ("torchrl", "torchrl"),
    "skrl": ("skrl", "skrl"),
    "hub": ("hub", "huggingface_hub"),
}
"""Extra and library of each module."""


@pytest.mark.parametrize("module", MODULES)
def test_a_missing_library_names_the_extra(module, monkeypatch):
    extra, library = MODULES[module]
    monkeypatch.setitem(sys.modules, library, None)
    for name in [name for name in sys.modules if name.startswith(f"{library}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, f"agents.integrations.{module}", raising=False)
    with pytest.raises(DependencyNotInstalled, match=rf"{library}.* cannot be imported.*ram-active-vision\[{extra}\]"):
        import_module(f"agents.integrations.{module}")
