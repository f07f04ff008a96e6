"""Agents that learn where to look: the model, its training, its results, and the `ram` command."""
