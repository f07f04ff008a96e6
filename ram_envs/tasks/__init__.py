"""Tasks: the rules, as pure functions on batches of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ram_envs.errors import InvalidArgument, UnknownArgument, UserError, did_you_mean
from ram_envs.lookup import find_class
from ram_envs.tasks.answer import Answer
from ram_envs.tasks.catch import Catch
from ram_envs.tasks.classification import Classification
from ram_envs.tasks.figure import EPISODE_RETURN, ERROR_PERCENT, FIGURES, SUCCESS_RATE, FigureOfMerit
from ram_envs.tasks.image_task import ImageTask
from ram_envs.tasks.oracle import Oracle
from ram_envs.tasks.task import Observation, Task
from ram_envs.tasks.transcription import Transcription

__all__ = [
    "EPISODE_RETURN",
    "ERROR_PERCENT",
    "FIGURES",
    "SUCCESS_RATE",
    "TASKS",
    "Answer",
    "Catch",
    "Classification",
    "FigureOfMerit",
    "ImageTask",
    "Observation",
    "Oracle",
    "Task",
    "Transcription",
    "construct_task",
    "find_task",
]

TASKS: dict[str, str | type[Task]] = {"catch": Catch, "classification": Classification, "transcription": Transcription}
"""Short names of the tasks that come with the suite."""


def find_task(task: str | type[Task]) -> type[Task]:
    """Return a task class by its short name, by "module:Class", or the class itself.

    Raises:
        UnknownName: If there is none.
        InvalidArgument: If it does not derive from :class:`Task`, or lacks one of its methods.
    """
    return find_class("task", task, Task, TASKS)


def construct_task(task: str | type[Task], settings: Mapping[str, Any]) -> Task:
    """Construct a task from the arguments that a user gave.

    Raises:
        UnknownArgument: If the task has no such argument.
        InvalidArgument: If an argument has a value that the task cannot take.
    """
    cls = find_task(task)
    known = [field.name for field in fields(cls) if field.init]
    for name in settings:
        if name not in known:
            hint = did_you_mean(name, known) or "."
            raise UnknownArgument(
                f"{cls.__name__} got an unexpected keyword argument {name!r}{hint} It takes {', '.join(known)}; every "
                "environment also takes action_format, observation_format and grid_size, and gym.make and gym.make_vec "
                "take render_mode"
            )
    try:
        return cls(**settings)
    except UserError:
        raise
    except ValueError as error:  # a user's own task refuses a setting in Python's usual way
        raise InvalidArgument(f"{cls.__name__}: {error}") from error
