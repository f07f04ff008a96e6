"""`ram train`: train an agent, or resume a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from agents.cli.environment import (
    HELP_FLAGS,
    Environment,
    asks_for_help,
    named_environments,
    read_for_environment,
)
from agents.cli.fields import options_of, own_fields
from agents.cli.options import Count, Dataset, Device, EnvironmentId, Folder
from agents.cli.parser import Parser, UsageError, group_of
from agents.cli.values import Argument
from agents.cli.vector_environment import VectorEnvironment, find_any_environment
from agents.ram.settings import NetworkSettings
from agents.training.presets import NOTES, PRESETS, Method, settings_for_any
from agents.training.settings import GameSettings, HybridSettings, TrainingSettings
from agents.training.vector_settings import AnswerSettings, SegmentSettings

SUMMARY = """\
Train an agent. The settings come from a preset, and each of them is also an option.

The run folder receives the settings, the metrics (metrics.csv and TensorBoard) and checkpoints, and at the end the
learning curve and an animation of the agent. Ctrl-C saves a checkpoint first; --resume continues from it."""
RUN, ENVIRONMENT, NETWORK = "run options", "environment options", "network options"
OPTIMISATION, ALGORITHM = "optimisation options", "algorithm options"
METHODS: tuple[type[TrainingSettings], ...] = (HybridSettings, GameSettings, SegmentSettings, AnswerSettings)
RUN_SETTINGS = ("precision", "threads", "log_every", "checkpoint_every")
"""Training settings that change how a run is executed, not what is learned."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options of a run that are not training settings."""

    env_id: EnvironmentId | None = None
    preset: Annotated[str, Argument(metavar="NAME")] = "default"
    """The settings to start from."""
    method: Annotated[Method | None, Argument(metavar="NAME")] = None
    """Training method, by default that of the preset. "hybrid": cross-entropy for the answer, REINFORCE for the
    locations. "game": PPO or REINFORCE, from rewards only. Environments of other packages: "segments" (default) is
    recurrent PPO on segments of episodes, "answers" the hybrid loss on the right answers that the environment hands out
    after each step."""
    seed: int = 0
    """Random seed."""
    seeds: Count = 1
    """Train this many random seeds one after the other, from --seed on, in the folders seed0, seed1, ... of the run
    folder."""
    out: Folder | None = None
    """The run folder; by default a new one in "runs"."""
    init_from: Annotated[Path | None, Argument(metavar="CHECKPOINT")] = None
    """Fine-tune: start from the weights of this run folder, checkpoint file or pretrained:ENV_ID. Tensors of another
    shape (other classes, another sensor) are named and initialized at random. The presets of tasks with several objects
    start from an agent for one; "none" starts from random weights."""
    resume: Folder | None = None
    """Continue the run in this folder with its own settings; only --device goes with it, and --dataset if its images
    have moved."""
    device: Device = "auto"


@dataclass(frozen=True, kw_only=True)
class ResumeOptions(RunOptions):
    """What may be given to resume a run."""

    dataset: Dataset = None


class Request(NamedTuple):
    """A training that a command line asks for.

    Attributes:
        environment: The environment.
        settings: The settings, those that were given and those of the preset.
        options: The other options.
        given: Names of the settings that were given.
    """

    environment: Environment | VectorEnvironment
    settings: TrainingSettings
    options: RunOptions
    given: frozenset[str] = frozenset()


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    if asks_for_help(arguments):
        print(help_text(arguments))
        return 0
    values, unknown = run_parser(ResumeOptions).read_known(arguments)
    if "resume" in (options := group_of(values, RUN)):
        return _resume(options, unknown)
    request = read(arguments)
    from agents.cli.runs import train

    return train(request)


def read(arguments: Sequence[str]) -> Request:
    """Read a command line that starts a run.

    Raises:
        RAMError: If it cannot be read.
        UserError: If a setting is not valid, or there is no such environment or preset.
    """

    def parser_for(environment: Environment | VectorEnvironment) -> Parser:
        return full_parser(environment, _preset(environment, arguments))

    environment, values = read_for_environment("train", arguments, RUN, run_parser, parser_for, find_any_environment)
    settings, options = _preset(environment, arguments), group_of(values, RUN)
    if "init_from" in options and options["init_from"] is None:  # as "none" is read
        options["init_from"] = Path("none")
    changes = {name: options.pop(name) for name in RUN_SETTINGS if name in options}
    changes |= {**group_of(values, OPTIMISATION), **group_of(values, ALGORITHM)}
    settings = replace(
        settings,
        environment={**settings.environment, **environment.arguments(group_of(values, ENVIRONMENT))},
        network=replace(settings.network, **group_of(values, NETWORK)),
        **changes,
    )
    return Request(environment, settings, RunOptions(**options), frozenset(changes))


def run_parser(options: type[RunOptions] = RunOptions) -> Parser:
    """Return the parser of the options that do not depend on the environment."""
    parser = Parser("train", SUMMARY)
    parser.add_options(RUN, options_of(options))
    return parser


