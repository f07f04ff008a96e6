"""Evaluation: players, the play loop with its observers, and confidence intervals."""
