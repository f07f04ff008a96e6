// The tasks of the demo with their data: rules, images and agents, each loaded when it is first needed.

import { fetched, loadPolicy } from "../agent/agent.js";
import { Catch } from "../rules/catch.js";
import { Classification } from "../rules/classification.js";

const DATA = new URL("../data/", import.meta.url);

/** Everything that `build.py` wrote for the page. */
export class Suite {
  constructor(manifest) {
    const { home, split, style, tasks, images } = manifest;
    Object.assign(this, { home, split, style, tasks, size: images });
    this.loading = new Map();
  }

  /** Read the list of tasks. */
  static async load() {
    const manifest = await fetched(new URL("suite.json", DATA));
    return new Suite(await manifest.json());
  }

  /** Whether a task is the game; the others show digits. */
  isGame(id) {
    return "screen_size" in this.tasks[id].rules;
  }

  /** Load the policy of a task, once. */
  policy(id) {
    return this.once(id, () => loadPolicy(new URL(id, DATA).href));
  }

  /** Load the images, once: height, width, count, pixels and labels. */
  images() {
    return this.once("images", async () => {
      const file = await fetched(new URL("images.bin", DATA));
      const stream = file.body.pipeThrough(new DecompressionStream("deflate"));
      const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
      const end = this.size.count * this.size.height * this.size.width;
      return { ...this.size, pixels: bytes.subarray(0, end), labels: bytes.subarray(end) };
    });
  }

  /**
   * Make the environment of a task.
   * @param {string} id Its id.
   * @param {?object} images The images of a task that shows digits.
   * @param {boolean} stops Whether an answer may end the episode early.
   */
  environment(id, images = null, stops = false) {
    const { rules } = this.tasks[id];
    return this.isGame(id) ? new Catch(rules) : new Classification(rules, images, stops);
  }

  once(key, load) {
    if (!this.loading.has(key)) {
      const promise = load();
      promise.catch(() => this.loading.delete(key)); // so that it can be tried again
      this.loading.set(key, promise);
    }
    return this.loading.get(key);
  }
}
