"""Reproducing: what is missing is run, what was interrupted goes on, nothing is run twice or overwritten."""

import json
import multiprocessing
import os
import signal
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from filelock import FileLock

from agents import pretrained
from agents.evaluation.evaluate import evaluate
from agents.experiments.files import ResultError
from agents.experiments.queue import lock
from agents.ram.checkpoint import load_checkpoint
from agents.training import run
from paper import jobs, row, rows
from paper import reproduce as module
from paper.__main__ import main
from paper.export import export_best
from paper.jobs import Job, ReproduceError
from paper.records import read_record, record_file
from paper.reproduce import missing, reproduce
from paper.row import EARLY_LABEL
from paper.stopping import THRESHOLDS, curves_of_rows, stopping_table
from paper.tables import BEGIN, END
from tests.limits import HANG_S
from tests.paper.fabricated import CLASSIFIER, DIGITS, GAME


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with a README that has a place for tables."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text(f"# Title\n{BEGIN}\n{END}\n")
    return tmp_path


def go(folder, *which, **options):
    options = {"device": "cpu", "progress_bar": False, **options}
    return reproduce(which, out=folder / "runs", results=folder / "results", **options)


def read(folder, row):
    return read_record(record_file(folder / "results", row.name))


def after_iteration(monkeypatch, number, action):
    """Do something within the iteration of this number, counted from 0."""
    original = run.Run.log

    def log(self, statistics):
        original(self, statistics)
        if self.progress.iteration == number:
            action()

    monkeypatch.setattr(run.Run, "log", log)


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("row", [DIGITS, CLASSIFIER, GAME], ids=lambda row: row.name)
def test_what_is_missing_is_trained_judged_and_written(row, folder):
    assert go(folder, row, seeds=2).done == [f"{row.name}-seed0", f"{row.name}-seed1"]
    record = read(folder, row)
    assert record.fits(row) and list(record.seeds) == [0, 1]
    result = record.seeds[1]
    assert result.greedy["greedy"] and result.greedy["seed"] == 0
    assert result.frames > 0 and result.seconds > 0 and result.parameters > 0
    assert result.hardware.endswith((", float32", ", bfloat16")) and result.versions["torch"]
    assert len(result.curve["frames"]) > 0
    if row is CLASSIFIER:
        assert result.sampled is None
    else:
        assert not result.sampled["greedy"] and result.sampled["greedy_action"] == (row is DIGITS)
    if row is not GAME:
        assert (result.greedy["split"], result.greedy["episodes"]) == ("test", 360)
    assert go(folder, row, seeds=2).done == []
    assert go(folder, row, seeds=3).done == [f"{row.name}-seed2"]


def test_the_first_seed_of_every_row_comes_before_the_second(tmp_path):
    jobs = missing([DIGITS, GAME], 2, tmp_path)
    assert [job.name for job in jobs] == ["digits-seed0", "game-seed0", "digits-seed1", "game-seed1"]


def test_the_figures_are_those_of_ram_evaluate(folder):
    go(folder, DIGITS, seeds=1)
    policy = load_checkpoint(folder / "runs" / "digits-seed0").policy
    result = read(folder, DIGITS).seeds[0]
    expected = evaluate(policy, "RAM-Digits-v0", {"num_glimpses": 2})
    assert result.greedy["value"] == expected.value
    validation = evaluate(policy, "RAM-Digits-v0", {"num_glimpses": 2}, split="train[-500:]", seed=1_000_000)
    assert result.validation["value"] == validation.value


@pytest.fixture(autouse=True)
def small_validation(monkeypatch):
    """The digits have fewer than 5,000 images."""
    monkeypatch.setattr("paper.jobs.VALIDATION_TEST", "train[-500:]")
    monkeypatch.setattr(row, "VALIDATION_TRAIN", "train[:-500]")


def test_validation_trains_and_judges_without_the_test_set(folder):
    assert go(folder, row.for_validation(DIGITS), seeds=1, validate=True).done
    record = read(folder, DIGITS)
    assert record.settings["environment"]["split"] == "train[:-500]" and not record.fits(DIGITS)
    assert record.seeds[0].greedy["split"] == "train[-500:]" and record.seeds[0].validation is None


