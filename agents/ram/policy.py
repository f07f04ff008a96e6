"""RAMPolicy chooses the next location and the task action: step by step (acting) or over whole sequences (learning).

The policy of Mnih et al. (2014), section 3: the next location is sampled from a Gaussian with a fixed standard
deviation around the location network's mean, the task action from a softmax over the action network's logits. The
policy never clips a location: the environment does, and the log-probability is that of the unclipped sample.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import agents.with_torch  # noqa: F401

# isort: split
import torch
from torch import Tensor, nn

from agents.ram.decisions import Decision, Heads, Noise, SequenceEvaluation
from agents.ram.networks import (
    Baseline,
    CoreNetwork,
    GlimpseNetwork,
    LocationNetwork,
    LSTMCore,
    State,
    make_action_network,
)
from agents.ram.settings import RAMSettings
from agents.ram.task_actions import make_task_actions


class RAMPolicy(nn.Module):
    """The paper's five networks as one policy.

    Args:
        settings: Sizes and types of the networks.

    Attributes:
        location_std: float32 (), standard deviation of the location; a buffer, so that training can anneal it.
        answer_names: What the task actions are called, such as the names of classes; empty if that is not known.
    """

    def __init__(self, settings: RAMSettings) -> None:
        super().__init__()
        self.settings = settings
        self.answer_names: tuple[str, ...] = ()
        self.glimpse_network = GlimpseNetwork(
            settings.glimpse_shape,
            settings.glimpse_hidden,
            settings.location_hidden,
            settings.glimpse_features,
            settings.input_gain,
            settings.scale_gain,
            settings.gaze_size,
            settings.sense_size,
            settings.input_shift,
            settings.normalise_inputs,
        )
        sizes = settings.glimpse_features, settings.core_size
        self.core_network = LSTMCore(*sizes) if settings.core == "lstm" else CoreNetwork(*sizes, settings.core_start)
        self.location_network = LocationNetwork(
            settings.core_size, settings.location_network_hidden, settings.squash_location, settings.gaze_size
        )
        outputs = settings.num_actions + settings.numbers
        self.action_network = make_action_network(settings.core_size, outputs, settings.combined_labels)
        self.task_actions = make_task_actions(
            settings.choices or (settings.num_actions,), settings.numbers, settings.action_std
        )
        self.baseline = Baseline(settings.core_size)
        self.register_buffer("location_std", torch.tensor(settings.location_std))
        self.location_std: Tensor

    def initial_state(self, num_rows: int) -> State:
        """Return the core's state at the start of an episode, for ``num_rows`` rows."""
        return self.core_network.initial_state(num_rows)

    def encode(
        self, observation: Mapping[str, Tensor], state: State, starts: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Run glimpse and core network over a sequence: the glimpse network on all T * B glimpses at once.

        Args:
            observation: "glimpse" float32 (T, B, glimpse_size), "location" float32 (T, B, gaze_size) if there is a
                gaze, and each of ``settings.senses``, float32 (T, B, n). So in the other methods.
            state: State of the core before it.
            starts: bool (T, B), where an episode starts, and the core forgets what it has seen before; None if none
                does.

        Returns:
            h: float (T, B, core_size); and the state after it.
        """
        features = self.glimpse_network(*self.inputs(observation))
        if starts is None:
            return self.core_network(features, state)
        # One call of the core up to the next start in any row.
        cuts = [0, *(starts[1:].any(1).nonzero()[:, 0] + 1).tolist(), len(starts)]
        sequence = []
        for first, last in itertools.pairwise(cuts):
            h, state = self.core_network(features[first:last], self.forget(state, starts[first]))
            sequence.append(h)
        return torch.cat(sequence), state

    def inputs(self, observation: Mapping[str, Tensor]) -> list[Tensor | None]:
        """Return the inputs of the glimpse network: glimpse, location, and all further senses side by side if any."""
        inputs = [observation["glimpse"], observation["location"] if self.settings.gaze_size else None]
        if self.settings.senses:
            inputs.append(torch.cat([observation[key] for key in self.settings.senses], -1))
        return inputs

    def forget(self, state: State, starts: Tensor) -> State:
        """Return the core's state with that of some rows, bool (B,), as at the start of an episode."""
        fresh = self.initial_state(len(starts))
        return tuple(torch.where(starts[:, None], new, old) for new, old in zip(fresh, state, strict=True))

    def encode_step(self, observation: Mapping[str, Tensor], state: State) -> tuple[Tensor, State]:
        """Run glimpse and core network for one step; see :meth:`encode`.

        Returns:
            h: float (B, core_size); and the state after it.
        """
        sequence = {key: value[None] for key, value in observation.items()}  # (B, ...) -> (T = 1, B, ...)
        h, state = self.encode(sequence, state)
        return h[0], state

    def heads(self, h: Tensor, *, location_gradient: float = 1.0, value_gradient: bool = True) -> Heads:
        """Run location network, action network and baseline, even under autocast with results in float32.

        Args:
            h: float (..., core_size).
            location_gradient: Share of the location network's gradient that flows into the core, in [0, 1].
            value_gradient: Whether the baseline's gradient flows into the core.
        """
        location_mean = self.location_network(_with_gradient(h, location_gradient))
        with torch.autocast(h.device.type, enabled=False):
            h = h.float()
            return Heads(location_mean, self.action_network(h), self.baseline(_with_gradient(h, float(value_gradient))))

    def act(
        self,
        observation: Mapping[str, Tensor],
        state: State,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[Decision, State]:
        """Choose the next location and the task action from an observation.

        Args:
            observation: "glimpse" float32 (B, glimpse_size) and "location" float32 (B, gaze_size).
            state: State of the core before this step.
            greedy: Take the mean location and the most likely action instead of sampling.
            generator: Random generator on the policy's device; torch's default generator if None.

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
        """Choose from the core's output, float (B, core_size), with log-probabilities and value; see :meth:`act`."""
        noise = self.noise(len(h), generator, greedy_location=greedy_location, greedy_action=greedy_action)
        return self.decision(self.heads(h), noise)

    def decision(self, heads: Heads, noise: Noise) -> Decision:
        """Choose from the outputs of the heads, (B, ...), with log-probabilities and value."""
        fixation, task_action = self._decisions(noise, heads.location_mean.detach(), heads.action_logits.detach())
        return Decision(
            fixation,
            task_action,
            self.location_log_prob(heads.location_mean, fixation),
            self.task_actions.evaluate(heads.action_logits, task_action).log_prob,
            heads.value,
        )

    @torch.no_grad()
    def choose(self, h: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Choose from the core's output, without log-probabilities, which learning computes later.

        Args:
            h: float (B, core_size).
            noise: From :meth:`noise`.

        Returns:
            The next location, float32 (B, gaze_size), and the task action, int64 (B,); see :class:`Decision`.
        """
        location_mean = self.location_network(h)
        with torch.autocast(h.device.type, enabled=False):
            return self._decisions(noise, location_mean, self.action_network(h.float()))

    def noise(
        self,
        num_rows: int,
        generator: torch.Generator | None = None,
        *,
        greedy_location: bool = False,
        greedy_action: bool = False,
    ) -> Noise:
        """Draw the random numbers of one step.

        Args:
            num_rows: B.
            generator: Random generator on the policy's device; torch's default generator if None.
            greedy_location: Whether the mean location will be taken; random locations are drawn in any case.
            greedy_action: Whether the most likely task action will be taken.
        """
        location = action = numbers = None
        if not greedy_location or self.settings.random_locations:
            location = self.location_std.new_empty(num_rows, self.settings.gaze_size).normal_(generator=generator)
        if not greedy_action:
            action = self.location_std.new_empty(num_rows, self.settings.num_actions).exponential_(generator=generator)
            if self.settings.numbers:
                numbers = self.location_std.new_empty(num_rows, self.settings.numbers).normal_(generator=generator)
        return Noise(location, action, numbers)

    def _decisions(self, noise: Noise, location_mean: Tensor, action_logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return location and task action for this noise."""
        fixation = self.fixation(location_mean, noise.location)
        return fixation, self.task_actions.choose(action_logits, noise.action, noise.numbers)

    def evaluate_sequence(
        self,
        observation: Mapping[str, Tensor],
        state: State,
        fixation: Tensor,
        task_action: Tensor,
        *,
        starts: Tensor | None = None,
        location_gradient: float = 1.0,
        value_gradient: bool = True,
    ) -> SequenceEvaluation:
        """Evaluate decisions of whole sequences.

        Args:
            observation: "glimpse" float32 (T, B, glimpse_size) and "location" float32 (T, B, gaze_size).
            state: State of the core before the sequences.
            fixation: float32 (T, B, gaze_size), as sampled.
            task_action: int64 (T, B), or float32 (T, B, n); see :class:`Decision`.
            starts: bool (T, B), where an episode starts; see :meth:`encode`.
            location_gradient: See :meth:`heads`.
            value_gradient: See :meth:`heads`.
        """
        h, _ = self.encode(observation, state, starts)
        heads = self.heads(h, location_gradient=location_gradient, value_gradient=value_gradient)
        return self.evaluate_heads(heads, fixation, task_action)

    def evaluate_heads(self, heads: Heads, fixation: Tensor, task_action: Tensor) -> SequenceEvaluation:
        """Evaluate decisions from the outputs of the heads; see :meth:`evaluate_sequence`."""
        action = self.task_actions.evaluate(heads.action_logits, task_action)
        return SequenceEvaluation(
            self.location_log_prob(heads.location_mean, fixation),
            action.log_prob,
            action.entropy,
            action.log_probs,
            heads.value,
        )

    def fixation(self, mean: Tensor, noise: Tensor | None) -> Tensor:
        """Return the next location, float32 (..., gaze_size).

        Args:
            mean: float32 (..., gaze_size), output of the location network.
            noise: float32 (..., gaze_size), standard normal; None takes the mean. With ``random_locations`` the mean
                has no meaning, so there must be noise.
        """
        if noise is None:
            assert not self.settings.random_locations, "random locations need noise"
            return mean
        if self.settings.random_locations:
            return 2 * torch.special.ndtr(noise) - 1  # the normal distribution function: uniform in [-1, 1]
        return mean + self.location_std * noise

    def location_log_prob(self, mean: Tensor, fixation: Tensor) -> Tensor:
        """Return the log-density of locations, float32 (...), under the Gaussian around ``mean``.

        The density of random locations is the same everywhere, so the location network learns nothing from it.

        Args:
            mean: float32 (..., gaze_size).
            fixation: float32 (..., gaze_size).
        """
        size = self.settings.gaze_size
        if self.settings.random_locations:
            return torch.full_like(mean[..., 0], -size * math.log(2))  # each number is uniform in [-1, 1]
        distance = (fixation - mean) / self.location_std
        return -0.5 * distance.square().sum(-1) - size * self.location_std.log() - size / 2 * math.log(2 * math.pi)


def _with_gradient(h: Tensor, share: float) -> Tensor:
    """Return h, float (...), with its gradient scaled by ``share`` in [0, 1]."""
    return h if share == 1 else h.detach() if share == 0 else torch.lerp(h.detach(), h, share)
