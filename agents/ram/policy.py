"""RAMPolicy: where to look next and what to do, one step at a time (acting) or over whole sequences (learning).

The policy of Mnih et al. (2014), section 3: the next location is drawn from a Gaussian of fixed standard deviation
around the location network's mean, the task action from a softmax over the action network's logits. A location is never
clipped here: the environment clips, and the log-probability is that of the number that was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from agents.ram.networks import (
    ActionNetwork,
    Baseline,
    CoreNetwork,
    GlimpseNetwork,
    LocationNetwork,
    LSTMCore,
    State,
)
from agents.ram.settings import RAMSettings


class Heads(NamedTuple):
    """What the three networks on top of the core say, float32.

    Attributes:
        location_mean: (..., 2), mean of the next location.
        action_logits: (..., num_actions).
        value: (...), the baseline.
    """

    location_mean: Tensor
    action_logits: Tensor
    value: Tensor


class Decision(NamedTuple):
    """What the policy decides at one step.

    Attributes:
        fixation: float32 (B, 2), the next location, (x, y), as drawn: it may leave [-1, 1].
        task_action: int64 (B,), the move or class, in [0, num_actions).
        location_log_prob: float32 (B,), log-density of ``fixation``.
        action_log_prob: float32 (B,), log-probability of ``task_action``.
        value: float32 (B,), the baseline's expected return.
    """

    fixation: Tensor
    task_action: Tensor
    location_log_prob: Tensor
    action_log_prob: Tensor
    value: Tensor


class SequenceEvaluation(NamedTuple):
    """What the policy makes of decisions that were taken earlier.

    Attributes:
        location_log_prob: float32 (T, B).
        action_log_prob: float32 (T, B).
        action_entropy: float32 (T, B), entropy of the task action's distribution, in nats.
        action_log_probs: float32 (T, B, num_actions), log-probabilities of all task actions.
        value: float32 (T, B).
    """

    location_log_prob: Tensor
    action_log_prob: Tensor
    action_entropy: Tensor
    action_log_probs: Tensor
    value: Tensor


class RAMPolicy(nn.Module):
    """The paper's five networks as one policy.

    Args:
        settings: Sizes and kinds.

    Attributes:
        location_std: float32 (), the standard deviation of the location; a buffer, so that training may anneal it.
    """

    def __init__(self, settings: RAMSettings) -> None:
        super().__init__()
        self.settings = settings
        self.glimpse_network = GlimpseNetwork(
            settings.patch_size,
            settings.num_scales,
            settings.channels,
            settings.glimpse_hidden,
            settings.location_hidden,
            settings.glimpse_features,
            settings.input_gain,
            settings.scale_gain,
        )
        sizes = settings.glimpse_features, settings.core_size
        self.core_network = LSTMCore(*sizes) if settings.core == "lstm" else CoreNetwork(*sizes, settings.core_start)
        self.location_network = LocationNetwork(
            settings.core_size, settings.location_network_hidden, settings.squash_location
        )
        self.action_network = ActionNetwork(settings.core_size, settings.num_actions)
        self.baseline = Baseline(settings.core_size)
        self.register_buffer("location_std", torch.tensor(settings.location_std))
        self.location_std: Tensor

    def initial_state(self, num_rows: int) -> State:
        """Return the state of the core at an episode's start, for ``num_rows`` rows."""
        return self.core_network.initial_state(num_rows)

    def encode(self, observation: Mapping[str, Tensor], state: State) -> tuple[Tensor, State]:
        """Run glimpse and core network over a sequence: the glimpse network on all T * B glimpses at once.

        Args:
            observation: "glimpse" float32 (T, B, glimpse_size) and "location" float32 (T, B, 2).
            state: State of the core before it.

        Returns:
            h: float (T, B, core_size); and the state after it.
        """
        return self.core_network(self.glimpse_network(observation["glimpse"], observation["location"]), state)

    def encode_step(self, observation: Mapping[str, Tensor], state: State) -> tuple[Tensor, State]:
        """Run glimpse and core network one step on.

        Args:
            observation: "glimpse" float32 (B, glimpse_size) and "location" float32 (B, 2).
            state: State of the core before this step.

        Returns:
            h: float (B, core_size); and the state after it.
        """
        sequence = {key: value[None] for key, value in observation.items()}  # (B, ...) -> (T = 1, B, ...)
        h, state = self.encode(sequence, state)
        return h[0], state

    def heads(self, h: Tensor, *, location_gradient: float = 1.0, value_gradient: bool = True) -> Heads:
        """Run location network, action network and baseline, in float32 even under autocast.

        Args:
            h: float (..., core_size).
            location_gradient: Share of its gradient that the location network sends on into the core, from 0 to 1.
            value_gradient: Whether the baseline sends its own.
        """
        with torch.autocast(h.device.type, enabled=False):
            h = h.float()
            return Heads(
                self.location_network(_with_gradient(h, location_gradient)),
                self.action_network(h),
                self.baseline(_with_gradient(h, float(value_gradient))),
            )

    def act(
        self,
        observation: Mapping[str, Tensor],
        state: State,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[Decision, State]:
        """Decide one step.

        Args:
            observation: "glimpse" float32 (B, glimpse_size) and "location" float32 (B, 2).
            state: State of the core before this step.
            greedy: Take the mean location and the likeliest action instead of drawing them.
            generator: Source of the draws, on the policy's device; the default generator if None.

        Returns:
            The decision, and the state of the core after this step.
        """
        h, state = self.encode_step(observation, state)
        return self.decide(h, greedy_location=greedy, greedy_action=greedy, generator=generator), state

    def decide(
        self,
        h: Tensor,
        *,
        greedy_location: bool = False,
        greedy_action: bool = False,
        generator: torch.Generator | None = None,
    ) -> Decision:
        """Decide from what the core says, float (B, core_size), and say how likely the decision was."""
        heads = self.heads(h)
        mean, logits = heads.location_mean.detach(), heads.action_logits.detach()
        fixation, task_action = self._drawn(mean, logits, greedy_location, greedy_action, generator, (0, 1))
        return Decision(
            fixation,
            task_action,
            self.location_log_prob(heads.location_mean, fixation),
            _log_prob(heads.action_logits.log_softmax(-1), task_action),
            heads.value,
        )

    @torch.no_grad()
    def choose(
        self,
        h: Tensor,
        *,
        greedy_action: bool = False,
        generator: torch.Generator | None = None,
        share: tuple[int, int] = (0, 1),
    ) -> tuple[Tensor, Tensor]:
        """Decide from what the core says, float (B, core_size), and no more than that, for whoever judges it later.

        Args:
            h: float (B, core_size).
            greedy_action: Take the likeliest action instead of drawing it.
            generator: Source of the draws.
            share: With (r, n) the rows are the r-th, from 0, of n equal parts of a batch, and draw as they would in it.

        Returns:
            The next location, float32 (B, 2), and the task action, int64 (B,), as :class:`Decision` has them.
        """
        with torch.autocast(h.device.type, enabled=False):
            h = h.float()
            mean, logits = self.location_network(h), self.action_network(h)
        return self._drawn(mean, logits, False, greedy_action, generator, share)

    def _drawn(
        self,
        mean: Tensor,
        logits: Tensor,
        greedy_location: bool,
        greedy_action: bool,
        generator: torch.Generator | None,
        share: tuple[int, int],
    ) -> tuple[Tensor, Tensor]:
        """Draw location and task action from what location and action network say; see :meth:`choose`."""
        draws = not greedy_location or self.settings.random_locations
        fixation = self.fixation(mean, _draw(Tensor.normal_, mean, generator, share) if draws else None)
        if not greedy_action:
            # Gumbel's trick: the argmax of logits - log(an exponential draw) is a draw from the softmax.
            waiting = _draw(Tensor.exponential_, logits, generator, share)
            logits = logits - waiting.clamp_min(torch.finfo(waiting.dtype).tiny).log()
        return fixation, logits.argmax(-1)

    def evaluate_sequence(
        self,
        observation: Mapping[str, Tensor],
        state: State,
        fixation: Tensor,
        task_action: Tensor,
        *,
        location_gradient: float = 1.0,
        value_gradient: bool = True,
    ) -> SequenceEvaluation:
        """Evaluate decisions of whole sequences.

        Args:
            observation: "glimpse" float32 (T, B, glimpse_size) and "location" float32 (T, B, 2).
            state: State of the core before the sequences.
            fixation: float32 (T, B, 2), as drawn.
            task_action: int64 (T, B).
            location_gradient: See :meth:`heads`.
            value_gradient: See :meth:`heads`.
        """
        h, _ = self.encode(observation, state)
        heads = self.heads(h, location_gradient=location_gradient, value_gradient=value_gradient)
        return self.evaluate_heads(heads, fixation, task_action)

    def evaluate_heads(self, heads: Heads, fixation: Tensor, task_action: Tensor) -> SequenceEvaluation:
        """Evaluate decisions from what the heads said; see :meth:`evaluate_sequence`."""
        log_probs = heads.action_logits.log_softmax(-1)
        return SequenceEvaluation(
            self.location_log_prob(heads.location_mean, fixation),
            _log_prob(log_probs, task_action),
            -(log_probs.exp() * log_probs).sum(-1),
            log_probs,
            heads.value,
        )

    def fixation(self, mean: Tensor, noise: Tensor | None) -> Tensor:
        """Return the next location, float32 (..., 2).

        Args:
            mean: float32 (..., 2), what the location network says.
            noise: float32 (..., 2), standard normal numbers that draw the location; None takes the mean. With
                ``random_locations`` there is no mean to take: there has to be noise.
        """
        if self.settings.random_locations:
            assert noise is not None, "random locations are drawn in any case"
            return 2 * torch.special.ndtr(noise) - 1  # the normal distribution function makes uniform numbers of them
        return mean if noise is None else mean + self.location_std * noise

    def location_log_prob(self, mean: Tensor, fixation: Tensor) -> Tensor:
        """Log-density of a location, float32 (...), under the Gaussian around ``mean``; both float32 (..., 2).

        Random locations have the same one everywhere, so that the location network learns nothing.
        """
        if self.settings.random_locations:
            return torch.full_like(mean[..., 0], -math.log(4))  # the scene is 2 wide and 2 high
        distance = (fixation - mean) / self.location_std
        return -0.5 * distance.square().sum(-1) - 2 * self.location_std.log() - math.log(2 * math.pi)


def _with_gradient(h: Tensor, share: float) -> Tensor:
    """Return h, float (...), as a network shall see it that sends back only a share of its gradient, from 0 to 1."""
    return h if share == 1 else h.detach() if share == 0 else torch.lerp(h.detach(), h, share)


def _log_prob(log_probs: Tensor, task_action: Tensor) -> Tensor:
    """Pick the log-probability of each action: (..., num_actions), (...) -> (...)."""
    return log_probs.gather(-1, task_action[..., None]).squeeze(-1)


def _draw(
    distribution: Callable[..., Tensor], like: Tensor, generator: torch.Generator | None, share: tuple[int, int]
) -> Tensor:
    """Draw a number for each of ``like``, float (B, ...), and for the rest of the batch that it is a share of."""
    part, parts = share
    size = len(like)
    batch = distribution(like.new_empty(parts * size, *like.shape[1:]), generator=generator)
    return batch[part * size : (part + 1) * size]
