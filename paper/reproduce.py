"""Reproduces the rows of the paper's tables: trains what is missing, judges it, writes results files and tables.

The protocol: settings are chosen by training without the last 5,000 training images and judging by these; final runs
train on all 60,000, and are judged by every test image once, in the scenes of one fixed test seed. A seed to hand on is
chosen by new scenes of the last 5,000 training images, for Catch by new episodes, never by the test set.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agents.evaluation.evaluate import Evaluation
from agents.experiments.queue import Queue, lock
from agents.pretrained import export_pretrained
from agents.ram.checkpoint import CheckpointError, load_checkpoint
from agents.training.fast.device import resolve_device
from agents.training.run import TrainingError
from paper.ablations import ABLATIONS
from paper.jobs import Job, ReproduceError, check_data, check_folder, judge, train
from paper.records import Record, add_result, read_record, record_file
from paper.rows import HEADLINES, ROWS, Row
from paper.tables import markdown, write_between_markers
from paper.what_mattered import what_mattered

README, PAGE, WHAT_MATTERED = Path("README.md"), Path("docs/results.md"), Path("docs/what-mattered.md")
DOCUMENTS = (README, PAGE, WHAT_MATTERED)
"""Every page with generated tables."""


@dataclass
class Outcome:
    """What became of the runs.

    Attributes:
        done: Names of the runs whose results were written.
        left: Runs that another process was at work on.
        failed: What went wrong, by run.
        kept: The names under which older results files were kept.
        stopped_by: Name of the signal that ended it before its time; None otherwise.
    """

    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    kept: list[Path] = field(default_factory=list)
    stopped_by: str | None = None


def reproduce(
    rows: Sequence[Row],
    *,
    seeds: int | None = None,
    device: str = "auto",
    out: Path = Path("runs/reproduce"),
    results: Path = Path("docs/results"),
    documents: Sequence[Path] = (README, PAGE),
    validate: bool = False,
    progress_bar: bool = True,
) -> Outcome:
    """Train and judge what is missing of some rows: the first seed of each, then the second, and so on.

    Several of these may run at once, on the same folders: no two take the same run.

    Args:
        rows: The rows.
        seeds: Seeds of each row, from 0 up; None for as many as the row is to have.
        device: "auto", "cpu" or "cuda".
        out: Where the folders of the runs are.
        results: Where the results files are.
        documents: Files whose tables are written anew after every run.
        validate: Whether the rows are trained for validation (:func:`paper.rows.for_validation`), and so are
            judged by the validation images and not by the test set.
        progress_bar: Whether to show one.

    Raises:
        FileNotFoundError: If a data set is missing and cannot be downloaded; nothing was trained then.
        ReproduceError: If the folder of a run holds one with other settings; nothing was trained then either.
        ResultError: If a results file cannot be read, of these rows or of those in the documents; nothing was trained.
        ValueError: If the device is not at hand, or a setting is not valid.
    """
    resolve_device(device)
    for document in documents:  # what cannot be read would stop them after the first run
        _tables(results, document)
    jobs = missing(rows, seeds, results)
    check_data(job.row for job in jobs)
    for job in jobs:
        check_folder(out / job.name, job.row)
    outcome = Outcome()
    queue = Queue(jobs, lambda job: _has_result(results, job), (results, out))
    for job in queue:
        try:
            if not _run(job, outcome, device, out, results, documents, validate, progress_bar):
                return outcome
        except (TrainingError, CheckpointError) as error:
            _say(f"{job.name}: {error}")
            outcome.failed[job.name] = str(error)
    for job in queue.left:
        _say(f"{job.name}: skipped, another process works on it")
        outcome.left.append(job.name)
    return outcome


def missing(rows: Sequence[Row], seeds: int | None, results: Path) -> list[Job]:
    """Return the runs of some rows that have no result yet, in the order in which they are to be done.

    Args:
        rows: The rows.
        seeds: Seeds of each; None for as many as the row is to have.
        results: Where the results files are.

    Raises:
        ResultError: If a results file cannot be read.
    """
    numbers = {row.name: row.num_seeds if seeds is None else seeds for row in rows}
    jobs = [Job(row, seed) for seed in range(max(numbers.values(), default=0)) for row in rows]
    return [job for job in jobs if job.seed < numbers[job.row.name] and not _has_result(results, job)]


def read_records(results: Path, names: Iterable[str] | None = None) -> dict[str, Record]:
    """Return the results of all rows that have some.

    Args:
        results: Where the results files are.
        names: Of the rows; None for those of the paper's tables.

    Raises:
        ResultError: If a results file cannot be read.
    """
    found = {name: read_record(record_file(results, name)) for name in (ROWS if names is None else names)}
    return {name: record for name, record in found.items() if record is not None}


def write_tables(results: Path, documents: Sequence[Path]) -> list[Path]:
    """Write the tables of some documents anew; return the documents that have a place for them.

    Args:
        results: Where the results files are.
        documents: Which: README.md gets the paper's tables in brief, docs/what-mattered.md the ablations, any other the
            paper's tables in full.

    Raises:
        ResultError: If a results file cannot be read.
    """
    if not documents:
        return []
    with lock(results, "tables"):  # nobody puts older tables in the place of newer ones
        return [file for file in documents if write_between_markers(file, _tables(results, file))]


def _tables(results: Path, document: Path) -> str:
    """Return the tables of a document."""
    if document.name == WHAT_MATTERED.name:
        return what_mattered(read_records(results, [one.full_name for one in ABLATIONS]))
    return markdown(read_records(results), detail=document.name != README.name)


def export_best(rows: Sequence[Row], out: Path, results: Path) -> list[Path]:
    """Hand on the agents of the headline rows: of each the seed that did best in validation, of those that there are.

    Args:
        rows: The rows; what is no headline row is left out.
        out: Where the folders of the runs are.
        results: Where the results files are.

    Returns:
        The files.

    Raises:
        CheckpointError: If the checkpoint of a run is missing, or too large.
        ReproduceError: If the folder of a run holds another one than the results are of.
        ResultError: If a results file cannot be read.
    """
    files = []
    for row in rows:
        record = read_record(record_file(results, row.name)) if row.name in HEADLINES else None
        if record is None or not record.fits(row):
            continue
        best = record.best_seed
        if best is None:
            continue
        folder = out / Job(row, best).name
        check_folder(folder, row)
        progress, frames = load_checkpoint(folder, row.env_id).progress, record.seeds[best].frames
        if (progress["seed"], progress["frames"]) != (best, frames):
            raise ReproduceError(
                f"{folder} holds seed {progress['seed']} after {progress['frames']:,} frames: expected what "
                f"{record_file(results, row.name)} is of, seed {best} after {frames:,}; give its folder with --out"
            )
        files.append(export_pretrained(folder, row.env_id))
        _say(f"{files[-1]}: seed {best} of {row.name}")
    return files


def _run(
    job: Job,
    outcome: Outcome,
    device: str,
    out: Path,
    results: Path,
    documents: Sequence[Path],
    validate: bool,
    progress_bar: bool,
) -> bool:
    """Train, judge and write down; False if a signal ended it."""
    _say(f"{job.name}: {out / job.name}")
    trained = train(job, out / job.name, device, progress_bar)
    if trained.stopped_by is not None:
        outcome.stopped_by = trained.stopped_by
        return False
    result = judge(job, out / job.name, trained, device, validate)
    with lock(results, "tables"):
        kept = add_result(results, job.row, result)
    write_tables(results, documents)
    if kept is not None:
        _say(f"{record_file(results, job.row.name)} was of another version or other settings: kept as {kept}")
        outcome.kept.append(kept)
    outcome.done.append(job.name)
    _say(f"{job.name}: {Evaluation(**result.greedy)}")
    return True


def _has_result(results: Path, job: Job) -> bool:
    record = read_record(record_file(results, job.row.name))
    return record is not None and record.fits(job.row) and job.seed in record.seeds


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
