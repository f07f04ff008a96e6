"""Play Catch with random actions: the Gymnasium loop and the observation.

python examples/random_agent.py            prints how many balls a random agent catches
python examples/random_agent.py --show     opens a window with the hidden screen, the gaze and the glimpses
"""

import argparse

import gymnasium as gym

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=5_000)
parser.add_argument("--show", action="store_true")
arguments = parser.parse_args()

env = gym.make("ram_envs:RAM-CatchGame-v0", render_mode="human" if arguments.show else None)
observation, info = env.reset(seed=0)
env.action_space.seed(0)
print("glimpse:", observation["glimpse"].reshape(3, 6, 6).shape, "(scale, row, column)")
print("location:", observation["location"], "(x, y), each from -1 to 1")

caught = episodes = 0
for _ in range(arguments.steps):
    action = env.action_space.sample()  # the next location (x, y), and a score each for left, stay and right
    observation, reward, terminated, truncated, info = env.step(action)
    if terminated:
        caught, episodes = caught + info["is_success"], episodes + 1
        observation, info = env.reset()
env.close()
print(f"caught {caught} of {episodes} balls")
