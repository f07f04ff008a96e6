"""The settings of the model: those that a user chooses, and those that the environment determines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from agents.errors import SettingsError, invalid_settings
from ram_envs.arguments import check_choice, check_flag, check_integer, check_number
from ram_envs.scenes.labels import CombinedLabels

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from ram_envs.envs.single import GlimpseEnv
    from ram_envs.envs.tensor import TensorEnv
    from ram_envs.envs.vector import GlimpseVectorEnv
    from ram_envs.tasks import Task

CORES = ("relu", "lstm")
MOST_UNITS = 1_000_000
"""Most units of a layer."""


def make_plain(settings: DataclassInstance) -> None:
    """Turn NumPy numbers in settings into plain numbers, which JSON can hold, and check the settings of type bool.

    Args:
        settings: A frozen dataclass, which is changed in place; call it in ``__post_init__``.

    Raises:
        InvalidArgument: If a field whose default is True or False has another value.
    """
    for one in fields(settings):
        value = _plain(getattr(settings, one.name))
        if isinstance(one.default, bool):
            check_flag(one.name, value)
        object.__setattr__(settings, one.name, value)


def _plain(value: Any) -> Any:
    """Return a value with Python's numbers instead of NumPy's, also in dictionaries, lists and tuples."""
    if isinstance(value, np.generic):
        return value.item()
    if type(value) is dict:
        return {key: _plain(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    return value


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Sizes and types of the five networks. The defaults are the paper's for classification."""

    core: Literal["relu", "lstm"] = "relu"
    """Core network: "relu" (the paper's for classification) or "lstm" (for games)."""
    core_start: Literal["orthogonal", "identity"] = "orthogonal"
    """Initialisation of the recurrent matrix of a "relu" core; "identity" at first adds the glimpses up."""
    core_size: int = 256
    """Units of the core, h."""
    glimpse_hidden: int = 128
    """Units of the glimpse network's hidden layer for the glimpse, h_g."""
    location_hidden: int = 128
    """Units of the glimpse network's hidden layer for the location, h_l, and of that for further senses, h_s."""
    glimpse_features: int = 256
    """Units of the glimpse network's output, g."""
    answer_heads: Literal["joint", "objects"] = "joint"
    """Action network: "joint" has a softmax over all answers (the paper), "objects" one for each of several objects,
    from which the probabilities of the answers follow; for tasks that show several."""
    location_network_hidden: int = 0
    """Units of a hidden layer in the location network; 0 for none (the paper)."""
    squash_location: bool = False
    """Squash the mean of the next location with tanh, so that it stays inside the scene."""
    location_std: float = 0.1
    """Standard deviation of the Gaussian that the next location is sampled from; the scene is 2 wide."""
    random_locations: bool = False
    """Sample locations uniformly from the scene instead of using the location network: "random glimpses"."""
    input_shift: float = 0.0
    """Subtracted from the pixels before the glimpse network, such as the value of the background."""
    input_gain: float = 1.0
    """Factor of the pixels before the glimpse network, after the shift."""
    scale_gain: float = 1.0
    """Further factor of scale i, scale_gain**i; with 4 a lit pixel has the same weight at every scale."""
    normalise_inputs: bool = False
    """Whether every number of glimpses, locations and further senses is shifted and scaled by its running mean and
    variance, which are saved with the weights and stay as they are in evaluation. Where the gaze moves little, the
    network otherwise hardly perceives by how much."""
    action_std: float = 0.6
    """Initial standard deviation of a task action that consists of numbers, which are scaled to [-1, 1]."""

    def __post_init__(self) -> None:
        """Check every setting.

        Raises:
            SettingsError: If one is not valid; the message names it.
        """
        with invalid_settings():
            make_plain(self)
            check_choice("core", self.core, CORES)
            check_choice("core_start", self.core_start, ("orthogonal", "identity"))
            check_choice("answer_heads", self.answer_heads, ("joint", "objects"))
            for name in ("core_size", "glimpse_hidden", "location_hidden", "glimpse_features"):
                check_integer(name, getattr(self, name), 1, MOST_UNITS)
            check_integer("location_network_hidden", self.location_network_hidden, 0, MOST_UNITS)
            check_number("location_std", self.location_std, 1e-3, 10)
            check_number("input_shift", self.input_shift, -1e3, 1e3)
            check_number("input_gain", self.input_gain, 1e-3, 1e3)
            check_number("scale_gain", self.scale_gain, 1e-3, 1e3)
            check_number("action_std", self.action_std, 1e-3, 10)


