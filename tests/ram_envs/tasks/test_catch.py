import math

import gymnasium as gym
import numpy as np
import pytest

import ram_envs
from ram_envs.errors import InvalidArgument
from ram_envs.tasks import Catch
from ram_envs.tasks.catch import CatchState


def play(choose_moves, episodes):
    """Play every row to its end; returns the share of balls caught.

    ``choose_moves(step, ball, paddle)`` gets the columns seen in the picture, and no more: int (B,) each.
    """
    envs = gym.make_vec("RAM-CatchGame-v0", episodes, action_format="dict", autoreset_mode="Disabled")
    envs.reset(seed=100)
    for step in range(23):
        scene = envs.unwrapped.scene
        ball, paddle = scene[:, step].argmax(axis=1), scene[:, 23].argmax(axis=1)
        moves = choose_moves(step, ball, paddle)
        _, reward, terminated, _, info = envs.step({"fixation": np.zeros((episodes, 2), np.float32), "move": moves})
    assert terminated.all()
    np.testing.assert_array_equal(info["is_success"], reward == 1)
    return reward.mean()


def towards(target, paddle):
    """Move so that the target comes to lie on one of the paddle's two cells."""
    return np.where(target < paddle, 0, np.where(target > paddle + 1, 2, 1))


def test_who_predicts_the_landing_from_the_scenes_catches_nearly_every_ball():
    speeds = np.linspace(-1, 1, 401, dtype=np.float32)
    starts, possible = None, None

    def place(step):
        """Where a ball of each start and speed would be: float (B, speeds)."""
        return 23 - np.abs(23 - np.abs(starts[:, None] + speeds * step))

    def predict(step, ball, paddle):
        nonlocal starts, possible
        if step == 0:
            starts, possible = ball.astype(np.float32), np.ones((len(ball), len(speeds)), bool)
        agree = possible & (np.abs(place(step) - ball[:, None]) <= 0.55)
        possible = np.where(agree.any(axis=1, keepdims=True), agree, possible)
        landing = (possible * place(23)).sum(axis=1) / possible.sum(axis=1)
        return np.where(landing < paddle, 0, np.where(landing > paddle + 1, 2, 1))

    caught = play(predict, 10_000)
    assert caught >= 0.998


def test_who_follows_the_ball_catches_half():
    assert 0.45 < play(lambda step, ball, paddle: towards(ball, paddle), 4000) < 0.6


def test_who_moves_at_random_catches_one_in_twelve():
    generator = np.random.default_rng(0)
    assert 0.07 < play(lambda step, ball, paddle: generator.integers(0, 3, len(ball)), 8000) < 0.1


def test_starts_are_uniform():
    state = Catch().initial(np.arange(24_000), np.zeros(24_000, np.int64))
    np.testing.assert_allclose(np.bincount(state.ball, minlength=24), 1000, rtol=0.15)
    np.testing.assert_allclose(np.bincount(state.paddle, minlength=23), 24_000 / 23, rtol=0.15)
    assert -1 <= state.speed.min() < -0.99 and 0.99 < state.speed.max() < 1
    assert abs(state.speed.mean()) < 0.02
    assert np.abs(state.location).max() <= 1 and abs(state.location.mean()) < 0.02


def test_the_ball_is_reflected_and_the_paddle_stays_on_the_screen():
    task = Catch()
    state = task.initial(np.arange(3), np.zeros(3, np.int64))._replace(
        column=np.array([0.25, 22.5, 5.0], np.float32),
        speed=np.array([-0.75, 1.0, 0.5], np.float32),
        paddle=np.array([0, 22, 3]),
    )
    after = task.transition(state, np.zeros((3, 2), np.float32), np.array([0, 2, 1]))
    np.testing.assert_allclose(after.column, [0.5, 22.5, 5.5])
    np.testing.assert_allclose(after.speed, [0.75, -1.0, 0.5])
    np.testing.assert_array_equal(after.ball, [1, 23, 6])
    np.testing.assert_array_equal(after.paddle, [0, 22, 3])


def test_a_dropped_and_a_caught_ball_are_drawn_and_paid():
    task = Catch()
    state = task.initial(np.arange(2), np.zeros(2, np.int64))._replace(
        step=np.array([22, 22]),
        column=np.array([7.0, 7.0], np.float32),
        speed=np.zeros(2, np.float32),
        paddle=np.array([6, 9]),
    )
    after = task.transition(state, np.zeros((2, 2), np.float32), np.array([1, 1]))
    assert task.terminal(after).all()
    assert task.reward(after).tolist() == [1, 0]
    bottom = task.scene(after)[:, 0, 23]
    assert np.flatnonzero(bottom[0]).tolist() == [6, 7]
    assert np.flatnonzero(bottom[1]).tolist() == [7, 9, 10]
    picture = task.glimpse_sensor.read(task.scene(after), after.location)
    np.testing.assert_array_equal(task.observation(after).glimpse, picture)


