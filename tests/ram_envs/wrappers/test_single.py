import copy
import pickle
import sys
from types import ModuleType

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import InvalidAction, ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import RecordEpisodeStatistics, RecordVideo, TimeLimit

from ram_envs.errors import InvalidArgument, InvalidObservation
from ram_envs.sensors.retina import Retina
from ram_envs.testing import assert_same
from ram_envs.wrappers import Glimpse
from tests.ram_envs.wrappers.environments import HEIGHT, LENGTH, SMALL, WIDTH, Dots, Labelled, Shown

FORMATS = ("box", "dict", "multidiscrete", "discrete")


def play(env, steps=3 * LENGTH, seed=3):
    """Play with sampled actions and return everything that came back."""
    env.action_space.seed(0)
    outcomes = [env.reset(seed=seed)]
    for _ in range(steps):
        outcomes.append(env.step(env.action_space.sample()))
        if outcomes[-1][2] or outcomes[-1][3]:
            outcomes.append(env.reset())
    return tuple(outcomes)


@pytest.mark.parametrize("action_format", FORMATS)
@pytest.mark.parametrize("observation_format", ["dict", "flat", "image"])
@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
def test_every_format_passes_the_checker(action_format, observation_format):
    env = Glimpse(Dots(), **SMALL, action_format=action_format, observation_format=observation_format)
    check_env(env, skip_render_check=True)


def test_spaces_are_those_of_the_contract():
    env = Glimpse(Dots(), **SMALL, action_format="dict")
    assert env.observation_space == gym.spaces.Dict(
        {
            "glimpse": gym.spaces.Box(0, 1, (2 * 4 * 4,), np.float32),
            "location": gym.spaces.Box(-1, 1, (2,), np.float32),
        }
    )
    assert env.action_space == gym.spaces.Dict(
        {"fixation": gym.spaces.Box(-1, 1, (2,), np.float32), "action": gym.spaces.Discrete(3)}
    )
    assert env.answer.key == "action" and env.answer.space == env.env.action_space
    assert env.answer.names == ("left", "noop", "right")
    assert env.sense_keys == ()


def test_the_glimpse_is_what_the_sensor_reads_from_the_frame_where_the_action_looked():
    inner = Dots()
    env = Glimpse(inner, **SMALL, action_format="dict")
    env.reset(seed=0)
    for location in ([0.5, -0.25], [-1.0, 1.0]):
        observation = env.step({"fixation": np.float32(location), "action": 1})[0]
        np.testing.assert_array_equal(observation["location"], np.float32(location))
        np.testing.assert_array_equal(env.gaze, np.float32(location))
        sensor = Retina(HEIGHT, WIDTH, 1, **SMALL)
        expected = sensor.read(inner.frame[None, None], np.float32([location]))
        np.testing.assert_array_equal(observation["glimpse"], expected[0])
        np.testing.assert_array_equal(env.scene, inner.frame)


def test_locations_out_of_range_are_clipped_and_relative_moves_are_bounded():
    env = Glimpse(Dots(), **SMALL, action_format="dict")
    env.reset(seed=0)
    observation = env.step({"fixation": np.float32([3, -0.5]), "action": 1})[0]
    np.testing.assert_array_equal(observation["location"], np.float32([1, -0.5]))
    env = Glimpse(Dots(), **SMALL, action_format="dict", gaze="relative", max_step=0.25, first_location="center")
    env.reset(seed=0)
    observation = env.step({"fixation": np.float32([1, 0]), "action": 1})[0]
    np.testing.assert_allclose(observation["location"], [0.25, 0])


def test_the_zooming_sensor_has_a_third_number():
    env = Glimpse(Dots(), **SMALL, sensor="zoom", action_format="dict", first_location=(0, 0, -1))
    np.testing.assert_array_equal(env.reset(seed=0)[0]["location"], [0, 0, -1])
    assert env.action_space["fixation"].shape == (3,)


def test_the_first_location_follows_the_seed_and_the_number_of_the_episode():
    env, other = Glimpse(Dots(), **SMALL), Glimpse(Dots(), **SMALL)
    first = [env.reset(seed=5)[0]["location"], *(env.reset()[0]["location"] for _ in range(3))]
    again = [other.reset(seed=5)[0]["location"], *(other.reset()[0]["location"] for _ in range(3))]
    np.testing.assert_array_equal(first, again)
    assert len(np.unique(first, axis=0)) == 4
    assert not np.array_equal(other.reset(seed=6)[0]["location"], first[0])
    center = Glimpse(Dots(), **SMALL, first_location="center")
    np.testing.assert_array_equal(center.reset(seed=5)[0]["location"], [0, 0])
    inside = Glimpse(Dots(), **SMALL, first_location="inside")
    locations = np.array([inside.reset(seed=seed)[0]["location"] for seed in range(50)])
    assert np.abs(locations[:, 0]).max() <= 1 - 4 / WIDTH and np.abs(locations[:, 1]).max() <= 1 - 4 / HEIGHT


