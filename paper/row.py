"""A row of the paper's tables: what it is called, how it is trained and what others report for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from agents.training.settings import GameSettings, HybridSettings
from paper import augmented
from paper.classifiers import ClassifierSettings
from ram_envs.sensors.gaze import SCRIPTS
from ram_envs.tasks import ERROR_PERCENT, SUCCESS_RATE, FigureOfMerit

Settings = HybridSettings | GameSettings | ClassifierSettings

TABLES = {
    "mnist": ("RAM-MNIST-v0", "MNIST, 28x28"),
    "translated": ("RAM-TranslatedMNIST-v0", "Translated MNIST, 60x60"),
    "cluttered": ("RAM-ClutteredMNIST-v0", "Cluttered Translated MNIST, 60x60, 4 pieces of clutter"),
    "cluttered100": ("RAM-ClutteredMNIST100-v0", "Cluttered Translated MNIST, 100x100, 8 pieces of clutter"),
    "catch": ("RAM-CatchGame-v0", "Catch, 24x24"),
    "pairs": ("RAM-MNISTPairs-v0", "MNIST pairs, 100x100, two digits and 8 pieces of clutter"),
    "addition": ("RAM-MNISTAddition-v0", "MNIST addition, 100x100, the sum of two digits"),
    "sequence": ("RAM-MNISTSequence-v0", "MNIST sequences, 40x160, 1 to 5 digits"),
    "larger": ("RAM-ClutteredMNIST100-v0", "Larger scenes, 100x100 to 400x400, clutter in proportion to the area"),
    "colour": ("RAM-ColourMNIST-v0", "Coloured MNIST, 60x60, tinted digits on random textures"),
}
"""Environment and title of each table."""
BEYOND = ("pairs", "addition", "sequence", "larger", "colour")
"""Tables of tasks that the paper does not have."""

HEADLINES = ("mnist-6", "translated-8", "cluttered-8", "cluttered100-8", "catch")
"""The rows of the README: one of each task of the paper."""
PACKAGED = (*HEADLINES, "pairs-8", "addition-8", "sequence", "colour-8")
"""The rows whose agents come with the package."""
EARLY_LABEL, BRANCHES_LABEL = "rewarded for early certainty", "glimpse branches of 256"
STOPPED = {
    "mnist-6-early": EARLY_LABEL,
    "cluttered-8-branches": BRANCHES_LABEL,
    "cluttered100-8-branches": BRANCHES_LABEL,
}
"""Rows that are evaluated with early stopping, besides the packaged agents, and what they change."""
SEEDS = 3
"""Random seeds of each row and each ablation unless another number is asked for."""
ROW_PREFIX = "row:"
"""Before the name of the row in the ``init_from`` of a row that starts from another one's run."""
VALIDATION_IMAGES = 5_000
VALIDATION_TRAIN, VALIDATION_TEST = f"train[:-{VALIDATION_IMAGES}]", f"train[-{VALIDATION_IMAGES}:]"
"""Hyperparameters are tuned by training on the first split and evaluating on the second."""


class Reported(NamedTuple):
    """Figures in percent of arXiv version 1, of the published paper and of the best public re-implementation."""

    arxiv: float | None = None
    neurips: float | None = None
    public: float | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a table.

    Attributes:
        name: Name in commands and files.
        table: One of ``TABLES``.
        label: Name in the table.
        settings: Training settings.
        env_id: The environment.
        reported: Reported figures.
        variant: Whether it changes one thing more in the agent of another row; the charts leave it out.
        after: The row from whose run of the same seed it starts; that is trained first.
    """

    name: str
    table: str
    label: str
    settings: Settings
    env_id: str
    reported: Reported
    variant: bool = False
    after: Row | None = None

    @property
    def is_game(self) -> bool:
        """Whether the task is a game, which shows no images."""
        return isinstance(self.settings, GameSettings)

    @property
    def figure(self) -> FigureOfMerit:
        """The figure of merit of the task."""
        return SUCCESS_RATE if self.is_game else ERROR_PERCENT

    @property
    def scene_size(self) -> str:
        """Size of the scenes in the title of the table, such as "60x60"."""
        return TABLES[self.table][1].split(", ")[1]

    @property
    def test_environment(self) -> dict[str, Any]:
        """Arguments of the environment of its evaluation: the digits of MNIST, also where training has changed ones."""
        return {name: value for name, value in self.settings.environment.items() if name != "dataset"}

    @property
    def num_glimpses(self) -> int | None:
        """Glimpses per episode of RAM in classification; None for other rows."""
        return self.settings.environment.get("num_glimpses") if isinstance(self.settings, HybridSettings) else None

    @property
    def random(self) -> bool:
        """Whether RAM looks at random locations instead of learning them."""
        return not isinstance(self.settings, ClassifierSettings) and self.settings.network.random_locations

    @property
    def scripted(self) -> bool:
        """Whether a script moves the gaze."""
        return self.settings.environment.get("gaze") in SCRIPTS

    @property
    def first_inside(self) -> bool:
        """Whether the first glimpse is always completely inside the scene."""
        return self.settings.environment.get("first_location") == "inside"


def for_validation(row: Row) -> Row:
    """Return a row that is trained without the validation images; a game is returned unchanged.

    Agents of the package, which some rows start from, were trained with these images.
    """
    if row.is_game:
        return row
    changed = row.settings.environment.get("dataset") == augmented.DATASET
    split = f"train[:-{augmented.COPIES * VALIDATION_IMAGES}]" if changed else VALIDATION_TRAIN
    environment = {**row.settings.environment, "split": split}
    after = row.after and for_validation(row.after)
    return replace(row, settings=replace(row.settings, environment=environment), after=after)


def scaled(row: Row, factor: float) -> Row:
    """Return a row with the length of its training multiplied, for quick trials."""
    row = replace(row, after=row.after and scaled(row.after, factor))
    settings = row.settings
    if isinstance(settings, GameSettings):
        return replace(row, settings=replace(settings, frames=max(1, round(factor * settings.frames))))
    return replace(row, settings=replace(settings, epochs=max(1, round(factor * settings.epochs))))
