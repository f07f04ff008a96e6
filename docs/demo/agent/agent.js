// A packaged agent: its policy, what it remembers of an episode, and how it acts, deterministically.

import { argmax, softmax } from "./layers.js";
import { Policy } from "./policy.js";
import { readTensors } from "./tensors.js";

export class Agent {
  /** @param {Policy} policy The policy, which several agents may share. */
  constructor(policy) {
    this.policy = policy;
    this.start();
  }

  /** Forget everything: a new episode begins. */
  start() {
    this.state = this.policy.initialState();
  }

  /**
   * Look at an observation.
   * @param {{glimpse: Float32Array, location: Float32Array}} observation From an environment.
   * @returns {{location: Float32Array, answer: number, logits: Float32Array, probabilities: number[], value: number}}
   *     The mean of the next location, the most likely answer, its logits and probabilities, and the expected return.
   */
  look(observation) {
    const { state, ...heads } = this.policy.step(observation, this.state);
    this.state = state;
    return { ...heads, answer: argmax(heads.logits), probabilities: softmax(heads.logits) };
  }
}

/**
 * Load a policy.
 * @param {string} address Address of its two files, without ".json" and ".bin".
 * @returns {Promise<Policy>} The policy.
 */
export async function loadPolicy(address) {
  const [description, weights] = await Promise.all([fetched(`${address}.json`), fetched(`${address}.bin`)]);
  const { settings, tensors } = await description.json();
  return new Policy(settings, readTensors(tensors, await weights.arrayBuffer()));
}

/** Fetch a file; throw if it is not there. */
export async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} cannot be loaded: ${response.status} ${response.statusText}`);
  return response;
}
