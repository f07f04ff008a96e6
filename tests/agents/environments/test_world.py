"""One stream of steps from each auto-reset mode."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from agents.environments.adapter import Choice
from agents.environments.make import make_world
from agents.environments.world import InvalidValue, World
from agents.errors import SettingsError
from tests.agents.environments.scripted import Scripted

STILL = Choice(np.zeros((1, 0), np.float32), np.zeros(1, np.int64), np.zeros((1, 2), np.float32))


def stream(mode, num_steps, vector=SyncVectorEnv, **settings):
    world = World(vector([lambda: Scripted(**settings)], autoreset_mode=mode))
    seen = [float(world.reset(0)["glimpse"][0, 0])]
    steps = []
    for _ in range(num_steps):
        step = world.step(STILL)
        seen.append(float(step.observation["glimpse"][0, 0]))
        final = None if step.final is None else float(step.final["glimpse"][0, 0])
        flags = (step.terminated, step.truncated, step.taken, step.starts)
        steps.append((float(step.reward[0]), *(bool(flag[0]) for flag in flags), final))
    world.close()
    return seen, steps


def test_next_step_returns_the_final_observation_and_then_a_step_that_counts_for_nothing():
    seen, steps = stream(AutoresetMode.NEXT_STEP, 6)
    assert seen == [0, 1, 2, 10, 11, 12, 20]
    assert steps == [
        # reward, terminated, truncated, taken, starts, final
        (1, False, False, True, False, None),
        (2, False, True, True, False, None),
        (0, False, False, False, True, None),
        (11, False, False, True, False, None),
        (12, True, False, True, False, None),
        (0, False, False, False, True, None),
    ]


@pytest.mark.parametrize("vector", [SyncVectorEnv, AsyncVectorEnv])
def test_same_step_returns_the_first_observation_and_the_final_one_beside_it(vector):
    seen, steps = stream(AutoresetMode.SAME_STEP, 4, vector)
    assert seen == [0, 1, 10, 11, 20]
    assert steps == [
        (1, False, False, True, False, None),
        (2, False, True, True, True, 2),
        (11, False, False, True, False, None),
        (12, True, False, True, True, 12),
    ]


def test_environments_that_do_not_reset_are_refused():
    with pytest.raises(SettingsError, match="does not reset its rows"):
        World(SyncVectorEnv([Scripted], autoreset_mode=AutoresetMode.DISABLED))
    env = SyncVectorEnv([Scripted])
    env.metadata = {}
    del env.autoreset_mode
    with pytest.raises(SettingsError, match=r"has no metadata\['autoreset_mode'\]"):
        World(env)


def test_the_mode_of_an_environment_counts_before_that_of_its_class():
    env = SyncVectorEnv([Scripted], autoreset_mode=AutoresetMode.SAME_STEP)
    env.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # as Gymnasium up to 1.3 leaves it
    world = World(env)
    world.reset(0)
    over = [world.step(STILL).starts.tolist() for _ in range(2)]
    assert over == [[False], [True]]


def test_a_nan_is_named_with_step_and_row():
    env = SyncVectorEnv([Scripted, lambda: Scripted(broken_at=2)])
    world = World(env)
    world.reset(0)
    both = Choice(*(np.repeat(part, 2, 0) for part in STILL))
    world.step(both)
    with pytest.raises(InvalidValue, match="the observation's 'glimpse' is NaN at step 2 of row 1"):
        world.step(both)


@pytest.mark.parametrize("vectorization", ["auto", "sync"])
@pytest.mark.parametrize("gaze", ["relative", "absolute"])
def test_the_gaze_moves_as_in_the_environment_itself(gaze, vectorization):
    """A move that is too long keeps its direction."""
    settings = {"gaze": gaze, "max_step": 0.5 if gaze == "relative" else None, "first_location": "center"}
    fixation, still = np.array([[2.0, 0.5], [0.3, -1.2]], np.float32), np.zeros(2, np.int64)
    env = gymnasium.make_vec("ram_envs:RAM-CatchGame-v0", 2, action_format="dict", **settings)
    env.reset(seed=0)
    expected = env.step({"fixation": fixation, "move": still})[0]["location"]
    world = make_world("RAM-CatchGame-v0", 2, settings, vectorization)
    world.reset(0)
    location = world.step(Choice(fixation, still, np.zeros((2, 3), np.float32))).observation["location"]
    np.testing.assert_array_equal(location, expected)
    world.close()
