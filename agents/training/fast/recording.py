"""The gradient of a rollout without an autograd graph, for the glimpse network and both cores.

In a rollout the networks run one step at a time, because each glimpse depends on the location chosen before. Autograd
would also go back one step at a time, in many small products whose results are added up. Here the rollout only stores
the outputs of the layers, and the backward pass is written out: one product per layer for all steps, except for the
recurrent one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from agents.ram.networks import CoreNetwork, GlimpseNetwork, LSTMCore
from agents.ram.policy import RAMPolicy


class Recording:
    """The layers' outputs in a rollout of T steps of B rows; reused for the next rollout.

    Make one with :meth:`of`, which checks that the policy's networks are the ones written out here.

    Args:
        policy: Policy whose glimpse network and core run.
        num_steps: T.
        num_rows: B.
        dtype: Precision of all products and states, float32 or bfloat16.

    Attributes:
        inputs: Glimpses and locations: (T, B, glimpse_size) and (T, B, gaze_size).
        branches: h_g and h_l side by side, so that one product gives g: (T, B, glimpse_hidden + location_hidden);
            symbols as in :mod:`agents.ram.networks`.
        g: (T, B, glimpse_features).
        core: The core's part, with its outputs.
    """

    @classmethod
    def of(cls, policy: RAMPolicy, num_steps: int, num_rows: int, dtype: torch.dtype) -> Recording | None:
        """Return a recording for a policy; None if its networks are others than the ones written out here.

        That is so for a subclass, a replaced layer or method, a hook, and a parametrized layer: autograd gives the
        gradient of all of these.
        """
        return cls(policy, num_steps, num_rows, dtype) if _is_written_out(policy) else None

    def __init__(self, policy: RAMPolicy, num_steps: int, num_rows: int, dtype: torch.dtype) -> None:
        glimpse = policy.glimpse_network
        self.input_gains = glimpse.input_gains
        layers = (glimpse.from_glimpse, glimpse.from_location, glimpse.what, glimpse.where)
        like = layers[0].weight.new_empty(0, dtype=dtype)
        self.inputs = [like.new_empty(num_steps, num_rows, layer.in_features) for layer in layers[:2]]
        self.hidden = layers[0].out_features, layers[1].out_features
        self.branches, self.g = (
            like.new_empty(num_steps, num_rows, size) for size in (sum(self.hidden), glimpse.what.out_features)
        )
        # With respect to the inputs of the ReLUs.
        self.gradients = torch.empty_like(self.branches), torch.empty_like(self.g)
        self.core: _RecordedCore = _CORES[type(policy.core_network)](policy.core_network, self.g)
        self.parameters = [p for layer in layers for p in (layer.weight, layer.bias)] + self.core.parameters
        halves = self.branches.split(self.hidden, -1)
        self._steps = list(zip(*self.inputs, *halves, self.branches, self.g, strict=True))
        self.begin()

    @torch.no_grad()
    def begin(self) -> None:
        """Begin a new rollout with the policy's present weights."""
        self._step = 0
        w_x, b_x, w_l, b_l, w_what, b_what, w_where, b_where, *_ = self.parameters
        w_x = w_x * self.input_gains  # cheaper than scaling the glimpses
        joined = torch.cat([w_what, w_where], 1)
        weights = (w_x, b_x, w_l, b_l, joined, b_what + b_where)
        self.weights = [weight.to(self.g.dtype) for weight in weights]
        self.core.begin()

    @torch.no_grad()
    def step(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return the core's output, (B, core_size), for the next observation: "glimpse" and "location", (B, ...)."""
        x, where, h_g, h_l, branches, g = self._steps[self._step]
        w_x, b_x, w_l, b_l, w_joined, b_joined = self.weights
        x.copy_(observation["glimpse"])
        where.copy_(observation["location"])
        torch.addmm(b_x, x, w_x.T, out=h_g)
        torch.addmm(b_l, where, w_l.T, out=h_l)
        branches.relu_()
        torch.addmm(b_joined, branches, w_joined.T, out=g).relu_()
        h = self.core.step(self._step)
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
        return recording.core.h.detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        recording: Recording = ctx.recording
        w_joined = recording.weights[4]
        d_g, of_core = recording.core.backward(grad, out=recording.gradients[-1].flatten(0, 1))
        # All steps at once: (T, B, ...) -> (T * B, ...).
        x, where, branches, g = (part.flatten(0, 1) for part in (*recording.inputs, recording.branches, recording.g))
        d_branches = recording.gradients[0].flatten(0, 1)
        _through_relu(d_g, g, out=d_g)
        _through_relu(torch.mm(d_g, w_joined, out=d_branches), branches, out=d_branches)
        d_what, d_where = d_branches.split(recording.hidden, -1)
        b_what, b_where = d_branches.sum(0).split(recording.hidden)
        w_what, w_where = (d_g.T @ branches).split(recording.hidden, -1)
        b_joined = d_g.sum(0)
        gradients = (
            *((d_what.T @ x) * recording.input_gains, b_what),
            *(d_where.T @ where, b_where),
            *(w_what, b_joined, w_where, b_joined.clone()),
            *of_core,
        )
        return None, *(part.to(p.dtype) for part, p in zip(gradients, recording.parameters, strict=True))


def _through_relu(grad: Tensor, output: Tensor, out: Tensor) -> None:
    """Write the gradient of a ReLU's input to ``out``, given its output and the output's gradient; may be in place."""
    torch.ops.aten.threshold_backward.grad_input(grad, output, 0, grad_input=out)


class _RecordedCore(Protocol):
    """The outputs of a core in a rollout.

    Attributes:
        parameters: Its parameters, in the order of their gradients.
        h: Its outputs, (T, B, core_size).
    """

    parameters: list[Tensor]
    h: Tensor

    def begin(self) -> None:
        """Begin a new rollout with the present weights."""

    def step(self, t: int) -> Tensor:
        """Return the output at step t, (B, core_size), whose glimpse features are there."""

    def backward(self, grad: Tensor, out: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the gradients of the glimpse features, (T * B, glimpse_features), and of the parameters.

        Args:
            grad: Gradient of the outputs, (T, B, core_size).
            out: What the first is written to.
        """


class _ReLU:
    """h_t = ReLU(W_h h_{t-1} + W_g g_t + b), as in :class:`agents.ram.networks.CoreNetwork`.

    Args:
        core: The core.
        g: Its inputs, (T, B, glimpse_features), which are filled step by step.
    """

    def __init__(self, core: CoreNetwork, g: Tensor) -> None:
        self.parameters: list[Tensor] = [core.from_glimpse.weight, core.from_glimpse.bias, core.from_core.weight]
        self.h = g.new_empty(*g.shape[:2], core.core_size)
        before = [torch.zeros_like(self.h[0]), *self.h[:-1]]
        self._g, self._steps, self._d = g, list(zip(g, before, self.h, strict=True)), torch.empty_like(self.h)

    def begin(self) -> None:
        self._weights = [parameter.to(self.h.dtype) for parameter in self.parameters]

    def step(self, t: int) -> Tensor:
        w_g, b_g, w_h = self._weights
        g, before, h = self._steps[t]
        return torch.addmm(b_g, g, w_g.T, out=h).addmm_(before, w_h.T).relu_()

    def backward(self, grad: Tensor, out: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        (w_g, _, w_h), h, d = self._weights, self.h, self._d
        _through_relu(grad[-1], h[-1], out=d[-1])
        for t in reversed(range(len(h) - 1)):
            torch.addmm(grad[t], d[t + 1], w_h, out=d[t])
            _through_relu(d[t], h[t], out=d[t])
        d_later, before = d[1:].flatten(0, 1), h[:-1].flatten(0, 1)
        d, g = d.flatten(0, 1), self._g.flatten(0, 1)
        return torch.mm(d, w_g, out=out), (d.T @ g, d.sum(0), d_later.T @ before)


class _LSTM:
    """A layer of LSTM units, as in :class:`agents.ram.networks.LSTMCore`; see :class:`_ReLU`.

    c_t = f c_{t-1} + i z and h_t = o tanh(c_t), with the gates i, f, o and the candidate z side by side in one product.
    """

    def __init__(self, core: LSTMCore, g: Tensor) -> None:
        self.parameters: list[Tensor] = list(core.lstm.all_weights[0])
        states, size = g.shape[:2], core.core_size
        self.h, self._tanh_c = g.new_empty(*states, size), g.new_empty(*states, size)
        self._gates, self._d = g.new_empty(*states, 4 * size), g.new_empty(*states, 4 * size)
        self._c = g.new_zeros(1 + len(g), len(g[0]), size)  # from the state before the first step on
        self._g, self._before = g, [torch.zeros_like(self.h[0]), *self.h[:-1]]
        self._dh, self._dc, self._dx = torch.empty_like(self.h[:3])

    def begin(self) -> None:
        w_g, w_h, b_g, b_h = self.parameters
        self._weights = [weight.to(self.h.dtype) for weight in (w_g, w_h, b_g + b_h)]

    def step(self, t: int) -> Tensor:
        w_g, w_h, b = self._weights
        gates, h, c, tanh_c = self._gates[t], self.h[t], self._c[t + 1], self._tanh_c[t]
        torch.addmm(b, self._g[t], w_g.T, out=gates).addmm_(self._before[t], w_h.T)
        i, f, z, o = gates.chunk(4, -1)
        i.sigmoid_(), f.sigmoid_(), z.tanh_(), o.sigmoid_()
        torch.mul(f, self._c[t], out=c).addcmul_(i, z)
        return torch.mul(o, torch.tanh(c, out=tanh_c), out=h)

    def backward(self, grad: Tensor, out: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        (w_g, w_h, _), d, dh, dc, dx = self._weights, self._d, self._dh, self._dc, self._dx
        dc.zero_()
        for t in reversed(range(len(d))):
            i, f, z, o = self._gates[t].chunk(4, -1)
            di, df, dz, do = d[t].chunk(4, -1)
            if t == len(d) - 1:
                dh.copy_(grad[t])
            else:
                torch.addmm(grad[t], d[t + 1], w_h, out=dh)
            _through_sigmoid(torch.mul(dh, self._tanh_c[t], out=dx), o, out=do)
            _through_tanh(torch.mul(dh, o, out=dx), self._tanh_c[t], out=dx)
            dc.add_(dx)
            _through_sigmoid(torch.mul(dc, z, out=dx), i, out=di)
            _through_sigmoid(torch.mul(dc, self._c[t], out=dx), f, out=df)
            _through_tanh(torch.mul(dc, i, out=dx), z, out=dz)
            dc.mul_(f)
        d_later, before = d[1:].flatten(0, 1), self.h[:-1].flatten(0, 1)
        d, g = d.flatten(0, 1), self._g.flatten(0, 1)
        b = d.sum(0)
        return torch.mm(d, w_g, out=out), (d.T @ g, d_later.T @ before, b, b.clone())


def _through_sigmoid(grad: Tensor, output: Tensor, out: Tensor) -> None:
    """Write the gradient of a sigmoid's input to ``out``; see :func:`_through_relu`."""
    torch.ops.aten.sigmoid_backward.grad_input(grad, output, grad_input=out)


def _through_tanh(grad: Tensor, output: Tensor, out: Tensor) -> None:
    """Write the gradient of a tanh's input to ``out``; see :func:`_through_relu`."""
    torch.ops.aten.tanh_backward.grad_input(grad, output, grad_input=out)


_CORES: dict[type[nn.Module], Any] = {CoreNetwork: _ReLU, LSTMCore: _LSTM}
_LAYERS: dict[type[nn.Module], dict[str, type[nn.Module]]] = {
    GlimpseNetwork: dict.fromkeys(("from_glimpse", "from_location", "what", "where"), nn.Linear),
    CoreNetwork: dict.fromkeys(("from_glimpse", "from_core"), nn.Linear),
    LSTMCore: {"lstm": nn.LSTM},
}
"""The networks that are written out, and their layers."""
_METHODS = ("encode", "encode_step", "initial_state", "__call__")


def _is_written_out(policy: RAMPolicy) -> bool:
    """Return whether glimpse network and core compute exactly what :meth:`Recording.step` computes."""
    networks = policy.glimpse_network, policy.core_network
    return (
        all(_LAYERS.get(type(network)) == _layers(network) for network in networks)
        and all(getattr(type(policy), name) is getattr(RAMPolicy, name) for name in _METHODS)
        and _is_usual(policy.core_network)
        and policy.glimpse_network.input_shift == 0
        and not any(
            module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or "forward" in vars(module)
            for network in networks
            for module in network.modules()
        )
        and not set(_METHODS) & set(vars(policy))
    )


def _layers(network: nn.Module) -> dict[str, type[nn.Module]]:
    return {name: type(layer) for name, layer in network.named_children()}


def _is_usual(core: nn.Module) -> bool:
    """Return whether the layers of a core have the options that it makes them with."""
    if isinstance(core, CoreNetwork):
        return core.from_core.bias is None
    assert isinstance(core, LSTMCore)
    lstm = core.lstm
    another = lstm.bidirectional or lstm.batch_first or lstm.proj_size
    return lstm.num_layers == 1 and lstm.bias and not another
