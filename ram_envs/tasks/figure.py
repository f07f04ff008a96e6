"""Figures of merit: the number by which a policy is compared, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class FigureOfMerit:
    """The number that an evaluation reports.

    Attributes:
        name: Its name in files: JSON, ``metrics.csv``, TensorBoard.
        label: Its name for people, as on an axis.
        of: What it is computed from: "success", the share of episodes with ``info["is_success"]``; "failure", the
            share of the others; "return", the mean episode return.
        unit: Unit of the shown value, such as "%"; empty for none.
        stored_factor: A share is stored in files times this number, such as 100 for an error in percent.
        shown_factor: The stored value is shown times this number.
        more_is_better: Whether a larger value is better.
        digits: Decimal places of the shown value.
        logarithmic: Whether an axis in its unit is best drawn logarithmic.
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
        """Return a stored value in the unit in which people read it."""
        return value * self.shown_factor

    def write(self, value: float) -> str:
        """Write a stored value with its unit: "99.65 %"."""
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
