// The tab with digits: the agent looks at a test image or at a drawing, glimpse by glimpse.

import { Agent } from "../agent/agent.js";
import { answerOrLookOn } from "../agent/stopping.js";
import { randomGaze } from "../rules/random.js";
import { readSeed } from "./address.js";
import { Episode } from "./episode.js";
import { drawFilm, makeFilm } from "./film.js";
import { Pad } from "./pad.js";
import { drawReadout } from "./readout.js";
import { Side } from "./side.js";
import { View } from "./view.js";

const GLIMPSE_MS = 750;
const HOLD_MS = 2400; // after the answer
const GLIDE_MS = 260;
const DRAWN = 0; // the drawing takes the place of this image

export class DigitsView extends View {
  /**
   * @param {HTMLElement} root The section.
   * @param {Object<string, HTMLElement>} part Its elements.
   * @param {object} context For `View`.
   * @param {object} address The episode to begin with.
   */
  constructor(root, part, context, address) {
    super(root, part, context, address.task);
    Object.assign(this, { seed: address.seed, index: 0, drawing: null, source: "test" });
    this.side = new Side(root.querySelector("[data-side=agent]"), null, "right");
    part.gaze.value = address.gaze;
    part.stops.checked = address.stop !== null;
    if (address.stop !== null) part.threshold.value = String(address.stop);
    const tasks = Object.entries(this.suite.tasks).filter(([id]) => !this.suite.isGame(id));
    part.tasks.replaceChildren(
      ...tasks.map(([id, { title }]) => {
        const button = Object.assign(document.createElement("button"), { type: "button", textContent: title });
        button.dataset.task = id;
        button.addEventListener("click", () => this.setTask(id).catch(this.report));
        return button;
      }),
    );
    this.pad = new Pad(part.pad, part.pen, {
      begun: () => (part["pad-note"].hidden = true),
      drawn: (image) => this.setDrawing(image),
      announce: this.announce,
    });
    part.clear.addEventListener("click", () => this.setDrawing(null));
    root
      .querySelectorAll("[data-source]")
      .forEach((one) => one.addEventListener("click", () => this.setSource(one.dataset.source)));
    part.play.addEventListener("click", () => this.toggle());
    part.back.addEventListener("click", () => this.jump(this.index - 1));
    part.step.addEventListener("click", () => this.jump(this.index + 1));
    part.new.addEventListener("click", () => this.next());
    part.seed.addEventListener("change", () => this.begin(readSeed(part.seed.value) ?? this.seed));
    part.shown.addEventListener("change", () => (this.dirty = true));
    part.gaze.addEventListener("change", () => this.begin(this.seed, true));
    for (const control of [part.stops, part.threshold]) {
      control.addEventListener("input", () => this.begin(this.seed, true));
    }
    new ResizeObserver(() => (this.dirty = true)).observe(root);
  }

  async load(id) {
    const [policy, images] = await Promise.all([this.suite.policy(id), this.suite.images()]);
    return { id, policy, images };
  }

