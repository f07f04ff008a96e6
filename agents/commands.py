"""The commands of `ram` that have options: each reads its own, and hands them on to the package that does the work."""

from __future__ import annotations

import difflib
import inspect
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, make_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_type_hints

import tyro
from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes, Positional

from agents.training.presets import PRESETS, settings_for
from agents.training.settings import TrainingSettings
from ram_envs import ENVIRONMENTS, VARIANTS
from ram_envs.registration import task_class

if TYPE_CHECKING:
    from agents.training.trainer import TrainingResult

Device = Literal["auto", "cpu", "cuda"]
EnvironmentId = Annotated[str, tyro.conf.arg(metavar="ENV_ID")]
CheckpointPath = Annotated[Path, tyro.conf.arg(metavar="CHECKPOINT")]
Settings = TypeVar("Settings", bound=TrainingSettings)
Arguments = TypeVar("Arguments")
Options = TypeVar("Options")
EXIT_STATUS = {"SIGINT": 130, "SIGTERM": 143}
VIDEO_EPISODES = 6


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Generic[Settings, Arguments]):
    """Train an agent: settings come from a preset, and every one of them can be changed.

    The run's folder gets the settings, the metrics (metrics.csv and TensorBoard), checkpoints, and at the end the
    learning curve and an animation of the agent. Ctrl-C saves first. Which settings there are, and what they are if
    left out, depends on the environment: `ram train ENV_ID --help`.
    """

    env_id: Positional[EnvironmentId]
    """The environment; `ram list` shows them all."""
    preset: str = "default"
    """The settings to start from."""
    seed: int = 0
    """What everything random follows from."""
    device: Device = "auto"
    """Where to compute; "auto" takes the GPU if there is one."""
    out: Path | None = None
    """The run's folder; if left out, a new one in "runs"."""
    resume: Path | None = None
    """Go on with the run in this folder, exactly and with its own settings: takes no other option but --device."""
    environment: OmitArgPrefixes[Arguments]
    """Arguments of the environment; None keeps its default."""
    settings: OmitArgPrefixes[Settings]
    """Training settings."""


@dataclass(frozen=True, kw_only=True)
class ResumeOptions:
    """Go on with a run that was stopped, exactly and with its own settings."""

    env_id: Positional[Annotated[str | None, tyro.conf.arg(metavar="ENV_ID")]] = None
    """The environment that the run is expected to be of; may be left out."""
    resume: Path
    """The run's folder."""
    device: Device = "auto"
    """Where to compute; "auto" takes the GPU if there is one."""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Say how well an agent does: the error on a split of images, or the share of games that it wins."""

    checkpoint: Positional[CheckpointPath]
    """A run's folder, a checkpoint in it, or an agent that comes with the package: "pretrained:ENV_ID"."""
    episodes: int | None = None
    """Games: how many, 10,000 if left out. Classification: how many images; if left out, the whole split."""
    split: str | None = None
    """Classification: the images, "test" if left out, or as in "train[-5000:]"."""
    sampled: FlagCreatePairsOff[bool] = False
    """Draw the decisions, as in training, in place of the mean location and the likeliest action."""
    seed: int = 0
    """Of the first episode; the others count on from it."""
    device: Device = "auto"
    """Where to compute; "auto" takes the GPU if there is one."""
    num_envs: int = 1000
    """Episodes that are played side by side; the figure does not depend on it."""
    json: FlagCreatePairsOff[bool] = False
    """Print one JSON object and nothing else."""


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """See an agent play: the hidden scene, the path of its gaze, and what it sees of it."""

    checkpoint: Positional[CheckpointPath]
    """A run's folder, a checkpoint in it, or an agent that comes with the package: "pretrained:ENV_ID"."""
    video: Path | None = None
    """Write a .gif or .mp4 in place of opening a window."""
    episodes: int | None = None
    """How many; if left out, 6 in a video, and in a window as many as you like."""
    split: str | None = None
    """Classification: the images, "test" if left out, or as in "train[-5000:]"."""
    seed: int = 0
    """Of the first episode."""


@dataclass(frozen=True, kw_only=True)
class PlayOptions(Generic[Arguments]):
    """Play yourself, seeing no more than an agent does: the arrow keys steer, the mouse looks, numbers answer."""

    env_id: Positional[EnvironmentId]
    """The environment; `ram list` shows them all."""
    seed: int | None = None
    """Of the first episode; random if left out."""
    show_scene: FlagCreatePairsOff[bool] = False
    """Show the whole scene from the start; the key H does so at any time."""
    steps_per_second: float = 4.0
    """The pace of a game."""
    environment: OmitArgPrefixes[Arguments]
    """Arguments of the environment; None keeps its default."""