@dataclass(frozen=True, kw_only=True)
class RAMSettings(NetworkSettings):
    """Everything that determines the shape of a policy: the network settings, and the sizes set by the environment."""

    num_actions: int
    """Task actions: classes (and "look on" where stopping is learned) or moves. With several choices, all their
    options; 0 if the task action consists of numbers only."""
    glimpse_shape: tuple[int, int, int, int]
    """(levels, channels, rows, columns) of a glimpse; a retina's levels are its scales."""
    gaze_size: int = 2
    """Numbers in a location: 2 for (x, y), 0 for an environment without a gaze."""
    choices: tuple[int, ...] = ()
    """The number of options of each choice, if the task action consists of several; empty for one choice."""
    numbers: int = 0
    """Numbers in the task action."""
    senses: Mapping[str, int] = field(default_factory=dict)
    """Further senses of the task: key in an observation to numbers in it; empty for none."""
    combine: str = ""
    """With answer_heads="objects", how the answer follows from the labels: "set" or "sum"; otherwise empty."""
    num_objects: int = 1
    """With answer_heads="objects", the objects that an answer follows from."""
    object_classes: int = 0
    """With answer_heads="objects", the classes of an object."""

    def __post_init__(self) -> None:
        """Check every setting; see :meth:`NetworkSettings.__post_init__`."""
        super().__post_init__()
        if len(self.glimpse_shape) != 4:
            raise SettingsError(
                f"glimpse_shape={self.glimpse_shape!r} is not valid: expected (levels, channels, rows, columns)"
            )
        object.__setattr__(self, "glimpse_shape", tuple(self.glimpse_shape))  # JSON has lists only
        object.__setattr__(self, "choices", tuple(self.choices))
        with invalid_settings():
            for size in self.glimpse_shape:
                check_integer("glimpse_shape", size, 1)
            check_integer("numbers", self.numbers, 0)
            check_integer("num_actions", self.num_actions, 0 if self.numbers else 1)
            check_integer("object_classes", self.object_classes, 0)
            check_integer("gaze_size", self.gaze_size, 0)
            for count in self.choices:
                check_integer("choices", count, 1)
            if self.choices and sum(self.choices) != self.num_actions:
                raise SettingsError(
                    f"choices={self.choices} have {sum(self.choices)} options: expected num_actions={self.num_actions}"
                )
            if not isinstance(self.senses, Mapping) or not all(isinstance(key, str) for key in self.senses):
                raise SettingsError(f"senses={self.senses!r} is not valid: expected keys and the numbers in each")
            for key, size in self.senses.items():
                check_integer(f"senses[{key!r}]", size, 1)

    @property
    def combined_labels(self) -> CombinedLabels | None:
        """How answers follow from the labels of objects, with answer_heads="objects"; otherwise None.

        Raises:
            SettingsError: If it does not fit the number of answers.
        """
        if self.answer_heads == "joint":
            return None
        with invalid_settings():
            labels = CombinedLabels(self.combine, self.num_objects, list(map(str, range(self.object_classes))))
        if len(labels.names) != self.num_actions:
            raise SettingsError(
                f"answer_heads='objects' gives {len(labels.names)} answers, and the task has {self.num_actions}: "
                "expected the same number (stop='learned' has a further one)"
            )
        return labels

    @property
    def glimpse_size(self) -> int:
        """Numbers in a glimpse."""
        return math.prod(self.glimpse_shape)

    @property
    def sense_size(self) -> int:
        """Numbers in all further senses together."""
        return sum(self.senses.values())

    @property
    def num_scales(self) -> int:
        """Levels of a glimpse."""
        return self.glimpse_shape[0]

    @property
    def channels(self) -> int:
        """Colour channels of a glimpse."""
        return self.glimpse_shape[1]

    @property
    def patch_size(self) -> int:
        """Side of a patch of a retina, in pixels."""
        return self.glimpse_shape[3]

    @classmethod
    def for_environment(cls, env: TensorEnv | GlimpseEnv | GlimpseVectorEnv, network: NetworkSettings) -> RAMSettings:
        """Join the settings of the networks with the sizes that an environment determines; see :meth:`for_task`."""
        return cls.for_task(env.task, network)

    @classmethod
    def for_task(cls, task: Task[Any], network: NetworkSettings) -> RAMSettings:
        """Join the settings of the networks with the sizes that a task determines.

        Raises:
            SettingsError: If the task asks for numbers, not for a choice.
        """
        answer = task.answer
        if not answer.is_choice:
            raise SettingsError(
                f"the task asks for {answer.size} numbers ({answer.space}), but the RAM policy can only choose one of "
                "several answers: train it with another algorithm"
            )
        return cls.join(
            network,
            num_actions=answer.size,
            glimpse_shape=task.glimpse_sensor.glimpse_shape,
            gaze_size=task.glimpse_sensor.gaze_size,
            senses={key: space.shape[0] for key, space in task.senses.items()},
            **_objects(task, network),
        )

    @classmethod
    def join(cls, network: NetworkSettings, **sizes: Any) -> RAMSettings:
        """Join the settings of the networks with the other fields of this class."""
        return cls(**{setting.name: getattr(network, setting.name) for setting in fields(NetworkSettings)}, **sizes)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for JSON; those of answer_heads only if they are not the default."""
        values = asdict(self)
        if self.answer_heads == "joint":
            for name in ("answer_heads", "combine", "num_objects", "object_classes"):
                del values[name]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RAMSettings:
        """Return the settings that :meth:`to_dict` wrote, in this version or in an older one.

        Version 0.1 wrote ``patch_size``, ``num_scales`` and ``channels`` in place of ``glimpse_shape``.

        Raises:
            SettingsError: If a setting is not valid.
            TypeError: If a setting is missing or unknown.
        """
        values = dict(values)
        if {"patch_size", "num_scales"} <= values.keys():
            side = values.pop("patch_size")
            values["glimpse_shape"] = (values.pop("num_scales"), values.pop("channels", 1), side, side)
        return cls(**values)


def _objects(task: Task[Any], network: NetworkSettings) -> dict[str, Any]:
    """Return what a network with a softmax for each object needs to know of the task.

    Raises:
        SettingsError: If it has one, and the task's answer does not follow from several objects.
    """
    if network.answer_heads == "joint":
        return {}
    labels = task.combined_labels
    if labels is None:
        raise SettingsError(
            "answer_heads='objects' is for tasks whose answer follows from several objects, such as "
            "RAM-MNISTPairs-v0: use answer_heads='joint'"
        )
    return {
        "combine": labels.combine,
        "num_objects": labels.num_objects,
        "object_classes": len(labels.class_names),
    }
