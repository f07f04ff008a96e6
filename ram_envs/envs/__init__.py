"""Three interfaces to the same rules: single (Gymnasium), vector (Gymnasium, batched) and tensor (torch)."""
