"""Single, vector and tensor environment: equal to each other and to the plain reference, whatever is done to them.

Each example is a story: random settings, then valid steps, resets and hostile calls in any order. A hostile call is
first made on a copy. It has to raise a documented error and leave the copy as it was, or return something in the space.
"""

import copy
import pickle

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.error import InvalidAction, ResetNeeded
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import ram_envs.arrays
from ram_envs.arrays import WORTH_LOADING
from ram_envs.errors import InvalidArgument
from tests.properties import strategies as own
from tests.reference.environment import ReferenceBatch, ReferenceRow

IDS = {"catch": "RAM-CatchGame-v0", "classification": "RAM-MNIST-v0"}
KEYS = {"catch": "move", "classification": "label"}
DOCUMENTED = (InvalidAction, InvalidArgument, ResetNeeded)


def numpy_of(value):
    """Nested tensors as arrays."""
    if isinstance(value, dict):
        return {key: numpy_of(item) for key, item in value.items()}
    return value.numpy() if isinstance(value, torch.Tensor) else value


def assert_same(got, expected, what):
    if isinstance(expected, dict):
        assert list(got) == list(expected), what
        for key in expected:
            assert_same(got[key], expected[key], f"{what} {key}")
    else:
        assert np.asarray(got).dtype == np.asarray(expected).dtype, what
        assert np.array_equal(got, expected), f"{what}: {got} != {expected}"


def row_of(batch, row):
    return {key: value[row] for key, value in batch.items()} if isinstance(batch, dict) else batch[row]


def snapshot(env):
    """The whole state of an environment, as bytes and numbers."""
    env = getattr(env, "unwrapped", env)
    episodes = env._episodes
    state = () if episodes.state is None else tuple(np.asarray(leaf).tobytes() for leaf in episodes.state)
    ended = getattr(env, "_over", None), np.asarray(getattr(env, "_ended", 0)).tobytes()
    generator = getattr(env, "np_random_seed", None)  # drawn when it is first asked for
    return state, np.asarray(episodes._seed).tobytes(), np.asarray(episodes._episode).tobytes(), ended, generator


def batched(actions):
    """Actions of the rows as one action of the vector environment."""
    if isinstance(actions[0], dict):
        return {key: np.stack([action[key] for action in actions]) for key in actions[0]}
    return np.stack(actions)


def tensors(actions):
    if isinstance(actions, dict):
        return {key: torch.from_numpy(value) for key, value in actions.items()}
    return torch.from_numpy(actions)


