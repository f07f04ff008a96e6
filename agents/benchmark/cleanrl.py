"""PPO with an LSTM as CleanRL writes it (ppo_atari_lstm.py), with a softmax for each part of the action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Discrete, MultiDiscrete
from torch import Tensor, nn
from torch.distributions import Categorical
from torch.nn import functional as F

from agents.benchmark.algorithm import Algorithm, Problem, Progress
from agents.benchmark.ranges import check_ranges
from agents.ram.networks import start_orthogonal
from agents.training.fast.device import resolve_device
from agents.training.returns import segment_advantages

State = tuple[Tensor, Tensor]
"""State of the LSTM: h and c, each float (B, lstm_size)."""


class PPOLSTM(Algorithm):
    """PPO with an LSTM between one hidden layer and the heads, on flat observations.

    Locations are cells of a grid, in "multidiscrete" with a softmax of their own. Settings have CleanRL's names.
    """

    name = "cleanrl-ppo-lstm"
    action_formats = ("multidiscrete", "discrete")
    observation_formats = ("flat",)
    defaults = {
        "num_envs": 64,
        "num_steps": 48,
        "learning_rate": 1e-3,
        "anneal_lr": True,
        "gamma": 1.0,
        "gae_lambda": 0.9,
        "num_minibatches": 4,
        "update_epochs": 4,
        "clip_coef": 0.1,
        "clip_vloss": True,
        "ent_coef": 0.01,
        "vf_coef": 0.5,
        "max_grad_norm": 0.5,
        "hidden_size": 256,
        "lstm_size": 128,
    }

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any], env_id: str) -> None:
        """Check the ranges, and that minibatches have whole rows; see :class:`Algorithm`."""
        super().check_settings(settings, env_id)
        check_ranges(settings)
        values = {**cls.defaults, **settings}
        if values["num_envs"] % values["num_minibatches"]:
            raise ValueError(
                f"num_minibatches={values['num_minibatches']} does not divide num_envs={values['num_envs']}: expected "
                "a divisor, as a minibatch has whole rows"
            )

    def __init__(self, problem: Problem, settings: Mapping[str, Any]) -> None:
        super().__init__(problem, settings)
        torch.manual_seed(problem.seed)
        self.device = resolve_device(problem.device)
        self.env = problem.make_vec(self.settings["num_envs"])
        space = self.env.single_action_space
        assert isinstance(space, (Discrete, MultiDiscrete))
        sizes = [int(space.n)] if isinstance(space, Discrete) else space.nvec.tolist()
        shape = self.env.single_observation_space.shape
        assert shape is not None
        self.agent = _Agent(shape[0], sizes, self.settings["hidden_size"], self.settings["lstm_size"]).to(self.device)

    def learn(self, frames: int, progress: Progress) -> None:
        """Learn from segments of ``num_steps`` steps; whole segments may exceed the budget a little."""
        settings, agent = self.settings, self.agent
        rows, steps = settings["num_envs"], settings["num_steps"]
        generator = np.random.default_rng(self.problem.seed)
        optimizer = torch.optim.Adam(agent.parameters(), lr=settings["learning_rate"], eps=1e-5)
        observation, _ = self.env.reset(seed=self.problem.training_seed)
        next_observation, next_done = self._tensor(observation), torch.zeros(rows, device=self.device)
        state = agent.initial_state(rows)
        iterations = -(-frames // (rows * steps))
        for iteration in range(iterations):
            if settings["anneal_lr"]:
                optimizer.param_groups[0]["lr"] = settings["learning_rate"] * (1 - iteration / iterations)
            initial_state, taken = state, []
            for _ in range(steps):
                with torch.no_grad():
                    h, after = agent.core(next_observation[None], state, next_done[None])
                    action, log_prob, _ = agent.choose(h[0])
                    value = agent.value(h[0])
                observation, reward, terminated, truncated, _ = self.env.step(self._numpy(action))
                taken.append((next_observation, next_done, action, log_prob, value, self._tensor(reward)))
                next_observation = self._tensor(observation)
                next_done = self._tensor(terminated | truncated)
                state = after
            observations, dones, actions, log_probs, values, rewards = map(torch.stack, zip(*taken, strict=True))
            with torch.no_grad():
                h, _ = agent.core(next_observation[None], state, next_done[None])
                next_value = agent.value(h[0])
            advantages = self._advantages(rewards, values, dones, next_value, next_done)
            returns = advantages + values
            for _ in range(settings["update_epochs"]):
                for part in np.split(generator.permutation(rows), settings["num_minibatches"]):
                    start = initial_state[0][part], initial_state[1][part]
                    h, _ = agent.core(observations[:, part], start, dones[:, part])
                    _, new_log_probs, entropy = agent.choose(h, actions[:, part])
                    loss = self._loss(
                        (new_log_probs - log_probs[:, part]).exp(),
                        advantages[:, part],
                        agent.value(h),
                        values[:, part],
                        returns[:, part],
                    )
                    optimizer.zero_grad()
                    (loss - settings["ent_coef"] * entropy.mean()).backward()
                    nn.utils.clip_grad_norm_(agent.parameters(), settings["max_grad_norm"])
                    optimizer.step()
            progress((iteration + 1) * rows * steps)

    def start(self, num_envs: int) -> None:
        """Reset the LSTM."""
        self._state = self.agent.initial_state(num_envs)

    @torch.no_grad()
    def act(self, observation: Any) -> Any:
        """Choose the most likely value of each part of the action."""
        rows = self._tensor(observation)
        h, self._state = self.agent.core(rows[None], self._state, rows.new_zeros(1, len(rows)))
        return self._numpy(torch.stack([logits.argmax(-1) for logits in self.agent.logits(h[0])], -1))

    def _tensor(self, values: Any) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=self.device)

    def _numpy(self, action: Tensor) -> Any:
        """Return actions, int64 (B, parts), in the format of the environment."""
        values = action.cpu().numpy()
        return values[:, 0] if self.problem.action_format == "discrete" else values

    def _advantages(
        self, rewards: Tensor, values: Tensor, dones: Tensor, next_value: Tensor, next_done: Tensor
    ) -> Tensor:
        """Return generalised advantages, float32 (T, B); ``dones`` says whether a step begins an episode."""
        over = torch.cat([dones[1:], next_done[None]]).bool()
        next_values = torch.cat([values[1:], next_value[None]])
        gamma, decay = self.settings["gamma"], self.settings["gae_lambda"]
        return segment_advantages(rewards, values, next_values, over, over, gamma, decay)

    def _loss(self, ratio: Tensor, advantages: Tensor, new: Tensor, values: Tensor, returns: Tensor) -> Tensor:
        """Return the clipped losses of policy and value; all float32 (T, B)."""
        clip = self.settings["clip_coef"]
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        policy = -torch.min(advantages * ratio, advantages * ratio.clamp(1 - clip, 1 + clip)).mean()
        error = (new - returns) ** 2
        if self.settings["clip_vloss"]:
            error = torch.max(error, (values + (new - values).clamp(-clip, clip) - returns) ** 2)
        return policy + self.settings["vf_coef"] * 0.5 * error.mean()


class _Agent(nn.Module):
    """One hidden layer, an LSTM, a linear layer for each part of the action, and the value."""

    def __init__(self, inputs: int, sizes: list[int], hidden_size: int, lstm_size: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.hidden = start_orthogonal(nn.Linear(inputs, hidden_size), 2**0.5)
        self.lstm = nn.LSTMCell(hidden_size, lstm_size)
        for name, parameter in self.lstm.named_parameters():
            if "bias" in name:
                nn.init.zeros_(parameter)
            else:
                nn.init.orthogonal_(parameter, 1.0)
        self.actor = start_orthogonal(nn.Linear(lstm_size, sum(sizes)), 0.01)
        self.critic = start_orthogonal(nn.Linear(lstm_size, 1), 1.0)

    def initial_state(self, num_envs: int) -> State:
        zeros = self.critic.weight.new_zeros(num_envs, self.lstm.hidden_size)
        return zeros, zeros

    def core(self, observations: Tensor, state: State, dones: Tensor) -> tuple[Tensor, State]:
        """Return h, float (T, B, lstm_size), and the state after it; where ``dones`` is 1, an episode starts."""
        sequence = []
        for features, done in zip(F.relu(self.hidden(observations)), dones, strict=True):
            kept = (1 - done)[:, None]
            state = self.lstm(features, (kept * state[0], kept * state[1]))
            sequence.append(state[0])
        return torch.stack(sequence), state

    def logits(self, h: Tensor) -> tuple[Tensor, ...]:
        return self.actor(h).split(self.sizes, -1)

    def value(self, h: Tensor) -> Tensor:
        return self.critic(h).squeeze(-1)

    def choose(self, h: Tensor, action: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return actions, int64 (..., parts), sampled unless given, their log-probability and the entropy, (...)."""
        parts = [Categorical(logits=logits, validate_args=False) for logits in self.logits(h)]
        if action is None:
            action = torch.stack([part.sample() for part in parts], -1)
        log_prob = sum(part.log_prob(choice) for part, choice in zip(parts, action.unbind(-1), strict=True))
        entropy = sum(part.entropy() for part in parts)
        assert isinstance(log_prob, Tensor) and isinstance(entropy, Tensor)
        return action, log_prob, entropy
