"""Exports the agents of the paper's rows into the package."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from agents import pretrained
from agents.ram.checkpoint import FILE_NAME, CheckpointError, load_checkpoint
from agents.ram.export import SUFFIX, export_agent
from paper.jobs import Job, ReproduceError, check_folders
from paper.records import read_record, record_file
from paper.row import PACKAGED, Row

SIZE_LIMIT = 2_500_000
"""Largest size of an agent of the package, in bytes of weights."""


def export_best(rows: Sequence[Row], out: Path, results: Path) -> list[Path]:
    """Export the agent of each row of ``PACKAGED`` that has results: the seed that did best in validation.

    The validation scenes are new scenes of the last 5,000 training images, for Catch new episodes, never the test set.

    Args:
        rows: The rows; others than those of ``PACKAGED`` are skipped.
        out: Folder of the runs.
        results: Folder of the results files.

    Returns:
        The exported files.

    Raises:
        CheckpointError: If the checkpoint of a run cannot be read, or is too large.
        ReproduceError: If a run is missing, before anything is exported, or its folder holds another run than the one
            in the results.
        ResultError: If a results file cannot be read.
    """
    runs = []
    for row in rows:
        record = read_record(record_file(results, row.name)) if row.name in PACKAGED else None
        if record is None or not record.fits(row) or (best := record.best_seed) is None:
            continue
        job = Job(row, best)
        folder = out / job.name
        if not (folder / FILE_NAME).exists():
            raise ReproduceError(
                f"{folder} holds no checkpoint of {row.name}, whose best seed is {best}: pass the folder of its runs "
                "as --out, or choose rows that have theirs with --row"
            )
        check_folders(job, out)
        progress, frames = load_checkpoint(folder, row.env_id).progress, record.seeds[best].frames
        if (progress["seed"], progress["frames"]) != (best, frames):
            raise ReproduceError(
                f"{folder} holds seed {progress['seed']} after {progress['frames']:,} frames: expected seed {best} "
                f"after {frames:,} as in {record_file(results, row.name)}; pass the folder of its runs as --out"
            )
        runs.append((folder, row.env_id))
    return [export_pretrained(folder, env_id) for folder, env_id in runs]


def export_pretrained(run_folder: str | os.PathLike[str], env_id: str) -> Path:
    """Make the policy of a run the package's agent for its environment; return the file.

    Raises:
        CheckpointError: If the checkpoint is missing, broken or of another environment, or has too many weights.
    """
    policy = load_checkpoint(run_folder, env_id).policy
    size = 2 * sum(value.numel() for value in policy.state_dict().values())  # half precision takes two bytes a weight
    if size > SIZE_LIMIT:
        raise CheckpointError(f"the agent of {run_folder} has {size:,} bytes of weights: expected up to {SIZE_LIMIT:,}")
    return export_agent(run_folder, pretrained.FOLDER / f"{env_id}{SUFFIX}", env_id)
