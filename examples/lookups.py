"""Writes a line for every lookup: which library asks for what, by which route.

    vgpu-embed run --policy examples/lookups.py --log info -- PROGRAM

Shows how a program gets at the driver, for example that PyTorch's libcudart asks cuGetProcAddress for nearly all of it.
"""

from vgpu_embed import Policy

policy = Policy()


@policy.hook("dlopen")
def opened(call):
    call.log.info("opens", file=call.filename, caller=call.caller)


@policy.hook("dlsym", "dlvsym", "cuGetProcAddress*")
def looked_up(call):
    call.log.info("looks up", symbol=call.symbol, caller=call.caller)
