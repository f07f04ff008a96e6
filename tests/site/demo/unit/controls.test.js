// What a person holds: the paddle, the pad, and the buttons that copy. Their elements are event targets without a page.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Pad } from "../../../../docs/demo/page/pad.js";
import { Person } from "../../../../docs/demo/page/person.js";
import { Share } from "../../../../docs/demo/page/share.js";

/** An element: events reach its listeners, attributes become properties. */
class Element extends EventTarget {
  dataset = {};
  style = {};
  hidden = false;
  textContent = "";

  setAttribute(name, value) {
    this[name] = value;
  }

  setPointerCapture() {}

  getBoundingClientRect() {
    return { left: 0, top: 0, width: 140, height: 140 };
  }

  send(type, properties = {}) {
    return this.dispatchEvent(Object.assign(new Event(type, { cancelable: true }), properties));
  }
}

const [LEFT, STAY, RIGHT] = [0, 1, 2];
const key = (name, repeat = false) => ({ key: name, repeat });

beforeEach(() => {
  globalThis.window = new Element();
  mock.timers.enable({ apis: ["setTimeout"] });
});
afterEach(() => mock.timers.reset());

// The paddle.

function player() {
  const buttons = { left: new Element(), right: new Element() };
  const person = new Person(new Element(), buttons);
  return { person, buttons, move: () => person.act().answer };
}

test("a button that was held moves the paddle no more once it is up", () => {
  const { buttons, move } = player();
  buttons.left.send("pointerdown", { pointerId: 1 });
  assert.deepEqual([move(), move()], [LEFT, LEFT]);
  buttons.left.send("pointerup", { pointerId: 1 });
  buttons.left.send("click", { detail: 1 });
  assert.equal(move(), STAY);
});

test("a tap between two steps moves the paddle once, with a pointer or without", () => {
  const { buttons, move } = player();
  buttons.right.send("pointerdown", { pointerId: 1 });
  buttons.right.send("pointerup", { pointerId: 1 });
  buttons.right.send("click", { detail: 1 });
  assert.deepEqual([move(), move()], [RIGHT, STAY]);
  buttons.left.send("click", { detail: 0 });
  assert.deepEqual([move(), move()], [LEFT, STAY]);
});

test("a key that repeats itself is one press", () => {
  const { person, move } = player();
  person.keyDown(key("ArrowLeft"));
  assert.equal(move(), LEFT);
  person.keyDown(key("ArrowLeft", true));
  person.keyUp(key("ArrowLeft"));
  assert.equal(move(), STAY);
});

test("what was tapped is forgotten, what is held is not", () => {
  const { person, buttons, move } = player();
  buttons.left.send("click", { detail: 0 });
  person.forget();
  assert.equal(move(), STAY);
  person.keyDown(key("ArrowRight"));
  person.forget();
  assert.equal(move(), RIGHT);
  person.release();
  assert.equal(move(), STAY);
});

// The pad.

const finger = { pointerId: 1, isPrimary: true, button: 0, buttons: 1 };

function pad() {
  const [canvas, marker] = [new Element(), new Element()];
  const lines = [];
  const context = {
    moveTo: (x, y) => lines.push([x, y]),
    lineTo: (x, y) => lines.at(-1).push(x, y),
    ...Object.fromEntries(["fillRect", "beginPath", "stroke", "arc", "fill"].map((name) => [name, () => {}])),
  };
  canvas.getContext = () => context;
  canvas.matches = () => true;
  const said = [];
  const made = new Pad(canvas, marker, { begun: () => {}, drawn: () => {}, announce: (text) => said.push(text) });
  return { pad: made, canvas, marker, lines, said };
}

test("one pointer draws, and no other moves its stroke or ends it", () => {
  const { canvas, lines } = pad();
  canvas.send("pointerdown", { ...finger, clientX: 10, clientY: 10 });
  const palm = { ...finger, pointerId: 2, isPrimary: false };
  canvas.send("pointerdown", { ...palm, clientX: 90, clientY: 90 });
  canvas.send("pointermove", { ...palm, clientX: 95, clientY: 95 });
  canvas.send("pointerup", palm);
  canvas.send("pointermove", { ...finger, clientX: 20, clientY: 10 });
  canvas.send("pointerup", finger);
  canvas.send("pointermove", { ...finger, clientX: 30, clientY: 10 });
  assert.deepEqual(lines, [
    [10, 10, 10, 10],
    [10, 10, 20, 10],
  ]);
});

