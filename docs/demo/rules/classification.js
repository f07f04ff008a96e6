// Classification of an image through glimpses: the rules of ram_envs/tasks/classification.py.

import { drawWords, integer, randomLocation } from "./random.js";
import { clipped, Retina } from "./retina.js";
import { compose, drawsPerScene } from "./scenes.js";

const UNDECIDED = -1;

export class Classification {
  answerKey = "label";

  /**
   * @param {object} rules Arguments of the environment: patch_size, num_scales, image_size, num_clutter, clutter_size,
   *     num_glimpses, and names, those of the classes.
   * @param {{height: number, width: number, count: number, pixels: Uint8Array, labels: Uint8Array}} images The split.
   * @param {boolean} stops Whether a class ends the episode, and the last answer is "look on": stop="learned".
   */
  constructor(rules, images, stops = false) {
    Object.assign(this, { rules, images, stops });
    this.answerNames = stops ? [...rules.names, "look on"] : rules.names;
    this.numLabels = rules.names.length;
    this.height = rules.image_size ?? images.height;
    this.width = rules.image_size ?? images.width;
    this.numSteps = rules.num_glimpses;
    this.retina = new Retina(this.height, this.width, rules.patch_size, rules.num_scales);
  }

  /**
   * Start an episode.
   * @param {bigint|number} seed Random seed.
   * @param {?number} imageIndex The image to show; null for a random one.
   * @returns {{glimpse: Float32Array, location: Float32Array}} The first observation.
   */
  reset(seed, imageIndex = null) {
    const words = drawWords(seed, 0, 3 + drawsPerScene(this.rules.num_clutter));
    this.imageIndex = imageIndex ?? integer(words[0], this.images.count);
    this.label = this.images.labels[this.imageIndex];
    this.location = randomLocation(words.slice(1, 3));
    this.pixels = compose(this.images, this.imageIndex, words.slice(3), this.rules).pixels;
    this.steps = this.reward = 0;
    this.prediction = UNDECIDED;
    this.over = this.success = false;
    return this.observe();
  }

  /**
   * Look at the next location, or answer.
   * @param {ArrayLike<number>} fixation The next location; clipped to [-1, 1].
   * @param {number} answer The class, or the number of classes to look on.
   * @returns {{glimpse: Float32Array, location: Float32Array}} The next observation.
   */
  step(fixation, answer) {
    this.steps += 1;
    const last = this.steps === this.numSteps;
    const named = answer < this.numLabels;
    this.over = this.stops ? last || named : last;
    if (this.over && named) this.prediction = answer;
    this.success = this.prediction === this.label;
    this.reward = Number(this.success);
    if (!this.over) this.location = clipped(fixation);
    return this.observe();
  }

  /** Return the current observation. */
  observe() {
    return { glimpse: this.retina.read(this.pixels, this.location), location: this.location };
  }

  /** Return the scene: Uint8Array, row by row. */
  scene() {
    return this.pixels;
  }
}
