"""Training: the loops of the four methods, their settings and presets, and what a run leaves behind."""

MAX_SEED = 2**29 - 1
"""The largest random seed of a training; the seeds of its episodes follow from it, and have 64 bits."""
