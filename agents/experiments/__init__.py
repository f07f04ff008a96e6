"""The experiment engine: jobs, locks, result files and the description of the machine."""
