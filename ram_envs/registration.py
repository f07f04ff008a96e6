"""The registry of environments: ids, their tasks and settings, and how an id is read."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium

from ram_envs.errors import InvalidArgument, UnknownName, one_line
from ram_envs.lookup import import_module, path_to

if TYPE_CHECKING:
    from ram_envs.envs.tensor import TensorEnv
    from ram_envs.tasks import Task

ENVIRONMENTS: dict[str, dict[str, Any]] = {}
"""The registered environments: id -> "task" and the settings that differ from the task's defaults."""

VARIANTS: dict[str, dict[str, str]] = {
    "": {},
    "Flat": {"observation_format": "flat"},
    "Discrete": {"observation_format": "flat", "action_format": "discrete"},
}
"""Other formats of each environment, as in "RAM-MNIST-Flat-v0", for tools that only take an id."""

GLIMPSE_ID = "RAM-Glimpse-v0"
"""The id that wraps any other environment: ``gymnasium.make(GLIMPSE_ID, env_id="ALE/Pong-v5")``."""

_MODULES: dict[str, str] = {}
_OWN = __name__.partition(".")[0]


class EnvironmentId(NamedTuple):
    """An id, read.

    Attributes:
        base: The registered id without module and variant, such as "RAM-CatchGame-v0".
        variant: "", "Flat" or "Discrete".
        module: The module that registers it; empty for the environments of this package and for ``__main__``.
    """

    base: str
    variant: str
    module: str

    @property
    def portable(self) -> str:
        """The base id as another process can use it: "module:RAM-Mine-v0", or the plain id if it is one of ours."""
        return f"{self.module}:{self.base}" if self.module else self.base

    @property
    def formats(self) -> dict[str, str]:
        """The formats that the variant asks for."""
        return VARIANTS[self.variant]


def register(id: str, task: str | type[Task[Any]], **settings: Any) -> None:
    """Register an environment: single, vector and tensor, also with its ``-Flat`` and ``-Discrete`` variants.

    Call it at the top level of a module. ``gymnasium.make("module:id")`` then imports that module, in this process and
    in workers, and so does every ``ram`` command.

    Args:
        id: Such as "RAM-Mine-v0", or "namespace/RAM-Mine-v0"; it ends with a version.
        task: The class, derived from :class:`ram_envs.tasks.Task`; "module:Class" to import it on first use.
        **settings: Arguments of the task that differ from its defaults.

    Raises:
        InvalidArgument: If the id has no version or contains ":", Gymnasium refuses it, or it is registered with
            another task or settings.
    """
    name, separator, version = id.rpartition("-v") if isinstance(id, str) else ("", "", "")
    if not separator or not name or not version.isdigit() or ":" in id:
        raise InvalidArgument(f"id={id!r} is not valid: expected a name and a version, such as 'RAM-Mine-v0'")
    entry = {"task": task if isinstance(task, str) else path_to(task), **settings}
    if id in ENVIRONMENTS and not _same(ENVIRONMENTS[id], entry):
        raise InvalidArgument(f"id={id!r} is registered already, with other settings: choose another name or version")
    if id in ENVIRONMENTS:
        return
    caller = sys._getframe(1).f_globals.get("__name__", "")
    for variant, formats in VARIANTS.items():
        try:
            gymnasium.register(
                id=_variant_id(id, variant),
                entry_point="ram_envs.envs.single:GlimpseEnv",
                vector_entry_point="ram_envs.envs.vector:GlimpseVectorEnv",
                kwargs={**entry, **formats},
            )
        except gymnasium.error.Error as error:  # the first variant is refused, so nothing is registered
            raise InvalidArgument(f"id={id!r} is not valid: {one_line(error)}") from error
    ENVIRONMENTS[id] = entry
    _MODULES[id] = "" if caller == "__main__" or caller.partition(".")[0] == _OWN else caller


def register_wrapper() -> None:
    """Register :data:`GLIMPSE_ID`, also with its ``-Flat`` and ``-Discrete`` variants."""
    for variant, formats in VARIANTS.items():
        gymnasium.register(
            id=_variant_id(GLIMPSE_ID, variant),
            entry_point="ram_envs.wrappers.make:make_single",
            vector_entry_point="ram_envs.wrappers.make:make_vector",
            kwargs=dict(formats),
        )