def train(arguments: Sequence[str]) -> int:
    """`ram train`."""
    if any(argument == "--resume" or argument.startswith("--resume=") for argument in arguments):
        return _resume(arguments)
    options = _train_options(arguments)
    env_id = _environment_id(options.env_id)
    out = options.out or Path("runs") / f"{env_id}-seed{options.seed}-{time.strftime('%Y%m%d-%H%M%S')}"

    from agents.training import trainer
    from agents.training.fast.distributed import first

    if first():
        print(f"training on {env_id}: run folder {out}", flush=True)
    settings = replace(options.settings, environment=_given(options.environment))
    result = trainer.train(env_id, settings, out, seed=options.seed, device=options.device)
    return _report(result)


def evaluate(arguments: Sequence[str]) -> int:
    """`ram evaluate`."""
    options = _parse(EvaluateOptions, arguments, "evaluate")
    from agents.evaluation.evaluate import evaluate
    from agents.pretrained import resolve_checkpoint
    from agents.ram.checkpoint import load_checkpoint
    from agents.training.fast.device import resolve_device

    checkpoint = load_checkpoint(resolve_checkpoint(options.checkpoint), device=resolve_device(options.device))
    result = evaluate(
        checkpoint.policy,
        checkpoint.env_id,
        checkpoint.env_settings,
        episodes=options.episodes,
        split=options.split,
        seed=options.seed,
        greedy=not options.sampled,
        num_envs=options.num_envs,
    )
    print(json.dumps({"checkpoint": str(options.checkpoint), **result.to_dict()}) if options.json else result)
    return 0


def watch(arguments: Sequence[str]) -> int:
    """`ram watch`."""
    options = _parse(WatchOptions, arguments, "watch")
    from agents.evaluation.splits import with_split
    from agents.pictures.animation import animate
    from agents.pictures.watch import watch
    from agents.pretrained import resolve_checkpoint
    from agents.ram.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(resolve_checkpoint(options.checkpoint))
    env_settings = with_split(checkpoint.env_id, checkpoint.env_settings, options.split)
    if options.video is None:
        watch(checkpoint.policy, checkpoint.env_id, env_settings, options.episodes, options.seed)
        return 0
    episodes = VIDEO_EPISODES if options.episodes is None else options.episodes
    animate(checkpoint.policy, checkpoint.env_id, env_settings, options.video, episodes, options.seed)
    print(options.video)
    return 0


def play(arguments: Sequence[str]) -> int:
    """`ram play`."""
    kind = _environment_arguments(_named_environment(arguments))
    options = _parse(PlayOptions[kind], arguments, "play", PlayOptions(env_id=tyro.MISSING, environment=kind()))  # type: ignore[valid-type]
    env_id = _environment_id(options.env_id)
    from agents.play import play

    score = play(
        env_id,
        _given(options.environment),
        seed=options.seed,
        hidden=not options.show_scene,
        steps_per_second=options.steps_per_second,
    )
    print(score)
    return 0


def _train_options(arguments: Sequence[str]) -> TrainOptions[Any, Any]:
    """Read the options of a new run; the environment's id and the preset decide which settings there are."""
    env_id = _named_environment(arguments)
    settings, environment = settings_for(env_id, _value_of("--preset", arguments)), _environment_arguments(env_id)
    # The environment's arguments are options of their own: the dictionary that holds them is none.
    method = type(settings)
    shown = {"__annotations__": {"environment": tyro.conf.Suppress[dict[str, Any]]}, "__doc__": method.__doc__}
    shown["environment"] = field(default_factory=dict)
    method = dataclass(frozen=True, kw_only=True)(type(method.__name__, (method,), shown))
    preset = method(**{one.name: getattr(settings, one.name) for one in fields(settings)})
    default = TrainOptions(env_id=tyro.MISSING, environment=environment(**settings.environment), settings=preset)
    presets = ", ".join(PRESETS[env_id])
    description = f"{inspect.getdoc(TrainOptions)} Below are those of {env_id}, whose presets are: {presets}."
    kind: Any = TrainOptions[method, environment]  # type: ignore[valid-type]
    return _parse(kind, arguments, "train", default, description)


