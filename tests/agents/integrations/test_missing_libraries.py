"""A library that is missing is asked for by the name of the extra that installs it."""

import ast
import re
import sys
from configparser import ConfigParser
from importlib import import_module
from pathlib import Path

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


ROOT = Path(__file__).parents[3]
BROUGHT = {"sb3": {"torch", "gymnasium", "numpy"}, "torchrl": {"tensordict"}}
"""What the libraries of an extra depend on."""
DISTRIBUTIONS = {"ray": "ray[rllib]", "stable_baselines3": "stable-baselines3", "sb3_contrib": "sb3-contrib"}


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"ray_cluster"}))
def test_an_extra_brings_every_library_that_its_module_imports(module):
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = config["options.extras_require"]
    extra = MODULES[module][0]
    texts = [extras[extra], config["options"]["install_requires"]]
    if "ram-active-vision[agents]" in texts[0]:
        texts.append(extras["agents"])
    listed = set(re.findall(r"^([\w\[\].-]+?)(?=[><=])", "\n".join(texts), re.MULTILINE)) | BROUGHT.get(extra, set())
    libraries = imported_libraries(f"agents.integrations.{module}") - set(sys.stdlib_module_names)
    assert {DISTRIBUTIONS.get(name, name) for name in libraries} <= listed


def imported_libraries(start: str) -> set[str]:
    """Return what a module of this project needs when it is imported: libraries, by the name of their package.

    Imports inside of functions and under ``TYPE_CHECKING`` do not count.
    """
    seen, waiting, libraries = set(), [start], set()
    while waiting:
        name = waiting.pop()
        file = next((file for file in (path_of(name), path_of(f"{name}.__init__")) if file.is_file()), None)
        if name in seen or file is None:
            continue
        seen.add(name)
        waiting.extend(name.rsplit(".", dots)[0] for dots in range(1, 1 + name.count(".")))
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.module is not None
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                if getattr(node.value.func, "id", "") == "require":
                    names = [ast.literal_eval(argument) for argument in node.value.args[1:]]
            waiting += [name for name in names if name.split(".")[0] in ("agents", "ram_envs")]
            libraries |= {name.split(".")[0] for name in names} - {"agents", "ram_envs"}
    return libraries


def path_of(module: str) -> Path:
    """Return the file of a module of this project."""
    return ROOT / f"{module.replace('.', '/')}.py"
