"""Other libraries' algorithms on these environments, and this policy in other libraries: one module per library."""
