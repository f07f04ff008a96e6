// One episode, recorded while it is played in the format that the shared drawing code reads.

import { clipped } from "../rules/retina.js";
import { brightness, toCanvas } from "../shared/episodes.js";

export class Episode {
  /**
   * @param {object} environment The rules.
   * @param {object} style Colors and gamma, of the suite.
   * @param {?object} agent The agent that looks at every observation; null for a person alone.
   */
  constructor(environment, style, agent) {
    Object.assign(this, { environment, agent });
    this.table = brightness(style.gamma);
    this.data = {
      scene: { height: environment.height, width: environment.width },
      style,
      names: environment.answerNames.slice(0, environment.numLabels || undefined),
      num_glimpses: environment.numSteps,
    };
  }

  /** Start the episode of a seed, with a chosen image if `imageIndex` is not null. */
  start(seed, imageIndex = null) {
    Object.assign(this, { seed, frames: [], probabilities: [], values: [], actions: [], thought: null, drawn: null });
    Object.assign(this.data, { scenes: [], glimpses: [] });
    this.agent?.start();
    this.see(this.environment.reset(seed, imageIndex));
  }

  /** Take one step. The fixation is clipped to the scene. */
  step({ fixation, answer }) {
    const location = clipped(fixation);
    this.actions.push({ fixation: location, answer });
    this.see(this.environment.step(location, answer));
  }

  get over() {
    return this.environment.over;
  }

  /** The number of the latest frame. */
  get last() {
    return this.frames.length - 1;
  }

  see({ glimpse, location }) {
    const { environment, data } = this;
    if (this.agent && !environment.over) {
      this.thought = this.agent.look({ glimpse, location });
      this.probabilities.push(this.thought.probabilities);
      this.values.push(this.thought.value);
    }
    const { patchSize, numScales } = environment.retina;
    const cells = patchSize ** 2;
    const canvas = (values, height, width) => toCanvas(values, height, width, 1, this.table);
    const scene = environment.scene();
    if (scene !== this.drawn) data.scenes.push(canvas(scene, environment.height, environment.width));
    this.drawn = scene;
    const seen = glimpse.map((value) => Math.round(255 * value));
    const patch = (_, scale) => canvas(seen.subarray(scale * cells, (scale + 1) * cells), patchSize, patchSize);
    data.glimpses.push(Array.from({ length: numScales }, patch));
    this.frames.push({
      scene: data.scenes.length - 1,
      glimpse: data.glimpses.length - 1,
      fixation: [((location[0] + 1) / 2) * environment.width, ((location[1] + 1) / 2) * environment.height],
      outlines: this.outlines(location),
      read: Math.max(this.probabilities.length, 1),
    });
  }

  /** Return what the patches cover at a location: (top, left, height, width) each, finest first. */
  outlines(location) {
    return this.environment.retina.outlines(location).map(({ top, left, side }) => [top, left, side, side]);
  }
}
