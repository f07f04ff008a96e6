"""What each ingredient of the training is worth: headline rows with one of them changed, at a reduced length.

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
from paper.rows import ROWS, Reported, Row, for_validation

ABLATION_SEEDS = 3
"""How many seeds each ablation is trained with, unless asked otherwise."""
LENGTHS: dict[str, dict[str, Any]] = {"catch": {"frames": 2_000_000}, "cluttered-8": {"epochs": 6, "num_envs": 256}}
"""How long the ablations of a headline row are trained, and with fewer rows where so many would be too few steps."""
REFERENCE = "reference"


class Ablation(NamedTuple):
    """A headline row with one ingredient of its training changed.

    Attributes:
        row: The headline row.
        name: What it is called in commands and files, after the row.
        ingredient: What is changed, in words.
        changes: The settings that differ from the preset's; "network.core" is the core of its network.
    """

    row: str
    name: str
    ingredient: str
    changes: dict[str, Any]

    @property
    def full_name(self) -> str:
        """What it is called in commands and files."""
        return f"ablation-{self.row}-{self.name}"


ABLATIONS = (
    Ablation("catch", REFERENCE, "the preset as it is", {}),
    Ablation("catch", "location-weight", "weight of the locations' loss", {"location_weight": 1.0}),
    Ablation("catch", "gae-lambda", "lambda of the advantage", {"gae_lambda": 0.95}),
    Ablation("catch", "baseline-weight", "weight of the baseline's loss", {"baseline_weight": 0.5}),
    Ablation("catch", "entropy-weight", "weight of the moves' entropy", {"entropy_weight": 0.003}),
    Ablation("catch", "update-epochs", "passes over each batch", {"update_epochs": 1}),
    Ablation("catch", "scale-gain", "gain of each coarser scale", {"network.scale_gain": 1.0}),
    Ablation("catch", "location-std", "standard deviation of the location", {"network.location_std": 0.1}),
    Ablation("catch", "core", "core network", {"network.core": "relu"}),
    Ablation("catch", "precision", "arithmetic (auto: bfloat16 where that is faster)", {"precision": "float32"}),
    Ablation("catch", "advantage", "advantages normalised in every batch", {"normalise_advantage": False}),
    Ablation("catch", "reinforce", "algorithm", {"algorithm": "reinforce"}),
    Ablation("cluttered-8", REFERENCE, "the preset as it is", {}),
    Ablation("cluttered-8", "location-reward", "what a location is judged by", {"location_reward": "return"}),
    Ablation("cluttered-8", "confidence-discount", "discount of later confidence", {"confidence_discount": 1.0}),
    Ablation(
        "cluttered-8",
        "location-gradient",
        "share of the locations' gradient that the core learns from",
        {"location_gradient": 0.0},
    ),
    # Judged by what they teach, locations need an answer at every step: the paper's loss goes with the paper's reward.
    Ablation(
        "cluttered-8",
        "class-loss",
        "steps that the class is learned at, and what a location is judged by",
        {"class_loss": "last", "location_reward": "return"},
    ),
    Ablation("cluttered-8", "learning-rate", "learning rate", {"learning_rate": 1e-3}),
    Ablation("cluttered-8", "weight-decay", "weight decay", {"weight_decay": 0.01}),
    Ablation("cluttered-8", "input-gain", "gain of the pixels", {"network.input_gain": 1.0}),
    Ablation(
        "cluttered-8",
        "location-std",
        "standard deviation of the location, first and final",
        {"network.location_std": 0.1, "location_std_final": 0.1},
    ),
    Ablation("cluttered-8", "core-start", "start of the core's recurrent matrix", {"network.core_start": "orthogonal"}),
    Ablation("cluttered-8", "core", "core network", {"network.core": "lstm"}),
    Ablation(
        "cluttered-8",
        "branches",
        "units of the glimpse network's two branches",
        {"network.glimpse_hidden": 256, "network.location_hidden": 256},
    ),
    Ablation(
        "cluttered-8",
        "location-network",
        "units of the location network's hidden layer",
        {"network.location_network_hidden": 0},
    ),
    Ablation("cluttered-8", "squash-location", "tanh on the mean of the location", {"network.squash_location": False}),
)
"""The table of ablations; the reference of a headline row comes before its others."""


def ablations(rows: Iterable[str] = LENGTHS) -> list[Ablation]:
    """Return the ablations of some headline rows, but for those that today's preset has anyway."""
    rows = list(rows)
    return [
        one
        for one in ABLATIONS
        if one.row in rows and (one.name == REFERENCE or any(before != after for before, after in compared(one)))
    ]


def compared(one: Ablation) -> list[tuple[Any, Any]]:
    """Return for each setting of an ablation what the preset has, and what it is changed to."""
    preset, pairs = ROWS[one.row].settings.to_dict(), []
    for name, value in one.changes.items():
        group, _, key = name.rpartition(".")
        pairs.append(((preset[group] if group else preset)[key], value))
    return pairs


def ablation_row(ablation: Ablation) -> Row:
    """Return an ablation as the row that is trained: shorter, without the validation images, and changed."""
    base = ROWS[ablation.row]
    assert isinstance(base.settings, HybridSettings | GameSettings)
    network = {name.partition(".")[2]: value for name, value in ablation.changes.items() if "." in name}
    changes = {name: value for name, value in ablation.changes.items() if "." not in name}
    settings = replace(
        base.settings, network=replace(base.settings.network, **network), **LENGTHS[ablation.row], **changes
    )
    row = replace(base, name=ablation.full_name, label=ablation.ingredient, settings=settings, reported=Reported())
    return for_validation(row)


def choose_ablations(tables: Iterable[str] = (), names: Iterable[str] = ()) -> list[Row]:
    """Return the rows of some ablations, with those that they are compared with; of all if nothing is given.

    Args:
        tables: Tables whose headline rows' ablations are meant.
        names: Names of ablations, or of headline rows, all of whose ablations are meant.

    Raises:
        ValueError: If there is no such ablation, or a table has none; the message names those there are.
    """
    tables, names = list(tables), list(names)
    for table in tables:
        if table not in (known := dict.fromkeys(ROWS[row].table for row in LENGTHS)):
            raise ValueError(f"table={table!r} has no ablations: expected one of {', '.join(known)}")
    for name in names:
        if name not in (choices := [*LENGTHS, *(one.full_name for one in ablations())]):
            raise ValueError(f"row={name!r} is no ablation, nor has it any: expected one of {', '.join(choices)}")
    everything = not tables and not names
    chosen = [
        one
        for one in ablations()
        if everything or ROWS[one.row].table in tables or one.row in names or one.full_name in names
    ]
    rows = {one.row for one in chosen}
    return [ablation_row(one) for one in ablations(rows) if one in chosen or one.name == REFERENCE]