class Environments(RuleBasedStateMachine):
    """One random task on all interfaces."""

    kernels = True

    @initialize(data=st.data(), task=own.TASKS, action_format=own.ACTION_FORMATS, form=own.OBSERVATION_FORMATS)
    def make(self, data, task, action_format, form):
        self.patch = pytest.MonkeyPatch()
        # The kernels are loaded at once, or after some steps: then they take over episodes that have begun.
        work = data.draw(st.sampled_from([WORTH_LOADING, WORTH_LOADING - 4_000]), label="work")
        self.patch.setattr(ram_envs.arrays, "_work", work)
        if not self.kernels:
            self.patch.setattr(ram_envs.arrays, "_import_kernels", lambda: None)
        self.task, arguments = task
        self.action_format, self.grid = action_format, data.draw(st.integers(1, 4), label="grid")
        formats = {"action_format": action_format, "observation_format": form, "grid_size": self.grid}
        self.count = data.draw(st.integers(1, 3), label="rows")
        self.mode = data.draw(st.sampled_from(["NextStep", "SameStep", "Disabled"]), label="mode")
        self.limit = data.draw(st.one_of(st.none(), st.integers(1, 5)), label="limit")
        arguments = {**arguments, **formats}
        env_id, limit = IDS[self.task], {"max_episode_steps": self.limit}
        self.single = gym.make(env_id, **arguments).unwrapped
        self.vector = gym.make_vec(env_id, self.count, autoreset_mode=self.mode, **arguments, **limit)
        self.tensor = ram_envs.make_tensor(env_id, self.count, autoreset_mode=self.mode, **arguments, **limit)
        rule_settings = {key: value for key, value in arguments.items() if key not in formats}
        self.alone = ReferenceRow(self.task, rule_settings, **formats)
        rows = [ReferenceRow(self.task, rule_settings, **formats) for _ in range(self.count)]
        self.batch = ReferenceBatch(rows, self.mode, self.limit)
        self.begun = self.single_begun = False
        self.space, self.spaces = self.single.observation_space, self.vector.observation_space

    def teardown(self):
        if hasattr(self, "patch"):
            self.patch.undo()

    @property
    def num_images(self):
        return self.single.task.num_images

    def action(self, data):
        rules = self.alone.rules
        return data.draw(
            own.valid_action(self.action_format, KEYS[self.task], rules.gaze_size, rules.choices, self.grid)
        )

    @rule(data=st.data(), seed=st.one_of(st.none(), own.SEEDS))
    def reset_single(self, data, seed):
        if seed is None and not self.single_begun:
            seed = 0
        image = data.draw(st.one_of(st.none(), st.integers(0, self.num_images - 1))) if self.num_images else None
        got = self.single.reset(seed=seed, options=None if image is None else {"image_index": image})
        expected = self.alone.reset(seed, image)
        self.single_begun = True
        self.check_single(got, expected)

    def check_single(self, got, expected):
        assert_same(got[0], expected[0], "observation")
        assert {key: got[-1][key] for key in got[-1]} == expected[-1]
        assert got[0] in self.space

    @precondition(lambda self: self.single_begun and not self.alone.over)
    @rule(data=st.data())
    def step_single(self, data):
        action = self.action(data)
        got, expected = self.single.step(action), self.alone.step(action)
        self.check_single(got, expected)
        assert got[1:4] == (pytest.approx(expected[1], abs=0), expected[2], False)

    @rule(data=st.data(), seed=own.SEEDS, kind=st.sampled_from(["int", "list", "array", "none"]))
    def reset_batch(self, data, seed, kind):
        if kind == "none" and not self.begun:
            kind = "int"
        rows = range(self.count)
        mask = None
        if self.begun and data.draw(st.booleans(), label="masked"):
            mask = np.array(data.draw(st.lists(st.booleans(), min_size=self.count, max_size=self.count)))
            mask = mask if mask.any() else None
        seeds = {"int": [(seed + row) % 2**63 for row in rows], "none": [None] * self.count}.get(kind)
        given = {"int": seed, "none": None}.get(kind)
        if kind in ("list", "array"):
            entry = own.SEEDS if kind == "array" or not self.begun else st.one_of(st.none(), own.SEEDS)
            seeds = given = data.draw(st.lists(entry, min_size=self.count, max_size=self.count))
            given = np.array(seeds) if kind == "array" else seeds
        images = None
        if self.num_images and data.draw(st.booleans(), label="images"):
            index = st.integers(0, self.num_images - 1)
            images = data.draw(st.lists(index, min_size=self.count, max_size=self.count))
        options = {} if images is None else {"image_index": np.array(images)}
        masked = {} if mask is None else {"reset_mask": mask}
        got = self.vector.reset(seed=given, options={**options, **masked})
        tensor = self.tensor.reset(
            seed=given, options={**options, **({} if mask is None else {"reset_mask": torch.from_numpy(mask)})}
        )
        expected = self.batch.reset(seeds, mask, images)
        self.begun = True
        assert got[0] in self.spaces and numpy_of(tensor[0]) in self.spaces
        for row, (observation, info) in enumerate(expected):
            assert_same(row_of(got[0], row), observation, f"vector row {row}")
            assert_same(row_of(numpy_of(tensor[0]), row), observation, f"tensor row {row}")
            assert {key: value[row].item() for key, value in tensor[1].items()} == info
            if mask is None or mask[row]:
                assert {key: got[1][key][row].item() for key in info} == info
                assert all(got[1][f"_{key}"][row] for key in info)

    @precondition(lambda self: self.begun)
    @rule(data=st.data())
    def step_batch(self, data):
        actions = [self.action(data) for _ in range(self.count)]
        if self.action_format == "box":
            with np.errstate(over="ignore"):
                actions = [action.astype(actions[0].dtype) for action in actions]
        stopped = self.mode == "Disabled" and any(self.batch.ended)
        tensor = self.tensor.step(tensors(batched(actions)))
        got = None
        if stopped:
            with pytest.raises(ResetNeeded):
                self.vector.step(batched(actions))
        else:
            got = self.vector.step(batched(actions))
            assert got[0] in self.spaces
        expected = self.batch.step(actions)
        for row, (observation, info, reward, terminated, truncated, final) in enumerate(expected):
            assert_same(row_of(numpy_of(tensor[0]), row), observation, f"tensor row {row}")
            numbers = (np.float32(reward), terminated, truncated)
            assert (tensor[1][row].numpy(), tensor[2][row].item(), tensor[3][row].item()) == numbers
            assert {key: tensor[4][key][row].item() for key in info} == info
            if final is not None:
                assert_same(row_of(numpy_of(tensor[4]["final_obs"]), row), final[0], "tensor final_obs")
                assert {key: tensor[4]["final_info"][key][row].item() for key in info} == final[1]
            if got is None:
                continue
            assert_same(row_of(got[0], row), observation, f"vector row {row}")
            assert (np.float32(got[1][row]), bool(got[2][row]), bool(got[3][row])) == numbers
            assert {key: got[4][key][row].item() for key in info} == info
            assert bool(got[4].get("_final_obs", np.zeros(self.count, bool))[row]) == (final is not None)
            if final is not None:
                assert_same(got[4]["final_obs"][row], final[0], "vector final_obs")
                assert {key: got[4]["final_info"][key][row].item() for key in info} == final[1]
        if stopped:  # the vector environment has taken no step
            self.vector.reset()
            self.tensor.reset()
            self.batch.reset([None] * self.count)

    @precondition(lambda self: hasattr(self, "single"))
    @rule(data=st.data(), interface=st.sampled_from(["single", "vector", "tensor"]))
    def hostile_step(self, data, interface):
        rules = self.alone.rules
        rows = () if interface == "single" else (self.count,)
        sizes = {"box": rules.gaze_size + rules.choices, "multidiscrete": 1 + rules.gaze_size}
        whole = (*rows, sizes[self.action_format]) if self.action_format in sizes else rows
        shapes = whole, (*rows, rules.gaze_size), rows
        action = data.draw(own.hostile_action(self.action_format, KEYS[self.task], shapes))
        self.attempt(interface, lambda env: env.step(action), (InvalidAction, ResetNeeded))

    @precondition(lambda self: hasattr(self, "single"))
    @rule(seed=own.HOSTILE_SEEDS, interface=st.sampled_from(["single", "vector", "tensor"]))
    def hostile_seed(self, seed, interface):
        self.attempt(interface, lambda env: env.reset(seed=seed), DOCUMENTED)

    @precondition(lambda self: hasattr(self, "single"))
    @rule(options=own.HOSTILE_OPTIONS, interface=st.sampled_from(["single", "vector", "tensor"]))
    def hostile_options(self, options, interface):
        documented = (*DOCUMENTED, TypeError) if interface == "vector" else DOCUMENTED  # the mask of the vector one
        self.attempt(interface, lambda env: env.reset(options=options), documented)

    def attempt(self, interface, call, documented):
        """Call a copy: it raises a documented error and is as before, or returns an observation of the space."""
        env = getattr(self, interface)
        twin = copy.deepcopy(env)
        before = snapshot(twin)
        try:
            result = call(twin)
        except documented as error:
            assert snapshot(twin) == before, f"changed by a call that was refused: {error}"
            assert str(error) and len(str(error).splitlines()) == 1, str(error)
            refused = True
        else:
            refused = False
            space = self.space if interface == "single" else self.spaces
            assert numpy_of(result[0]) in space, result[0]
            if len(result) == 5:
                assert np.isfinite(np.asarray(result[1])).all()
        if refused:
            with pytest.raises(documented):
                call(env)  # the following steps hold it equal to the reference

    @precondition(lambda self: hasattr(self, "single"))
    @rule(interface=st.sampled_from(["single", "vector", "tensor"]), way=st.sampled_from(["copy", "pickle"]))
    def goes_on_as_a_copy(self, interface, way):
        env = getattr(self, interface)
        setattr(self, interface, copy.deepcopy(env) if way == "copy" else pickle.loads(pickle.dumps(env)))

    @invariant()
    def scenes_are_equal(self):
        if getattr(self, "single_begun", False):
            scene = np.asarray(self.alone.rules.scene(), np.uint8)
            assert np.array_equal(self.single.scene, scene[0] if len(scene) == 1 else scene.transpose(1, 2, 0))
        if getattr(self, "begun", False):
            scenes = np.stack([np.asarray(row.rules.scene(), np.uint8) for row in self.batch.rows])
            assert np.array_equal(self.tensor.scene.numpy(), scenes)


class EnvironmentsWithoutKernels(Environments):
    """The same on NumPy and torch alone."""

    kernels = False


STORIES = settings(max_examples=max(20, settings.default.max_examples // 5), stateful_step_count=20)
TestEnvironments = Environments.TestCase
TestEnvironments.settings = STORIES
TestEnvironmentsWithoutKernels = EnvironmentsWithoutKernels.TestCase
TestEnvironmentsWithoutKernels.settings = STORIES
