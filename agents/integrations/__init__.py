"""Adapters for other libraries, one module per library: our environments in them, and the RAM policy in them."""