def test_without_a_seed_two_environments_differ():
    locations = [Glimpse(Dots(), **SMALL).reset()[0]["location"] for _ in range(2)]
    assert not np.array_equal(*locations)


@pytest.mark.parametrize("action_format", FORMATS)
def test_the_same_seed_and_actions_give_the_same_episodes(action_format):
    assert_same(*(play(Glimpse(Dots(), **SMALL, action_format=action_format)) for _ in range(2)))


def test_rewards_ends_and_infos_are_those_of_the_inner_environment():
    env, inner = Glimpse(TimeLimit(Dots(length=9), 5), **SMALL, action_format="dict"), TimeLimit(Dots(length=9), 5)
    assert env.reset(seed=1)[1] == inner.reset(seed=1)[1]
    for _ in range(5):
        outcome = env.step({"fixation": np.float32([0, 0]), "action": 2})
        expected = inner.step(2)
        assert outcome[1:] == expected[1:]
    assert outcome[2:4] == (False, True)


def test_returned_arrays_are_the_users():
    env = Glimpse(Labelled(), **SMALL, senses="all", action_format="dict")
    observation = env.reset(seed=0)[0]
    kept = copy.deepcopy(observation)
    action = {"fixation": np.float32([0.5, 0.5]), "action": 0}
    env.step(action)
    assert_same(observation, kept)
    for value in observation.values():
        value[...] = 7
    env.gaze[...] = 7
    env.scene[...] = 7
    assert env.view().glimpse.max() <= 1 and env.gaze.max() <= 1 and env.scene.max() > 7


@pytest.mark.parametrize(
    "action",
    [
        {"fixation": np.float32([np.nan, 0]), "action": 0},
        {"fixation": np.float32([0, 0]), "action": 3},
        {"fixation": np.float32([0]), "action": 0},
        {"fixation": np.float32([0, 0])},
        {"fixation": np.float32([0, 0]), "move": 0},
        [0, 0, 1],
    ],
)
def test_actions_that_are_not_valid_change_nothing(action):
    env = Glimpse(Dots(), **SMALL, action_format="dict")
    env.reset(seed=0)
    gaze, scene = env.gaze, env.scene
    with pytest.raises(InvalidAction):
        env.step(action)
    np.testing.assert_array_equal(env.gaze, gaze)
    np.testing.assert_array_equal(env.scene, scene)
    assert env.unwrapped.steps == 0


def test_nothing_is_there_before_the_first_reset():
    env = Glimpse(Dots(), **SMALL)
    for use in (lambda: env.step(env.action_space.sample()), lambda: env.gaze, lambda: env.scene, env.view):
        with pytest.raises(ResetNeeded, match="before reset"):
            use()


def test_a_seed_that_is_not_valid_is_refused_before_the_inner_environment_is_reset():
    env = Glimpse(Dots(), **SMALL)
    env.reset(seed=0)
    scene = env.scene
    with pytest.raises(InvalidArgument, match="seed=-1"):
        env.reset(seed=-1)
    np.testing.assert_array_equal(env.unwrapped.frame, scene)


def test_frames_may_be_rendered():
    env = Glimpse(Dots(render_mode="rgb_array"), **SMALL, pixels="render", action_format="dict", senses=())
    observation = env.reset(seed=0)[0]
    assert env.glimpse_sensor.channels == 3 and observation["glimpse"].shape == (2 * 3 * 16,)
    env.step({"fixation": np.float32([0, 0]), "action": 1})
    np.testing.assert_array_equal(env.scene, env.unwrapped.render())


def test_attributes_are_found_through_outer_wrappers():
    env = RecordEpisodeStatistics(Glimpse(Labelled(), **SMALL, senses=["speed"]))
    env.reset(seed=0)
    assert env.get_wrapper_attr("sense_keys") == ("speed",)
    assert env.get_wrapper_attr("glimpse_sensor").gaze_size == 2
    assert not env.get_wrapper_attr("gaze_control").relative
    assert env.get_wrapper_attr("answer").key == "action"
    assert env.get_wrapper_attr("gaze").shape == (2,)
    assert env.get_wrapper_attr("scene").shape == (HEIGHT, WIDTH, 3)


def test_episodes_go_on_after_pickling_and_copying():
    env = Glimpse(Dots(render_mode="rgb_array"), **SMALL)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    env.render()
    actions = [env.action_space.sample() for _ in range(4)]
    copies = [pickle.loads(pickle.dumps(env)), copy.deepcopy(env)]
    expected = tuple(env.step(action) for action in actions)
    for other in copies:
        assert_same(tuple(other.step(action) for action in actions), expected)


def test_the_spec_makes_the_same_environment_again():
    env = Glimpse(gym.make("WrapperTests/Dots-v0"), **SMALL, senses="all", first_location=(0.5, 0.5))
    again = gym.make(env.spec)
    assert isinstance(again, Glimpse)
    assert_same(play(env), play(again))
    assert gym.envs.registration.EnvSpec.from_json(env.spec.to_json()).additional_wrappers[-1].name == "Glimpse"
    made = gym.make("RAM-Glimpse-v0", env_id="WrapperTests/Dots-v0", **SMALL)
    assert_same(play(made), play(gym.make(gym.envs.registration.EnvSpec.from_json(made.spec.to_json()))))


