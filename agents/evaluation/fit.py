"""Whether a policy fits a task: the sensor, and the number and the names of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from ram_envs.errors import InvalidArgument
from ram_envs.tasks import Task

_COLOURS = {1: "grey", 3: "colour"}
_SHOWN = 8
"""Names that a message lists at most."""


def check_fit(policy: RAMPolicy, task: Task[Any], env_id: str) -> None:
    """Refuse a policy that was made for another sensor or other answers.

    The names of the answers are compared too, which finds a dataset whose classes have another order. An answer that
    is called by its number, as the classes of arrays without names, matches any name. A policy without "look on" fits a
    task that has it, because a threshold may decide when it answers (:mod:`agents.evaluation.stopping`).

    Args:
        policy: The policy. One of a checkpoint from before version 0.2 does not know the names of its answers.
        task: The task that it is to play.
        env_id: The id of the task's environment, for the message.

    Raises:
        InvalidArgument: If it was.
    """
    names = task.answer.names
    if task.answer.look_on == policy.settings.num_actions:
        names = names[: policy.settings.num_actions]
    if policy.answer_names and _differ(policy.answer_names, names):
        raise InvalidArgument(
            f"the agent was trained to answer {_listed(policy.answer_names)}; here the answers are "
            f"{_listed(names)}: expected the same names in the same order. For a dataset, give it the same "
            "classes (class folders of the same names), or train an agent on it"
        )
    settings, here = policy.settings, RAMSettings.for_task(task, policy.settings)
    if task.answer.look_on == settings.num_actions:  # it answers, and a threshold decides when
        here = replace(here, num_actions=settings.num_actions)
    if settings.channels != here.channels and {settings.channels, here.channels} <= _COLOURS.keys():
        raise InvalidArgument(
            f"the agent was trained on {_COLOURS[settings.channels]} images and these are in "
            f"{_COLOURS[here.channels]}: convert them to {_COLOURS[settings.channels]}, or train an agent on them"
        )
    made, needed = asdict(settings), asdict(here)
    if differing := [name for name in made if made[name] != needed[name]]:
        trained, given = (", ".join(f"{name}={sizes[name]}" for name in differing) for sizes in (made, needed))
        raise InvalidArgument(
            f"the policy was made for {trained}, but {env_id} has {given}: use the environment and the settings that "
            "it was trained with"
        )


def _differ(made: Sequence[str], here: Sequence[str]) -> bool:
    """Return whether the number of names differs, or a name that is not just the number of its answer."""
    pairs = enumerate(zip(made, here, strict=False))
    return len(made) != len(here) or any(one != other and str(i) not in (one, other) for i, (one, other) in pairs)


def _listed(names: Sequence[str]) -> str:
    """Return the first names and how many there are."""
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{', '.join(map(repr, names[:_SHOWN]))}{more} ({len(names)})"
