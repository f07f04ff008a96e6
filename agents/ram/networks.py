"""The five networks of the recurrent attention model (Mnih et al. 2014, sections 3.1, 4 and the paper's figure 1).

Every network works on any leading axes; the cores work on sequences, time first.

| symbol | meaning | shape of one row |
|---|---|---|
| rho | the glimpse | (levels * channels * rows * columns,) |
| l | the location of the glimpse | (gaze_size,), (x, y) for a retina |
| h_g, h_l | the two branches of the glimpse network | (glimpse_hidden,), (location_hidden,) |
| h_s | a third branch, for further senses if there are any (not in the paper) | (location_hidden,) |
| g | glimpse features: "what" and "where" combined | (glimpse_features,) |
| h | output of the core | (core_size,) |
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.ram.normalisation import RunningNorm

if TYPE_CHECKING:
    from ram_envs.scenes.labels import CombinedLabels

State = tuple[Tensor, ...]
"""Recurrent state of a core, each float (B, core_size): (h,) for ReLU, (h, c) for LSTM."""

HEAD_GAIN = 0.01
"""Gain of the orthogonal initialisation of location and action network: at first the mean location is near the centre
and every action is about equally likely."""


def start_orthogonal(layer: nn.Linear, gain: float) -> nn.Linear:
    """Initialise a linear layer with orthogonal weights and zero biases, in place, and return it."""
    nn.init.orthogonal_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class GlimpseNetwork(nn.Module):
    """f_g: h_g = ReLU(Linear(rho)), h_l = ReLU(Linear(l)), g = ReLU(Linear(h_g) + Linear(h_l)).

    Further senses have a branch like the location's: g = ReLU(Linear(h_g) + Linear(h_l) + Linear(h_s)).

    Args:
        glimpse_shape: (levels, channels, rows, columns) of a glimpse; a retina's levels are its scales, finest first.
        glimpse_hidden: Size of h_g.
        location_hidden: Size of h_l and h_s.
        glimpse_features: Size of g.
        input_gain: Factor of every pixel.
        scale_gain: Further factor of level i, ``scale_gain**i``. A pixel of scale i of a retina is the mean of 4**i
            pixels of the scene, so with 4 a single lit pixel has the same weight at every scale.
        gaze_size: Numbers in a location; 0 for none, and then there is no branch for it.
        sense_size: Numbers in the further senses; 0 for none.
        input_shift: Subtracted from every pixel before ``input_gain``.
        normalise: Whether glimpses, locations and senses are normalised by their running mean and variance.
    """

    def __init__(
        self,
        glimpse_shape: tuple[int, int, int, int],
        glimpse_hidden: int,
        location_hidden: int,
        glimpse_features: int,
        input_gain: float = 1.0,
        scale_gain: float = 1.0,
        gaze_size: int = 2,
        sense_size: int = 0,
        input_shift: float = 0.0,
        normalise: bool = False,
    ) -> None:
        super().__init__()
        levels, pixels = glimpse_shape[0], math.prod(glimpse_shape[1:])
        gains = input_gain * scale_gain ** torch.arange(levels, dtype=torch.float32)
        self.register_buffer("input_gains", gains.repeat_interleave(pixels), persistent=False)
        self.input_gains: Tensor
        self.input_shift = input_shift
        relu = nn.init.calculate_gain("relu")
        self.from_glimpse = start_orthogonal(nn.Linear(levels * pixels, glimpse_hidden), relu)
        if gaze_size:
            self.from_location = start_orthogonal(nn.Linear(gaze_size, location_hidden), relu)
        self.what = start_orthogonal(nn.Linear(glimpse_hidden, glimpse_features), relu)
        if gaze_size:
            self.where = start_orthogonal(nn.Linear(location_hidden, glimpse_features), relu)
        if sense_size:
            self.from_senses = start_orthogonal(nn.Linear(sense_size, location_hidden), relu)
            self.sensed = start_orthogonal(nn.Linear(location_hidden, glimpse_features), relu)
        self.glimpse_norm = RunningNorm(levels * pixels) if normalise else None
        self.location_norm = RunningNorm(gaze_size) if normalise and gaze_size else None
        self.sense_norm = RunningNorm(sense_size) if normalise and sense_size else None

    def forward(self, glimpse: Tensor, location: Tensor | None, senses: Tensor | None = None) -> Tensor:
        """Combine a glimpse with its location and what the further senses perceive.

        Args:
            glimpse: float (..., levels * channels * rows * columns) in [0, 1], by (level, channel, row, column).
            location: float (..., gaze_size) in [-1, 1]; None without a gaze.
            senses: float (..., sense_size), all further senses side by side; None if there are none.

        Returns:
            float (..., glimpse_features), at least 0.
        """
        if self.glimpse_norm is not None:
            glimpse = self.glimpse_norm(glimpse)
        if self.input_shift:
            glimpse = glimpse - self.input_shift
        h_g = F.relu(self.from_glimpse(glimpse * self.input_gains))
        features = self.what(h_g)
        if location is not None:
            if self.location_norm is not None:
                location = self.location_norm(location)
            features = features + self.where(F.relu(self.from_location(location)))
        if senses is not None:
            if self.sense_norm is not None:
                senses = self.sense_norm(senses)
            features = features + self.sensed(F.relu(self.from_senses(senses)))
        return F.relu(features)


class CoreNetwork(nn.Module):
    """f_h for classification: h_t = ReLU(Linear(h_{t-1}) + Linear(g_t)).

    Args:
        glimpse_features: Size of g.
        core_size: Size of h.
        start: Initialisation of the recurrent matrix: "orthogonal" or "identity", which at first adds the glimpses up
            (Le et al. 2015, arXiv:1504.00941).
    """

    def __init__(
        self, glimpse_features: int, core_size: int, start: Literal["orthogonal", "identity"] = "orthogonal"
    ) -> None:
        super().__init__()
        self.core_size = core_size
        # Both matrices together are one layer with the usual gain: h neither explodes nor vanishes over the steps.
        self.from_glimpse = start_orthogonal(nn.Linear(glimpse_features, core_size), 1.0)
        self.from_core = start_orthogonal(nn.Linear(core_size, core_size, bias=False), 1.0)
        if start == "identity":
            nn.init.eye_(self.from_core.weight)

    def initial_state(self, num_rows: int) -> State:
        """Return the state before the first glimpse: zeros."""
        return (self.from_core.weight.new_zeros(num_rows, self.core_size),)

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Read a sequence of glimpse features.

        Args:
            features: float (T, B, glimpse_features).
            state: The state before it.

        Returns:
            h: float (T, B, core_size), at least 0; and the state after it.
        """
        (h,) = state
        sequence = []
        for from_glimpse in self.from_glimpse(features).unbind():
            h = F.relu(self.from_core(h) + from_glimpse)
            sequence.append(h)
        return torch.stack(sequence), (h,)


