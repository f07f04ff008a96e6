import numpy as np
import torch

from ram_envs.scenes.randomness import draw_words, integers, random_word, uniform

GOLDEN = 0x9E3779B97F4A7C15


def splitmix64(state):
    """The published generator on Python integers: the next state and its output."""
    state = (state + GOLDEN) % 2**64
    word = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) % 2**64
    return state, word ^ (word >> 31)


def test_draws_are_nested_splitmix64():
    seed, episode = 1234567, 3
    _, stream = splitmix64(seed)
    key = stream
    for _ in range(episode + 1):
        stream, key = splitmix64(stream)
    expected = []
    for _ in range(4):
        key, word = splitmix64(key)
        expected.append(word)
    words = draw_words(np.array([seed]), np.array([episode]), 4)
    assert words.view(np.uint64)[0].tolist() == expected


def test_a_random_word_is_a_draw_of_the_stream_of_seed_0():
    state, expected = 0, [0]
    for _ in range(5):
        state, word = splitmix64(state)
        expected.append(word)
    assert [random_word(number) for number in range(6)] == expected
    assert random_word(2**64 + 3) == random_word(3) and random_word(-1) == random_word(2**64 - 1)


def test_a_row_does_not_depend_on_its_batch_and_torch_agrees():
    seed, episode = np.arange(100) * 10**15, np.arange(100) % 7
    words = draw_words(seed, episode, 6)
    np.testing.assert_array_equal(draw_words(seed[40:41], episode[40:41], 3)[0], words[40, :3])
    np.testing.assert_array_equal(draw_words(torch.from_numpy(seed), torch.from_numpy(episode), 6).numpy(), words)


def test_neighbouring_seeds_episodes_and_draws_are_uncorrelated():
    seed, episode = np.repeat(np.arange(200), 200), np.tile(np.arange(200), 200)
    values = uniform(draw_words(seed, episode, 4))
    assert values.min() >= 0 and values.max() < 1
    np.testing.assert_allclose(values.mean(axis=0), 0.5, atol=0.01)
    np.testing.assert_allclose(values.std(axis=0), 12**-0.5, atol=0.01)
    table = values.reshape(200, 200, 4)
    for a, b in [(table[1:], table[:-1]), (table[:, 1:], table[:, :-1]), (table[..., 1:], table[..., :-1])]:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.02


def test_integers_cover_their_range_evenly():
    values = integers(draw_words(np.arange(60_000), np.zeros(60_000, np.int64), 1)[:, 0], 6)
    counts = np.bincount(values, minlength=6)
    assert len(counts) == 6
    np.testing.assert_allclose(counts, 10_000, rtol=0.05)
