"""This project's agent in a benchmark, trained with its own loops."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import torch

from agents.benchmark.algorithm import Algorithm, Problem, Progress, check_known
from agents.environments.adapter import Adapter
from agents.environments.make import is_task
from agents.environments.player import WorldPlayer
from agents.evaluation.players import PolicyPlayer
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings
from agents.training.fast.device import resolve_device, resolve_precision
from agents.training.optimisation import make_optimizer
from agents.training.presets import Method, settings_for_any
from agents.training.run import Plan, Run
from agents.training.run import Progress as RunProgress
from agents.training.settings import GameSettings, HybridSettings, TrainingSettings
from agents.training.vector_settings import SegmentSettings
from ram_envs import make_task
from ram_envs.arguments import check_choice

# Decided by the benchmark, or without meaning here.
_NOT_CHOSEN = ("environment", "frames", "epochs", "threads", "checkpoint_every", "init_from")


class RAM(Algorithm):
    """The recurrent attention model: recurrent PPO in games, the paper's hybrid where the task says the right answers.

    In wrapped environments it is PPO on segments. Settings are those of training (:mod:`agents.training.settings`) and
    ``method``, "hybrid" or "game"; not the length, which the budget of frames decides, nor ``init_from``, as every run
    starts from random weights. ``network`` holds the settings of the networks. Defaults are the environment's preset.
    Schedules span the budget.
    """

    name = "ram"
    action_formats = ("dict",)
    observation_formats = ("dict",)

    def __init__(self, problem: Problem, settings: Mapping[str, Any]) -> None:
        if "method" not in settings:
            settings = {**settings, "method": _method(problem)}
        super().__init__(problem, settings)
        self._device = resolve_device(problem.device)
        training = training_settings(problem.env_id, settings)
        precision = resolve_precision(training.precision, self._device)
        self._training = replace(training, precision=precision, environment=dict(problem.env_settings))
        self.settings = _chosen(self._training)
        self._place = self._training.open(problem.env_id, self._device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(problem.seed)
            self.policy = RAMPolicy(self._place.policy).to(self._device)

    @classmethod
    def known_settings(cls, env_id: str) -> Mapping[str, Any]:
        """Return the settings of the environment's preset."""
        return _chosen(_preset(env_id))

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any], env_id: str) -> None:
        """Check settings, including those of the networks; see :meth:`Algorithm.check_settings`."""
        check_known(settings, _chosen(_preset(env_id, settings.get("method"))))
        training_settings(env_id, settings)

    def learn(self, frames: int, progress: Progress) -> None:
        """Learn; whole iterations may exceed the budget a little.

        Raises:
            RuntimeError: If a signal stopped it.
        """
        settings, problem = self._training, self.problem
        per_iteration = self._place.frames_per_iteration
        plan = Plan(math.ceil(frames / per_iteration), per_iteration, self._place.figure, settings.log_every, 10**9)
        optimizer = make_optimizer(self.policy, settings)
        with TemporaryDirectory(prefix="ram-benchmark-") as folder:
            arguments = (self.policy, optimizer, problem.env_id, dict(problem.env_settings), settings.to_dict(), plan)
            run = _ReportingRun(Path(folder), *arguments, RunProgress(problem.seed), progress_bar=False)
            run.report = progress
            with run:
                settings.train(run, self._place.env)
            if run.stopped_by is not None:
                raise RuntimeError(f"training was stopped by {run.stopped_by}")

    def start(self, num_envs: int) -> None:
        """Empty the core."""
        self._player: PolicyPlayer | _InWorld
        if self.problem.is_wrapped:
            self._player = _InWorld(self.policy, self._place.env[0].adapter)
        else:
            seeds = torch.arange(num_envs, device=self._device)  # only random locations are sampled
            self._player = PolicyPlayer(self.policy, self._place.env.task.answer.key, seeds)
        self._player.start(num_envs)

    def act(self, observation: Any) -> Any:
        """Take the mean location and the most likely answer."""
        return self._player.act(observation)


class _InWorld:
    """Plays episodes of a wrapped environment that all start together."""

    def __init__(self, policy: RAMPolicy, adapter: Adapter) -> None:
        self._policy, self._adapter = policy, adapter

    def start(self, num_envs: int) -> None:
        self._player, self._starts = WorldPlayer(self._policy, num_envs), np.ones(num_envs, bool)

    def act(self, observation: Any) -> Any:
        rows = len(self._starts)
        choice = self._player.act(self._adapter.observe(observation, rows), self._starts)
        self._starts = np.zeros(rows, bool)
        return self._adapter.act(choice)


class _ReportingRun(Run):
    """A run that reports its frames to the benchmark after every iteration."""

    report: Progress

    def iterations(self) -> Iterator[int]:
        """Yield as :meth:`Run.iterations` does."""
        for iteration in super().iterations():
            yield iteration
            self.report((iteration + 1) * self.plan.frames_per_iteration)


def training_settings(env_id: str, settings: Mapping[str, Any]) -> TrainingSettings:
    """Return the settings of training: those of the environment's preset with some changed.

    Raises:
        ValueError: If one is not valid, or there is none of that name.
    """
    changes = dict(settings)
    preset = _preset(env_id, changes.pop("method", None))
    changes["network"] = network_settings(preset.network, settings.get("network") or {})
    return replace(preset, **changes)


def _preset(env_id: str, method: Any = None) -> TrainingSettings:
    """Return the preset from random weights; wrapped environments train in the vector environment of the evaluation.

    Raises:
        InvalidArgument: If there is no such method, or it does not train there.
    """
    preset = settings_for_any(env_id)
    if method is not None:
        methods = (HybridSettings.method, GameSettings.method) if is_task(env_id) else (preset.method,)
        preset = settings_for_any(env_id, method=cast(Method, check_choice("method", method, methods)))
    # Weights of a checkpoint were trained on frames that the budget does not count.
    preset = replace(preset, init_from=None)
    return replace(preset, vectorization="sync") if isinstance(preset, SegmentSettings) else preset


def _method(problem: Problem) -> str:
    """Return the method of the preset, or PPO if the environment's arguments leave no right answers to learn from."""
    method = settings_for_any(problem.env_id).method
    if method != HybridSettings.method or make_task(problem.env_id, **problem.env_settings).supervised:
        return method
    return GameSettings.method


def _chosen(settings: TrainingSettings) -> dict[str, Any]:
    """Return the method and the settings that the benchmark leaves to its file."""
    named = {"method": settings.method, **asdict(settings)}
    return {name: value for name, value in named.items() if name not in _NOT_CHOSEN}


def network_settings(network: NetworkSettings, changes: Mapping[str, Any]) -> NetworkSettings:
    """Return the settings of the networks with some changed.

    Raises:
        ValueError: If one is not valid, or there is none of that name.
    """
    known = [field.name for field in fields(NetworkSettings)]
    for name in changes:
        if name not in known:
            raise ValueError(f"the networks have no setting {name!r}: expected {', '.join(known)}")
    return replace(network, **changes)
