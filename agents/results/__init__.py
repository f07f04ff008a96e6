"""How well an agent does: evaluation and figures."""
