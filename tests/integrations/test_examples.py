"""The examples of these libraries run as they are, here with a small budget; RLlib's runs in test_rllib.py."""

import pytest

from tests.integrations.programs import ROOT, run_program

EXAMPLES = {
    "torchrl_catch.py": ["--num-envs", "8"],
    "torchrl_catch.py --gym": ["--num-envs", "4"],
    "skrl_catch.py": ["--num-envs", "8"],
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs(example, tmp_path):
    name, *options = example.split()
    command = [ROOT / "examples" / name, *options, *EXAMPLES[example], "--steps", "200"]
    result = run_program(*command, folder=tmp_path)
    assert result.status == 0, result.stderr
    assert "steps: caught" in result.stdout
