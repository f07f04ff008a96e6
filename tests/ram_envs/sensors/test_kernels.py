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
from ram_envs.sensors import kernels
scenes, location = np.zeros((1, 1, 4, 4), np.uint8), np.zeros((1, 2), np.float32)
optics, white, glimpse = np.array([2, 2, 0], np.float32), np.full(1, 255, np.float32), np.zeros((1, 4), np.float32)
kernels.read(scenes, location[:0], optics, white, np.array([0, 2, 1, 2]), glimpse)  # no location for the scene
"""


@pytest.mark.parametrize("variables", [{"NUMBA_BOUNDSCHECK": "1"}, {"NUMBA_DISABLE_JIT": "1"}])
def test_an_index_out_of_bounds_is_an_error_where_bounds_are_checked(variables, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "NUMBA_CACHE_DIR": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", BEYOND], env={**environment, **variables}, capture_output=True, text=True, timeout=HANG_S
    )
    assert result.returncode == 1 and "IndexError" in result.stderr
