// One player's side of the stage: canvas, verdict and score.

import { drawStage } from "./stage.js";

export class Side {
  /**
   * @param {HTMLElement} figure Its markup.
   * @param {object} episode The `Episode` that it shows.
   * @param {string} unit What is counted: "caught" or "right".
   */
  constructor(figure, episode, unit) {
    Object.assign(this, { figure, episode, unit });
    this.part = Object.fromEntries([...figure.querySelectorAll("[data-part]")].map((one) => [one.dataset.part, one]));
    this.clearScore();
  }

  clearScore() {
    [this.right, this.played] = [0, 0];
    this.showScore();
  }

  /** Count an episode. */
  count(success) {
    this.right += success;
    this.played += 1;
    this.showScore();
  }

  showScore() {
    this.part.score.textContent = this.played ? `${this.right} of ${this.played} ${this.unit}` : "";
  }

  /** Show a line over the stage; an empty one hides it. `good` is true, false or null. */
  say(text, good = null) {
    const { verdict } = this.part;
    verdict.textContent = text;
    verdict.hidden = text === "";
    verdict.dataset.good = String(good);
  }

  draw(index, options) {
    drawStage(this.part.stage, this.episode, index, options);
  }

  describe(text) {
    this.part.stage.setAttribute("aria-label", text);
  }
}
