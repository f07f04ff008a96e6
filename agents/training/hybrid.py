"""The training loop of supervised tasks: cross-entropy for the answer, REINFORCE for the locations.

This is the hybrid loss of Mnih et al. 2014, section 3.1. To follow an iteration read :func:`train_hybrid`, then
:mod:`agents.training.rollout`, :mod:`agents.training.losses` and :mod:`agents.training.optimisation`. ``Graph``,
``Recording`` and ``distributed`` do not change the results.
"""

from __future__ import annotations

import torch
from torch import Tensor

from agents.ram.decisions import SequenceEvaluation
from agents.training.exploration import NUM_SPOTS, draw_scan
from agents.training.fast import distributed
from agents.training.fast.graph import Graph
from agents.training.fast.recording import Recording
from agents.training.losses import Answers, hybrid_loss
from agents.training.optimisation import annealed, autocast, counted, follow_schedule, observe, update
from agents.training.returns import confidence_gains, of_right_answer
from agents.training.rollout import Episodes, ImageOrder, collect_episodes, episode_seed, seed_generator
from agents.training.run import Run
from agents.training.settings import HybridSettings
from ram_envs.envs.tensor import TensorEnv


def train_hybrid(run: Run, env: TensorEnv, settings: HybridSettings) -> None:
    """Train until the run is over.

    The episodes are collected with the gradient of glimpse and core network, so nothing is computed twice.
    """
    policy, optimizer, seed = run.policy, run.optimizer, run.progress.seed
    generator = torch.Generator(env.device)
    rows, figure = distributed.rows(settings.num_envs), env.task.figure
    dtype = torch.bfloat16 if settings.precision == "bfloat16" else torch.float32
    recording = Recording.of(policy, env.task.max_episode_steps, env.num_envs, dtype)
    overlap = _overlap(env) if settings.location_reward == "overlap" else None

    def learn(row_seed: Tensor, image_index: Tensor | None = None) -> dict[str, Tensor]:
        """Play one episode in every row and learn from them.

        Args:
            row_seed: int64 (B,), the seed of each row.
            image_index: int64 (B,), the image of each row; None if the task draws its own scenes.
        """
        observation, _ = env.reset(seed=row_seed, options={"image_index": image_index})
        scan = None
        if settings.location_exploration:
            draws = torch.rand((settings.num_envs, 1 + NUM_SPOTS), generator=generator, device=env.device)[rows]
            location, num_steps = observation["location"], env.task.max_episode_steps
            scenes = torch.as_tensor(env.task.scene(env.state))
            scan = draw_scan(scenes, location, num_steps, exploration, draws)
        with autocast(settings, env.device):
            episodes = collect_episodes(
                env,
                policy,
                observation,
                generator,
                batch=settings.num_envs,
                rows=rows,
                supervised=True,
                greedy_action=True,
                recording=recording,
                scan=scan,
            )
            heads = policy.heads(
                episodes.h, location_gradient=settings.location_gradient, value_gradient=settings.baseline_gradient
            )
        evaluation = policy.evaluate_heads(heads, episodes.fixation, episodes.task_action)
        loss = hybrid_loss(
            evaluation,
            _answers(episodes, evaluation, settings, overlap, early_weight),
            location_weight=settings.location_weight,
            baseline_weight=settings.baseline_weight,
            explored=None if scan is None else scan.explores,
        )
        gradient_norm = update(policy, optimizer, loss.total, settings.max_grad_norm)
        observe(policy, episodes.observation)
        return {
            figure.name: episodes.figure(figure),
            "losses/classification": loss.classification,
            "losses/location": loss.location,
            "losses/baseline": loss.baseline,
            "losses/gradient_norm": gradient_norm,
        }

    row_number, iterate = torch.arange(rows.start, rows.stop, device=env.device), Graph(learn, generator)
    copies, num_images = settings.rollouts_per_image, env.task.num_images
    order = None if num_images is None else ImageOrder(num_images, seed, env.device)
    exploration, early_weight = torch.zeros((), device=env.device), torch.zeros((), device=env.device)
    for iteration in run.iterations():
        follow_schedule(run, settings, iteration)
        exploration.fill_(annealed(settings.location_exploration, 0.0, iteration, run.plan.iterations))
        early_weight.fill_(annealed(*_EARLY_WEIGHT[settings.class_loss], iteration, run.plan.iterations))
        seed_generator(generator, seed, iteration)
        arguments = [episode_seed(seed, iteration, settings.num_envs) + row_number]
        if order is not None:
            size = settings.num_envs // copies
            arguments.append(order.batch(iteration * size, size).repeat_interleave(copies)[rows])
        run.log(iterate(*arguments))


_EARLY_WEIGHT = {"last": (0.0, 0.0), "every": (1.0, 1.0), "annealed": (1.0, 0.0)}
"""Weights of the answers that do not count, in the first and in the last iteration, by ``class_loss``."""


def _overlap(env: TensorEnv) -> Tensor:
    """Return the share of objects that each answer names correctly, float32 (n, n), by answer and right answer."""
    labels = env.task.combined_labels
    overlap = None if labels is None else labels.overlap()
    assert overlap is not None, "checked by HybridSettings.check_task"
    return torch.as_tensor(overlap, device=env.device)


def _answers(
    episodes: Episodes,
    evaluation: SequenceEvaluation,
    settings: HybridSettings,
    overlap: Tensor | None,
    early_weight: Tensor,
) -> Answers:
    """Return the right answers, and the returns that the locations and the baseline learn from.

    Args:
        episodes: The episodes.
        evaluation: Evaluation of their steps.
        settings: Training settings.
        overlap: See :func:`_overlap`; None for other rewards of locations.
        early_weight: float32 (), weight in the loss of the answers that do not count; the others have the weight 1.
    """
    assert episodes.target is not None and episodes.answer_counts is not None
    counts = episodes.answer_counts & episodes.mask
    answered = torch.where(counts, 1.0, early_weight * episodes.mask)
    returns = episodes.reward.sum(0)
    log_probs, target = evaluation.action_log_probs.detach(), episodes.target
    if settings.location_reward in ("confidence", "overlap"):
        probs = log_probs.exp() if overlap is None else log_probs.exp() @ overlap
        returns = confidence_gains(probs, target, episodes.over, settings.confidence_discount)
    elif settings.location_reward == "likelihood":
        log_prob = of_right_answer(log_probs, target)
        returns = torch.where(counts, log_prob, 0.0).sum(0) / counts.sum(0).clamp_min(1)
    answer_steps, location_steps, steps = counted(answered, episodes.location_mask, episodes.mask)
    copies = settings.rollouts_per_image
    return Answers(
        target=episodes.target,
        returns=returns,
        baseline=mean_of_the_others(returns, copies) if copies > 1 else None,
        answer_steps=answer_steps,
        location_steps=location_steps,
        steps=steps,
    )


def mean_of_the_others(returns: Tensor, copies: int) -> Tensor:
    """Return for each episode, float32 (..., B), the mean return of the other ``copies - 1`` episodes of its image."""
    groups = returns.unflatten(-1, (-1, copies))  # (..., B) -> (..., images, copies)
    return ((groups.sum(-1, keepdim=True) - groups) / (copies - 1)).flatten(-2)
