"""The model: the paper's five networks, the policy made of them, and checkpoints."""