@pytest.mark.parametrize("row", [DIGITS, CLASSIFIER], ids=lambda row: row.name)
def test_what_was_interrupted_goes_on(row, folder, monkeypatch):
    with monkeypatch.context() as patch:
        after_iteration(patch, 3, interrupt)
        outcome = go(folder, row, GAME, seeds=1)
    assert (outcome.stopped_by, outcome.done) == ("SIGINT", [])
    assert read(folder, row) is None
    begun = []
    after_iteration(monkeypatch, 0, lambda: begun.append(0))
    assert go(folder, row, seeds=1).done == [f"{row.name}-seed0"]
    assert begun == []


SECOND = replace(
    DIGITS, name="digits-2", after=DIGITS, settings=replace(DIGITS.settings, init_from="row:digits", epochs=1)
)


def test_a_row_goes_on_from_the_run_of_another_one_which_is_trained_first(folder, monkeypatch):
    with monkeypatch.context() as patch:
        after_iteration(patch, 3, interrupt)
        assert go(folder, SECOND, seeds=1).stopped_by == "SIGINT"
    assert not (folder / "runs/digits-2-seed0").exists(), "only the first row's run has begun"
    assert go(folder, SECOND, seeds=1).done == ["digits-2-seed0"]
    start = json.loads((folder / "runs/digits-2-seed0/init_from.json").read_text())
    assert start["checkpoint"] == str(folder / "runs/digits-seed0")
    assert read(folder, SECOND).fits(SECOND) and read(folder, SECOND).settings["init_from"] == "row:digits"
    assert read(folder, DIGITS) is None
    assert go(folder, DIGITS, seeds=1).done == ["digits-seed0"], "its run is there, and only judged"
    other = replace(SECOND, settings=replace(SECOND.settings, learning_rate=0.5))
    with pytest.raises(ReproduceError, match="learning_rate"):
        go(folder, other, seeds=1)


def test_a_run_whose_start_another_process_trains_is_left_to_it(folder):
    with held_by_another_process(folder / "runs", "digits-seed0"):
        outcome = go(folder, DIGITS, SECOND, seeds=1)
    assert outcome.left == ["digits-seed0", "digits-2-seed0"] and not outcome.failed
    assert go(folder, DIGITS, SECOND, seeds=1).done == ["digits-seed0", "digits-2-seed0"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"seed": 7}, "seed=7 instead of 0"),
        ({"env_id": "RAM-CatchGame-v0"}, "env_id=RAM-CatchGame-v0 instead of RAM-Digits-v0"),
        ({"learning_rate": 0.5}, "learning_rate=0.5 instead of"),
    ],
)
def test_a_run_does_not_start_from_one_that_is_not_its_own(folder, changes, expected):
    go(folder, DIGITS, seeds=1)
    file = folder / "runs/digits-seed0/settings.json"
    content = json.loads(file.read_text())
    for name, value in changes.items():
        (content if name in content else content["training"])[name] = value
    file.write_text(json.dumps(content))
    with pytest.raises(ReproduceError, match=expected):
        go(folder, SECOND, seeds=1)
    assert not (folder / "runs/digits-2-seed0").exists()


def test_a_run_that_started_from_elsewhere_is_not_resumed(folder):
    go(folder, SECOND, seeds=1)
    file = folder / "runs/digits-2-seed0/settings.json"
    content = json.loads(file.read_text())
    content["training"]["init_from"] = "pretrained:RAM-Digits-v0"
    file.write_text(json.dumps(content))
    record_file(folder / "results", "digits-2").unlink()
    with pytest.raises(ReproduceError, match="init_from=pretrained:RAM-Digits-v0 instead of row:digits"):
        go(folder, SECOND, seeds=1)


def test_a_run_that_was_complete_but_not_judged_is_judged(folder, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "evaluate_run", killed)
        go(folder, DIGITS, seeds=1)
    assert go(folder, DIGITS, seeds=1).done == ["digits-seed0"]


def test_a_diverged_run_is_reported_and_the_others_go_on(folder, monkeypatch, capsys):
    from agents.training import hybrid

    original, calls = hybrid.update, []

    def update(policy, optimizer, loss, max_grad_norm):
        calls.append(loss)
        return original(policy, optimizer, loss * (float("nan") if len(calls) == 5 else 1), max_grad_norm)

    monkeypatch.setattr(hybrid, "update", update)
    outcome = go(folder, DIGITS, GAME, seeds=1)
    assert outcome.done == ["game-seed0"]
    assert "is nan at iteration 5" in outcome.failed["digits-seed0"]
    assert load_checkpoint(folder / "runs" / "digits-seed0").progress["iteration"] == 4, "the last good one"
    assert "digits-seed0: " in capsys.readouterr().err


