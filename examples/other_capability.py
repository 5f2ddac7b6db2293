"""Another compute capability, over a real driver, to one program only.

    vgpu-embed run --policy examples/other_capability.py --set capability=8.6 -- ollama serve

Compute capability decides which machine code is loaded: told to everybody, PyTorch or CuPy on the same machine would
load code that the card cannot run. Here ollama is told another one, and whoever else runs under the policy hears the
truth.
"""

from vgpu_embed import DeviceAttribute, Policy

policy = Policy()
capability = policy.option("capability", "8.6", help="the compute capability that ollama is told")


@policy.hook("cuDeviceGetAttribute", program="ollama")
def compute_capability(call):
    major, minor = capability.value.split(".")
    told = {
        DeviceAttribute.COMPUTE_CAPABILITY_MAJOR: int(major),
        DeviceAttribute.COMPUTE_CAPABILITY_MINOR: int(minor),
    }
    if call.attrib in told and call.forward().ok:
        return call.reply(pi=told[call.attrib])
