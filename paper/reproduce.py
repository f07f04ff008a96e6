"""Reproduces the rows of the paper's tables: trains and evaluates missing runs, writes results files and tables.

The protocol: hyperparameters are tuned by training without the last 5,000 training images and evaluating on them. Final
runs train on all 60,000 and are evaluated on every test image once, in scenes with a fixed random seed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agents.errors import SettingsError
from agents.evaluation.evaluate import Evaluation
from agents.experiments.queue import Queue, lock
from agents.ram.checkpoint import CheckpointError
from agents.training.fast.device import resolve_device
from agents.training.run import TrainingError
from paper.ablation_tables import ablation_tables
from paper.ablations import ABLATIONS
from paper.beyond import PAGE as BEYOND_PAGE
from paper.beyond import beyond_tables
from paper.jobs import Job, ReproduceError, RunInUse, check_data, check_folders, evaluate_run, train
from paper.records import Record, add_result, read_record, record_file
from paper.row import SEEDS, Row
from paper.rows import ROWS
from paper.tables import headline_table, results_tables, write_between_markers

README, PAGE, ABLATIONS_PAGE = Path("README.md"), Path("docs/results.md"), Path("docs/ablations.md")
RESULTS = Path("docs/results")
DOCUMENTS = (README, PAGE, ABLATIONS_PAGE, BEYOND_PAGE)
"""The pages with generated tables."""


@dataclass
class Outcome:
    """The outcome of :func:`reproduce`.

    Attributes:
        done: Names of the runs whose results were written.
        left: Names of the runs that another process works on, or whose start it works on.
        failed: Error message by the name of the run.
        kept: New names of incompatible results files.
        stopped_by: Name of the signal that stopped it; None if none did.
    """

    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    kept: list[Path] = field(default_factory=list)
    stopped_by: str | None = None


def reproduce(
    rows: Sequence[Row],
    *,
    seeds: int = SEEDS,
    device: str = "auto",
    out: Path = Path("runs/reproduce"),
    results: Path = RESULTS,
    documents: Sequence[Path] = (README, PAGE),
    validate: bool = False,
    progress_bar: bool = True,
) -> Outcome:
    """Train and evaluate the missing runs of some rows: the first seed of each, then the second, and so on.

    Several processes may work on the same folders: each run is done by one of them.

    Args:
        rows: The rows.
        seeds: Random seeds of each row, from 0.
        device: "auto", "cpu" or "cuda".
        out: Folder of the runs.
        results: Folder of the results files.
        documents: Pages whose tables are regenerated after every run.
        validate: Whether the rows are trained for validation (:func:`paper.row.for_validation`): they are evaluated on
            the validation images instead of the test set.
        progress_bar: Whether to show a progress bar.

    Raises:
        FileNotFoundError: If a dataset is missing and cannot be downloaded. Like the errors below, before any training.
        ReproduceError: If the folder of a run holds one with other settings.
        ResultError: If a results file of these rows or of the documents cannot be read.
        ValueError: If the device is not available, or a setting is not valid.
    """
    resolve_device(device)
    for document in documents:
        _tables(results, document)
    jobs = missing(rows, seeds, results)
    check_data(job.row for job in jobs)
    for job in jobs:
        check_folders(job, out)
    outcome = Outcome()
    queue = Queue(jobs, lambda job: _has_result(results, job), (results, out))
    for job in queue:
        folder = out / job.name
        _say(f"{job.name}: {folder}")
        try:
            trained = train(job, folder, device, progress_bar)
            if trained.stopped_by is not None:
                outcome.stopped_by = trained.stopped_by
                return outcome
            result = evaluate_run(job, folder, trained, device, validate)
        except RunInUse:
            queue.left.append(job)
            continue
        except (TrainingError, CheckpointError, SettingsError, ReproduceError) as error:
            _say(f"{job.name}: {error}")
            outcome.failed[job.name] = str(error)
            continue
        with lock(results, "tables"):
            kept = add_result(results, job.row, result)
        write_tables(results, documents)
        if kept is not None:
            _say(f"{record_file(results, job.row.name)} had another version or other settings: kept as {kept}")
            outcome.kept.append(kept)
        outcome.done.append(job.name)
        _say(f"{job.name}: {Evaluation(**result.greedy)}")
    for job in queue.left:
        _say(f"{job.name}: skipped, another process works on it, or on the run that it starts from")
        outcome.left.append(job.name)
    return outcome


def missing(rows: Sequence[Row], seeds: int, results: Path) -> list[Job]:
    """Return the runs of some rows that have no result yet, in the order in which they are done.

    Args:
        rows: The rows.
        seeds: Random seeds of each row.
        results: Folder of the results files.

    Raises:
        ResultError: If a results file cannot be read.
    """
    jobs = [Job(row, seed) for seed in range(seeds) for row in rows]
    return [job for job in jobs if not _has_result(results, job)]


def read_records(results: Path, names: Iterable[str] | None = None) -> dict[str, Record]:
    """Return the records of the rows that have results: of these names, or of all rows of the paper.

    Raises:
        ResultError: If a results file cannot be read.
    """
    found = {name: read_record(record_file(results, name)) for name in (ROWS if names is None else names)}
    return {name: record for name, record in found.items() if record is not None}


def write_tables(results: Path, documents: Sequence[Path]) -> list[Path]:
    """Regenerate the tables of some pages; return the pages that have a place for them.

    Args:
        results: Folder of the results files.
        documents: README.md gets the table of the headline rows, docs/ablations.md the ablations, docs/beyond.md what
            was measured with the packaged agents, any other page all tables of the paper.

    Raises:
        ResultError: If a results file cannot be read.
    """
    if not documents:
        return []
    with lock(results, "tables"):  # another process must not replace newer tables with older ones
        return [file for file in documents if write_between_markers(file, _tables(results, file))]


def _tables(results: Path, document: Path) -> str:
    if document.name == ABLATIONS_PAGE.name:
        return ablation_tables(read_records(results, [one.full_name for one in ABLATIONS]))
    if document.name == BEYOND_PAGE.name:
        return beyond_tables(results)
    return (headline_table if document.name == README.name else results_tables)(read_records(results))


def _has_result(results: Path, job: Job) -> bool:
    record = read_record(record_file(results, job.row.name))
    return record is not None and record.fits(job.row) and job.seed in record.seeds


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
