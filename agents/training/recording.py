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
        outputs: h_g, h_l, g and h, each (T, B, size), as :mod:`agents.ram.networks` calls them.
    """

    def __init__(self, policy: RAMPolicy, num_steps: int, num_rows: int, dtype: torch.dtype) -> None:
        assert isinstance(policy.core_network, CoreNetwork), "the LSTM is the library's, which goes back by itself"
        glimpse, core = policy.glimpse_network, policy.core_network
        self.input_gains = glimpse.input_gains
        layers = (glimpse.from_glimpse, glimpse.from_location, glimpse.what, glimpse.where, core.from_glimpse)
        self.parameters = [p for layer in layers for p in (layer.weight, layer.bias)] + [core.from_core.weight]
        empty = self.parameters[0].new_empty((num_steps, num_rows, 0), dtype=dtype)
        self.inputs = [empty.new_empty(num_steps, num_rows, layer.in_features) for layer in layers[:2]]
        self.outputs = [
            empty.new_empty(num_steps, num_rows, layer.out_features) for layer in (*layers[:3], core.from_core)
        ]
        self._zeros = empty.new_zeros(num_rows, core.core_size)
        self.begin()

    @torch.no_grad()
    def begin(self) -> None:
        """Begin a new rollout, with the policy's weights as they are now."""
        self._step = 0
        scaled = self.parameters[0] * self.input_gains  # the weights, which are fewer, in place of the glimpses
        self.weights = [parameter.to(self._zeros.dtype) for parameter in (scaled, *self.parameters[1:])]

    @torch.no_grad()
    def step(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return what the core says, (B, core_size), to the next observation: "glimpse" and "location", (B, ...)."""
        t = self._step
        (x, where), (h_g, h_l, g, h) = ([part[t] for part in parts] for parts in (self.inputs, self.outputs))
        w_x, b_x, w_l, b_l, w_what, b_what, w_where, b_where, w_g, b_g, w_h = self.weights
        x.copy_(observation["glimpse"])
        where.copy_(observation["location"])
        torch.addmm(b_x, x, w_x.T, out=h_g).relu_()
        torch.addmm(b_l, where, w_l.T, out=h_l).relu_()
        torch.addmm(b_what + b_where, h_g, w_what.T, out=g).addmm_(h_l, w_where.T).relu_()
        before = self.outputs[-1][t - 1] if t > 0 else self._zeros
        torch.addmm(b_g, g, w_g.T, out=h).addmm_(before, w_h.T).relu_()
        self._step += 1
        return h

    def h(self) -> Tensor:
        """Return what the core said, (T, B, core_size), with its gradient; good until the next rollout begins."""
        return _Recorded.apply(self, *self.parameters)


class _Recorded(torch.autograd.Function):
    """Nothing forward, for that is recorded; backward through time."""

    @staticmethod
    def forward(ctx: Any, recording: Recording, *parameters: Tensor) -> Tensor:
        ctx.recording = recording
        return recording.outputs[-1].detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        recording: Recording = ctx.recording
        _, _, _, _, w_what, _, w_where, _, w_g, _, w_h = recording.weights
        # Through the core, from the last step to the first: d is the gradient of what goes into its ReLUs.
        h = recording.outputs[-1]
        d = torch.empty_like(h)
        for t in reversed(range(len(h))):
            total = grad[t] if t == len(h) - 1 else torch.addmm(grad[t], d[t + 1], w_h)
            d[t] = _through_relu(total, h[t])
        d_h, before = d[1:].flatten(0, 1), h[:-1].flatten(0, 1)
        # Through the other layers, all steps at once: (T, B, ...) -> (T * B, ...).
        x, where, h_g, h_l, g = (part.flatten(0, 1) for part in (*recording.inputs, *recording.outputs[:-1]))
        d = d.flatten(0, 1)
        d_g = _through_relu(d @ w_g, g)
        d_what = _through_relu(d_g @ w_what, h_g)
        d_where = _through_relu(d_g @ w_where, h_l)
        gradients = [(d_what, x), (d_where, where), (d_g, h_g), (d_g, h_l), (d, g)]
        layers = [part for d_out, below in gradients for part in (d_out.T @ below, d_out.sum(0))]
        layers.append(d_h.T @ before)
        layers[0] = layers[0] * recording.input_gains
        return None, *(part.to(p.dtype) for part, p in zip(layers, recording.parameters, strict=True))


def _through_relu(grad: Tensor, output: Tensor) -> Tensor:
    """Return the gradient of a ReLU's input from that of its output, and its output."""
    return torch.ops.aten.threshold_backward(grad, output, 0)