def test_a_run_with_other_settings_is_named_before_anything_runs(folder):
    go(folder, DIGITS, seeds=1)
    longer = replace(DIGITS, settings=replace(DIGITS.settings, epochs=2))
    with pytest.raises(
        ReproduceError, match="digits-seed0 holds a run of digits with epochs=1 instead of 2: move it away"
    ):
        go(folder, GAME, longer, seeds=1)
    assert not (folder / "runs" / "game-seed0").exists()


def test_results_of_other_settings_are_kept_and_named(folder, capsys):
    go(folder, DIGITS, seeds=1)
    before = record_file(folder / "results", "digits").read_bytes()
    longer = replace(DIGITS, settings=replace(DIGITS.settings, epochs=2))
    (folder / "runs").rename(folder / "earlier")
    (kept,) = go(folder, longer, seeds=1).kept
    assert kept.read_bytes() == before and str(kept) in capsys.readouterr().err
    assert read(folder, longer).fits(longer)


def test_results_of_another_version_are_kept_and_named(folder, capsys):
    (folder / "results").mkdir()
    file = record_file(folder / "results", "digits")
    file.write_text(json.dumps({"kind": "ram-results", "version": 99, "seeds": {"0": "of another shape"}}))
    before = file.read_bytes()
    outcome = go(folder, DIGITS, seeds=1)
    (kept,) = outcome.kept
    assert outcome.done == ["digits-seed0"] and read(folder, DIGITS).fits(DIGITS)
    assert kept.read_bytes() == before and "version-99" in kept.name
    assert f"kept as {kept}" in capsys.readouterr().err


def test_a_damaged_results_file_stops_before_anything_runs(folder):
    (folder / "results").mkdir()
    record_file(folder / "results", "digits").write_text("{")
    with pytest.raises(ResultError, match="digits.json cannot be read"):
        go(folder, DIGITS)
    assert not (folder / "runs").exists()
    record_file(folder / "results", "digits").rename(record_file(folder / "results", "mnist-2"))
    with pytest.raises(ResultError, match="mnist-2.json cannot be read"):  # of a row that is only in the tables
        go(folder, DIGITS)
    assert not (folder / "runs").exists()


def test_missing_data_stop_before_anything_runs(folder):
    elsewhere = replace(DIGITS, settings=replace(DIGITS.settings, environment={"dataset": str(folder / "nowhere")}))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        go(folder, GAME, elsewhere)
    assert not (folder / "runs").exists()


def hold(file, held, done):
    with FileLock(file):
        held.set()
        done.wait(60)


@contextmanager
def held_by_another_process(folder, name):
    """Let another process hold the lock of a run in a folder, and crash."""
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    (folder / ".locks").mkdir(parents=True)
    other = context.Process(target=hold, args=(str(folder / ".locks" / f"{name}.lock"), held, done))
    other.start()
    try:
        assert held.wait(60)
        yield
    finally:
        other.kill()
        other.join()


def test_a_run_that_another_process_is_at_is_left_to_it(folder, capsys):
    with held_by_another_process(folder / "results", "digits-seed0"):
        outcome = go(folder, DIGITS, seeds=2)
    assert (outcome.left, outcome.done) == (["digits-seed0"], ["digits-seed1"])
    assert "digits-seed0: skipped, another process works on it" in capsys.readouterr().err
    assert go(folder, DIGITS, seeds=2).done == ["digits-seed0"]
    assert (folder / "results" / ".locks" / ".gitignore").read_text() == "*\n"


def test_a_run_that_is_at_work_for_other_results_is_left_alone(folder):
    with lock(folder / "runs", "digits-seed0"):
        assert go(folder, DIGITS, seeds=1).left == ["digits-seed0"]
    assert not (folder / "runs" / "digits-seed0").exists()


def reproduce_there(folder, start, done):
    jobs.VALIDATION_TEST = "train[-500:]"  # in a process of its own, which no fixture reaches
    start.wait(120)
    done.put(go(folder, DIGITS, seeds=3).done)


