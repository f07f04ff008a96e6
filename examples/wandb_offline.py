"""Log a training to Weights & Biases, offline: no account and no network are needed until `wandb sync`.

pip install "ram-active-vision[tracking]"
python examples/wandb_offline.py                           minutes
wandb sync wandb/offline-run-*                             uploads it later
python examples/wandb_offline.py --mode online             uploads at once
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace

import wandb

from agents.evaluation.evaluate import evaluate
from agents.ram.checkpoint import load_checkpoint
from agents.ram.policy import RAMPolicy
from agents.training.presets import settings_for
from agents.training.run import Progress
from agents.training.trainer import train

ENV_ID = "RAM-CatchGame-v0"

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=4_000_000)
parser.add_argument("--mode", choices=["offline", "online"], default="offline")
parser.add_argument("--out", default="runs/wandb")
arguments = parser.parse_args()

settings = replace(settings_for(ENV_ID, "quick"), frames=arguments.steps)
run = wandb.init(project="ram-active-vision", name=ENV_ID, mode=arguments.mode, config=settings.to_dict())


def log(progress: Progress, metrics: Mapping[str, float], policy: RAMPolicy) -> None:
    """Log a line; a callback that returns nothing never stops the training."""
    run.log(dict(metrics), step=progress.frames)


result = train(ENV_ID, settings, arguments.out, callback=log, progress_bar=False)
success_rate = evaluate(load_checkpoint(result.folder).policy, ENV_ID, {}, episodes=2_000).value
run.summary["deterministic_success_rate"] = success_rate
folder = run.dir
run.finish()
print(f"{result.progress.frames:,} frames, success rate {success_rate:.1%}; wandb files: {folder}")
