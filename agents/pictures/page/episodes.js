// Reads the data of `agents.pictures.html_page.episodes_data`: pixels become images, numbers stay as they are.

export const FORMAT = 1;

/**
 * Decode episodes.
 * @param {object} data What `episodes_data` returns.
 * @returns {Promise<object>} The same, with `scenes` and `glimpses` in place of `pixels`: a canvas for each scene, and
 *     a list of canvases for each glimpse, one per level, finest first.
 */
export async function readEpisodes(data) {
  if (data.format !== FORMAT) throw new Error(`the data has format ${data.format}; this script reads ${FORMAT}`);
  const pixels = await inflate(data.pixels);
  const [height, width, channels] = data.scene.stored;
  const [levels, rows, columns] = data.glimpse;
  const table = brightness(channels === 1 ? data.style.gamma : 1);
  let offset = 0;
  const next = (imageHeight, imageWidth) => {
    const size = imageHeight * imageWidth * channels;
    const image = toCanvas(pixels.subarray(offset, offset + size), imageHeight, imageWidth, channels, table);
    offset += size;
    return image;
  };
  const scenes = Array.from({ length: data.num_scenes }, () => next(height, width));
  const glimpses = [];
  while (offset < pixels.length) glimpses.push(Array.from({ length: levels }, () => next(rows, columns)));
  return { ...data, scenes, glimpses, pixels: undefined };
}

/** Decode Base64 and decompress zlib data, to a Uint8Array. */
async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The value on the screen of each stored value: gray scenes are linear, and averaged pixels would be too dark. */
export function brightness(gamma) {
  return Uint8ClampedArray.from({ length: 256 }, (_, value) => Math.round(255 * (value / 255) ** (1 / gamma)));
}

/** Draw values, (height, width, channels) with 1 or 3 channels, on a canvas of the same size. */
export function toCanvas(values, height, width, channels, table) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      image.data[4 * pixel + channel] = table[values[pixel * channels + (channels === 3 ? channel : 0)]];
    }
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
