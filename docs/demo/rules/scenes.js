// Composition of scenes: the rules of ram_envs/scenes/composition.py, for one gray image on a canvas with clutter.

import { integer } from "./random.js";

const DRAWS_PER_PICTURE = 2;
const DRAWS_PER_PIECE = 5;

/** Return the number of random words that a scene needs. */
export function drawsPerScene(numClutter) {
  return DRAWS_PER_PICTURE + DRAWS_PER_PIECE * numClutter;
}

/**
 * Compose a scene: one image, at a random place of a black canvas if there is one, and pieces cut from other images.
 * @param {{height: number, width: number, pixels: Uint8Array, count: number}} images All images, one after the other.
 * @param {number} index Number of the image to show.
 * @param {bigint[]} words Random words, as many as `drawsPerScene` says.
 * @param {{image_size: ?number, num_clutter: number, clutter_size: number}} rules Arguments of the environment.
 * @returns {{height: number, width: number, pixels: Uint8Array}} The scene.
 */
export function compose(images, index, words, rules) {
  const height = rules.image_size ?? images.height;
  const width = rules.image_size ?? images.width;
  const scene = { height, width, pixels: new Uint8Array(height * width) };
  const top = rules.image_size === null ? 0 : integer(words[0], height - images.height + 1);
  const left = rules.image_size === null ? 0 : integer(words[1], width - images.width + 1);
  paste(scene, top, left, images, index, 0, 0, images.height, images.width);
  const side = rules.clutter_size;
  for (let piece = 0; piece < rules.num_clutter; piece++) {
    const draws = words.slice(DRAWS_PER_PICTURE + piece * DRAWS_PER_PIECE);
    const source = integer(draws[0], images.count);
    const cutTop = integer(draws[1], images.height - side + 1);
    const cutLeft = integer(draws[2], images.width - side + 1);
    const pieceTop = integer(draws[3], height - side + 1);
    const pieceLeft = integer(draws[4], width - side + 1);
    paste(scene, pieceTop, pieceLeft, images, source, cutTop, cutLeft, side, side);
  }
  return scene;
}

/** Add a part of an image to a scene; sums are clipped at 255. */
function paste(scene, top, left, images, index, cutTop, cutLeft, height, width) {
  const source = index * images.height * images.width;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const place = (top + row) * scene.width + left + column;
      const value = images.pixels[source + (cutTop + row) * images.width + cutLeft + column];
      scene.pixels[place] = Math.min(scene.pixels[place] + value, 255);
    }
  }
}
