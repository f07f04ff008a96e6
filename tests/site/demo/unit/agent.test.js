// The layers and the weights of the agents.

import assert from "node:assert/strict";
import { test } from "node:test";

import { argmax, linear, lstm, relu, softmax } from "../../../../docs/demo/agent/layers.js";
import { answerOrLookOn } from "../../../../docs/demo/agent/stopping.js";
import { fromHalf, readTensors } from "../../../../docs/demo/agent/tensors.js";

test("half precision is read exactly", () => {
  // 1, -2, the largest, the smallest normal, the smallest, 0, infinity
  const values = fromHalf(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0, 0x7c00));
  assert.deepEqual([...values], [1, -2, 65504, 2 ** -14, 2 ** -24, 0, Infinity]);
  assert.ok(Number.isNaN(fromHalf(Uint16Array.of(0x7e00))[0]));
});

test("tensors are read from their offsets", () => {
  const buffer = new ArrayBuffer(12);
  new Uint16Array(buffer, 0, 2).set([0x3c00, 0xc000]);
  new Float32Array(buffer, 4, 2).set([0.5, 0.25]);
  const description = {
    half: { dtype: "float16", shape: [1, 2], offset: 0 },
    single: { dtype: "float32", shape: [2], offset: 4 },
  };
  const { half, single } = readTensors(description, buffer);
  assert.deepEqual(
    [[...half.values], half.shape],
    [
      [1, -2],
      [1, 2],
    ],
  );
  assert.deepEqual([...single.values], [0.5, 0.25]);
});

test("a linear layer multiplies rows with the input, whatever their length", () => {
  for (const inputs of [1, 3, 4, 5, 9]) {
    const input = Float32Array.from({ length: inputs }, (_, index) => index + 1);
    const weight = Float32Array.from({ length: 2 * inputs }, (_, index) => (index < inputs ? 1 : 2));
    const total = (inputs * (inputs + 1)) / 2;
    assert.deepEqual([...linear({ weight, bias: Float32Array.of(0.5, -1) }, input)], [total + 0.5, 2 * total - 1]);
  }
});

test("a linear layer refuses inputs that its weights do not fit", () => {
  const weight = new Float32Array(12);
  assert.throws(() => linear({ weight, bias: null }, new Float32Array(5)), /12 weights do not fit 5 inputs/);
  // Whole rows, but not as many as there are outputs.
  assert.throws(() => linear({ weight, bias: new Float32Array(2) }, new Float32Array(3)), /3 inputs and 2 outputs/);
});

test("an LSTM unit forgets, adds and gates as its equations say", () => {
  const zero = { weight: new Float32Array(4), bias: null };
  const gates = { weight: new Float32Array(4), bias: Float32Array.of(100, -100, 0.5, 0) }; // input open, forget closed
  const [hidden, cell] = lstm({ fromInput: gates, fromHidden: zero }, Float32Array.of(1), [
    Float32Array.of(0),
    Float32Array.of(7),
  ]);
  assert.ok(Math.abs(cell[0] - Math.tanh(0.5)) < 1e-6);
  assert.ok(Math.abs(hidden[0] - 0.5 * Math.tanh(Math.tanh(0.5))) < 1e-6);
});

test("relu, softmax and argmax", () => {
  assert.deepEqual([...relu(Float32Array.of(-1, 2))], [0, 2]);
  assert.deepEqual(softmax([0, 0]), [0.5, 0.5]);
  assert.ok(softmax([1000, 0])[0] > 0.999);
  assert.equal(argmax([1, 3, 3]), 1);
});

test("the agent answers once it is sure, and at the last step", () => {
  assert.equal(answerOrLookOn([0.1, 0.9], 0, 6, 0.9), 1);
  assert.equal(answerOrLookOn([0.2, 0.8], 0, 6, 0.9), 2);
  assert.equal(answerOrLookOn([0.2, 0.8], 5, 6, 0.9), 1);
});
