"""The runtime's memory where it differs from the driver's: copies, whose kind says which function it is; 3D."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_VALUE
from vgpu_embed.virtual.runtime.channels import element_of
from vgpu_embed.virtual.runtime.devices import device, in_context, primary
from vgpu_embed.virtual.runtime.errors import refuse_unless_ok, remember

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

INVALID_PITCH, INVALID_DIRECTION = 12, 21
"""cudaErrorInvalidPitchValue, cudaErrorInvalidMemcpyDirection."""

HOST_TO_HOST, HOST_TO_DEVICE, DEVICE_TO_HOST, DEVICE_TO_DEVICE, DEFAULT = range(5)
"""cudaMemcpyKind."""

COPIES = {
    HOST_TO_HOST: ("cuMemcpy", "dst", "src"),
    HOST_TO_DEVICE: ("cuMemcpyHtoD_v2", "dstDevice", "srcHost"),
    DEVICE_TO_HOST: ("cuMemcpyDtoH_v2", "dstHost", "srcDevice"),
    DEVICE_TO_DEVICE: ("cuMemcpyDtoD_v2", "dstDevice", "srcDevice"),
    DEFAULT: ("cuMemcpy", "dst", "src"),
}
"""The driver's function of each kind, and what it calls destination and source."""

ASYNC_COPIES = {
    kind: (name.removesuffix("_v2") + "Async" + name[len(name.removesuffix("_v2")) :], dst, src)
    for kind, (name, dst, src) in COPIES.items()
}

HOST, DEVICE, ARRAY, UNIFIED = 1, 2, 3, 4
"""CU_MEMORYTYPE_…"""

SIDES = {
    HOST_TO_HOST: (HOST, HOST),
    HOST_TO_DEVICE: (HOST, DEVICE),
    DEVICE_TO_HOST: (DEVICE, HOST),
    DEVICE_TO_DEVICE: (DEVICE, DEVICE),
    DEFAULT: (UNIFIED, UNIFIED),
}
"""Source's and destination's type of memory."""

answers = Answers(ready=in_context, reported=remember)


def suffix_of(call: AnyCall) -> str:
    """Which default stream the program was compiled for."""
    name = call.function
    return name[-5:] if name.endswith(("_ptsz", "_ptds")) else ""


@answers("cudaMemcpy", "cudaMemcpy_ptds")
def copy(machine: Machine, call: AnyCall) -> int:
    name, dst, src = _of_kind(COPIES, call)
    ends = {dst: call.number("dst"), src: call.number("src")}
    return int(call.make(name + suffix_of(call), **ends, ByteCount=call.count).result)


@answers("cudaMemcpyAsync", "cudaMemcpyAsync_ptsz")
def copy_async(machine: Machine, call: AnyCall) -> int:
    name, dst, src = _of_kind(ASYNC_COPIES, call)
    ends = {dst: call.number("dst"), src: call.number("src")}
    made = call.make(name + suffix_of(call), **ends, ByteCount=call.count, hStream=call.number("stream"))
    return int(made.result)


def _of_kind(table: dict[int, Any], call: AnyCall) -> Any:
    found = table.get(call.number("kind"))
    if found is None:
        raise Refused(INVALID_DIRECTION)
    return found


@answers("cudaMemcpyPeer", "cudaMemcpyPeerAsync")
def copy_peer(machine: Machine, call: AnyCall) -> int:
    stream = {"hStream": call.number("stream")} if call.function == "cudaMemcpyPeerAsync" else {}
    made = call.make(
        "cuMemcpyPeerAsync" if stream else "cuMemcpyPeer",
        dstDevice=call.number("dst"),
        dstContext=primary(machine, call, device(call, call.dstDevice)),
        srcDevice=call.number("src"),
        srcContext=primary(machine, call, device(call, call.srcDevice)),
        ByteCount=call.count,
        **stream,
    )
    return int(made.result)


@answers("cudaMemcpy2D", "cudaMemcpy2D_ptds", "cudaMemcpy2DAsync", "cudaMemcpy2DAsync_ptsz")
def copy_2d(machine: Machine, call: AnyCall) -> int:
    """Pitches are at least the width."""
    source, destination = _of_kind(SIDES, call)
    if call.width > min(call.dpitch, call.spitch) and call.height:
        return INVALID_PITCH
    copied = call.ffi.new("CUDA_MEMCPY2D *")
    fill_end(call, copied, "src", source, call.number("src"), call.spitch)
    fill_end(call, copied, "dst", destination, call.number("dst"), call.dpitch)
    copied.WidthInBytes, copied.Height = call.width, call.height
    return copy_rows(call, copied)


