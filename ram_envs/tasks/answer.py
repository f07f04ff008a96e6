"""The answer: the part of an action that is not the gaze."""

from __future__ import annotations

from dataclasses import dataclass

from gymnasium import spaces

from ram_envs.errors import InvalidArgument


@dataclass(frozen=True)
class Answer:
    """The part of an action that is not the gaze: a move, a label, or numbers.

    Attributes:
        key: Its key in a dictionary action, such as "move" or "label".
        space: ``Discrete(n)`` starting at 0, or a bounded one-dimensional float32 ``Box`` for numbers.
        names: Names of the choices, such as ("left", "stay", "right"), or of the numbers of a Box. Empty for
            "0", "1", ... Choices named "left", "right", "up" and "down" are mapped to the arrow keys in ``ram play``.
        look_on: The choice that gives no answer and takes another glimpse; None if there is none.

    Raises:
        InvalidArgument: If the space is of another kind, the names do not match it, or the key is taken.
    """

    key: str
    space: spaces.Discrete | spaces.Box
    names: tuple[str, ...] = ()
    look_on: int | None = None

    def __post_init__(self) -> None:
        """Check the fields, and fill in the names."""
        if self.key in ("fixation", "glimpse", "location"):
            raise InvalidArgument(f"key={self.key!r} is taken by the gaze or an observation: choose another one")
        self.check_space()
        if not self.names:
            object.__setattr__(self, "names", tuple(map(str, range(self.size))))
        if len(self.names) != self.size:
            raise InvalidArgument(f"names={self.names} does not match {self.space}: expected {self.size} names")

    def check_space(self) -> None:
        """Check the space.

        Raises:
            InvalidArgument: If it is of another kind.
        """
        if isinstance(self.space, spaces.Discrete):
            if self.space.start != 0:
                raise InvalidArgument(f"space={self.space} is not valid: expected Discrete(n) that starts at 0")
        elif not isinstance(self.space, spaces.Box) or len(self.space.shape) != 1 or not self.space.is_bounded():
            raise InvalidArgument(
                f"space={self.space} is not valid: expected Discrete(n), or a bounded Box of shape (n,)"
            )

    @property
    def is_choice(self) -> bool:
        """Whether it is one of several choices (``Discrete``), not numbers (``Box``)."""
        return isinstance(self.space, spaces.Discrete)

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of choices of each choice to make: (n,) for ``Discrete(n)``, () for a Box."""
        return (int(self.space.n),) if isinstance(self.space, spaces.Discrete) else ()

    @property
    def size(self) -> int:
        """The number of choices, or of numbers in a Box."""
        return int(self.space.n) if isinstance(self.space, spaces.Discrete) else self.space.shape[0]
