"""`ram evaluate`: measure how well an agent does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from agents.cli.options import Checkpoint, Count, Dataset, Device, Split, StopThreshold, Switch
from agents.cli.parser import parse
from ram_envs.errors import InvalidArgument


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Evaluate an agent: test error in classification, success rate in games, with a 95 % confidence interval.

    Evaluation is deterministic unless --sampled is given: the mean location and the most likely action.
    """

    checkpoint: Checkpoint
    episodes: Count | None = None
    """Episodes to play. If not given: 10,000 in games of the suite, every image in classification, 100 in environments
    of other packages."""
    split: Split = None
    dataset: Dataset = None
    sampled: Switch = False
    """Sample locations and actions from the policy, as in training."""
    stop_threshold: StopThreshold = None
    calibrate: str | None = None
    """With --stop-threshold: first fit the temperature of the class probabilities on this split, such as
    "train[-5000:]", so that a probability of 0.98 is right in 98 of 100 cases."""
    seed: int = 0
    """Random seed of the first episode; episode i of the suite uses seed + i."""
    device: Device = "auto"
    num_envs: Count = 1000
    """Episodes played in parallel. Does not change the result, except in environments of other packages, where it is at
    most 64 and decides which episodes are played."""
    json: Switch = False
    """Print one JSON object and nothing else."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(EvaluateOptions, "evaluate", arguments)
    from agents.evaluation.evaluate import evaluate
    from agents.evaluation.splits import with_dataset
    from agents.evaluation.stopping import beliefs, check_threshold, fit_temperature
    from agents.pretrained import resolve_checkpoint
    from agents.ram.checkpoint import load_checkpoint
    from agents.training.fast.device import resolve_device

    if options.calibrate is not None and options.stop_threshold is None:
        raise InvalidArgument("--calibrate has an effect only with --stop-threshold: give both")
    if options.stop_threshold is not None:
        check_threshold(options.stop_threshold)
    checkpoint = load_checkpoint(resolve_checkpoint(options.checkpoint), device=resolve_device(options.device))
    temperature = 1.0
    if options.calibrate is not None:
        env_settings = with_dataset(checkpoint.env_id, checkpoint.env_settings, options.dataset)
        found = beliefs(checkpoint.policy, checkpoint.env_id, env_settings, split=options.calibrate)
        temperature = fit_temperature(found)
    result = evaluate(
        checkpoint.policy,
        checkpoint.env_id,
        checkpoint.env_settings,
        episodes=options.episodes,
        split=options.split,
        dataset=options.dataset,
        seed=options.seed,
        greedy=not options.sampled,
        num_envs=options.num_envs,
        stop_threshold=options.stop_threshold,
        temperature=temperature,
    )
    print(json.dumps({"checkpoint": str(options.checkpoint), **result.to_dict()}) if options.json else result)
    return 0