def is_wrapper_id(id: Any) -> bool:
    """Return whether an id is :data:`GLIMPSE_ID` or a variant of it, with or without "ram_envs:"."""
    module, _, name = str(id).rpartition(":")
    return module in ("", _OWN) and any(_base_id(name, variant) == GLIMPSE_ID for variant in VARIANTS)


def parse_id(id: str) -> EnvironmentId:
    """Read an id: "RAM-Mine-v0", "RAM-Mine-Flat-v0", "ram_envs:RAM-Mine-v0" or "my_module:RAM-Mine-v0".

    A module before the id is imported first, as Gymnasium does.

    Raises:
        UnknownName: If there is no such module, or no such environment is registered; the message suggests one.
    """
    module, separator, name = id.rpartition(":") if isinstance(id, str) else ("", "", id)
    if separator and module != _OWN:
        import_module(module, f"id={id!r}")
    for variant in VARIANTS:
        base = _base_id(name, variant)
        if base in ENVIRONMENTS:
            return EnvironmentId(base, variant, _MODULES[base] or ("" if module in ("", _OWN) else module))
    lower = {known.lower(): known for known in ENVIRONMENTS}
    close = [lower[found] for found in difflib.get_close_matches(str(name).lower(), lower, n=2, cutoff=0.6)]
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise UnknownName(
        f"there is no environment {id!r}: {hint}The registered ones are {', '.join(ENVIRONMENTS)}; write the module of "
        "an environment of your own before its id, as in 'my_module:RAM-Mine-v0'"
    )


def make_task(id: str, **settings: Any) -> Task[Any]:
    """Construct the task of an environment: its rules, without an episode.

    Args:
        id: As in ``gymnasium.make``.
        **settings: Arguments of the task.

    Raises:
        UnknownName: If there is no such environment.
        UnknownArgument: If the task has no such argument.
        InvalidArgument: If an argument has a value that the task cannot take.
    """
    from ram_envs.tasks import construct_task

    entry = {**ENVIRONMENTS[parse_id(id).base], **settings}
    return construct_task(entry.pop("task"), entry)


def task_class(id: str) -> type[Task[Any]]:
    """Return the class of an environment's task, without constructing it (which may load images).

    Raises:
        UnknownName: If there is no such environment.
    """
    from ram_envs.tasks import find_task

    return find_task(ENVIRONMENTS[parse_id(id).base]["task"])


def make_tensor(id: str, num_envs: int, device: Any = "cpu", **settings: Any) -> TensorEnv:
    """Make an environment of torch tensors, for fast training; see :class:`ram_envs.envs.tensor.TensorEnv`.

    Args:
        id: As in ``gymnasium.make``.
        num_envs: Number of rows.
        device: Where the rows live: "cpu", "cuda" or a ``torch.device``.
        **settings: Formats, auto-reset mode and the arguments of the task.

    Raises:
        DependencyNotInstalled: If torch or array-api-compat is missing.
        UnknownName: If there is no such environment.
        UnknownArgument: If there is no such argument.
        InvalidArgument: If an argument has a value that it cannot take, or the id was registered with wrappers.
    """
    try:
        import array_api_compat.torch  # noqa: F401
    except ImportError as error:
        raise gymnasium.error.DependencyNotInstalled(
            f"make_tensor needs torch and array-api-compat ({error}): pip install 'ram-active-vision[agents]'"
        ) from error
    from ram_envs.envs.tensor import TensorEnv

    read = parse_id(id)
    spec = gymnasium.spec(_variant_id(read.base, read.variant))
    if spec.additional_wrappers:
        names = ", ".join(wrapper.name for wrapper in spec.additional_wrappers)
        raise InvalidArgument(
            f"{id} is registered with the wrappers {names}, which take no tensors: use gymnasium.make"
        )
    limit = {} if spec.max_episode_steps is None else {"max_episode_steps": spec.max_episode_steps}
    return TensorEnv(**{**limit, **spec.kwargs, **settings, "num_envs": num_envs, "device": device})


def _variant_id(id: str, variant: str) -> str:
    name, _, version = id.rpartition("-")
    return "-".join(part for part in (name, variant, version) if part)


def _base_id(id: str, variant: str) -> str:
    """Return the id without its variant; an unregistered one if it has another variant or none."""
    return str(id).replace(f"-{variant}-v", "-v") if variant else str(id)


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two registrations are the same; settings such as arrays, which do not compare, count as different."""
    try:
        return bool(one == other)
    except ValueError:
        return False
