"""Keyed random draws: everything random in an episode follows from its row's seed and its number, in array arithmetic.

The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014),
nested: draw ``episode`` of the stream of ``seed`` is the key of the episode, and draw ``n`` of the stream of that key
is its ``n``-th draw. A draw therefore depends neither on the batch it is made in nor on what was drawn before. The
arithmetic is that of 64-bit words held as int64, which wraps alike in NumPy and in torch.
"""

from __future__ import annotations

import numpy as np

from ram_envs.arrays import Array, Constants, namespace

_GOLDEN_GAMMA = 0x9E3779B97F4A7C15 - 2**64
_MULTIPLIER_1 = 0xBF58476D1CE4E5B9 - 2**64
_MULTIPLIER_2 = 0x94D049BB133111EB - 2**64
_MAX_DRAWS = 4096

with np.errstate(over="ignore"):
    _STEPS = Constants(steps=np.arange(1, _MAX_DRAWS + 1, dtype=np.int64) * np.int64(_GOLDEN_GAMMA))


def _shift_right(words: Array, count: int) -> Array:
    """Shift right as unsigned words are: zeros come in from the left."""
    return (words >> count) & ((1 << (64 - count)) - 1)


def _mix(words: Array) -> Array:
    """Scramble 64-bit words, one to one (the finalizer of SplitMix64)."""
    words = (words ^ _shift_right(words, 30)) * _MULTIPLIER_1
    words = (words ^ _shift_right(words, 27)) * _MULTIPLIER_2
    return words ^ _shift_right(words, 31)


def draw_words(seed: Array, episode: Array, num_draws: int) -> Array:
    """Return the first ``num_draws`` random words of each row's episode.

    Args:
        seed: int64 (B,), the seed of each row.
        episode: int64 (B,), the number of the row's episode, 0 first.
        num_draws: How many words a row needs, at most 4,096.

    Returns:
        int64 (B, num_draws), 64 random bits each.
    """
    key = _mix(_mix(seed + _GOLDEN_GAMMA) + (episode + 1) * _GOLDEN_GAMMA)
    return _mix(key[:, None] + _STEPS.like(seed)["steps"][None, :num_draws])


def random_word(number: int) -> int:
    """Return draw ``number`` of the stream of seed 0, an integer in [0, 2**64).

    Args:
        number: Any integer; numbers that are equal modulo 2**64 have the same word.
    """
    state = np.array([number * _GOLDEN_GAMMA % 2**64], dtype=np.uint64)
    return int(np.asarray(_mix(state.view(np.int64))).view(np.uint64)[0])


def uniform(words: Array) -> Array:
    """Turn random words into float64 in [0, 1), of the same shape."""
    xp = namespace(words)
    return xp.astype(_shift_right(words, 11), xp.float64) * 2.0**-53


def integers(words: Array, count: int | Array) -> Array:
    """Turn random words into int64 in [0, count), of the same shape.

    ``count`` is at most 2**31; the upper half of the word is scaled, so no value is likelier than another by more than
    count / 2**32.
    """
    return (_shift_right(words, 32) * count) >> 32
