"""Rows and results made up for tests."""

from agents.ram.settings import NetworkSettings
from agents.training.settings import GameSettings, HybridSettings
from paper.classifiers import ClassifierSettings
from paper.records import Record, SeedResult, plain_settings
from paper.row import HEADLINES, Reported, Row
from paper.rows import ROWS

SMALL = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}
DIGITS = Row(
    name="digits",
    table="mnist",
    label="RAM, 2 glimpses",
    env_id="RAM-Digits-v0",
    reported=Reported(neurips=1.0),
    settings=HybridSettings(
        environment={"num_glimpses": 2},
        network=NetworkSettings(**SMALL),
        num_envs=128,
        epochs=1,
        log_every=2,
        checkpoint_every=2,
    ),
)
CLASSIFIER = Row(
    name="digits-fc",
    table="mnist",
    label="fully connected",
    env_id="RAM-Digits-v0",
    reported=Reported(neurips=1.0),
    settings=ClassifierSettings(kind="connected", hidden=(8,), num_envs=128, epochs=1, log_every=2),
)
GAME = Row(
    name="game",
    table="catch",
    label="RAM",
    env_id="RAM-CatchGame-v0",
    reported=Reported(neurips=85.0),
    settings=GameSettings(
        environment={"screen_size": 6, "patch_size": 2, "num_scales": 2},
        network=NetworkSettings(core="lstm", **SMALL),
        num_envs=8,
        frames=6 * 8 * 5,
        update_epochs=1,
        minibatches=2,
        log_every=2,
        checkpoint_every=2,
    ),
)

STOPPING = {
    "episodes": 100,
    "temperature": 0.9,
    "error_by_glimpse": [50.0, 2.0],
    "plain": [[0.5, 20.0, 1.2], [0.9, 2.04, 2.0]],
    "calibrated": [[0.5, 20.0, 1.2], [0.9, 2.04, 2.0]],
}
DISTANCE = {"edges": [0, 10, 20], "scenes_and_errors": [[20, 10], [30, 3], [50, 1]]}


def result(seed=0, value=1.5, figure="error_percent", **changes):
    """Return a result that nobody ever reached."""
    evaluation = {
        "env_id": "RAM-Digits-v0",
        "figure": figure,
        "value": value,
        "interval_low": 0.9 * value,
        "interval_high": 1.1 * value,
        "episodes": 100,
        "mean_glimpses": 2.0,
        "split": "test",
        "seed": 0,
        "greedy": True,
        "greedy_action": True,
        "seconds": 1.0,
    }
    values = {
        "seed": seed,
        "greedy": evaluation,
        "sampled": {**evaluation, "value": 2 * value},
        "validation": evaluation,
        "frames": 2_000_000,
        "seconds": 1800.0,
        "parameters": 1000,
        "hardware": "a processor",
        "versions": {"torch": "0"},
        "curve": {"frames": [1e6, 2e6, 3e6], "values": [0.2, 0.9, 0.8]},
    }
    return SeedResult(**{**values, **changes})


def record(row, *results):
    """Return a record of a row."""
    return Record(
        row=row.name, env_id=row.env_id, settings=plain_settings(row), seeds={one.seed: one for one in results}
    )


def records():
    """Return records of all rows of the paper."""
    found = {}
    for row in ROWS.values():
        game = row.table == "catch"
        values = [0.97, 0.98, 0.99] if game else [2.0, 3.0, 4.0]
        figure = "success_rate" if game else "error_percent"
        results = [result(seed, values[seed], figure) for seed in range(len(values) if row.name in HEADLINES else 1)]
        found[row.name] = record(row, *results)
    return found
