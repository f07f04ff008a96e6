"""The loop that trains classifiers: the hybrid of cross-entropy and REINFORCE (Mnih et al. 2014, section 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor

from agents.ram.networks import CoreNetwork
from agents.training import distributed
from agents.training.graph import Graph
from agents.training.losses import confidence_gains, hybrid_loss, right_class_log_prob
from agents.training.optimisation import autocast, follow_schedule, update
from agents.training.recording import Recording
from agents.training.rollout import ImageOrder, collect_episodes, episode_seed, seed_generator
from agents.training.run import Run
from agents.training.settings import HybridSettings
from ram_envs.envs.tensor import TensorEnv
from ram_envs.tasks.classification import Classification


def train_hybrid(run: Run, env: TensorEnv, settings: HybridSettings) -> None:
    """Train until the run is over.

    The episodes are collected with the gradient of the glimpse and the core network, so that nothing is computed twice:
    from a recording, or where the core is an LSTM by autograd.
    """
    task = env.task
    assert isinstance(task, Classification)
    policy, optimizer, seed = run.policy, run.optimizer, run.progress.seed
    generator = torch.Generator(env.device)
    order = ImageOrder(task.num_images, seed, env.device)
    copies = settings.rollouts_per_image
    num_images = settings.num_envs // copies
    mine = distributed.rows(settings.num_envs)
    recording = None
    if isinstance(policy.core_network, CoreNetwork):
        dtype = torch.bfloat16 if settings.precision == "bfloat16" else torch.float32
        recording = Recording(policy, task.max_episode_steps, env.num_envs, dtype)

    def learn(row_seed: Tensor, image_index: Tensor) -> dict[str, Tensor]:
        """Play an episode of each image, int64 (B,), in rows of these seeds, int64 (B,), and learn from them."""
        observation, _ = env.reset(seed=row_seed, options={"image_index": image_index})
        with autocast(settings, env.device):
            episodes = collect_episodes(env, policy, observation, generator, greedy_action=True, recording=recording)

        heads = policy.heads(
            episodes.h, location_gradient=settings.location_gradient, value_gradient=settings.baseline_gradient
        )
        evaluation = policy.evaluate_heads(heads, episodes.fixation, episodes.task_action)
        label = episodes.info["label"]
        returns = episodes.reward.sum(0)
        if settings.location_reward != "return":
            known = right_class_log_prob(evaluation.action_log_probs, label)
            gains = settings.location_reward == "confidence"
            returns = confidence_gains(known.exp(), settings.confidence_discount) if gains else known[-1]
        loss = hybrid_loss(
            evaluation,
            label,
            returns,
            class_loss=settings.class_loss,
            location_weight=settings.location_weight,
            baseline_weight=settings.baseline_weight,
            baseline=mean_of_the_others(returns, copies) if copies > 1 else None,
        )
        gradient_norm = update(policy, optimizer, loss.total, settings.max_grad_norm)
        return {
            "error_percent": 100 * (1 - episodes.success.float().mean()),
            "losses/classification": loss.classification,
            "losses/location": loss.location,
            "losses/baseline": loss.baseline,
            "losses/gradient_norm": gradient_norm,
        }

    rows, graph = torch.arange(mine.start, mine.stop, device=env.device), Graph(learn, generator)
    for iteration in run.iterations():
        follow_schedule(run, settings, iteration)
        seed_generator(generator, seed, iteration)
        image_index = order.batch(iteration * num_images, num_images).repeat_interleave(copies)[mine]
        run.log(graph(episode_seed(seed, iteration, settings.num_envs) + rows, image_index))


def mean_of_the_others(returns: Tensor, copies: int) -> Tensor:
    """Return for each episode, float32 (..., B), the mean return of the other ``copies - 1`` episodes of its image."""
    groups = returns.unflatten(-1, (-1, copies))  # (..., B) -> (..., images, copies)
    return ((groups.sum(-1, keepdim=True) - groups) / (copies - 1)).flatten(-2)