def test_what_is_seen_is_the_sensor_on_the_picture_all_along():
    envs = gym.make_vec("RAM-CatchGame-v0", 64, screen_size=15, num_scales=2, patch_size=5)
    task = envs.unwrapped.task
    observation, _ = envs.reset(seed=3)
    envs.action_space.seed(0)
    for _ in range(40):
        picture = envs.unwrapped.scene[:, None]
        glimpse = task.glimpse_sensor.read(picture, observation["location"])
        np.testing.assert_array_equal(observation["glimpse"], glimpse)
        observation, *_ = envs.step(envs.action_space.sample())


def test_a_ball_in_a_hidden_row_is_in_the_scene_and_not_in_the_glimpse():
    """Three scales from the centre see the whole screen, and the paddle is always seen."""
    settings = {"first_location": "center", "action_format": "dict", "autoreset_mode": "Disabled"}
    seen, hidden = (
        gym.make_vec("RAM-CatchGame-v0", 50, hidden_rows=rows, **settings).unwrapped for rows in (None, (3, 7))
    )
    observations = [envs.reset(seed=5)[0]["glimpse"][:, -36:].reshape(50, 6, 6) for envs in (seen, hidden)]
    stay = {"fixation": np.zeros((50, 2), np.float32), "move": np.ones(50, np.int64)}
    for step in range(23):
        np.testing.assert_array_equal(seen.scene, hidden.scene)
        rows = slice(step // 4, step // 4 + 1)
        if 3 <= step <= 7:
            assert (observations[0][:, rows].sum((1, 2)) > 0).all() and not observations[1][:, rows].any()
        else:
            np.testing.assert_array_equal(*observations)
        observations = [envs.step(stay)[0]["glimpse"][:, -36:].reshape(50, 6, 6) for envs in (seen, hidden)]
    np.testing.assert_array_equal(*observations)


@pytest.mark.parametrize(
    ("column", "step", "angle"),
    [(10.5, 0, 0), (10.5, 23, 0), (14.0, 23, 90), (2.0, 23, -90), (20.5, 13, 45), (0.5, 13, -45), (16.5, 23 - 8, None)],
)
def test_the_ball_is_heard_from_its_direction(column, step, angle):
    angle = math.atan2(6, 8) if angle is None else math.radians(angle)
    task = Catch(hearing=True)
    one = np.ones(1, np.int64)
    state = CatchState(
        step=one * step,
        column=np.array([column], np.float32),
        ball=one * round(column),
        speed=np.zeros(1, np.float32),
        paddle=one * 10,  # columns 10 and 11, so its centre is at 10.5
        caught=np.zeros(1, bool),
        location=np.zeros((1, 2), np.float32),
    )
    sound = task.observation(state).senses["sound"]
    assert sound.dtype == np.float32 and sound.shape == (1, 2)
    quarter = math.radians(45)
    np.testing.assert_allclose(sound[0], [math.cos(angle / 2 + quarter), math.sin(angle / 2 + quarter)], atol=1e-6)


def test_hearing_changes_nothing_else():
    deaf, hearing = (gym.make("RAM-CatchGame-v0", hearing=hears) for hears in (False, True))
    (a, _), (b, _) = deaf.reset(seed=3), hearing.reset(seed=3)
    deaf.action_space.seed(0)
    for _ in range(23):
        assert set(b) - set(a) == {"sound"} and b["sound"] in hearing.observation_space["sound"]
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])
        action = deaf.action_space.sample()
        (a, *results), (b, *others) = deaf.step(action), hearing.step(action)
        assert results == others
    flat, _ = gym.make("RAM-CatchGame-v0", hearing=True, observation_format="flat").reset(seed=3)
    first, _ = hearing.reset(seed=3)
    np.testing.assert_array_equal(flat, np.concatenate([first["glimpse"], first["location"], first["sound"]]))


@pytest.mark.parametrize("rows", [5, (3,), (4, 2), "ab", (0, 24), (-1, 3), (True, 2), (0.5, 2)])
def test_hidden_rows_that_are_not_two_rows_of_the_screen_are_refused(rows):
    with pytest.raises(InvalidArgument, match=r"hidden_rows=.*0 <= first <= last <= 23"):
        ram_envs.make_task("RAM-CatchGame-v0", hidden_rows=rows)


def test_hearing_is_yes_or_no():
    with pytest.raises(InvalidArgument, match="hearing='no' is not valid: expected True or False"):
        ram_envs.make_task("RAM-CatchGame-v0", hearing="no")
