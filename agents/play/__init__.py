"""`ram play`: a person plays an environment in a window."""

from agents.play.display import DisplayError
from agents.play.loop import play
from agents.play.score import Score

__all__ = ["DisplayError", "Score", "play"]
