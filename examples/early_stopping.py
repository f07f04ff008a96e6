"""Stop a training when the error on a validation set no longer falls, and keep the best policy, with a callback.

python examples/early_stopping.py                          a minute or two
ram watch runs/early-stopping/best.safetensors             shows the best policy
ram train --resume runs/early-stopping                     continues the run anyway

The training leaves out the last 360 training images. The callback evaluates the policy on them at every line of the
logs, deterministically; the test images are used once, at the end.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from agents.evaluation.evaluate import evaluate
from agents.ram.checkpoint import load_checkpoint, save_checkpoint
from agents.ram.policy import RAMPolicy
from agents.training.presets import settings_for
from agents.training.run import Progress
from agents.training.trainer import train

ENV_ID, TRAIN, VALIDATION = "RAM-Digits-v0", "train[:-360]", "train[-360:]"

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--epochs", type=int, default=150, help="largest number of epochs")
parser.add_argument("--patience", type=int, default=15, help="validations without a new best before the end")
parser.add_argument("--out", default="runs/early-stopping")
arguments = parser.parse_args()


class EarlyStopping:
    """Saves the policy with the lowest error, and stops after ``patience`` validations without a new one."""

    def __init__(self, patience: int, file: Path) -> None:
        self.patience, self.file = patience, file
        self.best, self.waited = float("inf"), 0

    def __call__(self, progress: Progress, metrics: Mapping[str, float], policy: RAMPolicy) -> bool:
        """Return False to stop."""
        error = evaluate(policy, ENV_ID, {}, split=VALIDATION, seed=1_000_000).value
        self.waited += 1
        if error < self.best:
            self.best, self.waited = error, 0
            save_checkpoint(self.file, policy, ENV_ID, {"split": TRAIN})
        training = metrics["error_percent"]
        print(f"{progress.frames:,} frames: error {training:.2f} % in training, {error:.2f} % in validation")
        return self.waited < self.patience


settings = replace(
    settings_for(ENV_ID),
    environment={"split": TRAIN},
    epochs=arguments.epochs,
    schedule="constant",  # a schedule that ends with the last epoch would be cut off
    log_every=34,  # two epochs
)
stopping = EarlyStopping(arguments.patience, Path(arguments.out, "best.safetensors"))
result = train(ENV_ID, settings, arguments.out, callback=stopping, progress_bar=False)
if result.stopped_by not in (None, "callback"):
    raise SystemExit(
        f"stopped by {result.stopped_by}: ram train --resume {arguments.out} continues, without the callback"
    )
reason = "early stopping" if result.stopped_by == "callback" else "the end of the training"
print(f"{reason} after {result.progress.frames:,} frames; lowest validation error {stopping.best:.2f} %")
print(f"{stopping.file}: {evaluate(load_checkpoint(stopping.file).policy, ENV_ID, {})}")
