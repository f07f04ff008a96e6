// Starts the page: two tabs, each made when it is first shown, and the keys.

import { readAddress } from "./address.js";
import { CatchView } from "./catch.js";
import { DigitsView } from "./digits.js";
import { Share } from "./share.js";
import { Suite } from "./suite.js";

const parts = (root) =>
  Object.fromEntries([...root.querySelectorAll("[data-part]")].map((one) => [one.dataset.part, one]));
const sections = Object.fromEntries(
  [...document.querySelectorAll("[data-view]")].map((one) => [one.dataset.view, one]),
);
const tabs = [...document.querySelectorAll("[data-tab]")];
const outside = parts(document.body); // those of the views have their own lists

function report(error) {
  outside.problem.textContent = `The demo cannot go on: ${error.message}. Reload the page to try again.`;
  outside.problem.hidden = false;
  console.error(error);
}

async function start() {
  const suite = await Suite.load();
  const ids = Object.keys(suite.tasks);
  const game = ids.find((id) => suite.isGame(id));
  const address = readAddress(location.search, ids);
  const share = new Share(parts(document.querySelector(".share")));
  const context = {
    suite,
    share,
    announce: (text) => (outside.live.textContent = text),
    report,
    recovered: () => (outside.problem.hidden = true),
  };
  const views = {};
  let current = null;

  if (suite.home) {
    outside.home.href = suite.home;
    outside.home.hidden = false;
  }

  /** Show a tab; `given` is the address of an episode for its first time. */
  async function show(name, given) {
    if (name === current) return;
    if (current) views[current].leave();
    current = name;
    outside.problem.hidden = true;
    for (const [key, section] of Object.entries(sections)) section.hidden = key !== name;
    for (const tab of tabs) tab.setAttribute("aria-current", tab.dataset.tab === name ? "page" : "false");
    if (!views[name]) {
      const View = name === "catch" ? CatchView : DigitsView;
      views[name] = new View(sections[name], parts(sections[name]), context, given);
    }
    await views[name].enter();
  }

  for (const tab of tabs) {
    const first = {
      ...address,
      task: tab.dataset.tab === "catch" ? game : ids.find((id) => id !== game),
      seed: 0n,
      stop: null,
    };
    tab.addEventListener("click", () => show(tab.dataset.tab, first).catch(report));
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !current) return;
    if (event.target.closest?.("select, input, pre, [role=application]")) return; // they use the keys themselves
    if (event.key === " " && event.target.closest?.("button, a")) return;
    if (views[current].keyDown(event)) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => views[current]?.keyUp?.(event));
  // After a choice the keys belong to the page again.
  for (const control of document.querySelectorAll("select, input[type=checkbox]")) {
    control.addEventListener("change", () => control.blur());
  }
  await show(suite.isGame(address.task) ? "catch" : "digits", address);
  performance.mark("interactive");
}

start().catch(report);
