"""The contract that every task keeps on all interfaces, as tests that a task of your own inherits.

In a test file of your own::

    from ram_envs.testing import TaskContract

    class TestMyTask(TaskContract):
        id = "my_module:RAM-Mine-v0"
        settings = {"screen_size": 7}  # small, so that the tests take seconds

Run it with pytest. It needs torch and array-api-compat (``pip install 'ram-active-vision[agents]'``).
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.error import InvalidAction
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import SyncVectorEnv

import ram_envs
from ram_envs import arrays
from ram_envs.arrays import compiled_kernels
from ram_envs.envs import episodes
from ram_envs.envs.actions import ACTION_FORMATS, FIXATION
from ram_envs.envs.observations import OBSERVATION_FORMATS
from ram_envs.errors import UnknownArgument
from ram_envs.sensors import patches

NUM_ENVS, SEED, STEPS = 5, 11, 40


def assert_same(a: Any, b: Any, path: str = "") -> None:
    """Hold two results equal, dtypes included: tuples, dictionaries, object arrays, arrays and numbers."""
    if isinstance(a, tuple):
        for index, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{path}({index})")
        return
    if isinstance(a, dict):
        assert set(a) == set(b), f"{path}: {sorted(a)} != {sorted(b)}"
        for key in a:
            assert_same(a[key], b[key], f"{path}/{key}")
        return
    if isinstance(a, np.ndarray) and a.dtype == object:
        assert isinstance(b, np.ndarray) and b.dtype == object and a.shape == b.shape, path
        for row, (x, y) in enumerate(zip(a, b, strict=True)):
            assert (x is None) == (y is None), f"{path}[{row}]"
            if x is not None:
                assert_same(x, y, f"{path}[{row}]")
        return
    assert np.asarray(a).dtype == np.asarray(b).dtype, f"{path}: {np.asarray(a).dtype} != {np.asarray(b).dtype}"
    np.testing.assert_array_equal(np.asarray(a), np.asarray(b), err_msg=path)


def kernels_for_numpy(array: Any, pixels: int = 0) -> Any:
    """Keep the compiled kernels from tensors."""
    return compiled_kernels(array, pixels) if isinstance(array, np.ndarray) else None


class TaskContract:
    """Tests that hold for every task.

    Attributes:
        id: Id of the environment, with its module if it is not one of ram_envs.
        settings: Arguments of the task; small ones make the tests fast.
    """

    id: str
    settings: dict[str, Any] = {}

    @property
    def action_formats(self) -> tuple[str, ...]:
        """The action formats that the task's answer fits."""
        choice = ram_envs.make_task(self.id, **self.settings).answer.is_choice
        return ACTION_FORMATS if choice else ("box", "dict")

    def vector(self, mode: str, **settings: Any) -> Any:
        """Make the vector environment."""
        return gym.make_vec(self.id, NUM_ENVS, autoreset_mode=mode, **{**self.settings, **settings})

    def singles(self, mode: str, **settings: Any) -> SyncVectorEnv:
        """Make Gymnasium's loop over single environments."""
        make = lambda: gym.make(self.id, **{**self.settings, **settings})  # noqa: E731
        return SyncVectorEnv([make] * NUM_ENVS, autoreset_mode=mode)

    def actions(self, env: Any) -> Any:
        """Return random actions for a vector environment."""
        env.action_space.seed(SEED)
        return [env.action_space.sample() for _ in range(STEPS)]

    def test_the_answer_key_of_the_class_is_that_of_the_answer(self) -> None:
        task = ram_envs.make_task(self.id, **self.settings)
        assert task.answer_key in (None, task.answer.key)

    def test_gymnasium_accepts_every_format(self) -> None:
        for action_format in self.action_formats:
            for observation_format in OBSERVATION_FORMATS:
                formats: dict[str, Any] = {"action_format": action_format, "observation_format": observation_format}
                check_env(gym.make(self.id, **self.settings, **formats).unwrapped, skip_render_check=True)

    def test_the_vector_environment_is_gymnasiums_loop_over_single_ones(self) -> None:
        # Every pair of an action and an observation format; each of either meets both modes.
        for a, action_format in enumerate(self.action_formats):
            for o, observation_format in enumerate(OBSERVATION_FORMATS):
                mode = ("NextStep", "SameStep")[(a + o) % 2]
                formats: dict[str, Any] = {"action_format": action_format, "observation_format": observation_format}
                vector, singles = self.vector(mode, **formats), self.singles(mode, **formats)
                assert vector.observation_space == singles.observation_space
                assert vector.action_space == singles.action_space
                assert_same(vector.reset(seed=SEED), singles.reset(seed=SEED))
                for action in self.actions(vector):
                    for one, other in zip(vector.step(action), singles.step(action), strict=True):
                        assert_same(one, other, f"{mode} {formats}")

    def test_masked_resets_equal_gymnasiums(self) -> None:
        vector, singles = self.vector("Disabled"), self.singles("Disabled")
        assert_same(vector.reset(seed=SEED), singles.reset(seed=SEED))
        generator = np.random.default_rng(0)
        for action in self.actions(vector):
            results = vector.step(action), singles.step(action)
            for a, b in zip(*results, strict=True):
                assert_same(a, b)
            mask = results[0][2] | (generator.random(NUM_ENVS) < 0.1)  # those that ended, and now and then another one
            if mask.any():
                resets = [env.reset(options={"reset_mask": mask.copy()}) for env in (vector, singles)]
                assert_same(resets[0][0], resets[1][0])
                assert_same(resets[0][1], resets[1][1])

    def test_the_tensor_environment_is_the_vector_environment(self, monkeypatch: Any) -> None:
        """The tensor environment runs here as on a GPU, on torch alone; the vector one may use compiled kernels."""
        monkeypatch.setattr(arrays, "WORTH_LOADING", 0)
        for module in (patches, episodes):
            monkeypatch.setattr(module, "compiled_kernels", kernels_for_numpy)
        for mode in ("NextStep", "SameStep", "Disabled"):
            vector = self.vector(mode)
            tensor = ram_envs.make_tensor(self.id, NUM_ENVS, autoreset_mode=mode, **self.settings)
            self.assert_tensors(tensor.reset(seed=SEED), vector.reset(seed=SEED), mode)
            result: Any
            for action in self.actions(vector):
                result, expected = tensor.step(torch.from_numpy(action)), vector.step(action)
                self.assert_tensors((result[0], result[4]), (expected[0], expected[4]), mode)
                for value, other in zip(result[1:4], expected[1:4], strict=True):
                    np.testing.assert_array_equal(value.numpy(), other)
                assert result[1].dtype == torch.float32
                if mode == "Disabled" and expected[2].any():
                    options = {"reset_mask": expected[2]}
                    result, expected = (env.reset(options=dict(options)) for env in (tensor, vector))
                    self.assert_tensors((result[0], {}), (expected[0], {}), mode)

    @staticmethod
    def assert_tensors(result: Any, expected: Any, mode: str) -> None:
        """Hold observations and infos of the tensor environment equal to those of the vector environment."""
        (observation, info), (other, other_info) = result, expected
        assert_same({k: v.numpy() for k, v in observation.items()}, other, mode)
        final = other_info.pop("final_obs", None)
        assert ("final_obs" in info) == (final is not None)
        for row, entry in enumerate([] if final is None else final):
            if entry is not None:
                assert_same({k: v[row].numpy() for k, v in info["final_obs"].items()}, entry, mode)
        for key in set(info) - {"final_obs", "final_info"}:
            np.testing.assert_array_equal(info[key].numpy(), other_info[key], err_msg=key)

    def test_rows_that_ended_stay_as_they_are_in_the_tensor_environment(self) -> None:
        env: Any = ram_envs.make_tensor(self.id, NUM_ENVS, **self.settings)
        env.reset(seed=SEED)
        action = torch.from_numpy(env.action_space.sample())
        for _ in range(env.task.max_episode_steps):
            observation, _, terminated, _, info = env.step(action)
        assert terminated.all()
        again, reward, terminated, _, same = env.step(-action)
        assert terminated.all() and (reward == 0).all()
        assert_same({k: v.numpy() for k, v in again.items()}, {k: v.numpy() for k, v in observation.items()})
        assert_same({k: v.numpy() for k, v in same.items()}, {k: v.numpy() for k, v in info.items()})

    def test_a_seed_decides_everything_that_follows(self) -> None:
        env: Any = gym.make(self.id, **self.settings).unwrapped
        histories = []
        for _ in range(2):
            history: list[Any] = [env.reset(seed=SEED)]
            for action in self.actions(env):
                history.append(env.step(action))
                if history[-1][2]:
                    history.append(env.reset())
            histories.append(history)
        for a, b in zip(*histories, strict=True):
            for x, y in zip(a, b, strict=True):
                assert_same(x, y)

    def test_results_share_no_memory_between_calls(self) -> None:
        vector = self.vector("NextStep")
        results = [vector.reset(seed=SEED)] + [vector.step(action) for action in self.actions(vector)[:30]]
        arrays = [array for result in results for array in self.arrays(result)]
        copies = [array.copy() for array in arrays]
        vector.reset(seed=SEED + 1)
        for array, copy in zip(arrays, copies, strict=True):
            np.testing.assert_array_equal(array, copy)

    def arrays(self, value: Any) -> list[np.ndarray]:
        """Return all arrays in a result."""
        if isinstance(value, np.ndarray):
            return [value]
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ()
        return [array for part in parts for array in self.arrays(part)]

    def test_every_frame_can_be_drawn(self) -> None:
        env: Any = gym.make(self.id, render_mode="rgb_array", **self.settings)
        env.reset(seed=SEED)
        first: Any = env.render()
        assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3
        env.step(env.action_space.sample())
        second: Any = env.render()
        assert second.shape == first.shape and (second != first).any()
        frames: Any = gym.make_vec(self.id, 2, render_mode="rgb_array", **self.settings)
        frames.reset(seed=SEED)
        row: Any = frames.render()
        assert len(row) == 2
        np.testing.assert_array_equal(row[0], first)
        text: Any = gym.make(self.id, render_mode="ansi", **self.settings)
        text.reset(seed=SEED)
        assert "step 0/" in text.render()
        frames.close()
        env.close()

    def test_a_limit_on_the_steps_truncates_alike_everywhere(self) -> None:
        """As ``gym.make(..., max_episode_steps=2)`` does by a wrapper."""
        for mode in ("NextStep", "SameStep"):
            vector = self.vector(mode, max_episode_steps=2)
            singles = self.singles(mode, max_episode_steps=2)
            tensor = ram_envs.make_tensor(self.id, NUM_ENVS, autoreset_mode=mode, max_episode_steps=2, **self.settings)
            assert_same(vector.reset(seed=SEED)[0], singles.reset(seed=SEED)[0])
            tensor.reset(seed=SEED)
            truncations = 0
            for action in self.actions(vector)[:20]:
                result, expected = vector.step(action), singles.step(action)
                for a, b in zip(result, expected, strict=True):
                    assert_same(a, b, mode)
                flags = tensor.step(torch.from_numpy(action))[2:4]
                np.testing.assert_array_equal(flags[0].numpy(), expected[2])
                np.testing.assert_array_equal(flags[1].numpy(), expected[3])
                truncations += int(expected[3].sum())
            assert truncations or ram_envs.make_task(self.id, **self.settings).max_episode_steps <= 2

    def test_relative_gaze_moves_by_at_most_its_step(self) -> None:
        env: Any = gym.make(self.id, gaze="relative", max_step=0.25, action_format="dict", **self.settings).unwrapped
        before, _ = env.reset(seed=SEED)
        size = env.task.glimpse_sensor.gaze_size
        answer = env.action_space[env.task.answer.key].sample()
        after, *_ = env.step({FIXATION: np.array([3, -4] + [0] * (size - 2), np.float32), env.task.answer.key: answer})
        if before["location"].tolist() != after["location"].tolist():  # a last step may leave the gaze where it is
            expected = np.clip(before["location"][:2] + np.array([0.15, -0.2], np.float32), -1, 1)
            np.testing.assert_allclose(after["location"][:2], expected, atol=1e-6)

    def test_a_refused_action_changes_nothing(self) -> None:
        env: Any = gym.make(self.id, **self.settings).unwrapped
        env.action_space.seed(SEED)
        observation, _ = env.reset(seed=SEED)
        good = env.action_space.sample()
        for bad in (None, "left", np.full_like(good, np.nan), good[:-1], good.astype(np.int64), np.ma.array(good)):
            try:
                env.step(bad)
            except InvalidAction:
                assert_same(env.task.observation(env.state).glimpse[0], observation["glimpse"])
                assert int(env.state.step[0]) == 0
            else:
                raise AssertionError(f"{bad!r} was accepted")
        env.step(good)

    def test_an_unknown_argument_is_refused_as_python_does(self) -> None:
        for make in (
            lambda: gym.make(self.id, **self.settings, frameskip=1),
            lambda: gym.make_vec(self.id, 2, **self.settings, frameskip=1),
            lambda: ram_envs.make_tensor(self.id, 2, **self.settings, frameskip=1),
        ):
            try:
                make()
            except UnknownArgument as error:
                assert "unexpected keyword argument 'frameskip'" in str(error)
            else:
                raise AssertionError("frameskip=1 was accepted")

    def test_targets_and_counting_answers_have_one_value_per_row(self) -> None:
        env: Any = ram_envs.make_tensor(self.id, NUM_ENVS, **self.settings)
        env.reset(seed=SEED)
        counts, target = env.answer_counts(), env.target()
        assert counts.shape == (NUM_ENVS,) and counts.dtype == torch.bool
        if target is not None and env.task.answer.is_choice:
            assert target.shape == (NUM_ENVS,) and target.dtype == torch.int64
            assert bool(((target >= 0) & (target < env.task.answer.size)).all())
        assert not env.task.supervised or target is not None
