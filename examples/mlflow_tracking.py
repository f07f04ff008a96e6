"""Log a training to MLflow: settings, metrics, and the exported agent.

pip install "ram-active-vision[tracking]"
python examples/mlflow_tracking.py                         minutes
pip install mlflow && mlflow ui --backend-store-uri sqlite:///mlflow.db
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import mlflow

from agents.evaluation.evaluate import evaluate
from agents.ram.checkpoint import load_checkpoint
from agents.ram.export import export_agent
from agents.ram.policy import RAMPolicy
from agents.training.presets import settings_for
from agents.training.run import Progress
from agents.training.trainer import train

ENV_ID = "RAM-CatchGame-v0"

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=4_000_000)
parser.add_argument("--tracking-uri", default="sqlite:///mlflow.db", help="a file, or a server such as http://...")
parser.add_argument("--out", default="runs/mlflow")
arguments = parser.parse_args()


def log(progress: Progress, metrics: Mapping[str, float], policy: RAMPolicy) -> None:
    """Log a line; a callback that returns nothing never stops the training."""
    mlflow.log_metrics(dict(metrics), step=progress.frames)


settings = replace(settings_for(ENV_ID, "quick"), frames=arguments.steps)
mlflow.set_tracking_uri(arguments.tracking_uri)
mlflow.set_experiment(ENV_ID)
with mlflow.start_run() as run:
    plain = settings.to_dict()
    network = plain.pop("network")
    mlflow.log_params({**plain, **{f"network.{name}": value for name, value in network.items()}})
    result = train(ENV_ID, settings, arguments.out, callback=log, progress_bar=False)
    policy = load_checkpoint(result.folder).policy
    success_rate = evaluate(policy, ENV_ID, {}, episodes=2_000).value
    mlflow.log_metric("deterministic_success_rate", success_rate, step=result.progress.frames)
    mlflow.log_artifact(str(export_agent(result.folder, Path(result.folder, "agent.safetensors"))))
print(f"{result.progress.frames:,} frames, success rate {success_rate:.1%}; MLflow run {run.info.run_id}")
