// The five networks of the RAM policy (agents/ram/networks.py and policy.py), one step at a time.

import { linear, lstm, relu, sum, tanh } from "./layers.js";

export class Policy {
  /**
   * @param {object} settings The settings of the policy: `RAMSettings.to_dict` in Python.
   * @param {Object<string, {shape: number[], values: Float32Array}>} tensors Its weights, by name.
   */
  constructor(settings, tensors) {
    this.settings = settings;
    const values = (name) => tensors[name]?.values ?? null;
    const layer = (name) => ({ weight: values(`${name}.weight`), bias: values(`${name}.bias`) });
    const [levels, ...shape] = settings.glimpse_shape;
    const pixels = shape.reduce((one, other) => one * other, 1);
    this.gains = Float32Array.from(
      { length: levels * pixels },
      (_, cell) => settings.input_gain * settings.scale_gain ** Math.floor(cell / pixels),
    );
    this.fromGlimpse = layer("glimpse_network.from_glimpse");
    this.fromLocation = layer("glimpse_network.from_location");
    this.what = layer("glimpse_network.what");
    this.where = layer("glimpse_network.where");
    if (settings.core === "lstm") {
      const part = (name) => ({
        weight: values(`core_network.lstm.weight_${name}_l0`),
        bias: values(`core_network.lstm.bias_${name}_l0`),
      });
      this.core = { fromInput: part("ih"), fromHidden: part("hh") };
    } else {
      this.core = { fromInput: layer("core_network.from_glimpse"), fromHidden: layer("core_network.from_core") };
    }
    this.locationHidden = settings.location_network_hidden ? layer("location_network.hidden") : null;
    this.locationMean = layer("location_network.mean");
    this.logits = layer("action_network.logits");
    this.value = layer("baseline.value");
  }

  /** Return the state of the core at the start of an episode. */
  initialState() {
    const parts = this.settings.core === "lstm" ? 2 : 1;
    return Array.from({ length: parts }, () => new Float32Array(this.settings.core_size));
  }

  /**
   * Read one observation.
   * @param {{glimpse: Float32Array, location: Float32Array}} observation From an environment.
   * @param {Float32Array[]} state State of the core before it.
   * @returns {{location: Float32Array, logits: Float32Array, value: number, state: Float32Array[]}} The mean of the next
   *     location (not clipped), the logits of the answers, the value, and the state of the core after it.
   */
  step({ glimpse, location }, state) {
    const input = glimpse.map((value, cell) => (value - this.settings.input_shift) * this.gains[cell]);
    const seen = linear(this.what, relu(linear(this.fromGlimpse, input)));
    const placed = linear(this.where, relu(linear(this.fromLocation, location)));
    const next = this.nextState(relu(sum(seen, placed)), state);
    const hidden = next[0];
    const mean = linear(this.locationMean, this.locationHidden ? relu(linear(this.locationHidden, hidden)) : hidden);
    return {
      location: this.settings.squash_location ? tanh(mean) : mean,
      logits: linear(this.logits, hidden),
      value: linear(this.value, hidden)[0],
      state: next,
    };
  }

  nextState(features, state) {
    if (this.settings.core === "lstm") return lstm(this.core, features, state);
    return [relu(sum(linear(this.core.fromHidden, state[0]), linear(this.core.fromInput, features)))];
  }
}
