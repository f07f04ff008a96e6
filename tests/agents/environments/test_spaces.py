"""Observations of any space become vectors, and vectors become actions of any bounded space."""

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector.utils import batch_space, iterate

from agents.environments.actions import ActionSpace, scaled
from agents.environments.flatten import flat_size, flatten_batch
from agents.errors import SettingsError

OBSERVATIONS = [
    spaces.Box(-1, 1, (2, 3), np.float32),
    spaces.Box(0, 255, (4, 4, 3), np.uint8),
    spaces.Discrete(5),
    spaces.MultiDiscrete([2, 3]),
    spaces.MultiBinary(3),
    spaces.Dict(b=spaces.Box(-1, 1, (2,)), a=spaces.Discrete(3)),
    spaces.Tuple((spaces.Discrete(2), spaces.Dict(x=spaces.MultiBinary(2)))),
]
ACTIONS = [
    spaces.Discrete(3),
    spaces.Discrete(3, start=-1),
    spaces.MultiDiscrete([2, 5]),
    spaces.MultiDiscrete([[2, 5], [3, 4]]),
    spaces.MultiBinary(3),
    spaces.Box(np.array([0, -5], np.float32), np.array([1, 5], np.float32)),
    spaces.Box(-3, 4, (2,), np.int64),
    spaces.Box(0, 1, (2, 2), np.float64),
    spaces.Dict(move=spaces.Discrete(4), force=spaces.Box(-2, 2, (3,), np.float32)),
    spaces.Tuple((spaces.Box(0, 1, (), np.float32), spaces.MultiDiscrete([2, 2]), spaces.Discrete(2))),
]


@pytest.mark.parametrize("space", OBSERVATIONS, ids=str)
def test_a_batch_is_flattened_as_gymnasium_flattens_one(space):
    batch = batch_space(space, 6)
    batch.seed(0)
    values = batch.sample()
    flat = flatten_batch(space, values, 6)
    assert flat.dtype == np.float32 and flat.shape == (6, flat_size(space))
    expected = np.stack([spaces.flatten(space, value) for value in iterate(batch, values)])
    np.testing.assert_allclose(flat, expected)


def test_choices_that_do_not_start_at_0_are_one_hot_encoded():
    flat = flatten_batch(spaces.Discrete(3, start=5), np.array([5, 7]), 2)
    np.testing.assert_array_equal(flat, [[1, 0, 0], [0, 0, 1]])


def test_an_observation_without_a_fixed_size_is_refused():
    with pytest.raises(SettingsError, match="no fixed number of values"):
        flat_size(spaces.Dict(text=spaces.Text(5)))


@pytest.mark.parametrize("space", ACTIONS, ids=str)
def test_every_task_action_is_an_action_of_the_space(space):
    actions = ActionSpace(space)
    generator = np.random.default_rng(0)
    choices = [generator.integers(count, size=20) for count in actions.choices]
    numbers = generator.normal(size=(20, actions.numbers))
    columns = np.column_stack([*choices, numbers])
    one_choice = len(choices) == 1 and not actions.numbers
    batch = actions.convert(choices[0] if one_choice else columns.astype(np.float32))
    rows = list(iterate(batch_space(space, 20), batch))
    assert len(rows) == 20
    assert all(space.contains(row) for row in rows), rows


def test_choices_and_numbers_arrive_where_they_belong():
    space = spaces.Dict(force=spaces.Box(0, 10, (2,), np.float32), move=spaces.Discrete(4))
    actions = ActionSpace(space)
    assert (actions.choices, actions.numbers) == ((4,), 2)
    batch = actions.convert(np.array([[3, -1, 0.5], [0, 7, 0]], np.float32))
    np.testing.assert_array_equal(batch["move"], [3, 0])
    np.testing.assert_allclose(batch["force"], [[0, 7.5], [10, 5]])  # 7 is clipped


def test_numbers_are_scaled_to_the_bounds_and_clipped():
    space = spaces.Box(np.array([0, -4], np.float32), np.array([2, 4], np.float32))
    np.testing.assert_allclose(scaled(np.array([[-1, 1], [0, 0], [-9, 9]]), space), [[0, 4], [1, 0], [0, 4]])


@pytest.mark.parametrize(
    ("space", "message"),
    [(spaces.Box(-np.inf, 1, (2,)), "not bounded: limit it first"), (spaces.Text(3), "not one that the RAM policy")],
)
def test_spaces_that_the_policy_cannot_act_in_are_refused(space, message):
    with pytest.raises(SettingsError, match=message):
        ActionSpace(space)
