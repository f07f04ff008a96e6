"""Ablations: rows with one ingredient of their training changed, at a reduced length.

An ablation is a row like those of the paper's tables: ``python -m paper reproduce --ablations`` trains, resumes,
evaluates and writes it in the same way. Hyperparameters may be chosen from ablations, so they are trained without the
last 5,000 training images and evaluated on those, never on the test set. The reference is the unchanged preset at the
same length.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from agents.training.settings import GameSettings, HybridSettings
from paper.row import Reported, Row, for_validation
from paper.rows import ROWS
from ram_envs.errors import InvalidArgument
from ram_envs.registration import task_class

LENGTHS: dict[str, dict[str, Any]] = {
    "catch": {"frames": 2_000_000},
    "cluttered-8": {"epochs": 6, "num_envs": 256},
    "pairs-8": {"epochs": 10},
    "addition-8": {"epochs": 10},
}
"""Length of the ablations of each row, with smaller batches where the full ones would be too few steps."""
REFERENCE = "reference"


class Ablation(NamedTuple):
    """A row with one ingredient of its training changed.

    Attributes:
        row: The row.
        name: Name in commands and files, after that of the row.
        ingredient: What is changed, for readers.
        changes: The settings that differ from the preset; "network.core" is the core of its network, and
            "environment.first_location" an argument of its environment.
    """

    row: str
    name: str
    ingredient: str
    changes: dict[str, Any]

    @property
    def full_name(self) -> str:
        """Name in commands and files."""
        return f"ablation-{self.row}-{self.name}"


ABLATIONS = (
    Ablation("catch", REFERENCE, "unchanged preset", {}),
    Ablation("catch", "location-weight", "weight of the location loss", {"location_weight": 1.0}),
    Ablation("catch", "gae-lambda", "GAE lambda", {"gae_lambda": 0.95}),
    Ablation("catch", "baseline-weight", "weight of the baseline loss", {"baseline_weight": 0.5}),
    Ablation("catch", "entropy-weight", "weight of the entropy of the moves", {"entropy_weight": 0.003}),
    Ablation("catch", "update-epochs", "epochs per batch", {"update_epochs": 1}),
    Ablation("catch", "scale-gain", "gain of each coarser scale", {"network.scale_gain": 1.0}),
    Ablation("catch", "location-std", "location_std", {"network.location_std": 0.1}),
    Ablation("catch", "core", "core network", {"network.core": "relu"}),
    Ablation("catch", "precision", "precision (auto: bfloat16 where it is faster)", {"precision": "float32"}),
    Ablation("catch", "advantage", "advantage normalization in every batch", {"normalise_advantage": False}),
    Ablation("catch", "reinforce", "algorithm", {"algorithm": "reinforce"}),
    Ablation("cluttered-8", REFERENCE, "unchanged preset", {}),
    Ablation("cluttered-8", "location-reward", "reward of the location policy", {"location_reward": "return"}),
    Ablation("cluttered-8", "confidence-discount", "discount of later confidence gains", {"confidence_discount": 1.0}),
    Ablation(
        "cluttered-8",
        "location-gradient",
        "share of the location gradient that flows into the core",
        {"location_gradient": 0.0},
    ),
    # The confidence reward needs an answer at every step, so the paper's loss goes with the paper's reward.
    Ablation(
        "cluttered-8",
        "class-loss",
        "steps with classification loss, and reward of the location policy",
        {"class_loss": "last", "location_reward": "return"},
    ),
    Ablation("cluttered-8", "annealed", "steps with classification loss", {"class_loss": "annealed"}),
    Ablation("cluttered-8", "learning-rate", "learning rate", {"learning_rate": 1e-3}),
    Ablation("cluttered-8", "weight-decay", "weight decay", {"weight_decay": 0.01}),
    Ablation("cluttered-8", "input-gain", "input gain", {"network.input_gain": 1.0}),
    Ablation(
        "cluttered-8",
        "location-std",
        "location_std, initial and final",
        {"network.location_std": 0.1, "location_std_final": 0.1},
    ),
    Ablation(
        "cluttered-8", "core-start", "initialization of the recurrent matrix", {"network.core_start": "orthogonal"}
    ),
    Ablation("cluttered-8", "core", "core network", {"network.core": "lstm"}),
    Ablation(
        "cluttered-8",
        "branches",
        "units of the two branches of the glimpse network",
        {"network.glimpse_hidden": 256, "network.location_hidden": 256},
    ),
    Ablation(
        "cluttered-8",
        "location-network",
        "hidden units of the location network",
        {"network.location_network_hidden": 0},
    ),
    Ablation("cluttered-8", "squash-location", "tanh-squashed location mean", {"network.squash_location": False}),
    Ablation("pairs-8", REFERENCE, "unchanged preset", {}),
    Ablation("pairs-8", "init-from", "initial weights", {"init_from": None}),
    Ablation("pairs-8", "exploration", "share of the episodes that scan bright spots", {"location_exploration": 0.0}),
    Ablation("pairs-8", "gaze", "gaze control", {"environment.gaze": "absolute", "environment.max_step": None}),
    Ablation("pairs-8", "answer-heads", "softmaxes of the answer", {"network.answer_heads": "joint"}),
    Ablation("pairs-8", "location-reward", "reward of the location policy", {"location_reward": "confidence"}),
    Ablation("pairs-8", "discount", "discount of later gains", {"confidence_discount": 1.0}),
    Ablation("pairs-8", "location-weight", "weight of the location loss", {"location_weight": 1.0}),
    Ablation("pairs-8", "core", "core network", {"network.core": "relu"}),
    Ablation("pairs-8", "class-loss", "steps with classification loss", {"class_loss": "last"}),
    Ablation("pairs-8", "context", "first glimpse", {"environment.first_location": "center"}),
    Ablation("addition-8", REFERENCE, "unchanged preset", {}),
    Ablation("addition-8", "class-loss", "steps with classification loss", {"class_loss": "every"}),
    Ablation("addition-8", "annealed", "steps with classification loss", {"class_loss": "annealed"}),
)
"""All ablations; the reference of a row comes first."""


def ablations(rows: Iterable[str] = LENGTHS) -> list[Ablation]:
    """Return the ablations of some rows, except changes that the current preset already has."""
    rows = list(rows)
    return [
        one
        for one in ABLATIONS
        if one.row in rows and (one.name == REFERENCE or any(before != after for before, after in compared(one)))
    ]


def compared(one: Ablation) -> list[tuple[Any, Any]]:
    """Return the value in the preset and the changed value of each setting of an ablation."""
    preset, pairs = ROWS[one.row].settings.to_dict(), []
    for name, value in one.changes.items():
        group, _, key = name.rpartition(".")
        if group == "environment":  # which has what differs from the environment's defaults
            default = getattr(task_class(ROWS[one.row].env_id), key)
            pairs.append((preset[group].get(key, default), value))
            continue
        pairs.append(((preset[group] if group else preset)[key], value))
    return pairs


def ablation_row(ablation: Ablation) -> Row:
    """Return an ablation as a row: shorter, trained without the validation images, and changed."""
    base = ROWS[ablation.row]
    assert isinstance(base.settings, HybridSettings | GameSettings)
    groups: dict[str, dict[str, Any]] = {"network": {}, "environment": {}, "": {}}
    for name, value in ablation.changes.items():
        group, _, key = name.rpartition(".")
        groups[group][key] = value
    settings = replace(
        base.settings,
        network=replace(base.settings.network, **groups["network"]),
        environment={**base.settings.environment, **groups["environment"]},
        **LENGTHS[ablation.row],
        **groups[""],
    )
    row = replace(base, name=ablation.full_name, label=ablation.ingredient, settings=settings, reported=Reported())
    return for_validation(row)


def choose_ablations(tables: Iterable[str] = (), names: Iterable[str] = ()) -> list[Row]:
    """Return the rows of some ablations with their references; of all ablations if nothing is given.

    Args:
        tables: Tables, for all ablations of their rows.
        names: Names of ablations, or of rows for all of their ablations.

    Raises:
        InvalidArgument: If there is no such ablation.
    """
    tables, names = list(tables), list(names)
    for table in tables:
        if table not in (known := dict.fromkeys(ROWS[row].table for row in LENGTHS)):
            raise InvalidArgument(f"table={table!r} has no ablations: expected one of {', '.join(known)}")
    for name in names:
        if name not in (choices := [*LENGTHS, *(one.full_name for one in ablations())]):
            raise InvalidArgument(f"row={name!r} has no ablations: expected one of {', '.join(choices)}")
    everything = not tables and not names
    chosen = [
        one
        for one in ablations()
        if everything or ROWS[one.row].table in tables or one.row in names or one.full_name in names
    ]
    rows = {one.row for one in chosen}
    return [ablation_row(one) for one in ablations(rows) if one in chosen or one.name == REFERENCE]