def test_videos_are_recorded(tmp_path, monkeypatch):
    clips = []

    class Clip:
        def __init__(self, frames, fps):
            clips.append((len(frames), frames[0].shape, fps))

        def write_videofile(self, path, logger):
            pass

    module = ModuleType("moviepy.video.io.ImageSequenceClip")
    module.ImageSequenceClip = Clip
    monkeypatch.setitem(sys.modules, "moviepy", ModuleType("moviepy"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    env = Glimpse(Dots(render_mode="rgb_array"), **SMALL)
    env.reset()
    shape = env.render().shape
    play(RecordVideo(env, str(tmp_path / "videos"), episode_trigger=lambda episode: episode == 0), steps=LENGTH)
    assert clips == [(LENGTH + 1, shape, 5)]


def test_statistics_are_those_of_the_inner_environment():
    env = RecordEpisodeStatistics(Glimpse(Dots(), **SMALL))
    last = [outcome for outcome in play(env) if len(outcome) == 5 and outcome[2]][0]
    assert last[4]["episode"]["l"] == LENGTH


def test_renderings_show_the_frame_the_outlines_and_the_path():
    env = Glimpse(Dots(render_mode="rgb_array"), **SMALL, action_format="dict")
    assert env.render_mode == "rgb_array"
    env.reset(seed=0)
    first = env.render()
    env.step({"fixation": np.float32([0.5, 0.5]), "action": 1})
    assert env.render().shape == first.shape and not np.array_equal(env.render(), first)
    view = env.view()
    np.testing.assert_array_equal(view.scene, env.unwrapped.frame)
    np.testing.assert_array_equal(view.fixations[-1], [0.75 * WIDTH, 0.75 * HEIGHT])
    assert len(view.fixations) == 2 and view.outlines.shape == (2, 4)
    assert view.caption.startswith("step 1 · return ")


def test_the_wrapper_renders_environments_that_cannot():
    env = Glimpse(Dots(), **SMALL, render_mode="ansi")
    env.reset(seed=0)
    assert env.render_mode == "ansi" and len(env.render().splitlines()) == HEIGHT + 3
    env = Glimpse(Dots(), **SMALL, render_mode="human")
    env.reset(seed=0)
    assert env.render() is None and not env.window_closed
    env.close()
    with pytest.raises(InvalidArgument, match="a window of its own"):
        Glimpse(Dots(render_mode="human"), **SMALL, render_mode="human")


def test_keys_are_those_of_the_inner_environment():
    keys = Glimpse(Dots(), **SMALL).get_keys_to_action()
    np.testing.assert_array_equal(keys["d",], [0, 0, 0, 0, 1])
    assert Glimpse(Dots(), **SMALL, action_format="discrete").get_keys_to_action() == {("a",): 12, ("d",): 62}


def test_environments_without_pixels_are_refused():
    env = gym.make("CartPole-v1")
    with pytest.raises(InvalidArgument, match="no pixels: use pixels='render'.*render_mode='rgb_array'"):
        Glimpse(env)
    with pytest.raises(InvalidArgument, match="render_mode is None: make it with render_mode='rgb_array'"):
        Glimpse(env, pixels="render")


def test_patches_that_are_too_wide_are_refused():
    with pytest.raises(InvalidArgument, match="makes the widest patch 49152 pixels wide: expected at most 32768"):
        Glimpse(Dots(), patch_size=24, num_scales=12)


def test_pixels_that_are_nan_are_named_with_step_and_row():
    image = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    env = Glimpse(Shown(gym.spaces.Box(0, 1, (HEIGHT, WIDTH), np.float32), image), **SMALL)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    image[3, 4] = np.nan
    with pytest.raises(InvalidObservation, match="NaN or infinite in row 0 at step 2"):
        env.step(env.action_space.sample())


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"patch_size": 0}, "patch_size=0"),
        ({"sensor": "eye"}, "sensor='eye'"),
        ({"gaze": "free"}, "gaze='free'"),
        ({"max_step": 0.1}, "max_step=0.1"),
        ({"first_location": "left"}, "first_location='left'"),
        ({"action_format": "tuple"}, "action_format='tuple'"),
        ({"observation_format": "tuple"}, "observation_format='tuple'"),
        ({"grid_size": 0}, "grid_size=0"),
        ({"senses": [3]}, "senses=\\[3\\]"),
        ({"pixels": 3}, "pixels=3"),
        ({"render_mode": "svg"}, "render_mode='svg'"),
    ],
)
def test_arguments_that_are_not_valid_are_named(argument, message):
    with pytest.raises(ValueError, match=message):
        Glimpse(Dots(), **{**SMALL, **argument})
