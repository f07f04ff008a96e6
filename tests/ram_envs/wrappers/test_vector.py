import copy
import gc

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.error import InvalidAction, ResetNeeded
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

from ram_envs.errors import InvalidArgument, InvalidObservation
from ram_envs.testing import assert_same
from ram_envs.wrappers import Glimpse, VectorGlimpse
from tests.ram_envs.wrappers.environments import HEIGHT, LENGTH, SMALL, WIDTH, Dots, Labelled, Shown, VectorDots


class SendingDots(VectorDots):
    """Takes actions and hands out results in two calls, as Atari's native vector environment does."""

    def send(self, actions):
        self.sent = actions

    def recv(self):
        return self.step(self.sent)


MODES = [mode.value for mode in AutoresetMode]
LENGTHS = (3, 5, 7)


def sync(makers, mode="NextStep"):
    return SyncVectorEnv(list(makers), autoreset_mode=mode)


def make_two(mode="NextStep"):
    return VectorGlimpse(sync([Dots] * 2, mode), **SMALL)


def play(envs, steps=25, seed=4):
    """Step with sampled actions, reset what ended where this is not automatic, and return everything."""
    envs.action_space.seed(0)
    outcomes = [copy.deepcopy(envs.reset(seed=seed))]
    for _ in range(steps):
        outcomes.append(envs.step(envs.action_space.sample()))
        ended = outcomes[-1][2] | outcomes[-1][3]
        if envs.metadata["autoreset_mode"] == AutoresetMode.DISABLED and ended.any():
            outcomes.append(envs.reset(options={"reset_mask": ended}))
    return tuple(outcomes)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "settings",
    [
        {"action_format": "dict"},
        {"action_format": "box", "observation_format": "flat", "gaze": "relative"},
        {"action_format": "multidiscrete", "observation_format": "image", "first_location": "inside"},
        {"action_format": "discrete", "sensor": "zoom", "grid_size": 3},
    ],
)
def test_a_row_equals_the_single_wrapper(mode, settings):
    makers = [lambda length=length: Labelled(length=length) for length in LENGTHS]
    settings = {**SMALL, "senses": "all", **settings}
    vector = VectorGlimpse(sync(makers, mode), **settings)
    singles = sync([lambda make=make: Glimpse(make(), **settings) for make in makers], mode)
    assert vector.single_observation_space == singles.single_observation_space
    assert vector.observation_space == singles.observation_space
    assert vector.action_space == singles.action_space
    assert_same(play(vector), play(singles))


def test_rendered_frames_equal_those_of_the_single_wrapper():
    makers = [lambda length=length: Dots("rgb_array", length) for length in LENGTHS]
    vector = VectorGlimpse(sync(makers), **SMALL, pixels="render")
    singles = sync([lambda make=make: Glimpse(make(), **SMALL, pixels="render") for make in makers])
    assert_same(play(vector), play(singles))


def test_other_processes_give_the_same():
    makers = [lambda length=length: Dots(length=length) for length in LENGTHS]
    envs = VectorGlimpse(AsyncVectorEnv(makers), **SMALL)
    assert_same(play(envs), play(VectorGlimpse(sync(makers), **SMALL)))
    envs.close()


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_native_environments_give_the_same_as_their_last_frames(mode):
    native = play(VectorGlimpse(VectorDots(2, mode), **SMALL))
    expected = play(VectorGlimpse(sync([Dots, Dots], mode), **SMALL))
    for one, other in zip(native, expected, strict=True):
        assert_same(one[0], other[0])
        assert_same(one[-1].get("final_obs"), other[-1].get("final_obs"))
        assert_same(one[-1].get("_final_obs"), other[-1].get("_final_obs"))
    assert any("final_obs" in outcome[-1] for outcome in native) == (mode == "SameStep")


def test_final_observations_are_at_the_location_that_the_last_action_chose():
    envs = VectorGlimpse(sync([Dots, lambda: Dots(length=99)], "SameStep"), **SMALL, action_format="dict")
    envs.reset(seed=0)
    actions = {"fixation": np.float32([[0.25, -0.5], [0.75, 0]]), "action": np.array([1, 1])}
    for _ in range(LENGTH):
        observations, _, terminated, _, infos = envs.step(actions)
    np.testing.assert_array_equal(terminated, [True, False])
    np.testing.assert_array_equal(infos["final_obs"][0]["location"], [0.25, -0.5])
    assert infos["final_obs"][1] is None
    np.testing.assert_array_equal(infos["_final_obs"], [True, False])
    assert not np.array_equal(observations["location"][0], [0.25, -0.5])
    np.testing.assert_array_equal(observations["location"][1], [0.75, 0])


