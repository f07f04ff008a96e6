// The tab with the game: the agent plays, a person plays, or both play the same ball side by side.

import { Agent } from "../agent/agent.js";
import { readSeed } from "./address.js";
import { Episode } from "./episode.js";
import { Person } from "./person.js";
import { drawReadout } from "./readout.js";
import { Side } from "./side.js";
import { View } from "./view.js";

const STEPS_PER_SECOND = 5;
const HOLD_MS = { agent: 1000, you: 1700, race: 1700 }; // after a ball has landed
const GLIDE_MS = 180; // for a move of the gaze
const SPEEDS = { agent: "1", you: "0.5", race: "0.5" };
const HINTS = {
  agent: "Space: play or pause · →: one step · N: new ball",
  you: "← →: paddle · mouse, touch or W A S D: gaze · Space: start or pause · N: new ball",
  race: "← →: paddle · mouse, touch or W A S D: gaze · Space: start or pause · N: new ball",
};
const ABOUT = {
  agent: "Each ball is new. The agent controls the paddle and its gaze.",
  you: "You see what the agent would see. Point or drag to look.",
  race: "The same ball for both. Point or drag to look.",
};

export class CatchView extends View {
  /**
   * @param {HTMLElement} root The section.
   * @param {Object<string, HTMLElement>} part Its elements.
   * @param {object} context For `View`.
   * @param {object} address The episode to begin with.
   */
  constructor(root, part, context, address) {
    super(root, part, context, address.task);
    Object.assign(this, { seed: address.seed, mode: address.mode });
    root.querySelectorAll("[data-mode]").forEach((button) =>
      button.addEventListener("click", () => {
        this.setMode(button.dataset.mode);
        if (this.waiting) part.play.focus(); // so that Space starts
      }),
    );
    part.play.addEventListener("click", () => this.toggle());
    part.step.addEventListener("click", () => this.stepOnce());
    part.new.addEventListener("click", () => this.start(this.seed + 1n));
    part.shown.addEventListener("change", () => (this.dirty = true));
    part.seed.addEventListener("change", () => this.start(readSeed(part.seed.value) ?? this.seed));
    new ResizeObserver(() => (this.dirty = true)).observe(root);
  }

  leave() {
    super.leave();
    this.person?.release(); // the other tab hears that the keys go up
  }

  async load(id) {
    return { id, policy: await this.suite.policy(id) };
  }

  open(task) {
    this.task = task;
    const { suite } = this;
    const side = (name) => {
      const agent = name === "agent" ? new Agent(task.policy) : null;
      const figure = this.root.querySelector(`[data-side=${name}]`);
      return new Side(figure, new Episode(suite.environment(task.id), suite.style, agent), "caught");
    };
    this.all = { you: side("you"), agent: side("agent") };
    this.person = new Person(this.all.you.part.stage, { left: this.part.left, right: this.part.right });
    this.all.you.part.stage.addEventListener("pointerdown", () => this.waiting && this.play());
    this.setMode(this.mode);
  }

