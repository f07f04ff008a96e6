// The sensor of ram_envs/sensors/retina.py: concentric square patches, each twice as wide as the one before.

const { floor, fround, max, min } = Math;

export class Retina {
  /**
   * @param {number} height Rows of the scene, in pixels.
   * @param {number} width Columns of the scene, in pixels.
   * @param {number} patchSize Side of a patch in cells.
   * @param {number} numScales Number of patches.
   */
  constructor(height, width, patchSize, numScales) {
    Object.assign(this, { height, width, patchSize, numScales });
    this.glimpseSize = numScales * patchSize ** 2;
  }

  /**
   * Return the square of the scene that each patch covers. It may extend beyond the scene.
   * @param {Float32Array} location (x, y) in [-1, 1]; (-1, -1) is the top-left corner of the scene.
   * @returns {{top: number, left: number, side: number}[]} Finest first, in scene pixels.
   */
  outlines(location) {
    return Array.from({ length: this.numScales }, (_, scale) => {
      const side = this.patchSize * 2 ** scale;
      // Every operation is rounded to float32, as in the environment.
      const first = (value, size) => floor(fround(fround(fround(value + 1) * (size / 2)) + (0.5 - side / 2)));
      return { top: first(location[1], this.height), left: first(location[0], this.width), side };
    });
  }

  /**
   * Read a glimpse. Pixels beyond the scene are black.
   * @param {Uint8Array} scene The pixels, row by row.
   * @param {Float32Array} location (x, y) in [-1, 1].
   * @returns {Float32Array} The mean of each cell in [0, 1], ordered (scale, row, column), finest scale first.
   */
  read(scene, location) {
    const glimpse = new Float32Array(this.glimpseSize);
    let cell = 0;
    this.outlines(location).forEach(({ top, left }, scale) => {
      const block = 2 ** scale;
      for (let row = 0; row < this.patchSize; row++) {
        const firstRow = max(top + row * block, 0);
        const lastRow = min(top + (row + 1) * block, this.height);
        for (let column = 0; column < this.patchSize; column++) {
          const firstColumn = max(left + column * block, 0);
          const lastColumn = min(left + (column + 1) * block, this.width);
          let sum = 0;
          for (let y = firstRow; y < lastRow; y++) {
            for (let x = firstColumn; x < lastColumn; x++) sum += scene[y * this.width + x];
          }
          glimpse[cell++] = sum / (255 * block * block);
        }
      }
    });
    return glimpse;
  }
}

/** Clip a location to the scene: Float32Array (x, y) in [-1, 1]. */
export function clipped(location) {
  return Float32Array.from(location, (value) => min(max(fround(value), -1), 1));
}
