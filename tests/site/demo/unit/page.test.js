// The parts of the page that need no browser: addresses, programs and drawings.

import assert from "node:assert/strict";
import { test } from "node:test";

import { readAddress, readSeed, writeAddress } from "../../../../docs/demo/page/address.js";
import { normalise, SIDE } from "../../../../docs/demo/page/digit.js";
import { float32, toPython } from "../../../../docs/demo/page/python.js";

const ids = ["RAM-CatchGame-v0", "RAM-MNIST-v0"];

test("an address is written and read again", () => {
  const address = { task: "RAM-MNIST-v0", seed: 2n ** 63n - 1n, mode: "race", gaze: "random", stop: 0.95 };
  assert.deepEqual(readAddress(writeAddress(address), ids), address);
  assert.equal(writeAddress({ task: "RAM-MNIST-v0", seed: 3n }), "?task=RAM-MNIST-v0&seed=3");
});

test("what is not valid in an address has its default", () => {
  const expected = { task: "RAM-CatchGame-v0", seed: 0n, mode: "agent", gaze: "learned", stop: null };
  assert.deepEqual(readAddress("", ids), expected);
  assert.deepEqual(readAddress("?task=toString&seed=-1&mode=x&gaze=&stop=2", ids), expected);
});

test("seeds are integers from 0 to 2**63 - 1", () => {
  assert.equal(readSeed(" 12 "), 12n);
  for (const text of ["", "1.5", "-1", "1e3", "9223372036854775808", "x"]) assert.equal(readSeed(text), null);
});

test("float32 numbers are written with few digits and read back exactly", () => {
  for (const value of [0.1, -0.5, 1, 1 / 3, 1e-7, -0.18164098262786865]) {
    const text = float32(Math.fround(value));
    assert.equal(Math.fround(Number(text)), Math.fround(value));
    assert.ok(text.length <= 14, text);
  }
  assert.equal(float32(Math.fround(0.1)), "0.1");
});

test("the program of an agent loads it", () => {
  const text = toPython({ id: "RAM-MNIST-v0", arguments: { num_glimpses: 6, split: "test[:500]" }, seed: 3n, answerKey: "label", stop: 0.9 });
  assert.match(text, /gym\.make\("ram_envs:RAM-MNIST-v0", action_format="dict", num_glimpses=6, split="test\[:500\]", stop="learned"\)/);
  assert.match(text, /env\.reset\(seed=3\)/);
  assert.match(text, /agents\.load\("pretrained:RAM-MNIST-v0"\)/);
  assert.match(text, /stop_threshold=0\.9\)/);
});

test("the program of a person lists the actions", () => {
  const actions = [{ fixation: Float32Array.of(0.1, -1), answer: 2 }];
  const text = toPython({ id: "RAM-CatchGame-v0", arguments: {}, seed: 3n, answerKey: "move", actions });
  assert.match(text, /\(0\.1, -1, 2\),/);
  assert.doesNotMatch(text, /agents/);
});

/** A drawing with ink in a box. */
function box(side, top, left, height, width) {
  const ink = new Uint8Array(side * side);
  for (let row = top; row < top + height; row++) ink.fill(255, row * side + left, row * side + left + width);
  return ink;
}

/** Return first and last row and column with ink of an image. */
function extent(pixels) {
  const rows = [...pixels.keys()].filter((index) => pixels[index] > 0).map((index) => Math.floor(index / SIDE));
  const columns = [...pixels.keys()].filter((index) => pixels[index] > 0).map((index) => index % SIDE);
  return [Math.min(...rows), Math.max(...rows), Math.min(...columns), Math.max(...columns)];
}

test("an empty drawing is no digit", () => {
  assert.equal(normalise(new Uint8Array(140 * 140), 140), null);
});

test("a drawing becomes 20 pixels long, in the center, wherever and however large it was", () => {
  for (const [top, left, size] of [[0, 0, 100], [70, 30, 60], [20, 90, 40]]) {
    const pixels = normalise(box(140, top, left, size, size / 4), 140);
    const [first, last, firstColumn, lastColumn] = extent(pixels);
    assert.deepEqual([first, last], [4, 23]);
    assert.ok(Math.abs((firstColumn + lastColumn) / 2 - 13.5) <= 0.5);
  }
});

test("a dot stays a dot", () => {
  const [first, last] = extent(normalise(box(140, 60, 60, 10, 10), 140));
  assert.ok(last - first < 8);
});

test("a drawing with its mass at one end stays inside", () => {
  const ink = box(140, 0, 0, 4, 140);
  box(140, 0, 100, 140, 40).forEach((value, index) => (ink[index] ||= value));
  const pixels = normalise(ink, 140);
  const [first, last, firstColumn, lastColumn] = extent(pixels);
  assert.ok(first >= 0 && last < SIDE && firstColumn >= 0 && lastColumn < SIDE);
  assert.ok(last - first >= 19 && lastColumn - firstColumn >= 19);
});