def ends_of(call: AnyCall, *arrays: str) -> dict[str, int]:
    """Types of both sides' memory by the kind of the copy. Raises Refused where that takes an array for the host's."""
    ends = dict(zip(("src", "dst"), _of_kind(SIDES, call), strict=True))
    if any(ends[side] == HOST for side in arrays):
        raise Refused(INVALID_DIRECTION)
    return ends


def copy_rows(call: AnyCall, copied: Any) -> int:
    """Makes the copy that a CUDA_MEMCPY2D describes, in a stream where the function's name says so."""
    name = "cuMemcpy2DAsync_v2" if "Async" in call.function else "cuMemcpy2DUnaligned_v2"
    stream = {"hStream": call.number("stream")} if "Async" in call.function else {}
    return int(call.make(name + suffix_of(call), pCopy=call.address_of(copied), **stream).result)


def fill_end(call: AnyCall, copied: Any, side: str, kind: int, address: int, pitch: int) -> None:
    """One side of a CUDA_MEMCPY2D or CUDA_MEMCPY3D: memory of a type at an address, or an array."""
    setattr(copied, side + "MemoryType", kind)
    setattr(copied, side + "Pitch", pitch)
    if kind == ARRAY:
        setattr(copied, side + "Array", call.ffi.cast("CUarray", address))
    elif kind == HOST:
        setattr(copied, side + "Host", call.ffi.cast("void *", address))
    else:
        setattr(copied, side + "Device", address)


@answers("cudaMemcpy3D", "cudaMemcpy3D_ptds", "cudaMemcpy3DAsync", "cudaMemcpy3DAsync_ptsz")
def copy_3d(machine: Machine, call: AnyCall) -> int:
    copied = copy_of(call, call.p)
    name = "cuMemcpy3DAsync_v2" if "Async" in call.function else "cuMemcpy3D_v2"
    stream = {"hStream": call.number("stream")} if "Async" in call.function else {}
    return int(call.make(name + suffix_of(call), pCopy=call.address_of(copied), **stream).result)


def copy_of(call: AnyCall, given: Any) -> Any:
    """The CUDA_MEMCPY3D that a cudaMemcpy3DParms means. Raises Refused."""
    if not given:
        raise Refused(INVALID_VALUE)
    if given.kind not in SIDES:
        raise Refused(INVALID_DIRECTION)
    copied = call.ffi.new("CUDA_MEMCPY3D *")
    place_boxes(call, copied, given, SIDES[given.kind])
    return copied


def place_boxes(call: AnyCall, copied: Any, given: Any, sides: tuple[int, int]) -> None:
    """Where a copy in three dimensions begins, and how much it is: in elements of its arrays. Raises Refused."""
    elements = set()
    for side, kind in zip(("src", "dst"), sides, strict=True):
        memory, place, array = (getattr(given, side + part) for part in ("Ptr", "Pos", "Array"))
        element = 1
        if array:
            if kind == HOST:
                raise Refused(INVALID_DIRECTION)
            element = element_of(call, call.address_of(array))
            elements.add(element)
            fill_end(call, copied, side, ARRAY, call.address_of(array), 0)
        else:
            fill_end(call, copied, side, kind, call.address_of(memory.ptr), memory.pitch)
            setattr(copied, side + "Height", memory.ysize)
        if (array and memory.ptr) or len(elements) > 1:
            raise Refused(INVALID_VALUE)
        setattr(copied, side + "XInBytes", place.x * element)
        setattr(copied, side + "Y", place.y)
        setattr(copied, side + "Z", place.z)
    extent = given.extent
    copied.WidthInBytes = extent.width * max(elements, default=1)
    copied.Height, copied.Depth = extent.height, extent.depth


