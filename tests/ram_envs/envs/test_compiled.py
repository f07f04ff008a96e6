"""Compiled tasks give the bits of the rules that they repeat."""

import os
import threading

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.error import InvalidAction

import ram_envs
import ram_envs.envs.single
import ram_envs.envs.tensor
import ram_envs.envs.vector
from ram_envs import arrays
from ram_envs.envs import episodes
from ram_envs.envs.episodes import Episodes
from ram_envs.sensors import patches
from ram_envs.tasks import Catch, Classification
from ram_envs.tasks.compiled import Recycler
from ram_envs.testing import assert_same

GENERATOR = np.random.default_rng(0)
GREY = (GENERATOR.integers(0, 256, (30, 9, 7)).astype(np.uint8), np.arange(30) % 3)
COLOUR = (GENERATOR.integers(0, 256, (20, 8, 8, 3)).astype(np.uint8), np.arange(20) % 4)
MODES = ("NextStep", "SameStep", "Disabled")


@pytest.fixture(autouse=True)
def kernels_are_loaded(monkeypatch):
    monkeypatch.setattr(arrays, "WORTH_LOADING", 0)


def by_the_rules(monkeypatch, play):
    """Play without kernels."""
    with monkeypatch.context() as context:
        for module in (patches, episodes):
            context.setattr(module, "compiled_kernels", lambda *_: None)
        return play()


def random_settings(generator):
    """Return settings of Catch or of classification, drawn at random, and those of the environment."""

    def choose(*values):
        return values[generator.integers(len(values))]

    settings = {
        "patch_size": int(generator.integers(1, 8)),
        "num_scales": int(generator.integers(1, 5)),
        "first_location": choose("random", "inside", "center", (0.25, -0.75)),
        "sensor": choose("retina", "retina", "zoom"),
        "gaze": choose("absolute", "absolute", "relative"),
    }
    if settings["gaze"] == "relative":
        settings["max_step"] = choose(0.3, 1.7)
    if generator.integers(2):
        task, settings["screen_size"] = Catch, int(generator.integers(4, 12))
        settings["hidden_rows"] = choose(None, (1, 2))
    else:
        task, settings["num_glimpses"] = Classification, int(generator.integers(1, 6))
        settings["dataset"] = choose(GREY, COLOUR)
        settings["image_size"] = choose(None, 9, 17)
        settings["num_clutter"], settings["clutter_size"] = choose((0, 8), (2, 4), (1, 5), (1, 7))
        if settings["image_size"] is None and settings["num_clutter"] == 2:
            settings["num_clutter"] = 1
        settings["stop"] = choose("fixed", "learned")
        settings["glimpse_cost"] = choose(0.0, 0.3) if settings["stop"] == "learned" else 0.0
    environment = {
        "action_format": choose("box", "dict", "multidiscrete", "discrete"),
        "observation_format": choose("dict", "flat", "image"),
        "grid_size": int(generator.integers(1, 6)),
        "max_episode_steps": choose(None, None, 2),
    }
    return task, settings, environment


def random_action(env, generator):
    """Return a random action; fixations may lie outside the scene."""
    action = env.action_space.sample()
    if isinstance(action, dict):
        return {**action, "fixation": action["fixation"] * np.float32(generator.choice([1, 2]))}
    return action


def options_at_random(env, generator):
    """Return a random mask of rows, and in some resets images."""
    options = {"reset_mask": generator.random(env.num_envs) < 0.5}
    options["reset_mask"][0] = True
    count = env.unwrapped.task.num_images if hasattr(env, "unwrapped") else env.task.num_images
    if count is not None and generator.integers(2):
        options["image_index"] = generator.integers(0, count, env.num_envs)
    return options


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("mode", MODES)
def test_the_vector_environment_gives_the_bits_of_the_rules(seed, mode, monkeypatch):
    task, settings, environment = random_settings(np.random.default_rng(seed))

    def play():
        generator = np.random.default_rng(seed)
        env = ram_envs.envs.vector.GlimpseVectorEnv(task, 6, autoreset_mode=mode, **environment, **settings)
        env.action_space.seed(seed)
        history = [env.reset(seed=seed), env.scene]
        for step in range(30):
            result = env.step(random_action(env, generator))
            history += [result, env.scene, tuple(leaf.copy() for leaf in env.state)]
            if mode == "Disabled" and (result[2] | result[3]).any():
                options = {"reset_mask": result[2] | result[3]}
                history.append(env.reset(options=options))
            if step % 10 == 9:
                history.append(env.reset(seed=generator.choice([None, 5]), options=options_at_random(env, generator)))
        return history

    compiled, expected = play(), by_the_rules(monkeypatch, play)
    for index, (a, b) in enumerate(zip(compiled, expected, strict=True)):
        if not (isinstance(a, tuple) and len(a) > 5):
            assert_same(a, b, f"{index}")
            continue
        leaves = 6 if task is Classification else 7  # the last leaf of a classification is for the sensor alone
        assert_same(a[:leaves], b[:leaves], f"state {index}")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("mode", MODES)
