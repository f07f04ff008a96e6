"""Transcription of a row of digits: the scene, the answers that count, and rewards by hand."""

import gymnasium as gym
import numpy as np
import pytest

import ram_envs
from ram_envs.errors import InvalidArgument

# Ten classes of 4x3 images, each of one grey level that names its class.
HEIGHT, WIDTH = 4, 3
LEVELS = np.arange(10, dtype=np.uint8) * 20 + 10
IMAGES = np.broadcast_to(LEVELS[:, None, None], (10, HEIGHT, WIDTH)).copy()
DATASET = {"train": (IMAGES, np.arange(10)), "test": (IMAGES, np.arange(10))}
ID, END = "RAM-MNISTSequence-v0", 10
SMALL = {"dataset": DATASET, "scene_size": (6, 24), "max_gap": 2, "patch_size": 4, "num_scales": 1}


def make(**settings):
    return gym.make(f"ram_envs:{ID}", action_format="dict", **{**SMALL, **settings}).unwrapped


def read(scene):
    """Return the digits in a scene, uint8 (H, W), from left to right, with their first columns and rows."""
    found, column = [], 0
    while column < scene.shape[1]:
        lit = np.nonzero(scene[:, column])[0]
        if len(lit):
            block = scene[lit[0] : lit[0] + HEIGHT, column : column + WIDTH]
            assert len(lit) == HEIGHT and (block == block[0, 0]).all()
            found.append(((int(block[0, 0]) - 10) // 20, column, int(lit[0])))
            column += WIDTH
        else:
            column += 1
    return found


def test_the_scene_follows_the_rules_of_the_generator():
    envs = gym.make_vec(f"ram_envs:{ID}", 4000, **SMALL).unwrapped
    _, info = envs.reset(seed=4)
    assert envs.task.max_episode_steps == 6 * 3 and envs.task.answer.names[-1] == "end"
    counts, starts, gaps, tops, digits, seconds = [], [], [], [], [], []
    for scene, labels, number in zip(envs.scene, envs.state.labels, info["num_objects"], strict=True):
        found = read(scene)
        assert [digit for digit, *_ in found] == labels[: len(found)].tolist()
        assert (labels[len(found) :] == END).all() and len(found) == number
        counts.append(len(found))
        digits += [digit for digit, *_ in found]
        tops += [top for *_, top in found]
        columns = [column for _, column, _ in found]
        gaps += (np.diff(columns) - WIDTH).tolist()
        if len(found) == 1:
            starts += columns
        elif len(found) > 1:
            seconds.append(found[0][0] == found[1][0])
    for values, least, most in ((counts, 1, 5), (gaps, 0, 2), (tops, 0, 2), (digits, 0, 9), (starts, 0, 21)):
        shares = np.bincount(values, minlength=most + 1)[least:] / len(values)
        assert len(shares) == most + 1 - least
        np.testing.assert_allclose(shares, 1 / len(shares), atol=0.05)
    assert abs(np.mean(seconds) - 0.1) < 0.03  # the digits are independent


def test_the_first_image_is_chosen_and_the_digits_come_from_the_split():
    odd = {"train": (IMAGES[1::2], np.arange(1, 10, 2)), "test": (IMAGES, np.arange(10))}
    envs = gym.make_vec(f"ram_envs:{ID}", 50, **{**SMALL, "dataset": odd}).unwrapped
    _, info = envs.reset(seed=0, options={"image_index": np.full(50, 3)})
    assert (envs.state.labels[:, 0] == 7).all() and (info["image_index"] == 3).all()
    labels = envs.state.labels
    assert (labels[labels < END] % 2 == 1).all()


def play(env, answers, seed, location=(0.5, -0.5)):
    """Answer until the episode ends; return the rewards, the ends and the last info."""
    env.reset(seed=seed)
    rewards, ends, info = [], [], {}
    for answer in answers:
        action = {"fixation": np.array(location, np.float32), "label": answer}
        _, reward, terminated, truncated, info = env.step(action)
        rewards.append(float(reward))
        ends.append(bool(terminated))
        assert not truncated
    return rewards, ends, info


def seed_with(env, count):
    """Return a seed whose scene has so many digits, and these digits."""
    for seed in range(1000):
        env.reset(seed=seed)
        if int(env.state.num_objects[0]) == count:
            return seed, env.state.labels[0, :count].tolist()
    raise AssertionError


def test_rewards_by_hand():
    env = make(glimpses_per_object=2)
    seed, (first, second) = seed_with(env, 2)
    wrong = (second + 1) % 10
    # Answers at odd steps do not count, not even "end".
    rewards, ends, info = play(env, [END, first, wrong, second, first, END], seed)
    assert rewards == [0, 1, 0, 1, 0, 0] and ends == [False] * 5 + [True]
    assert info["is_success"] and (info["num_correct"], info["num_wrong"], info["num_read"]) == (2, 0, 2)

    rewards, ends, info = play(env, [0, first, 0, wrong], seed)
    assert rewards == [0, 1, 0, 0] and ends == [False] * 3 + [True]
    assert not info["is_success"] and (info["num_correct"], info["num_wrong"], info["num_read"]) == (1, 1, 2)

    rewards, ends, info = play(env, [0, END], seed)  # "end" too early is a wrong answer
    assert rewards == [0, 0] and ends == [False, True]
    assert not info["is_success"] and (info["num_correct"], info["num_wrong"], info["num_read"]) == (0, 1, 1)

    rewards, ends, info = play(env, [0, first, 0, second, 0, second], seed)  # "end" is missing: no digit was misread
    assert rewards == [0, 1, 0, 1, 0, 0] and ends[-1]
    assert not info["is_success"] and (info["num_correct"], info["num_wrong"], info["num_read"]) == (2, 0, 2)


def test_end_may_be_rewarded():
    env = make(glimpses_per_object=1, end_reward=0.5)
    seed, digits = seed_with(env, 3)
    assert play(env, [*digits, END], seed)[0] == [1, 1, 1, 0.5]
    assert play(env, [*digits, digits[0]], seed)[0] == [1, 1, 1, 0]


def test_the_most_digits_take_all_steps():
    env = make(glimpses_per_object=2)
    seed, digits = seed_with(env, 5)
    answers = [answer for digit in [*digits, END] for answer in (0, digit)]
    rewards, ends, info = play(env, answers, seed)
    assert sum(rewards) == 5 and len(ends) == env.task.max_episode_steps and ends[-1] and not any(ends[:-1])
    assert info["is_success"]


def test_the_target_is_the_digit_to_be_read_next():
    env = make(glimpses_per_object=2)
    seed, digits = seed_with(env, 2)
    env.reset(seed=seed)
    seen = []
    for answer in (0, digits[0], 0, digits[1], 0, END):
        seen.append((int(env.task.target(env.state)[0]), bool(env.task.answer_counts(env.state)[0])))
        env.step({"fixation": np.zeros(2, np.float32), "label": answer})
    one, two = digits
    assert seen == [(one, False), (one, True), (two, False), (two, True), (END, False), (END, True)]


def test_the_gaze_moves_at_every_step_but_the_last():
    env = make(glimpses_per_object=1)
    seed, (digit, *_) = seed_with(env, 3)
    env.reset(seed=seed)
    before = env.state.location[0]
    for answer, location in ((digit, (0.5, -0.5)), (END, (0.25, 0.0))):  # the second answer is wrong
        observation, *_ = env.step({"fixation": np.array(location, np.float32), "label": answer})
        if answer == digit:
            assert observation["location"].tolist() == [0.5, -0.5] != before.tolist()
    assert observation["location"].tolist() == [0.5, -0.5]


@pytest.mark.parametrize("glimpses", [1, 3])
def test_the_oracles_read_everything_and_look_at_the_digits(glimpses):
    settings = {**SMALL, "glimpses_per_object": glimpses, "gaze": "object", "patch_size": 1, "action_format": "dict"}
    envs = gym.make_vec(ID, 30, autoreset_mode="Disabled", **settings).unwrapped
    envs.reset(seed=1)
    oracle, total = envs.task.oracle(), np.zeros(30)
    labels, count = envs.state.labels.copy(), envs.state.num_objects.copy()
    done, success = np.zeros(30, bool), np.zeros(30, bool)
    for step in range(1, envs.task.max_episode_steps + 1):
        action = {"fixation": np.zeros((30, 2), np.float32), "label": oracle.answer(envs.state)}
        observation, reward, terminated, *_, info = envs.step(action)
        total += np.where(done, 0.0, reward)
        number = np.minimum(step // glimpses, count - 1)
        level = np.rint(observation["glimpse"][:, 0] * 255)
        right = level == LEVELS[labels[np.arange(30), number]]
        success |= terminated & ~done & info["is_success"]
        done |= terminated
        assert right[~done].all()
        if done.all():
            break
        if terminated.any():  # the new episodes of these rows are played along, and do not count
            envs.reset(options={"reset_mask": terminated})
    assert done.all() and step == glimpses * (count.max() + 1) and len(set(count.tolist())) > 2
    assert (total == count).all() and success.all()


def test_clutter_and_colour():
    images = np.stack([IMAGES, IMAGES // 2, 255 - IMAGES], axis=-1)
    env = make(dataset=(images, np.arange(10)), num_clutter=3, clutter_size=2)
    env.reset(seed=0)
    assert env.scene.shape == (6, 24, 3) and env.observation_space["glimpse"].shape == (4 * 4 * 3,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scene_size": (6, 22)}, r"scene_size=\(6, 22\) is too small for max_objects=5 .* at least \(4, 23\)"),
        ({"scene_size": 40}, r"scene_size=40 is not valid: expected \(height, width\)"),
        ({"max_objects": 0}, "max_objects=0"),
        (
            {"max_objects": 100, "num_clutter": 800, "clutter_size": 2, "scene_size": (40, 2000)},
            "max_objects=100 and num_clutter=800 take 4,304 random numbers an episode, which has 4,096",
        ),
        ({"glimpses_per_object": 2**63}, "glimpses_per_object="),
        ({"end_reward": 2}, "end_reward=2"),
        ({"num_clutter": 800, "clutter_size": 3}, "into a 6x24 scene: expected at most 16, or a larger scene_size"),
        ({"num_clutter": 1}, "clutter_size=8 is larger than the images that clutter is cut from, 4x3"),
        ({"num_glimpses": 3}, "Transcription got an unexpected keyword argument 'num_glimpses'"),
    ],
)
def test_what_does_not_fit_is_refused(settings, message):
    error = InvalidArgument if "unexpected" not in message else ram_envs.errors.UnknownArgument
    with pytest.raises(error, match=message):
        make(**settings)
