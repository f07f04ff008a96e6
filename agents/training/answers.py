"""The hybrid loss in any vector environment that hands out the right answers: whole episodes, one in every row.

To follow an iteration read :func:`train_answers`, then :mod:`agents.training.vector_rollout`,
:mod:`agents.training.returns` and :mod:`agents.training.losses`. All rows are reset at the start of an iteration, with
seeds that follow from the run's seed and the iteration. So a resumed run is the run that never stopped, if the seed of
a reset decides everything in the environment.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from agents.environments.world import World
from agents.ram.decisions import SequenceEvaluation
from agents.training.fast import distributed
from agents.training.folder import TrainingError
from agents.training.losses import Answers, hybrid_loss
from agents.training.optimisation import autocast, counted, follow_schedule, observe, update
from agents.training.returns import confidence_gains
from agents.training.rollout import seed_generator
from agents.training.run import Run
from agents.training.vector_rollout import Rollout, Segment, reset_seed
from agents.training.vector_settings import AnswerSettings


def train_answers(run: Run, worlds: Sequence[World], settings: AnswerSettings) -> None:
    """Train until the run is over."""
    policy, optimizer, seed = run.policy, run.optimizer, run.progress.seed
    device = policy.location_std.device
    generator = torch.Generator(device)
    first_row = distributed.rows(settings.num_envs).start
    rollout = Rollout(worlds, policy, generator, settings.num_envs, first_row, greedy_action=True)
    num_steps = run.plan.frames_per_iteration // settings.num_envs

    for iteration in run.iterations():
        follow_schedule(run, settings, iteration)
        seed_generator(generator, seed, iteration)
        rollout.reset(reset_seed(seed, iteration))
        with autocast(settings, device):
            segment = rollout.collect(num_steps)
            alive = _alive(segment)
            h, _ = policy.encode(segment.observation, segment.state)
            heads = policy.heads(
                h, location_gradient=settings.location_gradient, value_gradient=settings.baseline_gradient
            )
        evaluation = policy.evaluate_heads(heads, segment.fixation, segment.task_action)
        answers = _answers(segment, alive, evaluation, settings)
        loss = hybrid_loss(
            evaluation,
            answers,
            location_weight=settings.location_weight,
            baseline_weight=settings.baseline_weight,
            normalise_advantage=settings.normalise_advantage,
        )
        gradient_norm = update(policy, optimizer, loss.total, settings.max_grad_norm)
        observe(policy, segment.observation)
        run.log(
            {
                **rollout.record.statistics(run.plan.figure),
                "losses/classification": loss.classification,
                "losses/location": loss.location,
                "losses/baseline": loss.baseline,
                "losses/gradient_norm": gradient_norm,
            }
        )


def _alive(segment: Segment) -> Tensor:
    """Return the steps of the first episode of each row, bool (T, B).

    Raises:
        TrainingError: If one has not ended.
    """
    ended = segment.over.cumsum(0)
    if not ended[-1].all():
        raise TrainingError(
            f"an episode has not ended after {len(ended)} steps: set episode_steps to the largest number of steps "
            "in an episode"
        )
    return ended - segment.over.long() == 0


def _answers(segment: Segment, alive: Tensor, evaluation: SequenceEvaluation, settings: AnswerSettings) -> Answers:
    """Return the right answers, and the confidence gains that the locations and the baseline learn from."""
    assert segment.target is not None, "checked by AnswerSettings.steps_per_iteration"
    last = alive & segment.over
    answer_steps, location_steps, steps = counted(
        alive if settings.class_loss == "every" else last, alive & ~segment.over, alive
    )
    return Answers(
        target=segment.target,
        returns=confidence_gains(
            evaluation.action_log_probs.detach().exp(), segment.target, segment.over, settings.confidence_discount
        ),
        baseline=None,
        answer_steps=answer_steps,
        location_steps=location_steps,
        steps=steps,
    )
