// The strip of glimpses below the stage: what each showed, and the most likely digit after it.

import { argmax } from "../agent/layers.js";
import { drawPixels, fitted } from "../shared/drawing.js";

/**
 * Fill the strip with a button for each glimpse of an episode.
 * @param {HTMLElement} list An ordered list.
 * @param {object} episode An `Episode` that is over.
 * @param {function(number)} chosen Called with the number of the glimpse that was chosen.
 */
export function makeFilm(list, episode, chosen) {
  list.replaceChildren(
    ...episode.probabilities.map((probabilities, glimpse) => {
      const best = argmax(probabilities);
      const digit = episode.data.names[best];
      const percent = `${Math.round(100 * probabilities[best])} %`;
      const label = document.createElement("span");
      label.append(Object.assign(document.createElement("b"), { textContent: digit }), ` ${percent}`);
      const button = Object.assign(document.createElement("button"), { type: "button" });
      button.setAttribute("aria-label", `Glimpse ${glimpse + 1}: most likely ${digit}, ${percent}`);
      button.addEventListener("click", () => chosen(glimpse));
      button.append(document.createElement("canvas"), label);
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
}

/** Draw the glimpses up to a frame of the episode: all patches of each, at their places. */
export function drawFilm(list, episode, index) {
  const current = Math.min(index, list.childElementCount - 1);
  [...list.children].forEach((item, glimpse) => {
    const button = item.firstChild;
    const { context, width } = fitted(button.firstChild, 1);
    const patches = episode.data.glimpses[glimpse].slice().reverse(); // the coarsest one first, below the others
    patches.forEach((patch, place) => {
      const side = width / 2 ** place;
      drawPixels(context, patch, (width - side) / 2, (width - side) / 2, side, side);
    });
    button.setAttribute("aria-current", glimpse === current ? "step" : "false");
    item.classList.toggle("later", glimpse > index);
  });
}
