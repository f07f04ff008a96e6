"""The blocks of docs/libraries.md that need the libraries of this environment."""

import pytest

from tests.integrations.programs import run_program
from tests.test_docs_blocks import OTHER_LIBRARIES, blocks, needs_another_environment

PAGE = "docs/libraries.md"
BLOCKS = [block for block in blocks(PAGE) if needs_another_environment(PAGE, block)]
CHECKS = (
    "assert rollout['next', 'reward'].shape[:2] == (8, 23)",
    "assert config.build_algo is not None and config.rl_module_spec is not None",
    "assert model.policy is not None",
)


def test_there_is_a_block_for_every_library():
    assert len(BLOCKS) == len(OTHER_LIBRARIES[PAGE]) == len(CHECKS)


@pytest.mark.parametrize(("block", "check"), list(zip(BLOCKS, CHECKS, strict=True)), ids=OTHER_LIBRARIES[PAGE])
def test_a_block_runs(block, check, tmp_path):
    (tmp_path / "block.py").write_text(f"{block}\n{check}\n", encoding="utf-8")
    result = run_program(tmp_path / "block.py", folder=tmp_path)
    assert result.status == 0, result.stderr
