"""What makes training fast: CUDA graphs, a recorded backward pass, several processes, device and precision.

The training loops use these modules, but read without them: each does what its name says and changes no result beyond
rounding.
"""
