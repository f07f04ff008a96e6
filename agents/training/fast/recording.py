"""The gradient of a rollout without an autograd graph, for the glimpse network and the ReLU core.

In a rollout the networks run one step at a time, because each glimpse depends on the location chosen before. Autograd
would also go back one step at a time, in many small products whose results are added up. Here the rollout only stores
the outputs of the layers, and the backward pass is written out: one product per layer for all steps, except for the
recurrent one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from agents.ram.networks import CoreNetwork, GlimpseNetwork
from agents.ram.policy import RAMPolicy


class Recording:
    """The layers' outputs in a rollout of T steps of B rows; reused for the next rollout.

    Make one with :meth:`of`, which checks that the policy's networks are the ones written out here.

    Args:
        policy: Policy whose glimpse network and core run.
        num_steps: T.
        num_rows: B.
        dtype: Precision of all products, float32 or bfloat16.

    Attributes:
        inputs: Glimpses and locations: (T, B, glimpse_size) and (T, B, gaze_size).
        branches: h_g and h_l side by side, so that one product gives g: (T, B, glimpse_hidden + location_hidden);
            symbols as in :mod:`agents.ram.networks`.
        g: (T, B, glimpse_features).
        h: (T, B, core_size).
    """

    @classmethod
    def of(cls, policy: RAMPolicy, num_steps: int, num_rows: int, dtype: torch.dtype) -> Recording | None:
        """Return a recording for a policy; None if its networks are others than the ones written out here.

        That is so for an LSTM core, a subclass, a replaced layer or method, a hook, and a parametrized layer: autograd
        gives the gradient of all of these.
        """
        return cls(policy, num_steps, num_rows, dtype) if _is_written_out(policy) else None

    def __init__(self, policy: RAMPolicy, num_steps: int, num_rows: int, dtype: torch.dtype) -> None:
        assert isinstance(policy.core_network, CoreNetwork)
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
        self.gradients = [torch.empty_like(output) for output in outputs]  # with respect to the inputs of the ReLUs
        before = [like.new_zeros(num_rows, core.core_size), *self.h[:-1]]
        halves = self.branches.split(self.hidden, -1)
        self._steps = list(zip(*self.inputs, *halves, self.branches, self.g, before, self.h, strict=True))
        self.begin()

    @torch.no_grad()
    def begin(self) -> None:
        """Begin a new rollout with the policy's present weights."""
        self._step = 0
        w_x, b_x, w_l, b_l, w_what, b_what, w_where, b_where, w_g, b_g, w_h = self.parameters
        w_x = w_x * self.input_gains  # cheaper than scaling the glimpses
        joined = torch.cat([w_what, w_where], 1)
        weights = (w_x, b_x, w_l, b_l, joined, b_what + b_where, w_g, b_g, w_h)
        self.weights = [weight.to(self.h.dtype) for weight in weights]

    @torch.no_grad()
    def step(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return the core's output, (B, core_size), for the next observation: "glimpse" and "location", (B, ...)."""
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
        """Return the core's outputs, (T, B, core_size), with their gradient; valid until the next rollout begins."""
        return _Recorded.apply(self, *self.parameters)


class _Recorded(torch.autograd.Function):
    """Backpropagation through time; the forward pass has been recorded."""

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
    """Write the gradient of a ReLU's input to ``out``, given its output and the output's gradient; may be in place."""
    torch.ops.aten.threshold_backward.grad_input(grad, output, 0, grad_input=out)


_METHODS = ("encode", "encode_step", "initial_state", "__call__")


def _is_written_out(policy: RAMPolicy) -> bool:
    """Return whether glimpse network and core compute exactly what :meth:`Recording.step` computes."""
    glimpse, core = policy.glimpse_network, policy.core_network
    layers = {
        glimpse: ("from_glimpse", "from_location", "what", "where"),
        core: ("from_glimpse", "from_core"),
    }
    return (
        type(glimpse) is GlimpseNetwork
        and type(core) is CoreNetwork
        and all(getattr(type(policy), name) is getattr(RAMPolicy, name) for name in _METHODS)
        and all(tuple(dict(network.named_children())) == names for network, names in layers.items())
        and all(type(layer) is nn.Linear for network in layers for layer in network.children())
        and core.from_core.bias is None
        and glimpse.input_shift == 0
        and not any(
            module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or "forward" in vars(module)
            for network in layers
            for module in network.modules()
        )
        and not set(_METHODS) & set(vars(policy))
    )