def test_two_at_once_do_every_run_once(folder):
    context = multiprocessing.get_context("spawn")
    start, done = context.Barrier(2), context.Queue()
    processes = [context.Process(target=reproduce_there, args=(folder, start, done)) for _ in range(2)]
    for process in processes:
        process.start()
    runs = [name for _ in processes for name in done.get(timeout=HANG_S)]
    for process in processes:
        process.join()
    assert sorted(runs) == ["digits-seed0", "digits-seed1", "digits-seed2"]
    assert list(read(folder, DIGITS).seeds) == [0, 1, 2]


def test_the_seed_that_did_best_in_validation_is_handed_on(folder, monkeypatch):
    go(folder, DIGITS, seeds=2)
    monkeypatch.setattr("paper.export.PACKAGED", ("digits",))
    monkeypatch.setattr(pretrained, "FOLDER", folder / "agents")
    (file,) = export_best([DIGITS, GAME], folder / "runs", folder / "results")
    seeds = read(folder, DIGITS).seeds
    best = min(seeds, key=lambda seed: seeds[seed].validation["value"])
    assert file.name == "RAM-Digits-v0.safetensors"
    assert load_checkpoint(file).progress["seed"] == best
    other = folder / "runs" / f"digits-seed{best}"
    other.rename(folder / "aside")
    (folder / "runs" / f"digits-seed{1 - best}").rename(other)
    with pytest.raises(ReproduceError, match=f"seed={1 - best} instead of {best}"):
        export_best([DIGITS], folder / "runs", folder / "results")
    assert load_checkpoint(file).progress["seed"] == best


@pytest.fixture
def tiny_table(folder, monkeypatch):
    """The command's table of rows has tiny ones."""
    tiny = {
        "mnist-6": replace(DIGITS, name="mnist-6", settings=replace(DIGITS.settings, epochs=2)),
        "mnist-6-early": replace(DIGITS, name="mnist-6-early", settings=replace(DIGITS.settings, epochs=2)),
        "catch": replace(GAME, name="catch"),
    }
    monkeypatch.setattr(rows, "ROWS", tiny)
    monkeypatch.setattr(module, "ROWS", tiny)
    return folder


def test_the_command_writes_results_and_the_tables_of_the_readme(tiny_table, capsys):
    assert main(["reproduce", "--row", "mnist-6", "--seeds", "1", "--device", "cpu"]) == 0
    assert capsys.readouterr().out == "README.md\n"
    content = json.loads((tiny_table / "docs/results/mnist-6.json").read_text())
    value = content["seeds"]["0"]["greedy"]["value"]
    readme = (tiny_table / "README.md").read_text()
    assert readme.startswith(f"# Title\n{BEGIN}\n") and f"{value:.2f} [" in readme
    assert main(["reproduce", "--row", "mnist-6", "--seeds", "1"]) == 0
    assert "nothing to train: docs/results holds the results" in capsys.readouterr().err
    assert main(["reproduce", "--dry-run", "--table", "catch", "--row", "mnist-6"]) == 0
    assert capsys.readouterr().out.split() == [
        "catch-seed0",
        "mnist-6-seed1",
        "catch-seed1",
        "mnist-6-seed2",
        "catch-seed2",
    ]


def test_rows_with_early_answers_are_evaluated_with_thresholds_too(tiny_table):
    results = tiny_table / "docs/results"
    assert curves_of_rows(results) == {}
    assert main(["reproduce", "--row", "mnist-6-early", "--seeds", "2", "--device", "cpu"]) == 0
    seeds = read_record(results / "mnist-6-early.json").seeds
    mean = curves_of_rows(results)["mnist-6-early"]
    for seed in seeds.values():
        errors, points = seed.stopping["error_by_glimpse"], seed.stopping["plain"]
        assert errors[-1] == pytest.approx(seed.greedy["value"]) and len(errors) == DIGITS.num_glimpses
        assert [threshold for threshold, *_ in points] == list(THRESHOLDS)
        assert all(1 <= glimpses <= len(errors) for *_, glimpses in points)
    for key in ("error_by_glimpse", "plain"):
        values = [seed.stopping[key] for seed in seeds.values()]
        assert np.array(mean[key]) == pytest.approx((np.array(values[0]) + values[1]) / 2)
    assert f", {EARLY_LABEL} | " in stopping_table(curves_of_rows(results))


