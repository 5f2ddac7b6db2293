"""The fake driver: its sources, and what generates the rest of them."""
