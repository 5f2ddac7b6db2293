"""An H100 where there is none: what `make demo` shows.

    vgpu-embed run --policy examples/h100.py -- PROGRAM

The memory is an option: `--set memory=40GiB` shows a smaller card.
"""

from vgpu_embed import MiB, Policy

policy = Policy()
memory = policy.option("memory", 81_079 * MiB, help="device memory that programs are shown")

policy.device("h100", memory=memory)
