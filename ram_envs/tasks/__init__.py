"""The rules of the tasks, as pure functions on batches of rows."""

from __future__ import annotations

import difflib
from dataclasses import fields
from typing import Any

from ram_envs.arguments import check_choice
from ram_envs.tasks.catch import Catch
from ram_envs.tasks.classification import Classification
from ram_envs.tasks.task import Observation, Task

__all__ = ["TASKS", "Catch", "Classification", "Observation", "Task", "make_task"]

TASKS: dict[str, type[Task]] = {"catch": Catch, "classification": Classification}


def make_task(task: str, settings: dict[str, Any]) -> Task:
    """Make a task from its name and the arguments that a user gave.

    Raises:
        ValueError: If an argument is unknown or has a value that the task cannot take.
    """
    kind = TASKS[check_choice("task", task, tuple(TASKS))]
    known = [field.name for field in fields(kind)]
    for name in settings:
        if name not in known:
            guess = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {guess[0]!r}?" if guess else "."
            raise ValueError(
                f"{name}={settings[name]!r}: {kind.__name__} has no argument {name!r}{hint} It takes "
                f"{', '.join(known)}; besides, every environment takes action_format, observation_format and "
                "grid_size, and those of gym.make and gym.make_vec take render_mode"
            )
    return kind(**settings)
