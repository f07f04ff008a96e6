"""The modes in which numba runs the kernels: `make kernels` relies on them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.limits import HANG_S

numba = pytest.importorskip("numba")
BEYOND = """
import numpy as np
from ram_envs.compiling import kernel

@kernel
def beyond(array):
    return array[np.uint64(3)]

beyond(np.zeros(3))
"""


@pytest.mark.parametrize("variables", [{"NUMBA_BOUNDSCHECK": "1"}, {"NUMBA_DISABLE_JIT": "1"}])
def test_an_index_out_of_bounds_is_an_error_where_bounds_are_checked(variables, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "NUMBA_CACHE_DIR": str(tmp_path)}
    program = tmp_path / "beyond.py"
    program.write_text(BEYOND)
    result = subprocess.run(
        [sys.executable, program], env={**environment, **variables}, capture_output=True, text=True, timeout=HANG_S
    )
    assert result.returncode == 1 and "IndexError" in result.stderr
