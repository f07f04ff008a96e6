"""MiniGrid through glimpses: rendered pixels, the image of the observation, and the direction as a sense."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from agents.benchmark.items import item_of
from agents.benchmark.reading import read_plan
from agents.benchmark.run import run
from ram_envs.errors import InvalidArgument
from ram_envs.testing import assert_same
from ram_envs.wrappers import Glimpse
from tests.integrations.programs import ROOT, run_program

pytest.importorskip("minigrid")
ID, MEMORY = "ram_envs:RAM-Glimpse-v0", "MiniGrid-MemoryS7-v0"


def make_empty():
    return gym.make("MiniGrid-Empty-5x5-v0")


def play(envs, steps=40, seed=3):
    envs.action_space.seed(0)
    return (envs.reset(seed=seed), *(envs.step(envs.action_space.sample()) for _ in range(steps)))


def test_rendered_pixels_and_the_direction():
    env = gym.make(ID, env_id=MEMORY, pixels="render", senses=["direction"], patch_size=8, action_format="dict")
    observation, _ = env.reset(seed=0)
    assert observation["direction"].shape == (4,) and observation["direction"].sum() == 1
    names = env.get_wrapper_attr("answer").names
    assert names == ("left", "right", "forward", "pickup", "drop", "toggle", "done")
    before = int(observation["direction"].argmax())
    observation, *_ = env.step({"fixation": np.float32([0, 0]), "action": names.index("right")})
    assert int(observation["direction"].argmax()) == (before + 1) % 4
    np.testing.assert_array_equal(
        env.get_wrapper_attr("scene"), env.unwrapped.get_frame(tile_size=env.unwrapped.tile_size)
    )


def test_a_row_equals_the_single_environment():
    settings = {"env_id": MEMORY, "pixels": "render", "senses": "all", "patch_size": 8}
    envs = gym.make_vec(ID, 2, **settings)
    singles = gym.make_vec(ID, 2, vectorization_mode="sync", **settings)
    assert envs.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    assert_same(play(envs), play(singles))


def test_the_image_of_the_observation_is_found_and_text_is_no_sense():
    env = Glimpse(make_empty(), patch_size=2, num_scales=2, senses="all")
    env.reset(seed=0)
    assert env.scene.shape == (7, 7, 3) and env.sense_keys == ("direction",)
    with pytest.raises(InvalidArgument, match="'mission' has the space"):
        Glimpse(make_empty(), senses=["mission"])


def test_the_example_trains(tmp_path):
    example = ROOT / "examples" / "minigrid_memory.py"
    short = ("--num-envs", "4", "--steps", "512", "--episodes", "32", "--out", "run")
    result = run_program(example, *short, folder=tmp_path)
    assert result.status == 0, result.stderr
    assert "MiniGrid-MemoryS7-v0, seed 0: episode_return 0" in result.stdout


@pytest.mark.parametrize("algorithm", ["dqn", "ram"])
def test_a_benchmark_trains_there(algorithm):
    settings = {"env_id": MEMORY, "pixels": "render", "patch_size": 8, "num_scales": 2}
    plan = {
        "environments": [{"id": ID, "name": "memory", "settings": settings}],
        "algorithms": [{"algorithm": algorithm, "settings": {"num_envs": 8}}],
        "frames": 300,
        "evaluation": {"episodes": 4, "curve_points": 1, "curve_episodes": 2},
    }
    reference, job = read_plan(item_of(plan)).jobs()
    score = run(job)["score"]
    assert score["episodes"] == 4 and not score["is_share"] and 0 <= score["value"] <= 1
    assert 0 <= run(reference)["score"]["value"] <= 1
