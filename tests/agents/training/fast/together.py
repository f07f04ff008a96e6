"""What test_distributed.py lets two processes do: `torchrun --nproc-per-node=2 together.py FOLDER`.

Each run is a folder of its own; what the processes say goes into said-0.json and said-1.json, one for each of them.
"""

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from agents.ram.settings import NetworkSettings
from agents.training import games, run, trainer
from agents.training.settings import GameSettings, HybridSettings
from agents.training.vector_settings import SegmentSettings

CATCH, DIGITS = "RAM-CatchGame-v0", "RAM-Digits-v0"
NETWORK = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}
COMMON = {"precision": "float32", "log_every": 2, "checkpoint_every": 100}
PPO = GameSettings(
    environment={"split": "train[:48]", "num_glimpses": 3, "stop": "learned", "glimpse_cost": 0.01},
    network=NetworkSettings(core="lstm", **NETWORK),
    num_envs=8,
    frames=6 * 8 * 3,  # 6 iterations
    update_epochs=2,
    minibatches=2,
    **COMMON,
)
RUNS = {
    "hybrid": (
        DIGITS,
        HybridSettings(
            environment={"split": "train[:20]", "num_glimpses": 2},
            network=NetworkSettings(**NETWORK),
            num_envs=8,
            rollouts_per_image=2,  # 4 images an iteration
            epochs=1,
            **COMMON,
        ),
    ),
    "ppo": (DIGITS, PPO),  # rows end at different steps, so that the processes have different numbers of them
    "reinforce": (
        CATCH,
        replace(PPO, algorithm="reinforce", frames=3 * 8 * 5, environment={"screen_size": 6, "patch_size": 2}),
    ),
    "segments": (
        CATCH,
        SegmentSettings(
            environment={"screen_size": 6, "patch_size": 2},
            network=NetworkSettings(core="lstm", normalise_inputs=True, **NETWORK),
            num_envs=8,
            segment_length=7,  # episodes of 5 steps end inside
            frames=6 * 8 * 7,
            update_epochs=2,
            minibatches=2,
            normalise_rewards=True,
            **COMMON,
        ),
    ),
}
"""Id and settings of the runs that two processes take as one does."""
SEED = 3
WARNING = "are held out as one"
"""Part of the warning about ``own_images``, which has no test split of its own."""


def own_images(folder: Path) -> Path:
    """Write a dataset that is warned about, and return its file."""
    images = np.random.default_rng(0).integers(0, 255, (40, 16, 16), dtype=np.uint8)
    np.savez(folder / "images.npz", images=images, labels=np.arange(40) % 2)
    return folder / "images.npz"


def main(folder: Path) -> None:
    rank = int(os.environ["RANK"])
    said = {}
    for name, (env_id, settings) in RUNS.items():
        trainer.train(env_id, settings, folder / name, seed=SEED)

    original = run.Run.log

    def log(self, statistics):
        original(self, statistics)
        if rank == 1 and self.progress.iteration == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    run.Run.log = log  # type: ignore[method-assign]
    stopped = trainer.train(DIGITS, PPO, folder / "resumed", seed=SEED)
    said["stopped"] = [stopped.stopped_by, stopped.progress.iteration]
    run.Run.log = original  # type: ignore[method-assign]
    trainer.resume(folder / "resumed")

    settings = HybridSettings(network=NetworkSettings(**NETWORK), num_envs=8, epochs=1)
    dataset = str(folder / "images.npz")
    trainer.train("RAM-Images-v0", settings, folder / "warned", dataset=dataset, device="cpu", progress_bar=False)

    calls = []

    def stop(progress, metrics, policy):
        calls.append(progress.iteration)
        return progress.iteration < 4

    called = trainer.train(DIGITS, PPO, folder / "called", seed=SEED, callback=stop)
    said["called"] = [called.stopped_by, called.progress.iteration, calls]

    update = games.update

    def poisoned(policy, optimizer, loss, max_grad_norm):
        return update(policy, optimizer, loss * float("nan") if rank == 1 else loss, max_grad_norm)

    games.update = poisoned
    said["diverged"] = refused(lambda: trainer.train(DIGITS, PPO, folder / "diverged"))
    said["odd"] = refused(lambda: trainer.train(DIGITS, replace(PPO, num_envs=9, minibatches=3), folder / "odd"))
    copies = replace(RUNS["hybrid"][1], num_envs=6)
    said["copies"] = refused(lambda: trainer.train(DIGITS, copies, folder / "copies"))
    said["taken"] = refused(lambda: trainer.train(DIGITS, PPO, folder / "ppo"))
    (folder / f"said-{rank}.json").write_text(json.dumps(said))


def refused(action) -> str:
    """Do what must fail in all processes, and return why it did."""
    try:
        action()
    except (ValueError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("it did not fail")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
