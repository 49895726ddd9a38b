"""What holds for all tests: nothing is judged by the clock, and there is one thread each."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Read when numpy and torch are first loaded, here and in what the tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# An example may take as long as the machine needs for it.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
