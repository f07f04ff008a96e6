"""The recipes of hyperparameter search and experiment tracking run as they are, with the real libraries, offline."""

import sqlite3

import pytest

from tests.integrations.programs import ROOT, run_program

BUDGET = ["--steps", "200"]


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("WANDB_DISABLED", "false")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


def run(example, *arguments, folder):
    result = run_program(ROOT / "examples" / example, *arguments, folder=folder)
    assert result.status == 0, result.stderr
    return result.stdout


def test_optuna_prunes_trials_and_their_runs_end_with_a_checkpoint(tmp_path):
    said = run("optuna_pruning.py", "--steps", "3000", "--rows", "4", "--trials", "8", folder=tmp_path)
    assert "8 trials, " in said and "best: success rate" in said
    pruned = int(said.split("8 trials, ")[1].split(" pruned")[0])
    assert 1 <= pruned <= 5
    folders = sorted(path.name for path in (tmp_path / "runs" / "optuna").iterdir())
    assert folders == [f"trial{number}" for number in range(8)]
    lengths = [len((tmp_path / "runs" / "optuna" / name / "metrics.csv").read_text().splitlines()) for name in folders]
    assert sum(length < max(lengths) for length in lengths) == pruned
    assert all((tmp_path / "runs" / "optuna" / name / "checkpoint.safetensors").exists() for name in folders)


def test_mlflow_has_settings_metrics_and_the_agent(tmp_path):
    said = run("mlflow_tracking.py", *BUDGET, folder=tmp_path)
    assert "MLflow run " in said
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        metrics = dict(database.execute("select key, value from metrics"))
        params = dict(database.execute("select key, value from params"))
    assert {"success_rate", "losses/location", "deterministic_success_rate"} <= set(metrics)
    assert params["method"] == "game" and params["network.core"] == "lstm"
    (artifact,) = tmp_path.glob("mlruns/**/agent.safetensors")
    assert artifact.stat().st_size > 10_000


def test_weights_and_biases_writes_an_offline_run(tmp_path):
    said = run("wandb_offline.py", *BUDGET, folder=tmp_path)
    assert "success rate" in said
    (file,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    content = file.read_bytes()
    assert b"losses/location" in content and b"deterministic_success_rate" in content
