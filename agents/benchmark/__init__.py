"""Algorithms side by side on the environments, at one budget of frames: ``ram benchmark``.

An algorithm of one's own joins by deriving from :class:`Algorithm`; docs/benchmark-own-algorithm.md shows how.
"""

from __future__ import annotations

from agents.benchmark.algorithm import Algorithm, Problem, Progress

__all__ = ["Algorithm", "Problem", "Progress"]
