"""`ram watch`: see an agent play."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.cli.options import Checkpoint, Count, Dataset, File, Split, StopThreshold
from agents.cli.parser import parse

FILE_EPISODES = 6


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """Watch an agent play: the hidden scene, the path of its gaze, and the glimpses it receives."""

    checkpoint: Checkpoint
    video: File | None = None
    """Write an animation, .gif or .mp4, instead of opening a window."""
    html: File | None = None
    """Write a web page with play, pause and step, in one .html file that needs no network."""
    episodes: Count | None = None
    """Number of episodes. Files show 6 if not given; a window shows episodes until it is closed."""
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
    from agents.pictures.encoding import encoder
    from agents.pictures.html_page import check_page, write_html
    from agents.pictures.watch import watch
    from agents.pretrained import resolve_checkpoint
    from agents.ram.checkpoint import load_checkpoint

    if options.video is not None:  # both names are checked before either file is written
        encoder(options.video.suffix)
    if options.html is not None:
        check_page(options.html)
    checkpoint = load_checkpoint(resolve_checkpoint(options.checkpoint))
    env_settings = with_dataset(checkpoint.env_id, checkpoint.env_settings, options.dataset)
    env_settings = with_split(checkpoint.env_id, env_settings, options.split)
    policy, env_id, threshold = checkpoint.policy, checkpoint.env_id, options.stop_threshold
    if options.video is None and options.html is None:
        watch(policy, env_id, env_settings, options.episodes, options.seed, threshold)
        return 0
    episodes = FILE_EPISODES if options.episodes is None else options.episodes
    for file, write in ((options.video, animate), (options.html, write_html)):
        if file is not None:
            write(policy, env_id, env_settings, file, episodes, options.seed, threshold)
            print(file)
    return 0
