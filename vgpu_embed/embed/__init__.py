"""What runs inside the target process: guard, redirect table, dispatch, log."""
