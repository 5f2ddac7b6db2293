"""Development time only: reads NVIDIA's headers with libclang and writes the committed tables.

Nothing here is imported inside a target process.
"""