test("a mouse beside a finger that draws does not draw", () => {
  const { canvas, lines } = pad();
  canvas.send("pointerdown", { ...finger, clientX: 10, clientY: 10 });
  const mouse = { ...finger, pointerId: 2, clientX: 90, clientY: 90 }; // primary of its own kind
  canvas.send("pointerdown", mouse);
  canvas.send("pointermove", mouse);
  assert.equal(lines.length, 1);
});

test("only the main button of the mouse draws", () => {
  const { canvas, lines } = pad();
  canvas.send("pointerdown", { ...finger, button: 2, buttons: 2, clientX: 10, clientY: 10 });
  canvas.send("pointermove", { ...finger, button: -1, buttons: 2, clientX: 20, clientY: 20 });
  assert.deepEqual(lines, []);
  canvas.send("pointerdown", { ...finger, clientX: 10, clientY: 10 });
  canvas.send("pointermove", { ...finger, button: 0, buttons: 2, clientX: 20, clientY: 20 }); // the other one stays down
  canvas.send("pointermove", { ...finger, button: -1, buttons: 2, clientX: 30, clientY: 30 });
  assert.deepEqual(lines, [[10, 10, 10, 10]]);
});

test("the keyboard's pen is shown, announced, and back at its start on an empty pad", () => {
  const { pad: drawing, canvas, marker, lines, said } = pad();
  marker.hidden = true;
  canvas.send("focus");
  assert.ok(!marker.hidden);
  assert.deepEqual([marker.style.left, marker.style.top, marker.dataset.down], ["50%", "50%", "false"]);
  canvas.send("keydown", key(" "));
  canvas.send("keydown", key(" ", true));
  canvas.send("keydown", key("ArrowRight"));
  assert.deepEqual([lines, said], [[[70, 70, 74, 70]], ["Pen down"]]);
  assert.equal(marker.dataset.down, "true");
  assert.ok(parseFloat(marker.style.left) > 50);
  canvas.send("keydown", key(" "));
  assert.deepEqual(said, ["Pen down", "Pen up"]);
  canvas.send("keydown", key(" "));
  drawing.erase();
  assert.deepEqual([marker.style.left, marker.style.top, marker.dataset.down], ["50%", "50%", "false"]);
  canvas.send("keydown", key("ArrowLeft"));
  assert.equal(lines.length, 1);
  canvas.send("blur");
  assert.ok(marker.hidden);
});

// The buttons that copy.

function share(writeText) {
  globalThis.location = { href: "http://127.0.0.1/demo/" };
  globalThis.history = { replaceState: () => {} };
  Object.defineProperty(globalThis, "navigator", {
    value: writeText ? { clipboard: { writeText } } : {},
    configurable: true,
  });
  const names = ["copy-link", "copy-python", "copied", "code"];
  const part = Object.fromEntries(names.map((name) => [name, new Element()]));
  return { part, share: new Share(part) };
}

const address = { task: "RAM-MNIST-v0", seed: 3n };
const link = "http://127.0.0.1/demo/?task=RAM-MNIST-v0&seed=3";
const program = () => ({ id: "RAM-MNIST-v0", arguments: {}, seed: 3n, answerKey: "label" });
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("nothing can be copied before there is an episode, nor after it has gone", () => {
  const { part, share: shared } = share();
  const disabled = () => [part["copy-link"].disabled, part["copy-python"].disabled];
  assert.deepEqual(disabled(), [true, true]);
  shared.update(address, program);
  assert.deepEqual(disabled(), [false, false]);
  shared.clear();
  assert.deepEqual(disabled(), [true, true]);
});

test("a link is copied, and shown only where copying is not allowed", async () => {
  const copied = [];
  for (const writeText of [async (text) => copied.push(text), null]) {
    const { part, share: shared } = share(writeText);
    shared.update(address, program);
    part["copy-link"].send("click");
    await settle();
    if (writeText) {
      assert.deepEqual([copied, part.copied.textContent, part.code.hidden], [[link], "Link copied", true]);
      continue;
    }
    assert.match(part.copied.textContent, /select the text yourself/);
    assert.deepEqual([part.code.hidden, part.code.textContent], [false, link]);
    assert.deepEqual([part.code["aria-label"], part["copy-python"]["aria-expanded"]], ["Link to this episode", "false"]);
  }
});

test("a program is shown wherever it is copied", async () => {
  const { part, share: shared } = share();
  shared.update(address, program);
  part["copy-python"].send("click");
  await settle();
  assert.match(part.code.textContent, /env\.reset\(seed=3\)/);
  assert.deepEqual([part.code.hidden, part["copy-python"]["aria-expanded"]], [false, "true"]);
  shared.update(address, program);
  assert.deepEqual([part.code.hidden, part["copy-python"]["aria-expanded"]], [true, "false"]);
});
