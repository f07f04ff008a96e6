// Draws the stage: the scene under fog, lit where the sensor looks, with the path of the gaze.

import { drawOutlines, drawPath, drawPixels, fitted, levelColour } from "../shared/drawing.js";

const UNSEEN = 0.26; // brightness of the part of a shown scene that no patch covers
const SEEN = [1, 0.8, 0.6, 0.48]; // brightness by the finest patch that covers it
const SEEN_BLACK = ["#3a4157", "#2a3045", "#1d2236", "#161a2b"]; // black that is seen is brighter than fog
const PATH_LENGTH = 12;

const byLevel = (table, level) => table[Math.min(level, table.length - 1)];

/**
 * Draw a frame.
 * @param {HTMLCanvasElement} canvas Where to draw.
 * @param {object} episode An `Episode`.
 * @param {number} index Number of the frame.
 * @param {object} options
 * @param {boolean} options.shown Whether to show the scene; otherwise only what the sensor sees.
 * @param {number} options.glide How far the gaze has come from the frame before, in [0, 1].
 * @param {?number[][]} options.preview Outlines of where a person will look next.
 */
export function drawStage(canvas, episode, index, { shown, glide = 1, preview = null }) {
  const { data } = episode;
  const { context, width, height } = fitted(canvas, data.scene.width / data.scene.height);
  const scale = width / data.scene.width;
  const frame = episode.frames[index];
  const before = episode.frames[Math.max(index - 1, 0)];
  const between = (from, to) => to.map((value, axis) => from[axis] + (value - from[axis]) * glide);
  const outlines = shown ? frame.outlines.map((outline, level) => between(before.outlines[level], outline)) : frame.outlines;
  const scene = data.scenes[frame.scene];
  const patches = data.glimpses[frame.glimpse];

  context.fillStyle = data.style.fog;
  context.fillRect(0, 0, width, height);
  if (shown) {
    context.globalAlpha = UNSEEN;
    drawPixels(context, scene, 0, 0, width, height);
    context.globalAlpha = 1;
  }
  for (let level = outlines.length - 1; level >= 0; level--) {
    const [top, left, outlineHeight, outlineWidth] = outlines[level].map((length) => length * scale);
    context.save();
    context.beginPath();
    context.rect(left, top, outlineWidth, outlineHeight);
    context.clip();
    context.fillStyle = byLevel(SEEN_BLACK, level);
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = "lighter";
    if (shown) {
      context.globalAlpha = byLevel(SEEN, level);
      drawPixels(context, scene, 0, 0, width, height);
    } else {
      drawPixels(context, patches[level], left, top, outlineWidth, outlineHeight);
    }
    context.restore();
  }
  drawOutlines(context, data, outlines, scale);
  if (preview) drawPreview(context, data, preview[0].map((length) => length * scale));
  const path = episode.frames.slice(0, index + 1).map((one) => one.fixation);
  path.push(between(before.fixation, path.pop()));
  drawPath(context, data, path.slice(-PATH_LENGTH).map((point) => point.map((value) => value * scale)));
}

/** Draw where the finest patch will be, dashed. */
function drawPreview(context, data, [top, left, height, width]) {
  context.save();
  context.setLineDash([5, 5]);
  context.lineWidth = 2;
  context.strokeStyle = levelColour(data, 0);
  context.strokeRect(left, top, width, height);
  context.restore();
}
