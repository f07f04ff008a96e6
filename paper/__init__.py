"""The paper's tables, ablations, baselines and figures. Not part of the installed package: run `python -m paper`."""
