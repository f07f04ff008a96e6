// Keyed random draws: the counter-based generator of ram_envs/scenes/randomness.py. Words are BigInt in [0, 2**64).

const GOLDEN_GAMMA = 0x9e3779b97f4a7c15n;
const MULTIPLIER_1 = 0xbf58476d1ce4e5b9n;
const MULTIPLIER_2 = 0x94d049bb133111ebn;
const FAR = 2n ** 40n; // episode numbers from here on key the draws of players, not of environments

const wrap = (word) => BigInt.asUintN(64, word);

/** Apply the finalizer of SplitMix64. */
function mix(word) {
  word = wrap((word ^ (word >> 30n)) * MULTIPLIER_1);
  word = wrap((word ^ (word >> 27n)) * MULTIPLIER_2);
  return word ^ (word >> 31n);
}

/**
 * Return the first random words of an episode.
 * @param {bigint|number} seed Random seed, an integer in [0, 2**63).
 * @param {bigint|number} episode Number of the episode with this seed, 0 first.
 * @param {number} count Number of words.
 * @returns {bigint[]} The words.
 */
export function drawWords(seed, episode, count) {
  const key = mix(wrap(mix(wrap(BigInt(seed) + GOLDEN_GAMMA)) + (BigInt(episode) + 1n) * GOLDEN_GAMMA));
  return Array.from({ length: count }, (_, number) => mix(wrap(key + BigInt(number + 1) * GOLDEN_GAMMA)));
}

/** Convert a word to a number in [0, 1). */
export function uniform(word) {
  return Number(word >> 11n) * 2 ** -53;
}

/** Convert a word to an integer in [0, count); count is at most 2**21, so that the product is exact. */
export function integer(word, count) {
  return Math.floor((Number(word >> 32n) * count) / 2 ** 32);
}

/** Convert two words to a random location: Float32Array (x, y) in [-1, 1]. */
export function randomLocation(words) {
  return Float32Array.from(words.slice(0, 2), (word) => uniform(word) * 2 - 1);
}

/** Return the random location that a player without a learned gaze chooses at a step, 0 first. */
export function randomGaze(seed, step) {
  return randomLocation(drawWords(seed, FAR + BigInt(step), 2));
}
