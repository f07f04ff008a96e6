"""Train the agent on CircleSquare, an active-perception benchmark of another package, as it is.

pip install "ram-active-vision[agents,apgym]"
python examples/ap_gym_circle_square.py                    1 M steps, some minutes
python examples/ap_gym_circle_square.py --env-id ap_gym:DoubleCircleSquare-v0

The agent sees 5x5 pixels of a 28x28 image with a circle or a square, and 16 times moves this glimpse by at most a tenth
of the image. A gradient in the background points to the object. After every step the environment says the right class,
so the agent trains with the hybrid loss: cross-entropy at every step, and as the reward of a move how much the next
glimpses raise the probability of the right class. The figure is the accuracy of the last prediction.
"""

import argparse
import json
from pathlib import Path

from agents.evaluation.worlds import evaluate_world
from agents.ram.checkpoint import load_checkpoint
from agents.ram.settings import NetworkSettings
from agents.training.trainer import train
from agents.training.vector_settings import AnswerSettings

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--env-id", default="ap_gym:CircleSquare-v0")
parser.add_argument("--steps", type=int, default=1_000_000)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--episodes", type=int, default=5_000, help="episodes of the evaluation")
parser.add_argument("--out", default="runs/circle-square")
parser.add_argument("--json", type=Path, help="file for the evaluation")
arguments = parser.parse_args()

settings = AnswerSettings(
    network=NetworkSettings(
        core="lstm",
        location_network_hidden=128,
        squash_location=True,
        location_std=0.5,  # an action of length 1 moves the glimpse by a tenth of the image
        input_shift=0.8,  # pixels of the background are around 0.8: without shift and gain nothing is learned
        input_gain=6.0,
    ),
    frames=arguments.steps,
    num_envs=64,
    learning_rate=1e-3,
    schedule="cosine",
    class_loss="every",
    confidence_discount=0.9,
    normalise_advantage=True,
    location_weight=0.1,
    location_gradient=1.0,
)
result = train(arguments.env_id, settings, arguments.out, seed=arguments.seed)
if result.stopped_by:
    raise SystemExit(f"stopped by {result.stopped_by} before the evaluation")
checkpoint = load_checkpoint(result.folder)
evaluation = evaluate_world(checkpoint.policy, arguments.env_id, episodes=arguments.episodes)
print(f"{arguments.env_id}, seed {arguments.seed}: {evaluation}")
if arguments.json:
    values = {"steps": checkpoint.progress["frames"], "seed": arguments.seed, "evaluation": evaluation.to_dict()}
    arguments.json.write_text(json.dumps(values, indent=1) + "\n")
