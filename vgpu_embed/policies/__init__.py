"""Built-in policies, on the public API and nothing else."""