  setMode(mode) {
    this.mode = mode;
    this.root.dataset.mode = mode;
    this.root
      .querySelectorAll("[data-mode]")
      .forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.mode === mode)));
    this.sides = { agent: ["agent"], you: ["you"], race: ["you", "agent"] }[mode].map((name) => this.all[name]);
    for (const side of Object.values(this.all)) {
      side.figure.hidden = !this.sides.includes(side);
      side.clearScore();
    }
    this.watched = this.all[mode === "you" ? "you" : "agent"]; // the readouts are its
    this.part.mind.hidden = mode === "you";
    this.part["panels-title"].textContent = mode === "you" ? "What your sensor sees" : "What the agent's sensor sees";
    this.part.shown.checked = mode === "agent";
    this.part.speed.value = SPEEDS[mode];
    this.part.hint.textContent = HINTS[mode];
    this.part.about.textContent = ABOUT[mode];
    this.start(this.seed);
    if (mode !== "agent") this.wait();
    else if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.pause();
    else this.play();
  }

  /** Start the ball of a seed for everyone who plays. */
  start(seed) {
    this.seed = seed < 2n ** 63n ? seed : 0n;
    for (const side of this.sides) {
      side.episode.start(this.seed);
      side.say("");
    }
    const [x, y] = this.sides[0].episode.environment.location;
    this.person.lookAt(x, y);
    this.person.forget();
    this.waiting = false;
    this.shownAt = performance.now();
    this.part.seed.value = String(this.seed);
    this.publish();
    this.refresh();
  }

  /** Let a person begin when ready. */
  wait() {
    this.waiting = true;
    this.pause();
    this.all.you.say("Press Space or tap to start");
  }

  play() {
    if (this.over) this.start(this.seed + 1n);
    if (this.waiting) this.all.you.say("");
    this.person.forget();
    this.waiting = false;
    this.running = true;
    this.shownAt = performance.now();
    this.refresh();
  }

  pause() {
    this.running = false;
    this.refresh();
  }

  toggle() {
    if (this.running) this.pause();
    else this.play();
  }

  stepOnce() {
    if (this.waiting) this.play();
    this.pause();
    this.advance();
  }

  get over() {
    return this.sides.every((side) => side.episode.over);
  }

  /** Take one step, or show the next ball after the last one. */
  advance() {
    if (this.over) {
      this.start(this.seed + 1n);
      return;
    }
    for (const side of this.sides) {
      const { episode } = side;
      const thought = episode.thought;
      episode.step(thought ? { fixation: thought.location, answer: thought.answer } : this.person.act());
      if (!episode.over) continue;
      const caught = episode.environment.success;
      side.count(caught);
      side.say(caught ? "Caught" : "Missed", caught);
    }
    if (this.over) this.announce(this.sides.map((side) => this.result(side)).join(" "));
    this.shownAt = performance.now();
    this.refresh();
  }

  result(side) {
    const name = side === this.all.you ? "You" : "Agent";
    return `${name}: ${side.part.verdict.textContent.toLowerCase()}, ${side.part.score.textContent}.`;
  }

  /** Show a new state of the buttons and of the readouts. */
  refresh() {
    this.dirty = true;
    this.part.play.textContent = this.running ? "Pause" : this.waiting ? "Start" : "Play";
    const { environment, last } = this.watched.episode;
    for (const side of this.sides) {
      const end = side.episode.over ? `, ${side.episode.environment.success ? "caught" : "missed"}` : "";
      side.describe(`Game, step ${environment.steps} of ${environment.numSteps}${end}`);
    }
    drawReadout(this.part, this.watched.episode, last);
  }

  /** Play and draw; called for every frame of the screen. */
  frame(now) {
    const interval = this.over ? HOLD_MS[this.mode] : 1000 / (STEPS_PER_SECOND * Number(this.part.speed.value));
    if (this.running && now - this.shownAt >= interval) this.advance();
    const seconds = Math.min((now - (this.before ?? now)) / 1000, 0.1);
    this.before = now;
    if (this.mode !== "agent" && this.person.glide(seconds)) this.dirty = true;
    const duration = Math.min(GLIDE_MS, interval * 0.7);
    const glide = Math.min(Math.max((now - this.shownAt) / duration, 0), 1);
    if (this.dirty || glide < 1 || this.mode !== "agent") {
      this.dirty = glide < 1;
      for (const side of this.sides) this.draw(side, glide);
    }
    this.request = requestAnimationFrame(this.frame);
  }

  draw(side, glide) {
    const { episode } = side;
    const aims = side === this.all.you && !episode.over;
    side.draw(episode.last, {
      shown: this.part.shown.checked || episode.over,
      glide: glide * glide * (3 - 2 * glide),
      preview: aims ? episode.outlines(Float32Array.from(this.person.gaze)) : null,
    });
  }

  keyPressed(event) {
    if (event.key === " ") {
      if (!event.repeat) this.toggle();
    } else if (event.key.toLowerCase() === "n") this.start(this.seed + 1n);
    else if (this.mode === "agent" && event.key === "ArrowRight") this.stepOnce();
    else if (this.mode === "agent" || !this.person.keyDown(event)) return false;
    return true;
  }

  keyUp(event) {
    this.person?.keyUp(event);
  }

  address() {
    return { task: this.task.id, seed: this.seed, mode: this.mode };
  }

  /** Return the episode for `toPython`: a person's actions, or the agent. */
  program() {
    const { episode } = this.sides[0];
    const { id } = this.task;
    const actions = this.sides[0] === this.all.you && episode.actions.length ? [...episode.actions] : null;
    return {
      id,
      arguments: this.suite.tasks[id].arguments,
      seed: this.seed,
      answerKey: episode.environment.answerKey,
      actions,
    };
  }
}
