// Draws one frame of an episode: the scene with the sensor's patches and the gaze, the glimpse, probabilities, values.

const FADING = 0.86; // opacity of a fixation relative to the next one
const FAINTEST = 0.25;
export const MAX_ROWS = 10; // of many answers, the most probable ones are shown

/** Make the pixels of a canvas match its size on the screen, and return its context and its size in CSS pixels. */
export function fitted(canvas, aspect) {
  canvas.style.aspectRatio = String(aspect);
  const width = canvas.clientWidth || 300;
  const ratio = window.devicePixelRatio || 1;
  const height = Math.round(width / aspect);
  const pixels = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
  if (canvas.width !== pixels.width || canvas.height !== pixels.height) Object.assign(canvas, pixels);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, width, height };
}

/** Draw an image into a box: enlarged pixels stay sharp, a large image is shrunk smoothly. */
export function drawPixels(context, image, left, top, width, height) {
  context.imageSmoothingEnabled = image.width > context.getTransform().a * width;
  context.drawImage(image, left, top, width, height);
}

/**
 * Draw the scene, the patches of the sensor and the path of the gaze.
 * @param {HTMLCanvasElement} canvas Where to draw; as wide as its style says.
 * @param {object} data From `readEpisodes`.
 * @param {object} episode One of `data.episodes`.
 * @param {number} index Number of the frame, from 0.
 * @param {boolean} hidden Whether to draw only what the agent sees.
 */
export function drawScene(canvas, data, episode, index, hidden) {
  const frame = episode.frames[index];
  const { context, width, height } = fitted(canvas, data.scene.width / data.scene.height);
  const scale = width / data.scene.width;
  if (hidden) {
    drawFog(context, data, width, height);
    const patches = data.glimpses[frame.glimpse];
    for (let level = patches.length - 1; level >= 0; level--) {
      const [top, left, outlineHeight, outlineWidth] = frame.outlines[level].map((length) => length * scale);
      drawPixels(context, patches[level], left, top, outlineWidth, outlineHeight);
    }
  } else {
    drawPixels(context, data.scenes[frame.scene], 0, 0, width, height);
  }
  drawOutlines(context, data, frame.outlines, scale);
  drawPath(context, data, episode.frames.slice(0, index + 1).map((one) => one.fixation.map((x) => x * scale)));
}

/** Fill the scene with the pattern of what is not seen. */
function drawFog(context, data, width, height) {
  context.fillStyle = data.style.fog;
  context.fillRect(0, 0, width, height);
  context.strokeStyle = data.style.hatch;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let x = -height; x < width; x += 10) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
}