def test_the_tensor_environment_gives_the_bits_of_the_rules(seed, mode, monkeypatch):
    task, settings, environment = random_settings(np.random.default_rng(100 + seed))

    def play():
        generator = np.random.default_rng(seed)
        env = ram_envs.envs.tensor.TensorEnv(task, 6, autoreset_mode=mode, **environment, **settings)
        env.action_space.seed(seed)
        history = [env.reset(seed=torch.arange(6) * 7)]
        for step in range(20):
            action = random_action(env, generator)
            as_tensor = torch.as_tensor
            action = {k: as_tensor(v) for k, v in action.items()} if isinstance(action, dict) else as_tensor(action)
            history += [env.step(action), None if env.target() is None else env.target().clone()]
            history += [env.answer_counts(), env.scene]
            if step % 7 == 6:
                options = {key: as_tensor(value) for key, value in options_at_random(env, generator).items()}
                history.append(env.reset(options=options))
        return history

    for a, b in zip(play(), by_the_rules(monkeypatch, play), strict=True):
        if a is not None:
            assert_same(a, b)


@pytest.mark.parametrize("seed", range(12))
def test_single_environments_give_the_bits_of_the_rules(seed, monkeypatch):
    task, settings, environment = random_settings(np.random.default_rng(200 + seed))
    environment.pop("max_episode_steps")

    def play():
        generator = np.random.default_rng(seed)
        env = ram_envs.envs.single.GlimpseEnv(task, **environment, **settings)
        env.action_space.seed(seed)
        history = [env.reset(seed=seed)]
        for _ in range(40):
            history += [env.step(random_action(env, generator)), env.scene, env.view()]
            if history[-3][2]:
                history.append(env.reset())
        return history

    for a, b in zip(play(), by_the_rules(monkeypatch, play), strict=True):
        assert_same(tuple(a) if isinstance(a, tuple) else a, tuple(b) if isinstance(b, tuple) else b)


@pytest.mark.parametrize(
    ("id", "settings"),
    [
        ("RAM-CatchGame-v0", {"screen_size": 9}),
        ("RAM-MNIST-v0", {"dataset": GREY, "image_size": 14, "num_glimpses": 4}),
    ],
)
@pytest.mark.parametrize("mode", MODES[:2])
def test_kernels_may_take_over_in_the_middle_of_an_episode(id, settings, mode, monkeypatch):
    def play(take_over):
        monkeypatch.setattr(arrays, "WORTH_LOADING", take_over)
        monkeypatch.setattr(arrays, "_work", 0)
        env = gym.make_vec(id, 4, autoreset_mode=mode, **settings)
        env.action_space.seed(0)
        history = [env.reset(seed=3)] + [env.step(env.action_space.sample()) for _ in range(40)]
        assert env.unwrapped._episodes._compiled is not None
        return history

    expected = play(0)
    for take_over in (2_000, 7_000, 14_000):
        for a, b in zip(play(take_over), expected, strict=True):
            assert_same(a, b)


def test_a_few_steps_do_not_load_numba(monkeypatch):
    monkeypatch.setattr(arrays, "WORTH_LOADING", 300_000)
    monkeypatch.setattr(arrays, "_work", 0)
    monkeypatch.setattr(arrays, "_import_kernels", lambda: pytest.fail("numba was loaded"))
    env = gym.make("RAM-CatchGame-v0")
    env.reset(seed=0)
    for _ in range(100):
        if env.step(env.action_space.sample())[2]:
            env.reset()


