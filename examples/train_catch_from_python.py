"""Train the agent on Catch from Python with one changed setting, and evaluate it on new episodes.

python examples/train_catch_from_python.py                 a few minutes
"""

import argparse
from dataclasses import replace

from agents.evaluation.evaluate import evaluate
from agents.pictures.results import draw_results
from agents.ram.checkpoint import load_checkpoint
from agents.training.presets import settings_for
from agents.training.trainer import train

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=4_200_000)
parser.add_argument("--out", default="runs/catch-from-python")
arguments = parser.parse_args()

settings = settings_for("RAM-CatchGame-v0")
settings = replace(settings, frames=arguments.steps, environment={"first_location": "center"})
result = train("RAM-CatchGame-v0", settings, arguments.out, seed=1)
pictures = draw_results(result.folder)
print(f"learning curve: {pictures.curve}\nanimation: {pictures.animation}")

checkpoint = load_checkpoint(result.folder)
print(evaluate(checkpoint.policy, checkpoint.env_id, checkpoint.env_settings, episodes=1_000))
