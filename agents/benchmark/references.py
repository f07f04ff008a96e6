"""Players that learn nothing and frame the scale: a random one, and an oracle that sees the state of the task."""

from __future__ import annotations

from agents.benchmark.algorithm import Problem
from agents.benchmark.evaluation import Evaluator, Score
from agents.evaluation.references import OraclePlayer, RandomPlayer, SamplingPlayer
from ram_envs.registration import is_wrapper_id, task_class
from ram_envs.tasks import Task

RANDOM, ORACLE = "random", "oracle"
REFERENCES = (RANDOM, ORACLE)
"""Their names, which no algorithm can have."""


def references_of(env_id: str) -> tuple[str, ...]:
    """Return the names of the references that an environment has: a task may have no oracle, others never do."""
    if is_wrapper_id(env_id):
        return (RANDOM,)
    task = task_class(env_id)
    has_oracle = task.oracle is not Task.oracle or task.target is not Task.target
    return REFERENCES if has_oracle else (RANDOM,)


def score_reference(name: str, problem: Problem, episodes: int, split: str) -> Score:
    """Let one of :data:`REFERENCES` play.

    Args:
        name: Its name, one of :func:`references_of`.
        problem: The environment, with actions in the format "dict".
        episodes: Number of episodes.
        split: The images to show.
    """
    evaluator = Evaluator(problem, episodes, split)
    if problem.is_wrapped:
        return evaluator.score(SamplingPlayer(evaluator.env))
    if name == RANDOM:
        return evaluator.score(RandomPlayer(evaluator.env.task))
    oracle = evaluator.env.task.oracle()
    assert oracle is not None, "see references_of"
    return evaluator.score(OraclePlayer(evaluator.env, oracle))