def _named_environment(arguments: Sequence[str]) -> str:
    """Return the id among the arguments; for the help, or the error that there is none, the first one of the suite."""
    named = [argument for argument in arguments if argument.removeprefix("ram_envs:") in ENVIRONMENTS]
    if not named and arguments and not arguments[0].startswith("-"):
        named = [arguments[0]]  # which is unknown: the error says so
    return _environment_id(named[0]) if named else next(iter(ENVIRONMENTS))


def _environment_arguments(env_id: str) -> type:
    """Return a dataclass of the arguments of an environment's task; None keeps the environment's default."""
    task = task_class(env_id)
    hints = get_type_hints(task)
    names = [one.name for one in fields(task) if one.init]
    return make_dataclass("Arguments", [(name, _option_type(hints[name]), None) for name in names], frozen=True)


def _option_type(hint: Any) -> Any:
    """Return the part of an argument's type that can be written on a command line."""
    members = [tuple[float, float] if member == Sequence[float] else member for member in get_args(hint) or (hint,)]
    simple = [member for member in members if member in (bool, int, float, str, tuple[float, float])]
    return Union[(*simple, None)]  # noqa: UP007 (made at run time)


def _given(environment: Any) -> dict[str, Any]:
    """Return the arguments of the environment that were given."""
    values = {one.name: getattr(environment, one.name) for one in fields(environment)}
    return {name: value for name, value in values.items() if value is not None}


def _resume(arguments: Sequence[str]) -> int:
    """`ram train --resume`."""
    options, unknown = tyro.cli(ResumeOptions, args=arguments, prog="ram train", return_unknown_args=True)
    if unknown:
        raise ValueError(f"a resumed run keeps its own settings: leave out {' '.join(unknown)}")
    env_id = None if options.env_id is None else _environment_id(options.env_id)

    from agents.training import trainer

    return _report(trainer.resume(options.resume, env_id=env_id, device=options.device))


def _environment_id(id: str) -> str:
    """Return the id of an environment as the table has it.

    Raises:
        ValueError: If there is no such environment; the message names the ones that are spelled alike.
    """
    id = id.removeprefix("ram_envs:")
    if id in ENVIRONMENTS:
        return id
    for variant in filter(None, VARIANTS):
        if (base := id.replace(f"-{variant}-", "-")) in ENVIRONMENTS:
            raise ValueError(f"{id} is {base} in other formats, which make no difference here: say {base}")
    lower = {known.lower(): known for known in ENVIRONMENTS}
    alike = [lower[name] for name in difflib.get_close_matches(id.lower(), lower, n=2, cutoff=0.4)]
    hint = f"did you mean {' or '.join(alike)}? " if alike else ""
    raise ValueError(f"there is no environment {id!r}: {hint}`ram list` shows them all")


def _report(result: TrainingResult) -> int:
    """Say where a run's results are, or how to go on with it, and return the exit status."""
    from agents.pictures.results import draw_results
    from agents.training.fast.distributed import first

    if not first():
        return 0 if result.stopped_by is None else EXIT_STATUS[result.stopped_by]
    if result.stopped_by is not None:
        print(
            f"stopped by {result.stopped_by} after {result.progress.frames:,} frames, and saved; to go on: "
            f"ram train --resume {result.folder}"
        )
        return EXIT_STATUS[result.stopped_by]
    print(f"trained on {result.progress.frames:,} frames in {result.progress.time_s:.0f} s")
    pictures = draw_results(result.folder)
    print(f"  learning curve  {pictures.curve}\n  animation       {pictures.animation}")
    print(f"  evaluate it     ram evaluate {result.folder}")
    return 0


def _parse(
    kind: type[Options],
    arguments: Sequence[str],
    name: str,
    default: Any = None,
    description: str | None = None,
) -> Options:
    """Read options; a mistake in them ends the program with exit status 2, `--help` with 0."""
    if not {"-h", "--help"}.isdisjoint(arguments):
        arguments = ["--help"]  # beside an id that is given, the help would leave ENV_ID out
    return tyro.cli(kind, args=arguments, prog=f"ram {name}", default=default, description=description)


def _value_of(option: str, arguments: Sequence[str]) -> str | None:
    """Return the value of an option, as in `--preset fast` or `--preset=fast`; None if it is not there."""
    for index, argument in enumerate(arguments):
        if argument == option:
            return arguments[index + 1] if index + 1 < len(arguments) else None
        if argument.startswith(f"{option}="):
            return argument.partition("=")[2]
    return None