/** Draw outlines, (top, left, height, width) in scene pixels each, finest first; `scale` is that of the scene. */
export function drawOutlines(context, data, outlines, scale) {
  for (let level = outlines.length - 1; level >= 0; level--) {
    const [top, left, height, width] = outlines[level].map((length) => length * scale);
    for (const [colour, line] of [[data.style.halo, 4], [levelColour(data, level), 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.strokeRect(left, top, width, height);
    }
  }
}

/** Draw fixations as dots and saccades as lines, which fade into the past, and a ring at the last one. */
export function drawPath(context, data, points) {
  const opacity = (index) => Math.max(FADING ** (points.length - 1 - index), FAINTEST);
  for (const [colour, rim] of [[data.style.halo, 1], [data.style.path, 0]]) {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 2 + 2 * rim;
    points.forEach(([x, y], index) => {
      context.globalAlpha = opacity(index);
      if (index < points.length - 1) {
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(...points[index + 1]);
        context.stroke();
      }
      fillCircle(context, x, y, (index < points.length - 1 ? 3.5 : 5.5) + rim);
    });
  }
  context.globalAlpha = 1;
  context.fillStyle = data.style.caption;
  fillCircle(context, ...points.at(-1), 3);
}

function fillCircle(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

export function levelColour(data, level) {
  return data.style.levels[Math.min(level, data.style.levels.length - 1)];
}

/**
 * Draw the levels of the glimpse.
 * @param {HTMLElement} panels Holds a figure for each level; filled at the first call.
 * @param {object} data From `readEpisodes`.
 * @param {object} frame One of the frames of an episode.
 */
export function drawGlimpse(panels, data, frame) {
  const patches = data.glimpses[frame.glimpse];
  if (panels.childElementCount !== patches.length) {
    panels.replaceChildren(...patches.map((_, level) => panel(levelColour(data, level))));
  }
  patches.forEach((patch, level) => {
    const [canvas, caption] = panels.children[level].children;
    const { context, width, height } = fitted(canvas, patch.width / patch.height);
    drawPixels(context, patch, 0, 0, width, height);
    const [, , outlineHeight, outlineWidth] = frame.outlines[level];
    const size = outlineHeight === outlineWidth ? outlineWidth : `${outlineWidth} × ${outlineHeight}`;
    caption.textContent = `${size} px`;
    canvas.setAttribute("aria-label", `Glimpse, scale ${level + 1}: ${size} pixels of the scene`);
  });
}

function panel(colour) {
  const figure = document.createElement("figure");
  const canvas = document.createElement("canvas");
  canvas.style.borderColor = colour;
  canvas.setAttribute("role", "img");
  figure.append(canvas, document.createElement("figcaption"));
  return figure;
}

/** The answers to show in an episode: all of them, or the most probable of many, in the order of their numbers. */
export function shownAnswers(data, episode) {
  const highest = data.names.map((_, answer) => Math.max(...episode.probabilities.map((row) => row[answer])));
  const order = data.names.map((_, answer) => answer).sort((one, other) => highest[other] - highest[one] || one - other);
  return order.slice(0, MAX_ROWS).sort((one, other) => one - other);
}

/**
 * Draw the probabilities of the answers: a row for each answer, a bar for each glimpse so far.
 * @param {HTMLTableSectionElement} body The rows are put in here.
 * @param {object} data From `readEpisodes`.
 * @param {object} episode One of its episodes.
 * @param {object} frame One of the frames of the episode.
 */
export function drawBars(body, data, episode, frame) {
  const rows = episode.probabilities.slice(0, frame.read);
  const latest = rows.at(-1);
  const best = latest.indexOf(Math.max(...latest));
  body.replaceChildren(
    ...shownAnswers(data, episode).map((answer) => {
      const row = document.createElement("tr");
      row.className = answer === best ? "best" : "";
      const name = document.createElement("th");
      name.scope = "row";
      name.textContent = name.title = data.names[answer];
      const cell = document.createElement("td");
      const track = document.createElement("div");
      track.className = "track";
      track.setAttribute("aria-hidden", "true");
      for (let glimpse = 0; glimpse < data.num_glimpses; glimpse++) {
        const bar = document.createElement("span");
        bar.style.height = glimpse < rows.length ? `${100 * rows[glimpse][answer]}%` : "0";
        bar.className = glimpse === rows.length - 1 ? "now" : "";
        track.append(bar);
      }
      cell.append(track);
      const percent = document.createElement("td");
      percent.className = "percent";
      percent.textContent = `${Math.round(100 * latest[answer])} %`;
      row.append(name, cell, percent);
      return row;
    }),
  );
}

/**
 * Draw the value estimates up to a frame as a curve; the axis shows at least 0 to 1.
 * @param {SVGElement} svg With a view box of 300 x 70.
 * @param {object} data From `readEpisodes`.
 * @param {object} episode One of its episodes.
 * @param {object} frame One of the frames of the episode.
 */
export function drawValues(svg, data, episode, frame) {
  const low = Math.min(0, ...episode.values);
  const high = Math.max(1, ...episode.values);
  const y = (value) => 63 - (56 * (value - low)) / (high - low);
  const x = (glimpse) => (300 * (glimpse + 0.5)) / data.num_glimpses;
  const points = episode.values.slice(0, frame.read).map((value, glimpse) => `${x(glimpse)} ${y(value)}`);
  const make = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  svg.replaceChildren(
    ...[0, 1].map((value) => make("line", { x1: 0, x2: 300, y1: y(value), y2: y(value) })),
    make("path", { d: `M${points.join("L")}` }),
    make("path", { class: "now", d: `M${points.at(-1)}h0.01` }),
  );
}
