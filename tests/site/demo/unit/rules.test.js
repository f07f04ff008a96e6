// The rules of the demo, on numbers that Python gave or that follow by hand. The golden traces compare whole episodes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Catch } from "../../../../docs/demo/rules/catch.js";
import { Classification } from "../../../../docs/demo/rules/classification.js";
import { drawWords, integer, randomGaze, randomLocation, uniform } from "../../../../docs/demo/rules/random.js";
import { clipped, Retina } from "../../../../docs/demo/rules/retina.js";
import { compose } from "../../../../docs/demo/rules/scenes.js";

test("random words are those of ram_envs.scenes.randomness", () => {
  assert.deepEqual(drawWords(0, 0, 4), [0x238275bc38fcbe91n, 0xf89a2566b5822c54n, 0x47200e1d9780fa44n, 0xe710dc7a64e2470an]);
  assert.deepEqual(drawWords(5, 3, 2), [0xbc99d7eafee378bcn, 0x5cba1ef88ed00e2dn]);
  assert.deepEqual(drawWords(2n ** 63n - 1n, 0, 2), [0x65c53839cbab20e9n, 0xde3458450d52789en]);
});

test("words become numbers as in Python", () => {
  const words = drawWords(5, 0, 4);
  assert.deepEqual(words.map(uniform), [0.6526127857771847, 0.9173775174341906, 0.5804985467074192, 0.9450575054244503]);
  assert.deepEqual(words.map((word) => integer(word, 24)), [15, 22, 13, 22]);
});

test("a random gaze is within the scene and differs from step to step", () => {
  const gazes = [0, 1, 2].map((step) => [...randomGaze(7n, step)]);
  assert.ok(gazes.flat().every((value) => value >= -1 && value <= 1));
  assert.notDeepEqual(gazes[0], gazes[1]);
  assert.deepEqual(gazes[2], [...randomGaze(7n, 2)]);
});

test("patches are centered, double in width and average the pixels", () => {
  const retina = new Retina(8, 8, 2, 2);
  assert.deepEqual(retina.outlines(Float32Array.of(0, 0)), [{ top: 3, left: 3, side: 2 }, { top: 2, left: 2, side: 4 }]);
  const scene = new Uint8Array(64);
  scene[3 * 8 + 3] = 255;
  assert.deepEqual([...retina.read(scene, Float32Array.of(0, 0))], [1, 0, 0, 0, 0.25, 0, 0, 0]);
});

test("pixels beyond the scene are black", () => {
  const retina = new Retina(4, 4, 2, 1);
  const white = new Uint8Array(16).fill(255);
  assert.deepEqual([...retina.read(white, Float32Array.of(-1, -1))], [0, 0, 0, 1]);
  assert.deepEqual([...retina.read(white, Float32Array.of(1, 1))], [1, 0, 0, 0]);
});

test("locations are clipped to the scene and rounded to float32", () => {
  assert.deepEqual([...clipped([-3, 0.1])], [-1, Math.fround(0.1)]);
});

const catchRules = { patch_size: 6, num_scales: 3, screen_size: 24 };

test("a ball starts as in Python", () => {
  const game = new Catch(catchRules);
  const { location } = game.reset(7);
  assert.equal(game.ball, 14);
  assert.ok(Math.abs(game.speed + 0.181641) < 1e-6);
  assert.equal(game.paddle, 22);
  assert.deepEqual([...location], [...randomLocation(drawWords(7, 0, 5).slice(3))]);
});

test("the paddle stops at the walls, and the ball bounces", () => {
  const game = new Catch(catchRules);
  game.reset(7);
  Object.assign(game, { paddle: 0, column: 22.75, speed: 1 });
  game.step([0, 0], 0);
  assert.deepEqual([game.paddle, game.column, game.speed, game.ball], [0, 22.25, -1, 22]);
});

test("a ball that lands on the paddle is caught", () => {
  for (const [paddle, caught] of [[9, true], [10, true], [8, false], [11, false]]) {
    const game = new Catch(catchRules);
    game.reset(0);
    Object.assign(game, { column: 10, speed: 0, paddle });
    for (let step = 0; step < 23; step++) {
      assert.ok(!game.over);
      game.step([0, 0], 1);
    }
    assert.ok(game.over);
    assert.deepEqual([game.success, game.reward], [caught, Number(caught)]);
  }
});

/** Two gray images of 2 x 2 pixels. */
const images = { count: 2, height: 2, width: 2, pixels: Uint8Array.of(200, 1, 2, 3, 100, 100, 100, 100), labels: Uint8Array.of(1, 0) };
const rules = { patch_size: 2, num_scales: 1, image_size: null, num_clutter: 0, clutter_size: 1, num_glimpses: 3, names: ["0", "1"] };

test("an image alone is the scene", () => {
  const scene = compose(images, 1, [], rules);
  assert.deepEqual([...scene.pixels], [100, 100, 100, 100]);
});

test("an image is placed on the canvas, and clutter is added and clipped at 255", () => {
  const last = 2n ** 64n - 1n; // the largest of every draw
  const cluttered = { ...rules, image_size: 3, num_clutter: 1 };
  const words = [0n, 0n, last, 0n, 0n, 0n, 0n]; // image top left; a pixel of image 1, from its top left to the top left
  assert.deepEqual([...compose(images, 0, words, cluttered).pixels], [255, 1, 0, 2, 3, 0, 0, 0, 0]);
  words[0] = words[1] = last;
  assert.deepEqual([...compose(images, 0, words, cluttered).pixels], [100, 0, 0, 0, 200, 1, 0, 2, 3]);
});

test("the class counts at the last step only", () => {
  const task = new Classification(rules, images);
  task.reset(0, 0);
  task.step([0, 0], 1);
  task.step([0.5, 0], 1);
  assert.deepEqual([task.over, task.prediction, task.reward], [false, -1, 0]);
  task.step([-1, -1], 1);
  assert.deepEqual([task.over, task.prediction, task.reward], [true, 1, 1]);
  assert.equal(task.location[0], 0.5); // the gaze stays when the class is read
});

test("a class ends the episode where stopping is learned", () => {
  const task = new Classification(rules, images, true);
  assert.deepEqual(task.answerNames, ["0", "1", "look on"]);
  task.reset(0, 0);
  task.step([0, 0], 2);
  assert.ok(!task.over);
  task.step([0, 0], 0);
  assert.deepEqual([task.over, task.success], [true, false]);
  task.reset(0, 0);
  for (let step = 0; step < 3; step++) task.step([0, 0], 2);
  assert.deepEqual([task.over, task.prediction], [true, -1]);
});
