"""Use your own images, from arrays or from a folder with one subfolder per class.

python examples/own_images.py                                      generated arrays: discs and squares in color
python examples/own_images.py --folder path/to/images              images of one size, at most 96x96
ram train RAM-Images-v0 --dataset path/to/images --resize 64       trains an agent on images of any size

docs/own-images.md explains more.
"""

import argparse

import gymnasium as gym
import numpy as np

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--folder")
parser.add_argument("--steps", type=int, default=1_000)
arguments = parser.parse_args()


def discs_and_squares(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = np.arange(count) % 2
    row, column = np.mgrid[-16:16, -16:16]
    distance = np.where(labels[:, None, None] == 0, np.hypot(row, column), np.maximum(abs(row), abs(column)))
    shapes = distance < random.integers(6, 15, (count, 1, 1))
    colours = random.integers(64, 256, (count, 1, 1, 3))
    return (shapes[..., None] * colours).astype(np.uint8), labels  # (N, H, W, 3) uint8, (N,) from 0


dataset = arguments.folder or discs_and_squares(500)
env = gym.make("ram_envs:RAM-TranslatedMNIST-v0", dataset=dataset, image_size=96, patch_size=8)
env.action_space.seed(0)
observation, info = env.reset(seed=0)
print("action: fixation and a score per class,", env.action_space.shape)
print("glimpse: (scale, colour, row, column),", env.unwrapped.task.glimpse_sensor.glimpse_shape)
successes = []
for _ in range(arguments.steps):
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
    if terminated:
        successes.append(info["is_success"])
        observation, info = env.reset()
print(f"{100 * np.mean(successes):.0f} % right by chance, of {len(successes)} images")