def test_trying_out_and_validation_leave_results_and_tables_alone(tiny_table):
    before = (tiny_table / "README.md").read_text()
    assert main(["reproduce", "--table", "catch", "--seeds", "1", "--budget-scale", "0.5", "--device=cpu"]) == 0
    assert main(["reproduce", "--row", "mnist-6", "--seeds", "1", "--validate", "--device=cpu"]) == 0
    assert (tiny_table / "README.md").read_text() == before and not (tiny_table / "docs").exists()
    scaled = json.loads((tiny_table / "runs/reproduce/scaled-0.5/results/catch.json").read_text())
    assert scaled["settings"]["frames"] == GAME.settings.frames // 2
    assert (tiny_table / "runs/reproduce/validation/results/mnist-6.json").exists()


def test_ctrl_c_ends_the_command_with_130_and_a_failed_run_with_1(tiny_table, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        after_iteration(patch, 1, interrupt)
        assert main(["reproduce", "--row", "mnist-6", "--device", "cpu"]) == 130
    assert "run the same command to resume" in capsys.readouterr().err
    monkeypatch.setattr(module, "train", lambda *_: (_ for _ in ()).throw(run.TrainingError("diverged")))
    assert main(["reproduce", "--row", "mnist-6", "--device", "cpu", "--seeds", "1"]) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--row=mnist-9"], "row='mnist-9' is not one of"),
        (["--seeds=0"], "seeds=0"),
        (["--seeds=1000000"], "seeds=1000000"),
        (["--row=ablation-catch-core"], "row='ablation-catch-core' is an ablation: add --ablations"),
        (["--ablations", "--row=mnist-6"], "row='mnist-6' has no ablations"),
        (["--budget-scale=-1"], "budget_scale"),
        (["--export", "--budget-scale=0.5"], "--export needs agents of whole rows"),
        (["--export", "--validate"], "--export needs agents of whole rows"),
    ],
)
def test_bad_options_are_refused_in_one_line(tiny_table, capsys, options, message):
    assert main(["reproduce", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m paper: ") and message in line


def test_without_mnist_it_says_how_to_get_it(folder, monkeypatch, capsys):
    monkeypatch.setenv("RAM_ENVS_DATA", str(folder))
    assert main(["reproduce", "--row", "mnist-6", "--device", "cpu"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "images-idx3" in line and "RAM_ENVS_DATA" in line
    assert not (folder / "runs").exists()


def test_jobs_are_called_by_row_and_seed():
    assert Job(DIGITS, 2).name == "digits-seed2"


def test_a_folder_of_results_that_is_not_the_repository_s_never_changes_the_pages(tiny_table, capsys):
    command = ["reproduce", "--row", "mnist-6", "--device", "cpu", "--results", "new", "--seeds"]
    before = (tiny_table / "README.md").read_text()
    for seeds in ("1", "2"):  # the second command finds a results file
        assert main([*command, seeds]) == 0
        assert capsys.readouterr().out == "" and (tiny_table / "README.md").read_text() == before
    assert list(read_record(record_file(tiny_table / "new", "mnist-6")).seeds) == [0, 1]
    assert main(["tables", "--results", "new"]) == 0
    assert capsys.readouterr().out == "README.md\n" and (tiny_table / "README.md").read_text() != before


def test_the_repository_s_results_may_be_named_in_another_way(tiny_table, capsys):
    command = ["reproduce", "--row", "mnist-6", "--seeds", "1", "--device", "cpu", "--results"]
    assert main([*command, str(tiny_table / "docs/results")]) == 0
    assert capsys.readouterr().out == "README.md\n"


def test_export_trains_nothing(tiny_table, monkeypatch, capsys):
    monkeypatch.setattr(pretrained, "FOLDER", tiny_table / "agents")
    command = ["reproduce", "--row", "mnist-6", "--device", "cpu"]
    assert main([*command, "--export"]) == 0
    said = capsys.readouterr()
    assert said.out == "" and "nothing to export: docs/results holds no results of mnist-6, " in said.err
    assert not (tiny_table / "runs").exists()
    assert main([*command, "--seeds", "1"]) == 0
    monkeypatch.setattr(module, "train", lambda *_: pytest.fail("it trains"))
    capsys.readouterr()
    assert main(["reproduce", "--export"]) == 0  # catch has no results, mnist-6 lacks two seeds
    (file,) = (tiny_table / "agents").iterdir()
    assert capsys.readouterr().out == f"{file}\nREADME.md\n"
    (tiny_table / "runs").rename(tiny_table / "aside")
    file.unlink()
    assert main(["reproduce", "--export"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "mnist-6-seed0 holds no checkpoint of mnist-6, whose best seed is 0: pass the folder of its runs" in line
    assert list((tiny_table / "agents").iterdir()) == []


@pytest.mark.parametrize("options", [["--budget-scale=1e-9"], ["--validate"]])
def test_results_of_trials_go_below_out(tiny_table, capsys, options):
    command = ["reproduce", "--row", "mnist-6", "--seeds", "1", "--device", "cpu", *options]
    assert main([*command, "--results", "new"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "results='new' cannot be used with --validate or --budget-scale" in line and "leave out --results" in line
    assert not (tiny_table / "runs").exists()
    assert main(command) == 0 and main(command) == 0
    assert "/results holds the results; a new --out trains again" in capsys.readouterr().err


def test_a_dry_run_names_the_runs_that_are_trained_first(tiny_table, monkeypatch, capsys):
    third = replace(SECOND, name="digits-3", after=SECOND)
    chain = {row.name: row for row in (third, SECOND)}
    monkeypatch.setattr(rows, "ROWS", chain)

    def planned(*options):
        assert main(["reproduce", "--dry-run", "--out", "runs", "--seeds=1", *options]) == 0
        return capsys.readouterr().out.splitlines()

    first, second = "digits-seed0 (for digits-2-seed0)", "digits-2-seed0 (for digits-3-seed0)"
    assert planned("--row=digits-3") == [first, second, "digits-3-seed0"]
    assert planned("--row=digits-2") == [first, "digits-2-seed0"]
    assert planned() == [first, second, "digits-3-seed0", "digits-2-seed0"], "each start once"
    with monkeypatch.context() as patch:
        after_iteration(patch, 3, interrupt)
        assert go(tiny_table, DIGITS, seeds=1).stopped_by == "SIGINT"
    assert planned("--row=digits-2") == [first, "digits-2-seed0"], "it is resumed"
    go(tiny_table, DIGITS, seeds=1)
    assert planned("--row=digits-3") == [second, "digits-3-seed0"]
    go(tiny_table, SECOND, seeds=1)
    assert planned("--row=digits-3") == ["digits-3-seed0"]
    (tiny_table / "runs/digits-2-seed0/settings.json").unlink()
    assert main(["reproduce", "--dry-run", "--out", "runs", "--seeds=1", "--row=digits-3"]) == 2
    assert "holds a checkpoint without settings.json" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "", "frames,error_percent\n"])
def test_a_lost_log_of_a_run_is_a_failure_of_that_run_alone(folder, monkeypatch, content):
    original = module.train

    def train(job, run_folder, *arguments):
        trained = original(job, run_folder, *arguments)
        if job.row is DIGITS:
            file = run_folder / "metrics.csv"
            file.unlink() if content is None else file.write_text(content)
        return trained

    monkeypatch.setattr(module, "train", train)
    monkeypatch.setattr(jobs, "evaluate", lambda *_, **__: pytest.fail("it evaluates"))
    outcome = go(folder, DIGITS, CLASSIFIER, seeds=1)
    assert outcome.done == ["digits-fc-seed0"] and list(outcome.failed) == ["digits-seed0"]
    assert "digits-seed0/metrics.csv cannot be read (" in outcome.failed["digits-seed0"]
    assert "move " in outcome.failed["digits-seed0"] and "away to train again" in outcome.failed["digits-seed0"]


@pytest.mark.parametrize("row", [DIGITS, CLASSIFIER], ids=lambda row: row.name)
def test_a_checkpoint_without_its_settings_is_not_resumed(folder, row):
    go(folder, row, seeds=1)
    runs = folder / "runs"
    (runs / f"{row.name}-seed1").mkdir()
    (runs / f"{row.name}-seed0/checkpoint.safetensors").rename(runs / f"{row.name}-seed1/checkpoint.safetensors")
    with pytest.raises(ReproduceError, match="seed1 holds a checkpoint without settings.json: expected the settings"):
        go(folder, row, seeds=2)
    assert list(read(folder, row).seeds) == [0]


def test_tables_without_results_are_refused(folder, capsys):
    before = (folder / "README.md").read_text()
    assert main(["tables", "--results", "docs/result"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "results='docs/result' holds no results files: expected a folder such as docs/results" in line
    assert (folder / "README.md").read_text() == before and not (folder / "docs").exists()


def test_ctrl_c_is_one_line(folder, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("paper.__main__.draw_figures", interrupted)
    assert main(["figures"]) == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert "interrupted" in line
