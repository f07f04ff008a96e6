// The address of an episode: ?task=...&seed=... and what else it needs.

const LARGEST_SEED = 2n ** 63n - 1n;

/** Read a random seed; null if the text is not an integer from 0 to 2**63 - 1. */
export function readSeed(text) {
  if (!/^\d{1,19}$/.test(String(text).trim())) return null;
  const seed = BigInt(text);
  return seed <= LARGEST_SEED ? seed : null;
}

/**
 * Read the part of an address after "?".
 * @param {string} search Such as "?task=RAM-CatchGame-v0&seed=3".
 * @param {string[]} ids The tasks of the demo; the first one is the default.
 * @returns {{task: string, seed: bigint, mode: string, gaze: string, stop: ?number}} What is missing or
 *     not valid has its default.
 */
export function readAddress(search, ids) {
  const given = new URLSearchParams(search);
  const oneOf = (name, values) => (values.includes(given.get(name)) ? given.get(name) : values[0]);
  const stop = Number(given.get("stop"));
  return {
    task: oneOf("task", ids),
    seed: readSeed(given.get("seed") ?? "") ?? 0n,
    mode: oneOf("mode", ["agent", "you", "race"]),
    gaze: oneOf("gaze", ["learned", "random"]),
    stop: stop > 0 && stop <= 1 ? stop : null,
  };
}

/** Write the part of an address after "?"; null and defaults are left out. */
export function writeAddress({ task, seed, mode = "agent", gaze = "learned", stop = null }) {
  const parts = new URLSearchParams({ task, seed: String(seed) });
  if (mode !== "agent") parts.set("mode", mode);
  if (gaze !== "learned") parts.set("gaze", gaze);
  if (stop !== null) parts.set("stop", String(stop));
  return `?${parts}`;
}
