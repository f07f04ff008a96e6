import gymnasium as gym
import numpy as np

import ram_envs  # noqa: F401
from ram_envs.tasks import Catch


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
