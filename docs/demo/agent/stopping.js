// Early stopping: the rule of agents/evaluation/stopping.py, with temperature 1.

import { argmax } from "./layers.js";

/**
 * Return the most likely class once its probability reaches the threshold or the glimpses are used up.
 * @param {number[]} probabilities Of the classes.
 * @param {number} step Number of the step, 0 first.
 * @param {number} numSteps The most glimpses of an episode.
 * @param {number} threshold In [0, 1].
 * @returns {number} The class, or the number of classes to look on.
 */
export function answerOrLookOn(probabilities, step, numSteps, threshold) {
  const best = argmax(probabilities);
  return step >= numSteps - 1 || probabilities[best] >= threshold ? best : probabilities.length;
}
