"""Keyed random draws: a counter-based generator whose values depend on the random seed and the episode number only.

The generator nests SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
Output number ``episode`` of the stream with seed ``seed`` is the key of the episode. Output number ``n`` of the stream
with this key is the episode's ``n``-th random word. A word therefore depends neither on the other rows of the batch nor
on earlier draws. Words are 64 bits, stored as int64; integer overflow wraps in the same way in NumPy and torch.
"""

from __future__ import annotations

import numpy as np

from ram_envs.arrays import Array, Constants, namespace

_GOLDEN_GAMMA = 0x9E3779B97F4A7C15 - 2**64
_MULTIPLIER_1 = 0xBF58476D1CE4E5B9 - 2**64
_MULTIPLIER_2 = 0x94D049BB133111EB - 2**64
MAX_DRAWS = 4096

with np.errstate(over="ignore"):
    _STEPS = Constants(steps=np.arange(1, MAX_DRAWS + 1, dtype=np.int64) * np.int64(_GOLDEN_GAMMA))


def _shift_right(words: Array, count: int) -> Array:
    """Shift to the right as for unsigned words: fill with zeros."""
    return (words >> count) & ((1 << (64 - count)) - 1)


def _mix(words: Array) -> Array:
    """Apply the finalizer of SplitMix64, a bijection of 64-bit words."""
    words = (words ^ _shift_right(words, 30)) * _MULTIPLIER_1
    words = (words ^ _shift_right(words, 27)) * _MULTIPLIER_2
    return words ^ _shift_right(words, 31)


def draw_words(seed: Array, episode: Array, num_draws: int) -> Array:
    """Return the first ``num_draws`` random words of each row's episode.

    Args:
        seed: int64 (B,), the random seed of each row.
        episode: int64 (B,), the number of the row's episode, 0 first.
        num_draws: Number of words per row, at most 4,096.

    Returns:
        int64 (B, num_draws), 64 random bits each.
    """
    key = _mix(_mix(seed + _GOLDEN_GAMMA) + (episode + 1) * _GOLDEN_GAMMA)
    return _mix(key[:, None] + _STEPS.like(seed)["steps"][None, :num_draws])


def random_word(number: int) -> int:
    """Return output ``number`` of the stream with seed 0, an integer in [0, 2**64).

    Args:
        number: Any integer. Numbers that are equal modulo 2**64 give the same word.
    """
    state = np.array([number * _GOLDEN_GAMMA % 2**64], dtype=np.uint64)
    return int(np.asarray(_mix(state.view(np.int64))).view(np.uint64)[0])


def uniform(words: Array) -> Array:
    """Convert random words to float64 in [0, 1), with the same shape."""
    xp = namespace(words)
    return xp.astype(_shift_right(words, 11), xp.float64) * 2.0**-53


def integers(words: Array, count: int | Array) -> Array:
    """Convert random words to int64 in [0, count), with the same shape.

    ``count`` is at most 2**31. The upper 32 bits of the word are scaled, so the relative difference between the
    probabilities of two values is at most count / 2**32.
    """
    return (_shift_right(words, 32) * count) >> 32
