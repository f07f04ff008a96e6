"""The one time limit of the tests.

No test fails because the machine is slow: what a test waits for is an event, and what takes too long is measured in the
processor's time. This limit only ends what hangs.
"""

HANG_S = 1800.0
"""Seconds of wall time after which something is taken to hang."""
