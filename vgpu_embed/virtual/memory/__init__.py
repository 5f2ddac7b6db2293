"""The memory of the virtual GPUs: what is allocated where, what each allocation takes, and the functions for it."""
