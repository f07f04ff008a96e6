"""Another machine gives what the golden files hold: observations bit for bit, weights within rounding."""

import json

import numpy as np

from tests.golden import record


def test_observations_and_rewards_are_the_recorded_ones_bit_for_bit():
    expected = json.loads(record.OBSERVATIONS.read_text())
    found = record.observations()
    assert [name for name in expected if found.get(name) != expected[name]] == []
    assert found.keys() == expected.keys(), "record the new ids: python -m tests.golden.record"


def test_weights_of_short_trainings_are_the_recorded_ones_within_rounding():
    expected, found = np.load(record.WEIGHTS), record.weights()
    assert found.keys() == set(expected.files)
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-3, atol=1e-5, err_msg=name)
