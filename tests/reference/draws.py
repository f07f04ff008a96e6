"""Random words as ram_envs.scenes.randomness defines them, with Python's integers."""

MASK = 2**64 - 1
GAMMA = 0x9E3779B97F4A7C15


def mix(word: int) -> int:
    """The finalizer of SplitMix64."""
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & MASK
    word = (word ^ word >> 27) * 0x94D049BB133111EB & MASK
    return word ^ word >> 31


def words(seed: int, episode: int, count: int) -> list[int]:
    """The first words of an episode, each in [0, 2**64)."""
    key = mix(mix((seed + GAMMA) & MASK) + (episode + 1) * GAMMA & MASK)
    return [mix((key + (number + 1) * GAMMA) & MASK) for number in range(count)]


def uniform(word: int) -> float:
    """A number in [0, 1)."""
    return (word >> 11) * 2.0**-53


def below(word: int, count: int) -> int:
    """An integer in [0, count)."""
    return (word >> 32) * count >> 32
