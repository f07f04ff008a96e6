import pytest

from ram_envs import arrays


@pytest.fixture(autouse=True)
def kernels_are_loaded(monkeypatch):
    monkeypatch.setattr(arrays, "WORTH_LOADING", 0)
