"""Questions that are wrong, or at an edge, for a driver: one module a group. `../misuse.py` asks them."""
