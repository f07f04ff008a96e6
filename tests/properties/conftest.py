"""Profiles of hypothesis: a fixed hundred examples in the tests, as many as there is time for in `make fuzz`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]

# Derandomized: the same examples at every run, so that a test that passed yesterday passes today. Without a deadline:
# the machine may be busy. Without shrinking, which takes minutes: RAM_FUZZ_PROFILE=fuzz shrinks a failing example.
settings.register_profile(
    "test",
    max_examples=100,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=SLOW_IS_FINE,
)
settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("RAM_FUZZ_EXAMPLES", 10_000)),
    deadline=None,
    print_blob=True,
    suppress_health_check=SLOW_IS_FINE,
)
settings.load_profile(os.environ.get("RAM_FUZZ_PROFILE", "test"))
