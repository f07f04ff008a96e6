"""Figures of merit: the metric that an evaluation reports, and its formatting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class FigureOfMerit:
    """The metric that an evaluation reports.

    Attributes:
        name: Its name in files: JSON, ``metrics.csv``, TensorBoard.
        label: Its name in text and on axes.
        of: What it is computed from: "success", the share of episodes with ``info["is_success"]``; "failure", the
            share of all other episodes; "return", the mean episode return.
        unit: Unit of the shown value, such as "%"; empty for none.
        stored_factor: Files hold the share times this number, such as 100 for an error in percent.
        shown_factor: Text and axes show the stored value times this number.
        more_is_better: Whether a larger value is better.
        digits: Decimal places of the shown value.
        logarithmic: Whether its axis is logarithmic.
    """

    name: str
    label: str
    of: Literal["success", "failure", "return"]
    unit: str = ""
    stored_factor: float = 1.0
    shown_factor: float = 1.0
    more_is_better: bool = True
    digits: int = 2
    logarithmic: bool = False

    @property
    def is_share(self) -> bool:
        """Whether it is a share of episodes, which has a binomial confidence interval."""
        return self.of != "return"

    def shown(self, value: float) -> float:
        """Convert a stored value to the unit that is shown."""
        return value * self.shown_factor

    def write(self, value: float) -> str:
        """Format a stored value with its unit: "99.65 %"."""
        return f"{self.shown(value):.{self.digits}f} {self.unit}".rstrip()

    def better(self, one: float, other: float) -> bool:
        """Whether the first of two values is better than the second."""
        return one > other if self.more_is_better else one < other

    @property
    def axis_label(self) -> str:
        """The label with the unit: "error (%)"."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


SUCCESS_RATE = FigureOfMerit(name="success_rate", label="success rate", of="success", unit="%", shown_factor=100)
ERROR_PERCENT = FigureOfMerit(
    name="error_percent",
    label="error",
    of="failure",
    unit="%",
    stored_factor=100,
    more_is_better=False,
    logarithmic=True,
)
EPISODE_RETURN = FigureOfMerit(name="episode_return", label="episode return", of="return", digits=3)

FIGURES: dict[str, FigureOfMerit] = {figure.name: figure for figure in (SUCCESS_RATE, ERROR_PERCENT, EPISODE_RETURN)}
"""The figures of merit that come with the suite, by name. A task may bring its own."""