def full_parser(environment: Environment | VectorEnvironment, settings: TrainingSettings) -> Parser:
    """Return the parser of all options for an environment, with the values of a preset as defaults."""
    parser = run_parser()
    parser.add_options(RUN, options_of(TrainingSettings, settings, RUN_SETTINGS))
    parser.add_options(ENVIRONMENT, environment.options(settings.environment))
    parser.add_options(NETWORK, options_of(NetworkSettings, settings.network))
    parser.add_options(OPTIMISATION, options_of(TrainingSettings, settings, _optimisation_fields()))
    parser.add_options(ALGORITHM, options_of(type(settings), settings, _algorithm_fields(type(settings))))
    for cls in METHODS:
        names = _algorithm_fields(cls)
        parser.elsewhere |= dict.fromkeys(
            (option.flag for option in options_of(cls, names=names)),
            f"is for the training method {cls.method!r}, and this one is {settings.method!r}",
        )
    return parser


def _optimisation_fields() -> list[str]:
    """Return the names of the settings that all training methods have and that stand under "optimisation"."""
    elsewhere = (*RUN_SETTINGS, "environment", "network", "init_from")
    return [name for name in own_fields(TrainingSettings) if name not in elsewhere]


def _algorithm_fields(cls: type[TrainingSettings]) -> list[str]:
    """Return the names of the settings that only this training method has."""
    shared = {setting.name for setting in fields(TrainingSettings)}
    return [setting.name for setting in fields(cls) if setting.name not in shared]


def help_text(arguments: Sequence[str]) -> str:
    """Return the help: of an environment if the arguments name one, otherwise in general."""
    rest = [argument for argument in arguments if argument not in HELP_FLAGS]
    environment = next(iter(named_environments(rest, find_any_environment)), None)
    if environment is not None:
        parser = full_parser(environment, _preset(environment, rest))
        parser.epilog = presets_table([environment.id.rpartition(":")[2]])
    else:
        parser = run_parser()
        parser.epilog = f"{_overview()}\n\n{presets_table(PRESETS)}"
    return parser.help_text()


def presets_table(env_ids: Iterable[str]) -> str:
    """Return the presets of environments as a table: what each costs and reaches."""
    rows = [("environment", "preset", "training", "result")]
    for env_id in env_ids:
        rows += [(env_id, name, *NOTES.get(env_id, {}).get(name, ("", ""))) for name in PRESETS.get(env_id, ())]
    if len(rows) == 1:
        return "presets: none; the settings are those for any task of this kind"
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "presets (one CPU core; deterministic evaluation):\n\n" + "\n".join(f"  {line}" for line in lines)


def _overview() -> str:
    """Return the flags of every group, for the help without an environment."""
    groups = {
        "environment": "the arguments of the task, such as --patch-size",
        "network": _flags(NetworkSettings, own_fields(NetworkSettings)),
        "optimisation": _flags(TrainingSettings, _optimisation_fields()),
        "algorithm, classification (hybrid loss)": _flags(HybridSettings, _algorithm_fields(HybridSettings)),
        "algorithm, games (PPO, REINFORCE)": _flags(GameSettings, _algorithm_fields(GameSettings)),
        "algorithm, other environments (segments)": _flags(SegmentSettings, _algorithm_fields(SegmentSettings)),
        "algorithm, other environments (answers)": _flags(AnswerSettings, _algorithm_fields(AnswerSettings)),
    }
    lines = [f"  {title}: {flags}" for title, flags in groups.items()]
    return "settings, explained with their values by `ram train ENV_ID --help`:\n\n" + "\n".join(lines)


def _flags(cls: type, names: Sequence[str]) -> str:
    return " ".join(option.flag for option in options_of(cls, names=names))


def _preset(environment: Environment | VectorEnvironment, arguments: Sequence[str]) -> TrainingSettings:
    """Return the preset and the method that the command line names.

    They decide which options there are, and may come after any of them. So they are read with the options of the
    default preset, which leaves the options that it does not have as they are.
    """
    values, _ = full_parser(environment, settings_for_any(environment.id)).read_known(arguments)
    options = group_of(values, RUN)
    return settings_for_any(environment.id, options.get("preset"), options.get("method"))


def _resume(options: dict[str, Any], unknown: Sequence[str]) -> int:
    """Continue a run.

    Raises:
        UsageError: If the command line has other options: a run keeps its settings.
    """
    if options["resume"] is None:
        raise UsageError("--resume none: expected the folder of a run, as in `ram train --resume runs/mine`")
    others = [argument for argument in unknown if argument.startswith("-")]
    others += [
        f"--{name.replace('_', '-')}" for name in options if name not in ("env_id", "resume", "device", "dataset")
    ]
    if others or unknown:
        raise UsageError(f"a resumed run keeps its own settings: leave out {' '.join(others or unknown)}")
    env_id = find_any_environment(options["env_id"]).id if "env_id" in options else None
    from agents.cli.runs import resume

    return resume(options["resume"], env_id, options.get("dataset"), options.get("device", "auto"))
