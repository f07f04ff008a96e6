"""The five networks compute the paper's formulas."""

import pytest
import torch
from torch.nn import functional as F

from agents.ram.networks import (
    ActionNetwork,
    Baseline,
    CoreNetwork,
    GlimpseNetwork,
    LocationNetwork,
    LSTMCore,
)


def glimpse_network(**gains):
    torch.manual_seed(0)
    return GlimpseNetwork((3, 1, 2, 2), 5, 4, 6, **gains)


def test_glimpse_network_joins_what_and_where():
    network = glimpse_network()
    glimpse, location = torch.rand(7, 12), torch.rand(7, 2) * 2 - 1
    h_g = F.relu(glimpse @ network.from_glimpse.weight.T + network.from_glimpse.bias)
    h_l = F.relu(location @ network.from_location.weight.T + network.from_location.bias)
    expected = F.relu(
        h_g @ network.what.weight.T + network.what.bias + h_l @ network.where.weight.T + network.where.bias
    )
    torch.testing.assert_close(network(glimpse, location), expected)


def test_further_senses_are_a_third_branch_of_the_glimpse_network():
    network, without = glimpse_network(sense_size=3), glimpse_network()
    for name, parameter in without.named_parameters():  # drawn first, so runs without senses start as before
        assert torch.equal(network.get_parameter(name), parameter)
    glimpse, location, senses = torch.rand(7, 12), torch.rand(7, 2) * 2 - 1, torch.rand(7, 3)
    h_g = F.relu(glimpse @ network.from_glimpse.weight.T + network.from_glimpse.bias)
    h_l = F.relu(location @ network.from_location.weight.T + network.from_location.bias)
    h_s = F.relu(senses @ network.from_senses.weight.T + network.from_senses.bias)
    expected = F.relu(network.what(h_g) + network.where(h_l) + network.sensed(h_s))
    torch.testing.assert_close(network(glimpse, location, senses), expected)


def test_scale_gain_makes_a_lit_pixel_weigh_the_same_at_every_scale():
    network = glimpse_network(scale_gain=4.0)
    lit = torch.tensor([1.0, 1 / 4, 1 / 16]).repeat_interleave(4)  # one lit pixel, seen by each of the three scales
    torch.testing.assert_close(lit * network.input_gains, torch.ones(12))


def test_input_gain_multiplies_every_pixel():
    torch.testing.assert_close(glimpse_network(input_gain=2.0).input_gains, torch.full((12,), 2.0))


def test_relu_core_is_the_papers_formula_step_by_step():
    torch.manual_seed(0)
    core = CoreNetwork(3, 4)
    features = torch.randn(5, 2, 3)
    h = torch.zeros(2, 4)
    sequence, state = core(features, core.initial_state(2))
    for t in range(5):
        linear = core.from_glimpse
        h = F.relu(h @ core.from_core.weight.T + features[t] @ linear.weight.T + linear.bias)
        torch.testing.assert_close(sequence[t], h)
    torch.testing.assert_close(state[0], h)


def test_relu_core_that_starts_as_the_identity_keeps_what_it_saw():
    core = CoreNetwork(3, 4, start="identity")
    nothing, seen = torch.zeros(1, 1, 3), torch.rand(1, 4)
    torch.testing.assert_close(core(nothing, (seen,))[0][0], seen)


@pytest.mark.parametrize("core_type", [CoreNetwork, LSTMCore])
def test_a_core_gives_the_same_over_a_sequence_and_in_steps(core_type):
    torch.manual_seed(0)
    core = core_type(3, 4)
    features = torch.randn(5, 2, 3)
    whole, after = core(features, core.initial_state(2))
    state = core.initial_state(2)
    for t in range(5):
        step, state = core(features[t : t + 1], state)
        torch.testing.assert_close(step[0], whole[t])
    torch.testing.assert_close(state, after)


def test_lstm_core_starts_with_open_forget_gates():
    core = LSTMCore(3, 4)
    assert core.lstm.bias_ih_l0[4:8].eq(1).all()
    assert core.lstm.bias_ih_l0[:4].eq(0).all()


@pytest.mark.parametrize(("hidden", "layers"), [(0, 1), (8, 2)])
def test_location_network_may_have_a_hidden_layer(hidden, layers):
    network = LocationNetwork(4, hidden)
    assert len([p for p in network.parameters() if p.ndim == 2]) == layers
    assert network(torch.randn(3, 2, 4)).shape == (3, 2, 2)


def test_location_network_keeps_the_mean_inside_only_where_asked():
    h = torch.full((1, 4), 1e3)
    for squash in (False, True):
        network = LocationNetwork(4, squash=squash)
        torch.nn.init.ones_(network.mean.weight)
        assert (network(h).abs() <= 1).all() == squash


def test_heads_are_linear_and_start_small():
    torch.manual_seed(0)
    h = torch.rand(6, 16)
    actions, baseline = ActionNetwork(16, 3), Baseline(16)
    torch.testing.assert_close(actions(h), F.linear(h, actions.logits.weight, actions.logits.bias))
    torch.testing.assert_close(baseline(h), F.linear(h, baseline.value.weight)[:, 0] + baseline.value.bias)
    assert actions(h).abs().max() < 0.1


def test_one_row_of_an_lstm_is_computed_as_in_a_batch():
    """An agent that acts in one environment takes a shorter way (on a CPU, in full precision)."""
    core = LSTMCore(3, 4)
    features = torch.randn(1, 2, 3)
    state = torch.randn(2, 4), torch.randn(2, 4)
    sequence, after = core(features, state)
    for row in range(2):
        alone, (h, c) = core(features[:, row : row + 1], tuple(part[row : row + 1] for part in state))
        torch.testing.assert_close(alone, sequence[:, row : row + 1])
        torch.testing.assert_close((h[0], c[0]), (after[0][row], after[1][row]))
    alone.sum().backward()
    assert core.lstm.weight_hh_l0.grad.abs().sum() > 0
