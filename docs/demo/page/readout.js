// The readouts beside the stage, drawn with the code of `ram watch --html`.

import { drawBars, drawGlimpse, drawValues } from "../shared/drawing.js";

/**
 * Draw what the sensor sees and, if an agent looks at it, what it thinks.
 * @param {Object<string, HTMLElement>} part "panels", "bars" and, in games, "value-now" and "value-curve".
 * @param {object} episode An `Episode`.
 * @param {number} index Number of the frame.
 */
export function drawReadout(part, episode, index) {
  const { data } = episode;
  const frame = episode.frames[index];
  drawGlimpse(part.panels, data, frame);
  if (!episode.agent) return;
  drawBars(part.bars, data, episode, frame);
  if (!part["value-curve"]) return;
  const value = episode.values[frame.read - 1].toFixed(2);
  part["value-now"].textContent = value;
  part["value-curve"].setAttribute("aria-label", `Expected return at each step; now ${value}`);
  drawValues(part["value-curve"], data, episode, frame);
}
