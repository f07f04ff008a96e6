"""`ram evaluate`: measure how well an agent does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from agents.cli.options import Checkpoint, Count, Dataset, Device, Split, Switch
from agents.cli.parser import parse


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Evaluate an agent: test error in classification, success rate in games, with a 95 % confidence interval.

    Evaluation is deterministic unless --sampled is given: the mean location and the most likely action.
    """

    checkpoint: Checkpoint
    episodes: Count | None = None
    """Episodes to play: 10,000 in games if not given; in classification the number of images, all if not given."""
    split: Split = None
    dataset: Dataset = None
    sampled: Switch = False
    """Sample locations and actions from the policy, as in training."""
    seed: int = 0
    """Random seed of the first episode; episode i uses seed + i."""
    device: Device = "auto"
    num_envs: Count = 1000
    """Episodes played in parallel. Does not change the result."""
    json: Switch = False
    """Print one JSON object and nothing else."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(EvaluateOptions, "evaluate", arguments)
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
        dataset=options.dataset,
        seed=options.seed,
        greedy=not options.sampled,
        num_envs=options.num_envs,
    )
    print(json.dumps({"checkpoint": str(options.checkpoint), **result.to_dict()}) if options.json else result)
    return 0
