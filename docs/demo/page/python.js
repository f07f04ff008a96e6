// Writes episodes as Python programs that repeat them with gym.make.

const ROW = 96; // characters of a line of encoded pixels

/**
 * Write an episode.
 * @param {object} episode
 * @param {string} episode.id The environment.
 * @param {object} episode.arguments Its arguments.
 * @param {bigint} episode.seed Its random seed.
 * @param {string} episode.answerKey Key of the answer in an action.
 * @param {?{fixation: ArrayLike<number>, answer: number}[]} episode.actions The actions, if it was not the agent that
 *     chose them all.
 * @param {?number} episode.stop Stop threshold of the agent.
 * @param {?{pixels: Uint8Array, height: number, width: number, split: string}} episode.drawn The image that was drawn: it
 *     takes the place of the first one of the split.
 * @returns {string} The program.
 */
export function toPython({ id, arguments: given, seed, answerKey, actions = null, stop = null, drawn = null }) {
  const settings = { ...given };
  const imports = ["import gymnasium as gym"];
  if (actions || drawn) imports.push("import numpy as np");
  if (!actions) imports.push("", "import agents");
  if (drawn) {
    imports.unshift("import base64", "");
    imports.push(...(actions ? [""] : []), "from ram_envs.scenes.datasets import load_dataset");
    settings.split = "train";
  }
  if (stop !== null) settings.stop = "learned";
  const options = Object.entries(settings).map(([name, value]) => `, ${name}=${literal(value)}`).join("");
  const dataset = drawn ? ", dataset=(images, labels)" : "";
  const reset = drawn ? `seed=${seed}, options={"image_index": 0}` : `seed=${seed}`;
  return [
    ...imports,
    "",
    ...(drawn ? drawnImage(drawn) : []),
    `env = gym.make("ram_envs:${id}", action_format="dict"${options}${dataset})`,
    `observation, info = env.reset(${reset})`,
    ...(actions ? recorded(actions, answerKey) : played(id, stop)),
    "print(reward, info)",
    "",
  ].join("\n");
}

function played(id, stop) {
  const rule = stop === null ? "" : `, stop_threshold=${stop}`;
  return [
    `agent = agents.load("pretrained:${id}")`,
    "state, over = None, False",
    "while not over:",
    `    action, state = agent.act(observation, state${rule})`,
    "    observation, reward, terminated, truncated, info = env.step(action)",
    "    over = terminated or truncated",
  ];
}

function recorded(actions, answerKey) {
  const rows = actions.map(({ fixation, answer }) => `    (${float32(fixation[0])}, ${float32(fixation[1])}, ${answer}),`);
  return [
    `actions = [  # (x, y) of the gaze, ${answerKey}`,
    ...rows,
    "]",
    `for x, y, ${answerKey} in actions:`,
    `    action = {"fixation": np.array([x, y], np.float32), "${answerKey}": ${answerKey}}`,
    "    observation, reward, terminated, truncated, info = env.step(action)",
  ];
}

function drawnImage({ pixels, height, width, split }) {
  const text = btoa(String.fromCharCode(...pixels));
  const lines = text.match(new RegExp(`.{1,${ROW}}`, "g")).map((line) => `    "${line}"`);
  return [
    "drawn = base64.b64decode(",
    ...lines,
    ")",
    `images, labels, _ = load_dataset("mnist", "${split}")`,
    "images = images.copy()",
    `images[0, :, :, 0] = np.frombuffer(drawn, np.uint8).reshape(${height}, ${width})`,
  ];
}

/** Write a plain value as a Python literal. */
function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return JSON.stringify(value);
}

/** Write a float32 with as few digits as give the same number again. */
export function float32(value) {
  for (let digits = 1; digits <= 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === Math.fround(value)) return String(Number(text));
  }
  return String(value);
}
