"""Elements of arrays as the runtime describes them, by a cudaChannelFormatDesc, and as the driver does."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_VALUE
from vgpu_embed.virtual.memory.formats import FIRST_BLOCKS, FIRST_NORMALIZED, FORMATS, PACKED
from vgpu_embed.virtual.runtime.errors import refuse_unless_ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

INVALID_CHANNEL_DESCRIPTOR = 20
"""cudaErrorInvalidChannelDescriptor."""
SIGNED, UNSIGNED, FLOAT = range(3)
"""cudaChannelFormatKind…"""
PLAIN = {
    (UNSIGNED, 8): 1,
    (UNSIGNED, 16): 2,
    (UNSIGNED, 32): 3,
    (SIGNED, 8): 8,
    (SIGNED, 16): 9,
    (SIGNED, 32): 10,
    (FLOAT, 16): 16,
    (FLOAT, 32): 32,
}
"""The driver's formats by kind and bits of a channel."""
KINDS = {
    **{5 + place: FIRST_NORMALIZED + place for place in range(12)},
    **{17 + place: FIRST_BLOCKS + place for place in range(14)},
    31: PACKED,
}
"""Those of kinds that say all of it, from cudaChannelFormatKindUnsignedNormalized8X1 on."""
BC6H = (27, 28)
"""Their channels have 16 bits, those of other blocks 8."""

answers = Answers()


@answers("cudaCreateChannelDesc")
def create(machine: Machine, call: AnyCall) -> int:
    """A struct that the caller has room for: where, is a parameter before the others, and what comes back."""
    room: int = call.frame.gp[0]
    if not room:
        return INVALID_VALUE
    made = call.ffi.cast("struct cudaChannelFormatDesc *", room)
    made.x, made.y, made.z, made.w, made.f = call.x, call.y, call.z, call.w, call.number("f")
    return room


def format_of(given: Any) -> tuple[int, int]:
    """Format and number of channels for the driver. Raises Refused."""
    if not given:
        raise Refused(INVALID_VALUE)
    kind, bits = int(given.f), [given.x, given.y, given.z, given.w]
    if kind in KINDS:
        return KINDS[kind], FORMATS[KINDS[kind]].channels[0]
    channels = sum(map(bool, bits))
    form = PLAIN.get((kind, bits[0]))
    if form is None or bits != [bits[0]] * channels + [0] * (4 - channels):
        raise Refused(INVALID_CHANNEL_DESCRIPTOR)
    return form, channels


def channels_of(form: int, channels: int) -> dict[str, int]:
    """A cudaChannelFormatDesc of what the driver says."""
    for (kind, bits), plain in PLAIN.items():
        if plain == form:
            return _described([bits] * channels, kind)
    kind = next((kind for kind, known in KINDS.items() if known == form), 0)
    if form == PACKED:
        return _described([10, 10, 10, 2], kind)
    is_long = kind in BC6H or FORMATS[form].code in "Hh" if form in FORMATS else False
    return _described([16 if is_long else 8] * channels, kind)


def _described(bits: list[int], kind: int) -> dict[str, int]:
    return {**dict(zip("xyzw", [*bits, 0, 0, 0, 0], strict=False)), "f": kind}


def described(call: AnyCall, array: int) -> Any:
    """The CUDA_ARRAY3D_DESCRIPTOR of an array. Raises Refused."""
    told = call.ffi.new("CUDA_ARRAY3D_DESCRIPTOR *")
    made = call.make("cuArray3DGetDescriptor_v2", pArrayDescriptor=call.address_of(told), hArray=array)
    refuse_unless_ok(made.result)
    return told


def element_of(call: AnyCall, array: int) -> int:
    """Bytes of an element of an array. Raises Refused."""
    told = described(call, array)
    return FORMATS[int(told.Format)].size(told.NumChannels)
