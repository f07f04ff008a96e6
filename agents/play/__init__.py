"""A person plays an environment in a window: `ram play`."""

from agents.play.display import DisplayError
from agents.play.loop import play
from agents.play.score import Score

__all__ = ["DisplayError", "Score", "play"]
