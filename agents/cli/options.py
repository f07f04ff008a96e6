"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from agents.cli.values import Argument

EnvironmentId = Annotated[
    str, Argument(metavar="ENV_ID", positional=True, help="The environment: an id of `ram list`, or MODULE:ID.")
]
Checkpoint = Annotated[
    Path,
    Argument(
        metavar="CHECKPOINT",
        positional=True,
        help="A run folder, a checkpoint file, or a trained agent of the package: pretrained:ENV_ID.",
    ),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    Argument(help='Where to compute; "auto" uses the GPU if there is one.'),
]
Folder = Annotated[Path, Argument(metavar="FOLDER")]
File = Annotated[Path, Argument(metavar="FILE")]
Count = Annotated[int, Argument(metavar="N")]
Switch = Annotated[bool, Argument(switch=True)]
Dataset = Annotated[
    str | os.PathLike[str] | None,
    Argument(
        metavar="DATASET",
        help="Images to show in place of those of training, or where these have moved: a folder, a .npz file or a "
        "registered name.",
    ),
]
StopThreshold = Annotated[
    float | None,
    Argument(
        metavar="P",
        help="Classification: answer as soon as the largest class probability reaches P, in [0, 1]; the usual number "
        "of glimpses is then the most that an episode takes.",
    ),
]
Split = Annotated[
    str | None,
    Argument(
        metavar="SPLIT",
        help='Classification: the images to show, "test" if not given, or a part such as "train[-5000:]".',
    ),
]