  open(task) {
    this.begin(this.seed, false, task);
    this.side.clearScore();
    if (!this.ready) this.running = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  /** The stop threshold; null if the agent looks to the end. */
  get stop() {
    return this.part.stops.checked ? Number(this.part.threshold.value) : null;
  }

  setSource(source) {
    this.source = source;
    if (source === "drawn" && !this.drawing) this.running = false;
    this.begin(this.seed);
  }

  /** Show a drawing, Uint8Array (28, 28); null for an empty pad. */
  setDrawing(image) {
    this.drawing = image;
    if (!image) this.pad.erase();
    this.part["pad-note"].hidden = image !== null;
    this.begin(this.seed);
    if (image) this.running = true;
    this.refresh();
  }

  /** Play the whole episode of a seed, and show it from the first glimpse on. If the agent throws, nothing changes. */
  begin(wanted, again = false, task = this.task) {
    const seed = wanted < 2n ** 63n ? wanted : 0n;
    const { suite, stop } = this;
    const environment = suite.environment(task.id, this.shownImages(task.images), stop !== null);
    const episode = new Episode(environment, suite.style, new Agent(task.policy));
    episode.start(seed, this.source === "drawn" ? DRAWN : null);
    while (!episode.over) {
      const { thought } = episode;
      const fixation = this.part.gaze.value === "random" ? randomGaze(seed, environment.steps) : thought.location;
      const { steps, numSteps } = environment;
      const answer = stop === null ? thought.answer : answerOrLookOn(thought.probabilities, steps, numSteps, stop);
      episode.step({ fixation, answer });
    }
    Object.assign(this, { task, seed, episode, index: 0, counted: again, shownAt: performance.now() });
    this.side.episode = episode;
    makeFilm(this.part.film, episode, (glimpse) => this.jump(glimpse));
    this.publish();
    this.refresh();
  }

  /** Return the images of the split, with a drawing in place of the first one. */
  shownImages(images) {
    if (this.source !== "drawn") return images;
    const pixels = images.pixels.slice();
    const size = images.height * images.width;
    pixels.set(this.drawing ?? new Uint8Array(size), DRAWN * size);
    return { ...images, pixels };
  }

  next() {
    this.begin(this.seed + 1n);
  }

  jump(index) {
    this.running = false;
    this.show(Math.min(Math.max(index, 0), this.episode.last));
  }

  show(index) {
    this.index = index;
    this.shownAt = performance.now();
    if (index === this.episode.last && !this.counted && this.source === "test") {
      this.counted = true;
      this.side.count(this.episode.environment.success);
    }
    this.refresh();
  }

  toggle() {
    this.running = !this.running;
    if (this.running && this.index === this.episode.last) {
      if (this.source === "drawn") this.show(0);
      else this.next();
    }
    this.refresh();
  }

  /** Go on by one frame, to the next digit after the last one. */
  advance() {
    if (this.index < this.episode.last) this.show(this.index + 1);
    else if (this.source === "test") this.next();
    else {
      this.running = false;
      this.refresh();
    }
  }

  refresh() {
    this.dirty = true;
    const { episode, part, source } = this;
    const { environment } = episode;
    this.root
      .querySelectorAll("[data-source]")
      .forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.source === source)));
    part["pad-side"].hidden = source !== "drawn";
    this.root.classList.toggle("drawing", source === "drawn");
    part.new.textContent = source === "drawn" ? "New place" : "Next digit";
    part.score.hidden = source === "drawn";
    part.play.textContent = this.running ? "Pause" : "Play";
    part.back.disabled = this.index === 0;
    part.step.disabled = this.index === episode.last;
    part.seed.value = String(this.seed);
    part.sure.textContent = `P ≥ ${Number(part.threshold.value).toFixed(3).replace(/0$/, "")}`;
    const count = episode.probabilities.length;
    const over = this.index === episode.last;
    part.caption.textContent = `Glimpse ${Math.min(this.index + 1, count)} of ${over ? count : environment.numSteps}`;
    const guess = episode.data.names[environment.prediction];
    const empty = source === "drawn" && !this.drawing;
    let verdict = "";
    if (over && !empty)
      verdict =
        source === "drawn"
          ? `It is a ${guess}`
          : `${guess} · ${environment.success ? "right" : `wrong, it is a ${environment.label}`}`;
    if (verdict && verdict !== part.verdict.textContent) this.announce(`After ${count} glimpses: ${verdict}`);
    this.side.say(verdict, source === "drawn" ? null : environment.success);
    this.side.describe(`Scene, ${part.caption.textContent.toLowerCase()}${verdict ? `, ${verdict}` : ""}`);
    drawReadout(part, episode, this.index);
    drawFilm(part.film, episode, this.index);
  }

  /** Play and draw; called for every frame of the screen. */
  frame(now) {
    const interval = (this.index === this.episode.last ? HOLD_MS : GLIMPSE_MS) / Number(this.part.speed.value);
    if (this.running && now - this.shownAt >= interval) this.advance();
    const glide = Math.min(Math.max((now - this.shownAt) / GLIDE_MS, 0), 1);
    if (this.dirty || glide < 1) {
      this.dirty = glide < 1;
      this.side.draw(this.index, { shown: this.part.shown.checked, glide: glide * glide * (3 - 2 * glide) });
    }
    this.request = requestAnimationFrame(this.frame);
  }

  keyPressed(event) {
    if (event.key === " ") {
      if (!event.repeat) this.toggle();
    } else if (event.key === "ArrowRight") this.jump(this.index + 1);
    else if (event.key === "ArrowLeft") this.jump(this.index - 1);
    else if (event.key.toLowerCase() === "n") this.next();
    else return false;
    return true;
  }

  address() {
    return { task: this.task.id, seed: this.seed, gaze: this.part.gaze.value, stop: this.stop };
  }

  /** Return the episode for `toPython`: the agent, or its actions where it does not choose the gaze. */
  program() {
    const { environment, actions } = this.episode;
    const random = this.part.gaze.value === "random";
    const { id, images } = this.task;
    const { height, width } = images;
    const drawn = { pixels: this.drawing, height, width, split: this.suite.split };
    return {
      id,
      arguments: { ...this.suite.tasks[id].arguments },
      seed: this.seed,
      answerKey: environment.answerKey,
      actions: random ? actions : null,
      stop: this.stop,
      drawn: this.source === "drawn" && this.drawing ? drawn : null,
    };
  }
}
