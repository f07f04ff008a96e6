// The game Catch: the rules of ram_envs/tasks/catch.py.

import { drawWords, integer, randomLocation, uniform } from "./random.js";
import { clipped, Retina } from "./retina.js";

const { abs, floor, fround, max, min } = Math;

const PADDLE_WIDTH = 2;
const WHITE = 255;

export class Catch {
  answerKey = "move";
  answerNames = ["left", "stay", "right"];
  numLabels = 0;

  /** @param {{patch_size: number, num_scales: number, screen_size: number}} rules The arguments of the environment. */
  constructor(rules) {
    this.height = this.width = rules.screen_size;
    this.numSteps = rules.screen_size - 1;
    this.retina = new Retina(this.height, this.width, rules.patch_size, rules.num_scales);
  }

  /**
   * Start an episode.
   * @param {bigint|number} seed Random seed.
   * @returns {{glimpse: Float32Array, location: Float32Array}} The first observation.
   */
  reset(seed) {
    const words = drawWords(seed, 0, 5);
    this.steps = 0;
    this.column = this.ball = integer(words[0], this.width);
    this.speed = fround(uniform(words[1]) * 2 - 1);
    this.paddle = integer(words[2], this.width - PADDLE_WIDTH + 1);
    this.location = randomLocation(words.slice(3));
    this.reward = 0;
    this.over = this.success = false;
    return this.observe();
  }

  /**
   * Move the paddle, then the ball, then the gaze.
   * @param {ArrayLike<number>} fixation The next location; clipped to [-1, 1].
   * @param {number} move 0 (left), 1 (stay) or 2 (right).
   * @returns {{glimpse: Float32Array, location: Float32Array}} The next observation.
   */
  step(fixation, move) {
    const wall = this.width - 1;
    this.steps += 1;
    this.paddle = min(max(this.paddle + move - 1, 0), this.width - PADDLE_WIDTH);
    const ahead = fround(this.column + this.speed);
    this.column = abs(ahead);
    if (this.column > wall) this.column = fround(2 * wall - this.column);
    this.ball = floor(fround(this.column + 0.5));
    if (this.column !== ahead) this.speed = -this.speed;
    this.over = this.steps === this.numSteps;
    this.success = this.over && this.ball >= this.paddle && this.ball < this.paddle + PADDLE_WIDTH;
    this.reward = Number(this.success);
    this.location = clipped(fixation);
    return this.observe();
  }

  /** Return the current observation. */
  observe() {
    return { glimpse: this.retina.read(this.scene(), this.location), location: this.location };
  }

  /** Draw the screen: Uint8Array, row by row, 0 or 255. */
  scene() {
    const pixels = new Uint8Array(this.height * this.width);
    pixels[this.steps * this.width + this.ball] = WHITE;
    pixels.fill(WHITE, (this.height - 1) * this.width + this.paddle, (this.height - 1) * this.width + this.paddle + PADDLE_WIDTH);
    return pixels;
  }
}
