"""The environment of a training, as the trainer sees it, whichever method trains on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium
import torch
from gymnasium.vector import VectorEnv

from agents.environments.make import make_world, steps_of_an_episode
from agents.errors import SettingsError
from agents.ram.settings import RAMSettings
from agents.training.fast import distributed
from ram_envs import make_tensor
from ram_envs.tasks import FigureOfMerit

if TYPE_CHECKING:
    from agents.training.settings import TaskSettings
    from agents.training.vector_settings import VectorSettings

Source = str | VectorEnv | Callable[[], gymnasium.Env]
"""An environment to train on: an id, a vector environment, or a function that makes one environment."""


class TrainingEnv(NamedTuple):
    """The environment of a training.

    Attributes:
        env: This process's rows: a :class:`ram_envs.envs.tensor.TensorEnv`, or a tuple of
            :class:`agents.environments.world.World`.
        policy: Settings of the policy for it.
        answer_names: What the task actions are called; empty if that is not known.
        figure: The figure of merit, one of the statistics of the training.
        iterations: Iterations of the whole training.
        frames_per_iteration: Environment steps of each, in all processes.
        environment: Arguments of the environment, as a checkpoint stores them.
        close: Ends what was made for the training, such as the processes of environments.
    """

    env: Any
    policy: RAMSettings
    answer_names: tuple[str, ...]
    figure: FigureOfMerit
    iterations: int
    frames_per_iteration: int
    environment: dict[str, Any]
    close: Callable[[], object] = lambda: None


def open_task(source: Source, settings: TaskSettings, device: torch.device) -> TrainingEnv:
    """Make a task's tensor environment.

    Raises:
        SettingsError: If the settings do not fit the task, or the source is not an id.
    """
    if not isinstance(source, str):
        raise SettingsError(
            f"{type(settings).__name__} trains on tasks of the suite, by their id, not on {source}: use "
            "SegmentSettings or AnswerSettings"
        )
    rows = distributed.rows(settings.num_envs, multiple_of=settings.group_size)
    env = make_tensor(
        source,
        rows.stop - rows.start,
        device,
        action_format="dict",
        check_actions=False,
        **settings.environment,
    )
    settings.check_task(source, env.task)
    return TrainingEnv(
        env=env,
        policy=RAMSettings.for_environment(env, settings.network),
        answer_names=env.task.answer.names,
        figure=env.task.figure,
        iterations=settings.iterations(env.task),
        frames_per_iteration=settings.frames_per_iteration(env.task),
        environment=env.task.portable(settings.environment),
    )


def open_world(source: Source, settings: VectorSettings) -> TrainingEnv:
    """Make a vector environment of any package.

    Raises:
        SettingsError: If the policy or the method cannot train there.
    """
    rows = distributed.rows(settings.num_envs)
    parts = 2 if settings.overlap else 1
    size, left = divmod(rows.stop - rows.start, parts)
    if left or (parts > 1 and isinstance(source, VectorEnv)):
        raise SettingsError(
            "overlap needs two vector environments of half the rows: pass an id or a function that makes one "
            "environment, and an even number of rows in each process"
        )
    worlds = tuple(make_world(source, size, settings.environment, settings.vectorization) for _ in range(parts))
    adapter = worlds[0].adapter
    steps = settings.steps_per_iteration(adapter.is_supervised, steps_of_an_episode(worlds[0].env))
    frames = settings.num_envs * steps

    def close() -> None:
        if not isinstance(source, VectorEnv):
            for world in worlds:
                world.close()

    return TrainingEnv(
        env=worlds,
        policy=adapter.settings(settings.network),
        answer_names=adapter.answer_names,
        figure=adapter.figure,
        iterations=-(-settings.frames // frames),
        frames_per_iteration=frames,
        environment=dict(settings.environment),
        close=close,
    )