@answers("cudaMemcpy3DPeer", "cudaMemcpy3DPeer_ptds", "cudaMemcpy3DPeerAsync", "cudaMemcpy3DPeerAsync_ptsz")
def copy_3d_peer(machine: Machine, call: AnyCall) -> int:
    given = call.p
    if not given:
        raise Refused(INVALID_VALUE)
    copied = call.ffi.new("CUDA_MEMCPY3D_PEER *")
    place_boxes(call, copied, given, SIDES[DEFAULT])
    copied.srcContext = call.ffi.cast("CUcontext", primary(machine, call, device(call, given.srcDevice)))
    copied.dstContext = call.ffi.cast("CUcontext", primary(machine, call, device(call, given.dstDevice)))
    name = "cuMemcpy3DPeerAsync" if "Async" in call.function else "cuMemcpy3DPeer"
    stream = {"hStream": call.number("stream")} if "Async" in call.function else {}
    return int(call.make(name + suffix_of(call), pCopy=call.address_of(copied), **stream).result)


@answers("cudaMalloc3D")
def allocate_3d(machine: Machine, call: AnyCall) -> int:
    """Rows of all slices are one pitch apart."""
    extent = call.extent
    made = call.make(
        "cuMemAllocPitch_v2",
        WidthInBytes=extent.width,
        Height=extent.height * extent.depth,
        ElementSizeBytes=4,
    )
    refuse_unless_ok(made.result)
    pointer = call.ffi.cast("void *", int(made.dptr))
    made_pitch = int(made.pPitch)
    return call.reply(
        pitchedDevPtr={"ptr": pointer, "pitch": made_pitch, "xsize": extent.width, "ysize": extent.height}
    )


@answers("cudaMemset3D", "cudaMemset3D_ptds", "cudaMemset3DAsync", "cudaMemset3DAsync_ptsz")
def set_3d(machine: Machine, call: AnyCall) -> int:
    """One slice after the other."""
    name = "cuMemsetD2D8Async" if "Async" in call.function else "cuMemsetD2D8_v2"
    stream = {"hStream": call.number("stream")} if "Async" in call.function else {}
    memory, extent = call.pitchedDevPtr, call.extent
    address = call.address_of(memory.ptr)
    for slice_ in range(extent.depth):
        made = call.make(
            name + suffix_of(call),
            dstDevice=address + slice_ * memory.pitch * memory.ysize,
            dstPitch=memory.pitch,
            uc=call.value & 0xFF,
            Width=extent.width,
            Height=extent.height,
            **stream,
        )
        refuse_unless_ok(made.result)
    return 0


@answers("cudaIpcOpenMemHandle")
def open_memory(machine: Machine, call: AnyCall) -> int:
    handle = bytes(call.ffi.buffer(call.ffi.addressof(call.handle)))
    made = call.make("cuIpcOpenMemHandle_v2", pdptr=call.number("devPtr"), handle=handle, Flags=call.flags)
    return int(made.result)


@answers("cudaIpcOpenEventHandle")
def open_event(machine: Machine, call: AnyCall) -> int:
    handle = bytes(call.ffi.buffer(call.ffi.addressof(call.handle)))
    return int(call.make("cuIpcOpenEventHandle", phEvent=call.number("event"), handle=handle).result)


# ---- what an address is --------------------------------------------------------------------------------------------

MEMORY_TYPE, DEVICE_POINTER, HOST_POINTER, IS_MANAGED, DEVICE_ORDINAL = 2, 3, 4, 8, 9
"""CU_POINTER_ATTRIBUTE_…"""
UNREGISTERED, MANAGED = 0, 3
"""cudaMemoryType…; those of the host and of a device are the driver's numbers."""


@answers("cudaPointerGetAttributes", "cudaPointerGetAttributes@12")
def pointer_attributes(machine: Machine, call: AnyCall) -> int:
    """An address that CUDA does not know is the host's own."""
    address, ffi = call.number("ptr"), call.ffi

    def attribute(number: int, ctype: str, otherwise: int = 0) -> int:
        value = ffi.new(ctype + "*")
        made = call.make("cuPointerGetAttribute", data=call.address_of(value), attribute=number, ptr=address)
        return otherwise if made.result else int(value[0])

    kind = attribute(MEMORY_TYPE, "unsigned int")
    if kind and attribute(IS_MANAGED, "unsigned int"):
        kind = MANAGED
    host = attribute(HOST_POINTER, "uint64_t") if kind else address
    return call.reply(
        attributes={
            "type": kind,
            "device": attribute(DEVICE_ORDINAL, "int", machine.thread.device) if kind else -1,
            "devicePointer": ffi.cast("void *", attribute(DEVICE_POINTER, "uint64_t") if kind else 0),
            "hostPointer": ffi.cast("void *", host),
        }
    )
