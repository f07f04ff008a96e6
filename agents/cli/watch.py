"""`ram watch`: see an agent play."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.cli.options import Checkpoint, Count, Dataset, File, Split, StopThreshold
from agents.cli.parser import parse

VIDEO_EPISODES = 6


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """Watch an agent play: the hidden scene, the path of its gaze, and the glimpses it receives."""

    checkpoint: Checkpoint
    video: File | None = None
    """Write an animation, .gif or .mp4, instead of opening a window."""
    episodes: Count | None = None
    """Episodes to show: 6 in an animation if not given; a window stays open until it is closed."""
    split: Split = None
    dataset: Dataset = None
    stop_threshold: StopThreshold = None
    seed: int = 0
    """Random seed of the first episode."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(WatchOptions, "watch", arguments)
    from agents.evaluation.splits import with_dataset, with_split
    from agents.pictures.animation import animate
    from agents.pictures.watch import watch
    from agents.pretrained import resolve_checkpoint
    from agents.ram.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(resolve_checkpoint(options.checkpoint))
    env_settings = with_dataset(checkpoint.env_id, checkpoint.env_settings, options.dataset)
    env_settings = with_split(checkpoint.env_id, env_settings, options.split)
    if options.video is None:
        threshold = options.stop_threshold
        watch(checkpoint.policy, checkpoint.env_id, env_settings, options.episodes, options.seed, threshold)
        return 0
    episodes = VIDEO_EPISODES if options.episodes is None else options.episodes
    show = (checkpoint.policy, checkpoint.env_id, env_settings, options.video, episodes, options.seed)
    animate(*show, stop_threshold=options.stop_threshold)
    print(options.video)
    return 0
