// Repeats golden traces with the modules of the demo, and counts the differences. Runs in the browser and in node.

const FED_BACK = 1e-4; // rounding in float32, which the core carries from step to step

/**
 * @param {object} modules { Agent, readTensors }, of the demo.
 * @param {object} environment The task's environment.
 * @param {object} policy Its policy.
 * @param {object} trace The arrays of `traces.py`, from `readTensors`.
 * @returns {object} The largest differences, and how many episodes differ when the agent plays by itself.
 */
export function replay({ Agent }, environment, policy, trace) {
  const [steps, episodes] = trace.answer.shape;
  const row = (name, step, episode) => {
    const { shape, values } = trace[name];
    const size = values.length / (shape[0] * shape[1]);
    const first = (step * shape[1] + episode) * size;
    return values.subarray(first, first + size);
  };
  // Of numbers beyond 1, the relative difference.
  const apart = (one, other) => Math.abs(one - other) / Math.max(1, Math.abs(other));
  const difference = (one, other) => Math.max(...Array.from(one, (value, index) => apart(value, other[index])));
  const same = (one, other) => one.length === other.length && one.every((value, index) => value === other[index]);
  const result = { episodes, steps, scenes: 0, glimpses: 0, locations: 0, results: 0, mean: 0, logits: 0, value: 0, answers: 0, alone: 0 };
  const pixels = trace.scene.values.length / episodes;

  const agent = new Agent(policy);
  for (let episode = 0; episode < episodes; episode++) {
    // The actions of the trace: the environment gives the same numbers, and the agent computes the same from them.
    let observation = environment.reset(episode);
    agent.start();
    const scene = trace.scene.values.subarray(episode * pixels, (episode + 1) * pixels);
    result.scenes += !same(environment.scene(), scene);
    if (trace.label) {
      result.results += environment.label !== trace.label.values[episode];
      result.results += environment.imageIndex !== trace.image.values[episode];
    }
    for (let step = 0; step < steps; step++) {
      result.glimpses += !same(observation.glimpse, row("glimpse", step, episode));
      result.locations += !same(observation.location, row("location", step, episode));
      const decision = agent.look(observation);
      result.mean = Math.max(result.mean, difference(decision.location, row("mean", step, episode)));
      result.logits = Math.max(result.logits, difference(decision.logits, row("logits", step, episode)));
      result.value = Math.max(result.value, apart(decision.value, row("value", step, episode)[0]));
      result.answers += decision.answer !== row("answer", step, episode)[0];
      observation = environment.step(row("fixation", step, episode), row("answer", step, episode)[0]);
      result.results += environment.reward !== row("reward", step, episode)[0];
      result.results += environment.over !== Boolean(row("terminated", step, episode)[0]);
    }
    result.glimpses += !same(observation.glimpse, row("glimpse", steps, episode));

    // The agent by itself: its own locations, which differ from those of PyTorch by rounding, lead to the same episode.
    observation = environment.reset(episode);
    agent.start();
    let alone = true;
    for (let step = 0; step < steps; step++) {
      const decision = agent.look(observation);
      observation = environment.step(decision.location, decision.answer);
      alone &&= decision.answer === row("answer", step, episode)[0];
      alone &&= difference(observation.location, row("location", step + 1, episode)) < FED_BACK;
      alone &&= same(observation.glimpse, row("glimpse", step + 1, episode));
      alone &&= environment.reward === row("reward", step, episode)[0];
    }
    result.alone += !alone;
  }
  return result;
}