class LSTMCore(nn.Module):
    """f_h for games, and ``core="lstm"``: one layer of LSTM units, with open forget gates at the start."""

    def __init__(self, glimpse_features: int, core_size: int) -> None:
        super().__init__()
        self.core_size = core_size
        self.lstm = nn.LSTM(glimpse_features, core_size)
        for name, parameter in self.lstm.named_parameters():
            for gate, block in enumerate(parameter.data.split(core_size)):  # in the order input, forget, cell, output
                if parameter.ndim == 2:
                    nn.init.orthogonal_(block)
                else:
                    nn.init.constant_(block, 1.0 if gate == 1 and name.startswith("bias_ih") else 0.0)

    def initial_state(self, num_rows: int) -> State:
        """Return the state before the first glimpse: zeros."""
        zeros = next(self.parameters()).new_zeros(num_rows, self.core_size)
        return zeros, zeros

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Read a sequence of glimpse features; see :meth:`CoreNetwork.forward`."""
        h, c = state
        if _one_row_on_cpu(features):
            h, c = torch.lstm_cell(features[0], (h, c), *self.lstm.all_weights[0])
            return h[None], (h, c)
        # State: (B, core_size) -> (layers = 1, B, core_size).
        sequence, (h_after, c_after) = self.lstm(features, (h[None], c[None]))
        return sequence, (h_after[0], c_after[0])


def _one_row_on_cpu(features: Tensor) -> bool:
    """Return whether an LSTM gets one step of one row, as an agent that acts in one environment.

    oneDNN, which computes ``nn.LSTM`` on a CPU, then mostly rearranges weights: the plain cell takes a third of the
    time. Batches keep ``nn.LSTM``, so that published figures stay as they are, and so do exported graphs, which take
    any number of rows.
    """
    exporting = torch.jit.is_tracing() or torch.compiler.is_compiling()
    plain = features.device.type == "cpu" and features.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return features.shape[:2] == (1, 1) and plain and not exporting


class LocationNetwork(nn.Module):
    """f_l: the mean of the next location, Linear(h).

    Args:
        core_size: Size of h.
        hidden: Size of a hidden ReLU layer; 0 for none (the paper).
        squash: Whether tanh keeps the mean in (-1, 1).
        gaze_size: Numbers in a location; 0 for none, and then the network has no layers.
    """

    def __init__(self, core_size: int, hidden: int = 0, squash: bool = False, gaze_size: int = 2) -> None:
        super().__init__()
        self.squash, self.gaze_size = squash, gaze_size
        if not gaze_size:
            return
        self.hidden = start_orthogonal(nn.Linear(core_size, hidden), nn.init.calculate_gain("relu")) if hidden else None
        self.mean = start_orthogonal(nn.Linear(hidden or core_size, gaze_size), HEAD_GAIN)

    def forward(self, h: Tensor) -> Tensor:
        """Return the mean of the next location, float32 (..., gaze_size), from h, float (..., core_size).

        Under autocast, the hidden layer runs in its precision: the layer is as large as many of the other networks.
        """
        if not self.gaze_size:
            return h[..., :0].float()
        if self.hidden is not None:
            h = F.relu(self.hidden(h if torch.is_autocast_enabled(h.device.type) else h.float()))
        with torch.autocast(h.device.type, enabled=False):
            mean = self.mean(h.float())
        return torch.tanh(mean) if self.squash else mean


class ActionNetwork(nn.Module):
    """f_a: the logits of the task action, Linear(h)."""

    def __init__(self, core_size: int, num_actions: int) -> None:
        super().__init__()
        self.logits = start_orthogonal(nn.Linear(core_size, num_actions), HEAD_GAIN)

    def forward(self, h: Tensor) -> Tensor:
        """Return the logits, float (..., num_actions), from h, float (..., core_size)."""
        return self.logits(h)


class ObjectsNetwork(nn.Module):
    """f_a for answers that follow from several objects: a softmax for each object, joined to the answers.

    The probability of an answer is the sum over all sequences of labels that make it, of the product of their
    probabilities. So two digits need two softmaxes of 10 classes, not one of 55 pairs. (Not in the paper.)

    Args:
        core_size: Size of h.
        labels: How answers follow from labels.
    """

    joint: Tensor

    def __init__(self, core_size: int, labels: CombinedLabels) -> None:
        super().__init__()
        self.sizes = labels.num_objects, len(labels.class_names)
        # Equal softmaxes would get equal gradients: this gain is large enough that they soon differ.
        self.logits = start_orthogonal(nn.Linear(core_size, math.prod(self.sizes)), 0.3)
        classes = torch.from_numpy(labels.joint_classes())
        self.register_buffer("joint", F.one_hot(classes, len(labels.names)).float(), persistent=False)

    def forward(self, h: Tensor) -> Tensor:
        """Return the log-probabilities of the answers, float (..., num_actions), from h, float (..., core_size)."""
        first, *others = self.logits(h).unflatten(-1, self.sizes).log_softmax(-1).unbind(-2)
        sequence = first
        for other in others:
            sequence = (sequence[..., :, None] + other[..., None, :]).flatten(-2)
        largest = sequence.amax(-1, keepdim=True)
        share = (sequence - largest).exp() @ self.joint
        return share.clamp_min(torch.finfo(share.dtype).tiny).log() + largest


def make_action_network(core_size: int, num_outputs: int, labels: CombinedLabels | None) -> nn.Module:
    """Return f_a: with a softmax for each object if it is known how answers follow from their labels."""
    return ActionNetwork(core_size, num_outputs) if labels is None else ObjectsNetwork(core_size, labels)


class Baseline(nn.Module):
    """b: the expected return, Linear(h)."""

    def __init__(self, core_size: int) -> None:
        super().__init__()
        self.value = start_orthogonal(nn.Linear(core_size, 1), 1.0)

    def forward(self, h: Tensor) -> Tensor:
        """Return the expected return, float (...), from h, float (..., core_size)."""
        return self.value(h).squeeze(-1)
