"""What differs between the agent of a row and the paper's RAM, in words for the notes below a table."""

from __future__ import annotations

from typing import Any

from agents.pretrained import PREFIX
from paper import augmented
from paper.row import ROW_PREFIX


def departures(training: dict[str, Any]) -> list[str]:
    """Return the differences from the paper's RAM: its networks, its first glimpse and its training signal.

    Args:
        training: The settings as plain values, as in a run folder or a results file.
    """
    network, found = training["network"], []
    game = training["method"] == "game"
    if (network["core"] == "lstm") != game:  # the paper's core is an LSTM in games only
        found.append("ReLU core" if game else "LSTM core")
    if network["core_size"] != 256:
        found.append(f"core of {network['core_size']}")
    learns_gaze = not network["random_locations"] and training["location_weight"] > 0
    if learns_gaze and network["location_network_hidden"]:
        found.append(f"location network with a hidden layer of {network['location_network_hidden']}")
    branches = network["glimpse_hidden"], network["location_hidden"]
    if branches != (128, 128):
        found.append(f"glimpse branches of {' and '.join(map(str, dict.fromkeys(branches)))}")
    if network["glimpse_features"] != 256:
        found.append(f"{network['glimpse_features']} glimpse features")
    if training.get("init_from"):  # results from before it existed lack it
        start = str(training["init_from"])
        of_row = start.startswith(ROW_PREFIX)
        found.append(
            f"starts from {'row ' if of_row else 'the agent for '}{start.removeprefix(ROW_PREFIX).removeprefix(PREFIX)}"
        )
    if learns_gaze and training.get("location_exploration"):
        found.append("scans bright spots in a share of the training episodes")
    if network.get("answer_heads") == "objects":
        found.append("a softmax for each digit")
    if learns_gaze and network["squash_location"]:
        found.append("tanh-squashed location mean")
    if training["environment"].get("dataset") == augmented.DATASET:
        found.append("digits rotated, scaled and shifted a little in training")
    if training["environment"].get("gaze") == "relative":
        found.append("actions move the gaze (relative gaze)")
    if training["environment"].get("first_location") == "inside":
        found.append("first glimpse completely inside the scene")
    if not game:
        if training["class_loss"] != "last":
            found.append(f"classification loss at every step{_CLASS_LOSSES[training['class_loss']]}")
        if learns_gaze and training["location_reward"] != "return":
            found.append(f"location policy rewarded with {_REWARDS[training['location_reward']]} instead of 0/1")
        if learns_gaze and training["location_gradient"]:
            found.append("location gradient flows into the core")
    return found


_CLASS_LOSSES = {"every": "", "annealed": ", the earlier ones with less and less weight"}
_REWARDS = {
    "overlap": "the increase of the expected share of right digits",
    "likelihood": "the final log-likelihood of the correct class",
    "confidence": "the increase of the probability of the correct class",
}