def test_the_gaze_part_of_an_action_that_only_resets_is_ignored():
    envs = VectorGlimpse(sync([Dots]), **SMALL, action_format="dict")
    envs.reset(seed=0)
    action = {"fixation": np.float32([[0.5, 0.5]]), "action": np.array([1])}
    ends = [envs.step(action) for _ in range(LENGTH + 2)]
    assert ends[LENGTH - 1][2][0] and not ends[LENGTH][2][0]
    np.testing.assert_array_equal(ends[LENGTH - 1][0]["location"], [[0.5, 0.5]])
    single = Glimpse(Dots(), **SMALL)
    single.reset(seed=0)
    np.testing.assert_array_equal(ends[LENGTH][0]["location"][0], single.reset()[0]["location"])
    np.testing.assert_array_equal(ends[LENGTH + 1][0]["location"], [[0.5, 0.5]])


def test_seeds_may_differ_by_row():
    envs = VectorGlimpse(sync([Dots] * 3), **SMALL)
    first = envs.reset(seed=[9, None, 4])[0]
    np.testing.assert_array_equal(first["location"][2], Glimpse(Dots(), **SMALL).reset(seed=4)[0]["location"])
    assert_same(envs.reset(seed=np.int64(3)), envs.reset(seed=3))
    for seed in (-1, [1, 2], "a"):
        with pytest.raises(InvalidArgument, match="seed"):
            envs.reset(seed=seed)


def test_masks_reset_the_rows_they_name_and_leave_the_users_options_alone():
    envs = VectorGlimpse(sync([Dots] * 2, "Disabled"), **SMALL)
    mask = np.array([False, True])
    with pytest.raises(ResetNeeded, match="before the first reset"):
        envs.reset(options={"reset_mask": mask})
    envs.reset(seed=0)
    before = envs.step(envs.action_space.sample())[0]
    options = {"reset_mask": mask}
    after = envs.reset(options=options)[0]
    assert options == {"reset_mask": mask}
    np.testing.assert_array_equal(after["location"][0], before["location"][0])
    np.testing.assert_array_equal(after["glimpse"][0], before["glimpse"][0])
    assert not np.array_equal(after["location"][1], before["location"][1])
    for wrong in ([False, True], np.array([0, 1]), np.array([True]), np.array([False, False])):
        with pytest.raises(InvalidArgument, match="reset_mask"):
            envs.reset(options={"reset_mask": wrong})
    with pytest.raises(InvalidArgument, match="options=5 is not valid: expected a dictionary"):
        envs.reset(options=5)


def test_a_reset_with_a_seed_and_a_mask_leaves_the_seeds_of_all_other_rows_alone():
    """Their next episode is the one that they would have had."""
    envs, untouched = make_two("Disabled"), make_two("Disabled")
    for one in (envs, untouched):
        one.reset(seed=0)
        one.reset()  # the second episode
    envs.reset(seed=50, options={"reset_mask": np.array([False, True])})
    both = {"reset_mask": np.array([True, True])}
    after, expected = (one.reset(options=both)[0]["location"] for one in (envs, untouched))
    np.testing.assert_array_equal(after[0], expected[0])
    assert not np.array_equal(after[1], expected[1])
    untouched.reset(seed=[None, 51])
    np.testing.assert_array_equal(after[1], untouched.reset(options=both)[0]["location"][1])


def test_the_return_that_is_drawn_has_no_reward_of_a_step_that_resets():
    """With SAME_STEP the reward of the step belongs to the episode that ended."""
    makers = [lambda length=length: Dots(length=length) for length in (1, 7)]
    envs = VectorGlimpse(sync(makers, "SameStep"), **SMALL, action_format="dict", render_mode="rgb_array")
    envs.reset(seed=0)
    _, rewards, terminated, *_ = envs.step(envs.action_space.sample())
    assert terminated.tolist() == [True, False] and (rewards > 0).all()
    captions = [envs._trail.view(row).caption for row in range(2)]
    assert captions == ["step 0 · return 0", f"step 1 · return {rewards[1]:g}"]


@pytest.mark.parametrize("mode", MODES)
def test_statistics_are_recorded(mode):
    singles = sync([lambda: Glimpse(Dots(), **SMALL)] * 2, mode)
    ends, expected = (
        [infos for *_, infos in play(RecordEpisodeStatistics(envs))[1:] if "episode" in infos]
        for envs in (make_two(mode), singles)
    )
    assert len(ends) == len(expected) >= 2
    for one, other in zip(ends, expected, strict=True):
        for key in ("l", "r"):
            assert_same(one["episode"][key], other["episode"][key])
    assert ends[0]["episode"]["l"].tolist() == [LENGTH] * 2


def test_infos_may_be_listed():
    _, infos = DictInfoToList(make_two()).reset(seed=0)
    assert [set(info) for info in infos] == [{"column"}] * 2


