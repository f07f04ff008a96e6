"""``ram benchmark``: compares learning algorithms on the environments at the same budget of frames.

Add an algorithm of your own by deriving from :class:`Algorithm`; see docs/benchmark-own-algorithm.md.
"""

from __future__ import annotations

from agents.benchmark.algorithm import Algorithm, Problem, Progress

__all__ = ["Algorithm", "Problem", "Progress"]
