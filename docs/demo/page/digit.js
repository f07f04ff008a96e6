// Turns a drawing into an image like those of MNIST: 20 pixels long, centered by its mass on 28 x 28 pixels.

export const SIDE = 28;
const LONGEST = 20;
const SAMPLES = 4; // per pixel and axis

/**
 * Convert a drawing.
 * @param {ArrayLike<number>} ink (side, side), row by row, 0 for paper to 255 for ink.
 * @param {number} side Side of the drawing in pixels.
 * @returns {?Uint8Array} (28, 28), row by row; null for an empty drawing.
 */
export function normalise(ink, side) {
  let [top, left, bottom, right, mass, x, y] = [side, side, -1, -1, 0, 0, 0];
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const value = ink[row * side + column];
      if (value === 0) continue;
      [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
      [left, right] = [Math.min(left, column), Math.max(right, column)];
      mass += value;
      x += value * (column + 0.5);
      y += value * (row + 0.5);
    }
  }
  if (mass === 0) return null;
  // A dot or a short dash is not enlarged to a digit.
  const scale = LONGEST / Math.max(bottom + 1 - top, right + 1 - left, side / 4);
  const originX = inside(SIDE / 2 - (x / mass) * scale, left * scale, (right + 1) * scale);
  const originY = inside(SIDE / 2 - (y / mass) * scale, top * scale, (bottom + 1) * scale);
  const pixels = new Uint8Array(SIDE * SIDE);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      let sum = 0;
      for (let sample = 0; sample < SAMPLES ** 2; sample++) {
        const sourceX = Math.floor((column + ((sample % SAMPLES) + 0.5) / SAMPLES - originX) / scale);
        const sourceY = Math.floor((row + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES - originY) / scale);
        if (sourceX >= 0 && sourceX < side && sourceY >= 0 && sourceY < side) sum += ink[sourceY * side + sourceX];
      }
      pixels[row * SIDE + column] = Math.round(sum / SAMPLES ** 2);
    }
  }
  return pixels;
}

/** Return an origin that keeps the interval from first to last, which it shifts, inside the image. */
function inside(origin, first, last) {
  return Math.min(Math.max(origin, -first), SIDE - last);
}
