"""`python -m vgpu_embed.cli` is `vgpu-embed`."""

from vgpu_embed.cli import main

if __name__ == "__main__":
    main(prog_name="vgpu-embed")
