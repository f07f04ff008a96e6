"""Action formats: what one says, the others say too, and translating back and forth changes nothing."""

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

import ram_envs
from ram_envs.envs.actions import FIXATION, make_action_format
from ram_envs.envs.observations import OBSERVATION_FORMATS, ObservationFormat
from tests.properties.strategies import FLOAT32

SETTINGS = {"screen_size": 6, "patch_size": 2, "num_scales": 2, "hearing": True}
TASKS = {name: ram_envs.make_task("RAM-CatchGame-v0", sensor=name, **SETTINGS) for name in ("retina", "zoom")}
KEY = "move"


@given(st.sampled_from([*TASKS]), st.integers(1, 9), st.data())
def test_every_format_says_every_choice_and_cell(sensor, grid_size, data):
    task = TASKS[sensor]
    formats = {name: make_action_format(name, task, grid_size) for name in ("box", "dict", "multidiscrete", "discrete")}
    size, rows = task.glimpse_sensor.gaze_size, data.draw(st.integers(1, 4))
    cells = st.lists(st.integers(0, grid_size - 1), min_size=size, max_size=size)
    chosen = np.array([[data.draw(st.integers(0, 2)), *data.draw(cells)] for _ in range(rows)])
    counts = (task.answer.size, *[grid_size] * size)
    fixation = ((2 * chosen[:, 1:] + 1) / grid_size - 1).astype(np.float32)
    actions = {
        "multidiscrete": chosen,
        "discrete": np.ravel_multi_index(tuple(chosen.T), counts),
        "dict": {FIXATION: fixation, KEY: chosen[:, 0]},
        "box": np.concatenate([fixation, np.eye(3, dtype=np.float32)[chosen[:, 0]]], axis=1),
    }
    for name, action in actions.items():
        gaze, answer = formats[name].decode(formats[name].check(action, rows))
        assert gaze.dtype == np.float32 and np.array_equal(gaze, fixation), name
        assert np.array_equal(answer, chosen[:, 0]), name
        tensor = {k: torch.from_numpy(v) for k, v in action.items()} if name == "dict" else torch.from_numpy(action)
        gaze, answer = formats[name].decode(tensor)
        assert np.array_equal(gaze.numpy(), fixation) and np.array_equal(answer.numpy(), chosen[:, 0]), name
        first = {key: value[0] for key, value in action.items()} if name == "dict" else action[0]
        assert (first["fixation"] if name == "dict" else first) in (
            formats[name].space["fixation"] if name == "dict" else formats[name].space
        )
    back = np.unravel_index(actions["discrete"], counts)
    assert np.array_equal(np.stack(back, axis=1), chosen)


@given(st.sampled_from([*TASKS]), st.lists(FLOAT32, min_size=6, max_size=6), st.sampled_from(["f2", "f4", "f8"]))
def test_any_numbers_but_nan_are_a_box_action(sensor, numbers, dtype):
    task = TASKS[sensor]
    box, size = make_action_format("box", task, 5), task.glimpse_sensor.gaze_size
    with np.errstate(over="ignore"):
        action = np.array(numbers[: size + 3], dtype)[None]
    gaze, answer = box.decode(box.check(action, 1))
    with np.errstate(over="ignore"):
        assert np.array_equal(gaze, action[:, :size].astype(np.float32))
    assert action[0, size + answer[0]] == action[0, size:].max()


@given(st.integers(0, 2**32 - 1), st.sampled_from(["retina", "zoom"]))
def test_observations_say_the_same_in_every_format(seed, sensor):
    task = TASKS[sensor]
    observation = task.observation(task.initial(np.array([seed, seed + 1]), np.zeros(2, np.int64)))
    written = {name: ObservationFormat(name, task).write(observation) for name in OBSERVATION_FORMATS}
    for row in range(2):
        plain = {key: value[row] for key, value in written["dict"].items()}
        space = ObservationFormat("dict", task).space
        assert isinstance(space, spaces.Dict) and plain in space
        # Gymnasium's own flattening says the same as ours, up to its order of keys.
        assert np.array_equal(written["flat"][row], np.concatenate([*plain.values()]))
        assert sorted(written["flat"][row]) == sorted(gym.spaces.flatten(space, plain))
        image = written["image"]["glimpse"][row]
        assert image.shape == (2, 2, 2) and np.array_equal(image.ravel(), plain["glimpse"])
