"""Reads the plan of a benchmark from a file or the command line, and checks all of it before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from gymnasium.error import Error

from agents.benchmark.algorithm import ALGORITHMS, Algorithm, Problem, find_algorithm
from agents.benchmark.evaluation import Evaluator
from agents.benchmark.items import NAME, Item
from agents.benchmark.plan import (
    AlgorithmEntry,
    EnvironmentEntry,
    EvaluationSettings,
    Plan,
    either,
    formats_of,
    variants_of,
)
from agents.benchmark.references import REFERENCES
from agents.benchmark.schema import MAX_NAME, is_name
from agents.training import MAX_SEED
from agents.untrusted import one_line, shown
from ram_envs import parse_id
from ram_envs.envs.actions import ACTION_FORMATS
from ram_envs.errors import UnknownName
from ram_envs.registration import GLIMPSE_ID, EnvironmentId, is_wrapper_id

_KEYS = ("environments", "algorithms", "seeds", "frames", "threads", "device", "evaluation")
_WRAP = (
    f"to see one of another package through glimpses, wrap it: {{id: {GLIMPSE_ID}, settings: {{env_id: ALE/Pong-v5}}}}"
)
_MAX_POINTS = 100_000  # results with more could not be read back
_Entry = TypeVar("_Entry", EnvironmentEntry, AlgorithmEntry)


def read_plan(root: Item) -> Plan:
    """Turn the content of a benchmark's file, or the options of the command line, into a plan.

    Algorithms are imported, environments created, and settings checked for their names, types and common ranges, before
    anything runs. A library may still refuse settings that pass, such as two that contradict each other, and the device
    is not tried.

    Raises:
        PlanError: If something is wrong; the message has its line and key.
    """
    content = root.mapping(_KEYS, required=("environments", "algorithms", "frames"))
    environments = [_environment(item) for item in content["environments"].sequence()]
    algorithms = [_algorithm(item) for item in content["algorithms"].sequence()]
    _check_names(content["environments"].sequence(), environments)
    _check_names(content["algorithms"].sequence(), algorithms)
    seeds = tuple(item.integer(0, MAX_SEED) for item in content["seeds"].sequence()) if "seeds" in content else (0,)
    if len(set(seeds)) < len(seeds):
        raise content["seeds"].error(f"{list(seeds)} has a seed twice")
    plan = Plan(
        environments=tuple(environments),
        algorithms=tuple(algorithms),
        seeds=seeds,
        frames=content["frames"].integer(1, 10**12),
        evaluation=_evaluation(content["evaluation"]) if "evaluation" in content else EvaluationSettings(),
    )
    if "threads" in content:
        plan = replace(plan, threads=content["threads"].integer(1, 1024))
    if "device" in content:
        plan = replace(plan, device=content["device"].text(("cpu", "cuda", "auto")))
    for item, entry in zip(content["environments"].sequence(), environments, strict=True):
        _check_environment(item, entry, plan.evaluation)
    for item, algorithm in zip(content["algorithms"].sequence(), algorithms, strict=True):
        _check_algorithm(item, algorithm, plan.environments)
    return plan


def _environment(item: Item) -> EnvironmentEntry:
    """Read an environment: an id, or a mapping."""
    content = item.mapping(("id", "name", "settings"), ("id",)) if isinstance(item.value, dict) else {"id": item}
    id = content["id"].text()
    try:
        read = EnvironmentId(GLIMPSE_ID, "", "") if is_wrapper_id(id) else parse_id(id)
    except UnknownName as error:
        raise content["id"].error(f"{error}; {_WRAP}") from error
    plain_id = id.rpartition(":")[2]
    action_format, observation_format = variants_of(read.base)[plain_id]
    return EnvironmentEntry(
        name=content["name"].name() if "name" in content else plain_id.replace("/", "-"),
        id=read.portable,
        settings=_settings(content),
        action_format=action_format,
        observation_format=observation_format,
    )


def _algorithm(item: Item) -> AlgorithmEntry:
    """Read an algorithm: a name, "module:Class" or a mapping."""
    keys = ("algorithm", "name", "settings", "action_format")
    content = item.mapping(keys, ("algorithm",)) if isinstance(item.value, dict) else {"algorithm": item}
    algorithm = content["algorithm"].text()
    kind = _find(content["algorithm"])
    own = kind.name or kind.__name__
    if "name" not in content and algorithm not in ALGORITHMS and not NAME.fullmatch(own):
        raise item.error(f"{algorithm}.name is {own!r}: expected letters, digits and any of . _ + -")
    name = content["name"].name() if "name" in content else algorithm if algorithm in ALGORITHMS else own
    if name in REFERENCES:
        raise item.error(f"the name {name!r} is taken by a player that every benchmark has: expected another name")
    action_format = content["action_format"].text(ACTION_FORMATS) if "action_format" in content else None
    if action_format is not None and action_format not in kind.action_formats:
        raise content["action_format"].error(
            f"{algorithm} cannot take action_format={action_format!r}: expected {either(kind.action_formats)}"
        )
    return AlgorithmEntry(name=name, algorithm=algorithm, settings=_settings(content), action_format=action_format)


def _settings(content: Mapping[str, Item]) -> dict[str, Any]:
    if "settings" not in content or content["settings"].value is None:
        return {}
    content["settings"].mapping()
    return dict(content["settings"].plain())


def _evaluation(item: Item) -> EvaluationSettings:
    content = item.mapping(tuple(field.name for field in fields(EvaluationSettings)))
    most = {"curve_points": _MAX_POINTS}
    values: dict[str, Any] = {
        name: part.text() if name == "split" else part.integer(1, most.get(name, 10**7))
        for name, part in content.items()
    }
    return EvaluationSettings(**values)


def _check_names(items: list[Item], entries: list[_Entry]) -> None:
    """Check that results can have these names, and that none occurs twice."""
    seen: set[str] = set()
    for item, entry in zip(items, entries, strict=True):
        if not is_name(entry.name):
            raise item.error(
                f"the name {shown(entry.name)} has {len(entry.name)} characters: expected at most {MAX_NAME}, give it "
                "another name (name: ...)"
            )
        if entry.name in seen:
            raise item.error(f"{entry.name!r} is there twice: give one of them another name (name: ...)")
        seen.add(entry.name)


def _check_environment(item: Item, entry: EnvironmentEntry, evaluation: EvaluationSettings) -> None:
    """Create the environment for training and for evaluation, which checks its settings and finds its images."""
    place = item.value["settings"] if isinstance(item.value, dict) and "settings" in item.value else item
    for name in ("action_format", "observation_format"):
        if name in entry.settings:
            raise place.error(f"{name} is each algorithm's own choice: leave it out, or use the id of a variant")
    problem = Problem(env_id=entry.id, env_settings=entry.settings)
    for make in (lambda: problem.make_vec(1), lambda: Evaluator(problem, 1, evaluation.split)):
        _located(place, make)


def _check_algorithm(item: Item, entry: AlgorithmEntry, environments: tuple[EnvironmentEntry, ...]) -> None:
    """Check the formats and the settings of an algorithm on every environment."""
    kind = find_algorithm(entry.algorithm)
    content = item.value if isinstance(item.value, dict) else {}
    for environment in environments:
        try:
            formats_of(environment, entry)
        except ValueError as error:
            raise item.error(str(error)) from error
        if entry.settings:
            _check_settings(content["settings"], kind, environment, entry.algorithm)


def _check_settings(item: Item, kind: type[Algorithm], environment: EnvironmentEntry, algorithm: str) -> None:
    """Check the settings together, as some depend on others; a mistake is told where one setting alone makes it."""
    try:
        kind.check_settings(item.plain(), environment.id)
    except (ValueError, TypeError) as error:
        alone = (
            part
            for name, part in item.mapping().items()
            if _mistake(kind, {name: part.plain()}, environment.id) == str(error)
        )
        raise next(alone, item).error(f"{algorithm} on {environment.name}: {error}") from error


def _mistake(kind: type[Algorithm], settings: dict[str, Any], env_id: str) -> str:
    """Return what is wrong with settings; empty if nothing is."""
    try:
        kind.check_settings(settings, env_id)
    except (ValueError, TypeError) as error:
        return str(error)
    return ""


def _find(item: Item) -> type[Algorithm]:
    try:
        return find_algorithm(item.text())
    except ValueError as error:
        raise item.error(str(error)) from error


def _located(item: Item, make: Callable[[], Any]) -> None:
    try:
        make()
    except (ValueError, TypeError, LookupError, ArithmeticError, OSError, RuntimeError, MemoryError, Error) as error:
        raise item.error(one_line(error)) from error
