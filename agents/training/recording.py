"""The gradient of a rollout without its graph: glimpse network and ReLU core, recorded step by step.

While an agent plays, every step needs the last one's glimpse, so the networks run on one step at a time. Autograd would
then also go back one step at a time, in small products whose results are added up. Here the layers' outputs are only
written down while it plays, and the way back is written out: one product a layer for all steps, but for the product
through which the core remembers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from agents.ram.networks import CoreNetwork
from agents.ram.policy import RAMPolicy


class Recording:
    """What the layers below the heads put out in a rollout of T steps of B rows; used again for the next one.

    Args:
        policy: Whose glimpse and core network run; its core is a ReLU core.
        num_steps: T.
        num_rows: B.
        dtype: Of all products, float32 or bfloat16.

    Attributes:
        inputs: The glimpses and the locations: (T, B, glimpse_size) and (T, B, 2).
        branches: h_g and h_l side by side, so that one product makes g of both: (T, B, glimpse_hidden +
            location_hidden); symbols as in :mod:`agents.ram.networks`.
        g: (T, B, glimpse_features).
        h: (T, B, core_size).
    """

    def __init__(self, policy: RAMPolicy, num_steps: int, num_rows: int, dtype: torch.dtype) -> None:
        assert isinstance(policy.core_network, CoreNetwork), "the LSTM is the library's, which goes back by itself"
        glimpse, core = policy.glimpse_network, policy.core_network
        self.input_gains = glimpse.input_gains
        layers = (glimpse.from_glimpse, glimpse.from_location, glimpse.what, glimpse.where, core.from_glimpse)
        self.parameters = [p for layer in layers for p in (layer.weight, layer.bias)] + [core.from_core.weight]
        like = self.parameters[0].new_empty(0, dtype=dtype)
        self.inputs = [like.new_empty(num_steps, num_rows, layer.in_features) for layer in layers[:2]]
        self.hidden = layers[0].out_features, layers[1].out_features
        self.branches, self.g, self.h = (
            like.new_empty(num_steps, num_rows, size)
            for size in (sum(self.hidden), glimpse.what.out_features, core.core_size)
        )
        outputs = (self.branches, self.g, self.h)
        self.gradients = [torch.empty_like(output) for output in outputs]  # of what goes into their ReLUs
        before = [like.new_zeros(num_rows, core.core_size), *self.h[:-1]]
        halves = self.branches.split(self.hidden, -1)
        self._steps = list(zip(*self.inputs, *halves, self.branches, self.g, before, self.h, strict=True))
        self.begin()

    @torch.no_grad()
    def begin(self) -> None:
        """Begin a new rollout, with the policy's weights as they are now."""
        self._step = 0
        w_x, b_x, w_l, b_l, w_what, b_what, w_where, b_where, w_g, b_g, w_h = self.parameters
        w_x = w_x * self.input_gains  # the weights, which are fewer, in place of the glimpses
        joined = torch.cat([w_what, w_where], 1)
        weights = (w_x, b_x, w_l, b_l, joined, b_what + b_where, w_g, b_g, w_h)
        self.weights = [weight.to(self.h.dtype) for weight in weights]

    @torch.no_grad()
    def step(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return what the core says, (B, core_size), to the next observation: "glimpse" and "location", (B, ...)."""
        x, where, h_g, h_l, branches, g, before, h = self._steps[self._step]
        w_x, b_x, w_l, b_l, w_joined, b_joined, w_g, b_g, w_h = self.weights
        x.copy_(observation["glimpse"])
        where.copy_(observation["location"])
        torch.addmm(b_x, x, w_x.T, out=h_g)
        torch.addmm(b_l, where, w_l.T, out=h_l)
        branches.relu_()
        torch.addmm(b_joined, branches, w_joined.T, out=g).relu_()
        torch.addmm(b_g, g, w_g.T, out=h).addmm_(before, w_h.T).relu_()
        self._step += 1
        return h

    def h_with_gradient(self) -> Tensor:
        """Return what the core said, (T, B, core_size), with its gradient; good until the next rollout begins."""
        return _Recorded.apply(self, *self.parameters)


class _Recorded(torch.autograd.Function):
    """Nothing forward, for that is recorded; backward through time."""

    @staticmethod
    def forward(ctx: Any, recording: Recording, *parameters: Tensor) -> Tensor:
        ctx.recording = recording
        return recording.h.detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        recording: Recording = ctx.recording
        _, _, _, _, w_joined, _, w_g, _, w_h = recording.weights
        h, d = recording.h, recording.gradients[-1]
        # Through the core, from the last step to the first.
        _through_relu(grad[-1], h[-1], out=d[-1])
        for t in reversed(range(len(h) - 1)):
            torch.addmm(grad[t], d[t + 1], w_h, out=d[t])
            _through_relu(d[t], h[t], out=d[t])
        d_h, before = d[1:].flatten(0, 1), h[:-1].flatten(0, 1)
        # Through the other layers, all steps at once: (T, B, ...) -> (T * B, ...).
        x, where, branches, g = (part.flatten(0, 1) for part in (*recording.inputs, recording.branches, recording.g))
        d_branches, d_g, d = (part.flatten(0, 1) for part in recording.gradients)
        _through_relu(torch.mm(d, w_g, out=d_g), g, out=d_g)
        _through_relu(torch.mm(d_g, w_joined, out=d_branches), branches, out=d_branches)
        d_what, d_where = d_branches.split(recording.hidden, -1)
        b_what, b_where = d_branches.sum(0).split(recording.hidden)
        w_what, w_where = (d_g.T @ branches).split(recording.hidden, -1)
        b_joined = d_g.sum(0)
        gradients = (
            *((d_what.T @ x) * recording.input_gains, b_what),
            *(d_where.T @ where, b_where),
            *(w_what, b_joined, w_where, b_joined.clone()),
            *(d.T @ g, d.sum(0)),
            d_h.T @ before,
        )
        return None, *(part.to(p.dtype) for part, p in zip(gradients, recording.parameters, strict=True))


def _through_relu(grad: Tensor, output: Tensor, out: Tensor) -> None:
    """Write down the gradient of a ReLU's input, given that of its output, and its output; it may be in place."""
    torch.ops.aten.threshold_backward.grad_input(grad, output, 0, grad_input=out)
