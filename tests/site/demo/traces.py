"""Golden traces: episodes of the packaged agents in Python, for the demo to repeat in the browser."""

import json
from pathlib import Path

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode

from agents.pretrained import load_pretrained

EPISODES = 200


@torch.inference_mode()
def play(env_id, arguments, episodes=EPISODES):
    """Play deterministic episodes with the seeds 0, 1, ... and return everything that the page has to repeat.

    The weights of packaged agents are stored in half precision, so the page and PyTorch compute with the same numbers.

    Returns:
        - scene: uint8 (N, H, W), the first scene.
        - glimpse: float32 (T + 1, N, n), location: float32 (T + 1, N, 2), the observations.
        - mean: float32 (T, N, 2), logits: float32 (T, N, answers), value: float32 (T, N), what the agent computed.
        - fixation: float32 (T, N, 2), answer: int32 (T, N), its actions.
        - reward: float32 (T, N), terminated: uint8 (T, N), results of the actions.
        - label: int32 (N,), image: int32 (N,), in classification.
    """
    policy = load_pretrained(env_id).policy.eval()
    formats = {"action_format": "dict", "observation_format": "dict", "autoreset_mode": AutoresetMode.DISABLED}
    env = gymnasium.make_vec(f"ram_envs:{env_id}", episodes, **arguments, **formats)
    observation, info = env.reset(seed=list(range(episodes)))
    state, recorded = policy.initial_state(episodes), {}

    def record(**values):
        for name, value in values.items():
            recorded.setdefault(name, []).append(np.asarray(value).copy())

    scene = np.asarray(env.task.scene(env.state))[:, 0]
    record(glimpse=observation["glimpse"], location=observation["location"])
    for _ in range(env.task.max_episode_steps):
        tensors = {key: torch.as_tensor(value) for key, value in observation.items()}
        hidden, state = policy.encode_step(tensors, state)
        heads = policy.heads(hidden)
        fixation, answer = heads.location_mean.clamp(-1, 1).numpy(), heads.action_logits.argmax(1).numpy()
        observation, reward, terminated, _, info = env.step({"fixation": fixation, env.task.answer.key: answer})
        record(mean=heads.location_mean, logits=heads.action_logits, value=heads.value)
        record(fixation=fixation, answer=answer.astype(np.int32))
        record(reward=reward.astype(np.float32), terminated=terminated.astype(np.uint8))
        record(glimpse=observation["glimpse"], location=observation["location"])
    env.close()
    arrays = {name: np.stack(values) for name, values in recorded.items()} | {"scene": scene}
    if "label" in info:
        arrays |= {"label": info["label"].astype(np.int32), "image": info["image_index"].astype(np.int32)}
    return arrays


def write_traces(file, env_id, arguments, pack, episodes=EPISODES):
    """Write the traces of a task as two files, in the format of ``docs/demo/agent/tensors.js``.

    Args:
        file: The files, without ".json" and ".bin".
        env_id: The environment.
        arguments: Its arguments.
        pack: ``pack`` of ``docs/demo/build.py``.
        episodes: Number of episodes.
    """
    description, content = pack(play(env_id, arguments, episodes))
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(f"{file}.json").write_text(json.dumps(description))
    Path(f"{file}.bin").write_bytes(content)
