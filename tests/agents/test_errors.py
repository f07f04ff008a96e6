"""Every error that a user can cause has one base class, and still the built-in one that it had in version 0.1."""

import pytest

from agents.benchmark.items import PlanError
from agents.errors import RAMError, SettingsError, invalid_settings
from agents.play import DisplayError
from agents.ram.checkpoint import CheckpointError
from agents.training.fast.distributed import ProcessLost
from agents.training.run import TrainingError


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (SettingsError, ValueError),
        (CheckpointError, ValueError),
        (PlanError, ValueError),
        (TrainingError, RuntimeError),
        (ProcessLost, RuntimeError),
        (DisplayError, RuntimeError),
    ],
)
def test_errors_have_one_base(error, builtin):
    assert issubclass(error, RAMError) and issubclass(error, builtin)


def test_only_a_value_error_of_a_check_becomes_a_settings_error():
    with pytest.raises(SettingsError, match="too small"), invalid_settings():
        raise ValueError("too small")
    with pytest.raises(CheckpointError), invalid_settings():
        raise CheckpointError("as it is")
    with pytest.raises(TypeError), invalid_settings():
        raise TypeError("a bug")