@pytest.mark.parametrize(
    ("action_format", "bad"),
    [
        ("box", np.array([0, 0, np.nan, 0, 0], np.float32)),
        ("box", np.array([np.nan, 0, 0, 0, 0], np.float32)),
        ("box", np.zeros(4, np.float32)),
        ("dict", {"fixation": np.zeros(2, np.float32), "move": 3}),
        ("dict", {"fixation": np.zeros(2, np.float32), "move": -1}),
        ("dict", {"fixation": np.full(2, np.nan, np.float32), "move": 1}),
        ("dict", {"fixation": np.zeros(2, np.float32)}),
        ("multidiscrete", np.array([3, 0, 0])),
        ("multidiscrete", np.array([0, 5, 0])),
        ("multidiscrete", np.array([0, 0, -1])),
        ("discrete", 75),
        ("discrete", -1),
        ("discrete", 2**70),
    ],
)
def test_invalid_actions_are_refused_with_the_same_words(action_format, bad, monkeypatch):
    def refusal():
        env = gym.make("RAM-CatchGame-v0", action_format=action_format).unwrapped
        env.reset(seed=0)
        with pytest.raises(InvalidAction) as error:
            env.step(bad)
        assert int(env.state.step[0]) == 0
        return str(error.value)

    assert refusal() == by_the_rules(monkeypatch, refusal)


def test_other_types_of_actions_are_accepted_as_before():
    env = gym.make("RAM-CatchGame-v0").unwrapped
    action = np.array([0.3, -0.2, 0.1, 0.9, 0.2], np.float32)
    read_only, twice = action.copy(), np.repeat(action, 2)
    read_only.flags.writeable = False
    results = []
    for given in (action, action.astype(np.float64), action.tolist(), twice[::2], read_only, torch.from_numpy(action)):
        env.reset(seed=4)
        results.append(env.step(given))
    for result in results[1:]:
        assert_same(result, results[0])


def test_a_state_that_was_kept_does_not_change():
    env = gym.make_vec("RAM-CatchGame-v0", 3).unwrapped
    env.reset(seed=0)
    state = env.state
    copies = [leaf.copy() for leaf in state]
    env.step(env.action_space.sample())
    for leaf, copy in zip(state, copies, strict=True):
        np.testing.assert_array_equal(leaf, copy)


def test_a_subclass_is_played_by_its_own_rules():
    class Generous(Catch):
        def reward(self, state):
            return super().reward(state) + 1

    env = ram_envs.envs.vector.GlimpseVectorEnv(Generous, 4)
    env.reset(seed=0)
    assert (env.step(env.action_space.sample())[1] == 1).all()


def test_images_that_do_not_exist_are_refused_and_nothing_changes():
    env = gym.make_vec("RAM-MNIST-v0", 3, dataset=GREY).unwrapped
    observation, _ = env.reset(seed=0)
    with pytest.raises(ValueError, match="image_index ranges from 0 to 30"):
        env.reset(options={"image_index": np.array([0, 30, 2])})
    assert_same(env._episodes.observe()[0].glimpse, observation["glimpse"])


def test_threads_share_a_task():
    task = Classification(dataset=GREY, image_size=14, num_clutter=1, clutter_size=4)
    results = {}

    def play(seed):
        rows = Episodes(task, 40, np.empty(0), episodes.AutoresetMode.NEXT_STEP)
        rows.begin(seed)
        gaze, answer = np.full((40, 2), 0.1, np.float32), np.zeros(40, np.int64)
        results[seed] = [rows.step(gaze, answer).observation.glimpse for _ in range(200)]

    seeds = [1, 2, 1001, 1002]
    threads = [threading.Thread(target=play, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, glimpses in list(results.items()):
        play(seed)
        assert_same(tuple(glimpses), tuple(results[seed]))


def test_large_arrays_are_recycled_once_nobody_holds_them():
    recycler = Recycler((Recycler.LEAST_BYTES,), np.uint8)
    first = recycler.take()
    view, address = first[3:], first.ctypes.data
    del first
    second = recycler.take()
    assert second.ctypes.data != address  # the view still needs the first
    tensor = torch.from_numpy(second)
    del view
    third = recycler.take()
    assert third.ctypes.data == address
    del second, third
    assert recycler.take().ctypes.data != tensor.data_ptr()


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="interpreted kernels have no machine code")
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")
def test_machine_code_is_compiled_anew_when_any_kernel_changes():
    from ram_envs import compiling
    from ram_envs.tasks import catch_kernels

    stamp = catch_kernels.step._cache._cache_file._source_stamp
    assert stamp[1] == compiling._digest()