def test_attributes_are_those_of_the_single_wrapper():
    envs, env = VectorGlimpse(sync([Labelled] * 2), **SMALL, senses="all"), Glimpse(Labelled(), **SMALL, senses="all")
    for name in ("gaze", "scene"):
        with pytest.raises(ResetNeeded):
            envs.get_wrapper_attr(name)
    envs.reset(seed=0)
    env.reset(seed=0)
    assert envs.get_wrapper_attr("answer") == env.answer
    assert envs.get_wrapper_attr("sense_keys") == env.sense_keys
    assert envs.get_wrapper_attr("glimpse_sensor").glimpse_shape == env.glimpse_sensor.glimpse_shape
    assert envs.get_wrapper_attr("gaze_control").gaze == "absolute"
    np.testing.assert_array_equal(envs.get_wrapper_attr("gaze")[0], env.gaze)
    np.testing.assert_array_equal(envs.get_wrapper_attr("scene")[0], env.scene)
    assert len(envs.get_wrapper_attr("env_fns")) == 2  # of the inner environment
    with pytest.raises(AttributeError, match="no attribute 'nose'"):
        envs.get_wrapper_attr("nose")


@pytest.mark.parametrize("mode", MODES)
def test_the_mode_is_that_of_the_inner_environment(mode):
    envs = VectorGlimpse(sync([Dots], mode), **SMALL)
    assert envs.autoreset_mode == envs.metadata["autoreset_mode"] == AutoresetMode(mode)


def test_every_row_is_drawn():
    envs = VectorGlimpse(sync([lambda: Dots("rgb_array")] * 2), **SMALL)
    with pytest.raises(ResetNeeded):
        envs.render()
    play(envs, steps=3)
    frames = envs.render()
    assert len(frames) == 2 and frames[0].shape == frames[1].shape and frames[0].ndim == 3
    own = VectorGlimpse(sync([Dots] * 2), **SMALL, render_mode="rgb_array")
    play(own, steps=3)
    assert_same(own.render(), frames)
    envs.close()


def test_actions_that_are_not_valid_change_nothing():
    envs = VectorGlimpse(sync([Dots] * 2), **SMALL)
    with pytest.raises(ResetNeeded):
        envs.step(envs.action_space.sample())
    envs.reset(seed=0)
    gaze, actions = envs.gaze, envs.action_space.sample()
    actions[1, 0] = np.nan
    with pytest.raises(InvalidAction, match="NaN in row 1"):
        envs.step(actions)
    np.testing.assert_array_equal(envs.gaze, gaze)
    assert [env.steps for env in envs.unwrapped.envs] == [0, 0]


def test_pixels_that_are_nan_are_named_also_in_final_observations():
    class Fades(Shown):
        def __init__(self):
            super().__init__(spaces.Box(0, 1, (HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), np.float32))

        def observation(self):
            return np.full_like(self.image, np.nan if self.steps == self.length else 0)

    envs = VectorGlimpse(sync([Fades] * 2, "SameStep"), **SMALL)
    envs.reset(seed=0)
    with pytest.raises(InvalidObservation, match=f"in row 0 at step {LENGTH}"):
        for _ in range(LENGTH):
            envs.step(envs.action_space.sample())


def test_vector_environments_without_an_autoreset_mode_are_refused():
    class Silent(VectorEnv):
        metadata = {}
        num_envs = 1
        single_observation_space = spaces.Box(0, 255, (HEIGHT, WIDTH), np.uint8)
        single_action_space = spaces.Discrete(2)

    with pytest.raises(InvalidArgument, match="has no metadata\\['autoreset_mode'\\].*gymnasium.vector.AutoresetMode"):
        VectorGlimpse(Silent())


def test_rendered_frames_are_refused_where_the_last_one_is_gone():
    envs = sync([lambda: Dots("rgb_array")], "SameStep")
    with pytest.raises(InvalidArgument, match="the last frame of an episode is gone"):
        VectorGlimpse(envs, **SMALL, pixels="render")
    with pytest.raises(InvalidArgument, match="its render_mode is None"):
        VectorGlimpse(sync([Dots]), **SMALL, pixels="render")


def test_each_wrapper_names_the_other_one():
    with pytest.raises(InvalidArgument, match="not a vector environment: use Glimpse"):
        VectorGlimpse(Dots())
    with pytest.raises(InvalidArgument, match="not a Gymnasium environment: use VectorGlimpse"):
        Glimpse(sync([Dots]))


def test_environments_stay_open_when_the_wrapper_is_refused():
    envs = sync([Dots])
    with pytest.raises(InvalidArgument):
        VectorGlimpse(envs, patch_size=0)
    gc.collect()
    assert not envs.closed


@pytest.mark.parametrize("make", [lambda: AsyncVectorEnv([Dots] * 2), lambda: SendingDots(2)])
def test_a_step_may_be_begun_and_ended_later(make):
    envs, expected = VectorGlimpse(make(), **SMALL), VectorGlimpse(make(), **SMALL)
    assert envs.can_step_async and not VectorGlimpse(sync([Dots]), **SMALL).can_step_async
    envs.reset(seed=0)
    expected.reset(seed=0)
    with pytest.raises(ResetNeeded, match="before step_async"):
        envs.step_wait()
    for _ in range(LENGTH + 2):
        actions = envs.action_space.sample()
        envs.step_async(actions)
        assert_same(envs.step_wait(), expected.step(actions))
    envs.close()
    expected.close()
