"""Players that learn nothing and frame the scale: a random one, and an oracle that sees the state of the task."""

from __future__ import annotations

from agents.benchmark.algorithm import Problem
from agents.benchmark.evaluation import Evaluator, Score

RANDOM, ORACLE = "random", "oracle"
REFERENCES = (RANDOM, ORACLE)
"""Their names, which no algorithm can have."""


def score_reference(name: str, problem: Problem, episodes: int, split: str) -> Score:
    """Let one of :data:`REFERENCES` play.

    Args:
        name: Its name.
        problem: The environment, with actions in the format "dict".
        episodes: Number of episodes.
        split: The images to show.

    Raises:
        RuntimeError: If the task has no oracle.
    """
    from agents.evaluation.players import OraclePlayer, RandomPlayer  # imports torch, which not every algorithm needs

    evaluator = Evaluator(problem, episodes, split)
    if name == RANDOM:
        return evaluator.score(RandomPlayer(evaluator.env.task))
    oracle = evaluator.env.task.oracle()
    if oracle is None:
        raise RuntimeError(f"the task of {problem.env_id} has no oracle")
    return evaluator.score(OraclePlayer(evaluator.env, oracle))
