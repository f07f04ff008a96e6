"""Search hyperparameters with Optuna, and prune trials that fall behind.

pip install "ram-active-vision[tracking]"
python examples/optuna_pruning.py                          a quarter of an hour on one core

Every trial is a run in a folder of its own. The callback reports the success rate at every line of the logs; when
Optuna prunes the trial, it returns False, which ends the run with a checkpoint.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import optuna

from agents.evaluation.evaluate import evaluate
from agents.ram.checkpoint import load_checkpoint
from agents.ram.policy import RAMPolicy
from agents.training.presets import settings_for
from agents.training.run import Progress
from agents.training.trainer import train

ENV_ID = "RAM-CatchGame-v0"

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=1_000_000, help="frames of a trial that is not pruned")
parser.add_argument("--trials", type=int, default=20)
parser.add_argument("--rows", type=int, default=256, help="games in a batch")
parser.add_argument("--out", default="runs/optuna")
arguments = parser.parse_args()


def objective(trial: optuna.Trial) -> float:
    """Train with the hyperparameters of a trial, and return the success rate of the deterministic agent."""
    preset = settings_for(ENV_ID, "quick")
    location_std = trial.suggest_float("location_std", 0.03, 0.4, log=True)
    settings = replace(
        preset,
        network=replace(preset.network, location_std=location_std),
        learning_rate=trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
        entropy_weight=trial.suggest_float("entropy_weight", 1e-4, 3e-2, log=True),
        num_envs=arguments.rows,
        frames=arguments.steps,
        log_every=5,
    )

    def report(progress: Progress, metrics: Mapping[str, float], policy: RAMPolicy) -> bool:
        trial.report(metrics["success_rate"], progress.iteration)
        return not trial.should_prune()

    folder = Path(arguments.out, f"trial{trial.number}")
    result = train(ENV_ID, settings, folder, callback=report, progress_bar=False)
    if result.stopped_by == "callback":
        raise optuna.TrialPruned
    if result.stopped_by:
        raise SystemExit(f"stopped by {result.stopped_by}: {folder} holds a checkpoint")
    return evaluate(load_checkpoint(folder).policy, ENV_ID, {}, episodes=2_000, seed=1_000_000).value


iterations = arguments.steps // (23 * arguments.rows)  # of 23 steps in every game
study = optuna.create_study(
    direction="maximize",
    sampler=optuna.samplers.TPESampler(seed=0),
    # In the first third of a training, all agents are at chance.
    pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=iterations // 3),
)
study.optimize(objective, n_trials=arguments.trials)
pruned = len(study.get_trials(states=[optuna.trial.TrialState.PRUNED]))
print(
    f"{len(study.trials)} trials, {pruned} pruned; best: success rate {study.best_value:.1%} with {study.best_params}"
)
