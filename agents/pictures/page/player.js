// The player: buttons and keys move through the frames of the episodes, and every frame is drawn.

import { drawBars, drawGlimpse, drawScene, drawValues, shownAnswers } from "./drawing.js";
import { readEpisodes } from "./episodes.js";

/**
 * Start a player.
 * @param {HTMLElement} root The markup of `player.html`.
 * @param {object} stored The data of `agents.pictures.html_page.episodes_data`.
 * @returns {Promise<void>} Fulfilled when the first frame is drawn.
 */
export async function mountPlayer(root, stored) {
  const data = await readEpisodes(stored);
  const part = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((one) => [one.dataset.part, one]));
  let number = 0; // of the episode
  let index = 0; // of the frame
  let timer = null; // of the next frame; null while paused

  const episode = () => data.episodes[number];
  const lastFrame = () => episode().frames.length - 1;
  const atEnd = () => index === lastFrame() && number === data.episodes.length - 1;

  function draw() {
    const frame = episode().frames[index];
    drawScene(part.scene, data, episode(), index, part.hide.checked);
    drawGlimpse(part.panels, data, frame);
    drawBars(part.bars, data, episode(), frame);
    const shown = shownAnswers(data, episode()).length;
    const some = shown < data.names.length ? ` (${shown} most probable of ${data.names.length})` : "";
    part["bars-title"].textContent = `P(${data.answer}) after each glimpse${some}`;
    part.value.hidden = episode().values.length === 0;
    if (!part.value.hidden) {
      const value = episode().values[frame.read - 1].toFixed(2);
      part["value-now"].textContent = value;
      part["value-curve"].setAttribute("aria-label", `Value estimates up to this frame; now ${value}`);
      drawValues(part["value-curve"], data, episode(), frame);
    }
    part.caption.textContent = index === lastFrame() ? `${frame.caption} · score so far: ${episode().score}` : frame.caption;
    part.scene.setAttribute("aria-label", `Scene, episode ${number + 1}, frame ${index + 1}: ${frame.caption}`);
    part.counter.textContent = `Frame ${index + 1} of ${lastFrame() + 1}`;
    part.position.max = lastFrame() + 1;
    part.position.value = index + 1;
    part.position.setAttribute("aria-valuetext", part.counter.textContent);
    part.episode.value = number;
    part.back.disabled = index === 0 && number === 0;
    part.step.disabled = atEnd();
    part.play.textContent = timer === null ? "Play" : "Pause";
    part.caption.setAttribute("aria-live", timer === null ? "polite" : "off"); // not while it plays
  }

  function pause() {
    clearTimeout(timer);
    timer = null;
  }

  function schedule() {
    const seconds = index === lastFrame() ? data.hold_seconds : data.seconds;
    timer = setTimeout(advance, (1000 * seconds) / Number(part.speed.value));
  }

  function advance() {
    move(1);
    if (atEnd()) pause();
    else schedule();
    draw();
  }

  /** Move by one frame, over the ends of the episodes too. */
  function move(by) {
    if (by > 0 && index < lastFrame()) index += 1;
    else if (by > 0 && !atEnd()) [number, index] = [number + 1, 0];
    else if (by < 0 && index > 0) index -= 1;
    else if (by < 0 && number > 0) {
      number -= 1;
      index = lastFrame();
    }
  }

  function step(by) {
    pause();
    move(by);
    draw();
  }

  function toggle() {
    if (timer !== null) pause();
    else {
      if (atEnd()) [number, index] = [0, 0];
      schedule();
    }
    draw();
  }

  function show(newNumber, newIndex) {
    pause();
    [number, index] = [newNumber, newIndex];
    draw();
  }

  part.episode.replaceChildren(...data.episodes.map((_, one) => new Option(`${one + 1} of ${data.episodes.length}`, one)));
  part.play.addEventListener("click", toggle);
  part.step.addEventListener("click", () => step(1));
  part.back.addEventListener("click", () => step(-1));
  part.position.addEventListener("input", () => show(number, Number(part.position.value) - 1));
  part.episode.addEventListener("change", () => show(Number(part.episode.value), 0));
  part.speed.addEventListener("change", () => {
    if (timer !== null) {
      pause();
      schedule();
    }
  });
  part.hide.addEventListener("change", draw);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const own = event.target.closest?.("button, select, input"); // a control keeps the keys that it uses itself
    if (event.key === " " && !own) toggle();
    else if (event.key === "ArrowRight" && !own?.matches("select, input")) step(1);
    else if (event.key === "ArrowLeft" && !own?.matches("select, input")) step(-1);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(draw).observe(root);
  draw();
}
