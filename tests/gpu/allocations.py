"""The policy of the hooked case: asked at each allocation of device memory, lets it happen, writes down that it did."""

import os

from vgpu_embed import Call, Policy

policy = Policy()
seen = policy.option("seen", "allocations.seen", help="file that gets a line for each allocation")


@policy.hook("cuMemAlloc*", "cuMemCreate*")
def allocate(call: Call) -> int:
    result = call.forward()
    line = f"{call.function} {int(result)} {call.caller} {call.program}\n"
    file = os.open(seen.value, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    os.write(file, line.encode())
    os.close(file)
    return result
