"""Gymnasium vector environments of any package, as the RAM policy sees them and acts in them."""
