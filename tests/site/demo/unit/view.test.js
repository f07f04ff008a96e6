// A tab: which task it shows while others load or fail, when it is ready, and how many loops draw it.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { View } from "../../../../docs/demo/page/view.js";

let frames; // the callbacks that wait for the next frame of the screen, by number

beforeEach(() => {
  let number = 0;
  frames = new Map();
  globalThis.requestAnimationFrame = (callback) => {
    frames.set(++number, callback);
    return number;
  };
  globalThis.cancelAnimationFrame = (id) => frames.delete(id);
});

/** Let promises that are settled run on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A tab without a page. `loads` has a promise for each call of `load`, to resolve or reject. */
class Tab extends View {
  constructor() {
    const button = (id) => ({
      dataset: { task: id },
      setAttribute(name, value) {
        this[name] = value;
      },
    });
    const buttons = ["plain", "cluttered"].map(button);
    const board = { inert: true };
    const root = { querySelectorAll: (selector) => (selector === "[inert]" ? [board] : buttons) };
    const log = [];
    const share = { update: (address) => log.push(`share ${address.task}`), clear: () => log.push("nothing to share") };
    super(root, {}, { share, recovered: () => log.push("recovered") }, "plain");
    Object.assign(this, { buttons, board, log, loads: [], opened: [] });
  }

  load(id) {
    return new Promise((resolve, reject) => this.loads.push({ resolve: () => resolve({ id }), reject }));
  }

  open(task) {
    if (task.id === this.broken) throw new Error("12 weights do not fit 5 inputs and 2 outputs");
    this.opened.push(task.id);
    this.task = task;
  }

  refresh() {}

  frame() {
    this.request = requestAnimationFrame(this.frame);
  }

  keyPressed() {
    return true;
  }

  address() {
    return { task: this.task.id };
  }

  get pressed() {
    return this.buttons.filter((one) => one["aria-pressed"] === "true").map((one) => one.dataset.task);
  }
}

/** A tab that shows its first task. */
async function shown() {
  const tab = new Tab();
  const entered = tab.enter();
  tab.loads[0].resolve();
  await entered;
  return tab;
}

test("keys, controls and frames wait for the first task", async () => {
  const tab = new Tab();
  const entered = tab.enter();
  await settle();
  assert.ok(!tab.keyDown({ key: "n" }) && tab.board.inert && frames.size === 0);
  assert.deepEqual(tab.log, []);
  tab.loads[0].resolve();
  await entered;
  assert.ok(tab.keyDown({ key: "n" }) && !tab.board.inert && frames.size === 1);
  assert.deepEqual(tab.log, ["recovered", "share plain"]);
});

test("another task that is chosen while the first one loads is the one that is shown", async () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const tab = new Tab();
    const entered = tab.enter();
    const chosen = tab.setTask("cluttered");
    for (const load of order) {
      tab.loads[load].resolve();
      await settle();
      assert.equal(frames.size, tab.ready ? 1 : 0);
    }
    await Promise.all([entered, chosen]);
    assert.deepEqual([tab.opened, tab.pressed], [["cluttered"], ["cluttered"]]);
    frames.clear();
  }
});

test("the task before stays until the next one is there", async () => {
  const tab = await shown();
  const chosen = tab.setTask("cluttered");
  assert.deepEqual([tab.task.id, tab.pressed, tab.ready], ["plain", ["cluttered"], true]);
  tab.loads[1].resolve();
  await chosen;
  assert.deepEqual([tab.task.id, tab.pressed], ["cluttered", ["cluttered"]]);
  assert.equal(frames.size, 1);
});

test("a task that cannot be loaded or played leaves the one before in place", async () => {
  const tab = await shown();
  const failed = tab.setTask("cluttered");
  tab.loads[1].reject(new Error("404"));
  await assert.rejects(failed, /404/);
  assert.deepEqual([tab.task.id, tab.pressed], ["plain", ["plain"]]);

  tab.broken = "cluttered";
  const broken = tab.setTask("cluttered");
  tab.loads[2].resolve();
  await assert.rejects(broken, /do not fit/);
  assert.deepEqual([tab.task.id, tab.pressed, tab.log.at(-1)], ["plain", ["plain"], "share plain"]);

  tab.broken = null;
  tab.log.length = 0;
  const again = tab.setTask("cluttered");
  tab.loads[3].resolve();
  await again;
  assert.deepEqual([tab.pressed, tab.log], [["cluttered"], ["recovered", "share cluttered"]]);
});

test("a failure does not matter once another task was chosen or the tab was left", async () => {
  const tab = await shown();
  const superseded = tab.setTask("cluttered");
  const chosen = tab.setTask("plain");
  tab.loads[1].reject(new Error("404"));
  tab.loads[2].resolve();
  await Promise.all([superseded, chosen]);
  assert.deepEqual(tab.pressed, ["plain"]);

  const left = tab.setTask("cluttered");
  tab.leave();
  tab.loads[3].reject(new Error("404"));
  await left;
  assert.deepEqual(tab.pressed, ["plain"]);
});

test("a tab that is left and chosen again while it loads opens its task once, in one loop", async () => {
  const tab = new Tab();
  const first = tab.enter();
  tab.leave();
  const second = tab.enter();
  for (const load of tab.loads) load.resolve();
  await Promise.all([first, second]);
  assert.deepEqual([tab.opened, frames.size], [["plain"], 1]);
  tab.leave();
  assert.equal(frames.size, 0);
  assert.equal(tab.log.at(-1), "nothing to share");
});

test("a tab that was left while it loaded draws nothing until it is shown", async () => {
  const tab = new Tab();
  const entered = tab.enter();
  tab.leave();
  tab.loads[0].resolve();
  await entered;
  assert.deepEqual([frames.size, tab.log], [0, ["nothing to share"]]);
  await tab.enter();
  assert.deepEqual([frames.size, tab.loads.length], [1, 1]);
});
