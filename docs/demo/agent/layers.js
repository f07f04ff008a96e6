// The layers of the networks. Sums are computed in float64, results are float32.

/**
 * Return weight @ input + bias.
 * @param {{weight: Float32Array, bias: ?Float32Array}} layer weight has the shape (outputs, inputs), row by row.
 * @param {Float32Array} input (inputs,)
 * @returns {Float32Array} (outputs,)
 * @throws {Error} If the sizes do not fit each other: the observation is not one of this policy.
 */
export function linear({ weight, bias }, input) {
  const inputs = input.length;
  const outputs = bias ? bias.length : Math.floor(weight.length / inputs);
  if (weight.length !== outputs * inputs) {
    throw new Error(`${weight.length} weights do not fit ${inputs} inputs and ${outputs} outputs`);
  }
  const output = new Float32Array(outputs);
  for (let row = 0; row < output.length; row++) {
    const first = row * inputs;
    let [one, two, three, four] = [bias ? bias[row] : 0, 0, 0, 0]; // four sums that do not wait for each other
    let column = 0;
    for (; column + 3 < inputs; column += 4) {
      one += weight[first + column] * input[column];
      two += weight[first + column + 1] * input[column + 1];
      three += weight[first + column + 2] * input[column + 2];
      four += weight[first + column + 3] * input[column + 3];
    }
    for (; column < inputs; column++) one += weight[first + column] * input[column];
    output[row] = one + two + (three + four);
  }
  return output;
}

export const relu = (input) => input.map((value) => (value > 0 ? value : 0));
export const tanh = (input) => input.map(Math.tanh);
export const sum = (one, other) => one.map((value, index) => value + other[index]);
const sigmoid = (value) => 1 / (1 + Math.exp(-value));

/**
 * Return the next hidden and cell state of LSTM units.
 * @param {{fromInput: object, fromHidden: object}} layers Both with the gates input, forget, cell and output below each
 *     other, as in torch.nn.LSTM.
 * @param {Float32Array} input (inputs,)
 * @param {Float32Array[]} state Hidden and cell state, (units,) each.
 * @returns {Float32Array[]} The same after this input.
 */
export function lstm({ fromInput, fromHidden }, input, [hidden, cell]) {
  const gates = sum(linear(fromInput, input), linear(fromHidden, hidden));
  const units = hidden.length;
  const gate = (number, unit) => gates[number * units + unit];
  const nextCell = cell.map(
    (value, unit) => sigmoid(gate(1, unit)) * value + sigmoid(gate(0, unit)) * Math.tanh(gate(2, unit)),
  );
  return [nextCell.map((value, unit) => sigmoid(gate(3, unit)) * Math.tanh(value)), nextCell];
}

/** Return the probabilities of logits, as numbers that add up to 1. */
export function softmax(logits) {
  const highest = Math.max(...logits);
  const weights = Array.from(logits, (logit) => Math.exp(logit - highest));
  const total = weights.reduce((one, other) => one + other, 0);
  return weights.map((weight) => weight / total);
}

/** Return the number of the largest value; the first of several. */
export function argmax(values) {
  let best = 0;
  for (let index = 1; index < values.length; index++) if (values[index] > values[best]) best = index;
  return best;
}
