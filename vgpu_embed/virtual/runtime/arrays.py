"""The runtime's arrays: what they are described by, and copies to and from them."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_VALUE
from vgpu_embed.virtual.memory.formats import FORMATS
from vgpu_embed.virtual.runtime.channels import channels_of, described, format_of
from vgpu_embed.virtual.runtime.devices import device, in_context
from vgpu_embed.virtual.runtime.errors import refuse_unless_ok, remember
from vgpu_embed.virtual.runtime.memory import ARRAY, INVALID_PITCH, copy_rows, ends_of, fill_end

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

VARIANTS = ("", "_ptds", "Async", "Async_ptsz")
"""Of a function that copies."""

answers = Answers(ready=in_context, reported=remember)


def variants(name: str) -> list[str]:
    """A function that copies, as it is and as it is called for streams and threads."""
    return [name + variant for variant in VARIANTS]


# ---- arrays --------------------------------------------------------------------------------------------------------


def description(call: AnyCall, width: int, height: int, depth: int) -> Any:
    """A CUDA_ARRAY3D_DESCRIPTOR. Raises Refused."""
    form, channels = format_of(call.desc)
    return call.ffi.new("CUDA_ARRAY3D_DESCRIPTOR *", [width, height, depth, form, channels, call.flags])


@answers("cudaMallocArray")
def allocate(machine: Machine, call: AnyCall) -> int:
    return _allocate(call, description(call, call.width, call.height, 0))


@answers("cudaMalloc3DArray")
def allocate_3d(machine: Machine, call: AnyCall) -> int:
    extent = call.extent
    return _allocate(call, description(call, extent.width, extent.height, extent.depth))


def _allocate(call: AnyCall, given: Any) -> int:
    made = call.make("cuArray3DCreate_v2", pHandle=call.number("array"), pAllocateArray=call.address_of(given))
    return int(made.result)


@answers("cudaMallocMipmappedArray")
def allocate_mipmap(machine: Machine, call: AnyCall) -> int:
    extent = call.extent
    given = description(call, extent.width, extent.height, extent.depth)
    made = call.make(
        "cuMipmappedArrayCreate",
        pHandle=call.number("mipmappedArray"),
        pMipmappedArrayDesc=call.address_of(given),
        numMipmapLevels=call.numLevels,
    )
    return int(made.result)


@answers("cudaFreeArray")
def free(machine: Machine, call: AnyCall) -> int:
    """To free none is no error."""
    array = call.number("array")
    return int(call.make("cuArrayDestroy", hArray=array).result) if array else 0


@answers("cudaFreeMipmappedArray")
def free_mipmap(machine: Machine, call: AnyCall) -> int:
    """To free none is no error."""
    mipmap = call.number("mipmappedArray")
    return int(call.make("cuMipmappedArrayDestroy", hMipmappedArray=mipmap).result) if mipmap else 0


@answers("cudaArrayGetInfo")
def about(machine: Machine, call: AnyCall) -> int:
    """Each output may be left out."""
    told = described(call, call.number("array"))
    call.reply()  # outputs can be looked at then
    if call.desc:
        call.reply(desc=channels_of(int(told.Format), told.NumChannels))
    if call.extent:
        call.reply(extent={"width": told.Width, "height": told.Height, "depth": told.Depth})
    if call.flags:
        call.reply(flags=told.Flags)
    return 0


@answers("cudaGetChannelDesc")
def channels(machine: Machine, call: AnyCall) -> int:
    told = described(call, call.number("array"))
    return call.reply(desc=channels_of(int(told.Format), told.NumChannels))


@answers("cudaDeviceGetTexture1DLinearMaxWidth")
def linear_width(machine: Machine, call: AnyCall) -> int:
    form, channels = format_of(call.fmtDesc)
    made = call.make(
        "cuDeviceGetTexture1DLinearMaxWidth",
        maxWidthInElements=call.number("maxWidthInElements"),
        format=form,
        numChannels=channels,
        dev=device(call, call.device),
    )
    return int(made.result)


# ---- copies of rectangles ------------------------------------------------------------------------------------------


def box_of(call: AnyCall, width: int, height: int) -> Any:
    """A CUDA_MEMCPY2D of so many bytes and rows."""
    return call.ffi.new("CUDA_MEMCPY2D *", {"WidthInBytes": width, "Height": height})


def place_array(call: AnyCall, copied: Any, side: str, x: int, y: int) -> None:
    """A side that is an array, from a byte and a row on."""
    fill_end(call, copied, side, ARRAY, call.number(side), 0)
    setattr(copied, side + "XInBytes", x)
    setattr(copied, side + "Y", y)


@answers(*variants("cudaMemcpy2DToArray"))
def rows_to_array(machine: Machine, call: AnyCall) -> int:
    return _rows(call, "src", "dst", call.spitch)


@answers(*variants("cudaMemcpy2DFromArray"))
def rows_from_array(machine: Machine, call: AnyCall) -> int:
    return _rows(call, "dst", "src", call.dpitch)


def _rows(call: AnyCall, side: str, array: str, pitch: int) -> int:
    """Rows of memory that are a pitch apart."""
    kind = ends_of(call, array)[side]
    if call.width > pitch and call.height:
        return INVALID_PITCH
    copied = box_of(call, call.width, call.height)
    fill_end(call, copied, side, kind, call.number(side), pitch)
    place_array(call, copied, array, call.wOffset, call.hOffset)
    return copy_rows(call, copied)


@answers("cudaMemcpy2DArrayToArray", "cudaMemcpy2DArrayToArray_ptds")
def rows_between_arrays(machine: Machine, call: AnyCall) -> int:
    ends_of(call, "src", "dst")
    copied = box_of(call, call.width, call.height)
    place_array(call, copied, "src", call.wOffsetSrc, call.hOffsetSrc)
    place_array(call, copied, "dst", call.wOffsetDst, call.hOffsetDst)
    return copy_rows(call, copied)


# ---- copies of bytes, which go on in the next row ------------------------------------------------------------------


class Run:
    """Bytes of an array that follow each other, row after row: where they begin, and bytes of a row."""

    def __init__(self, call: AnyCall, side: str, x: int, y: int) -> None:
        """Raises Refused for what is not in it."""
        told = described(call, call.number(side))
        kind = FORMATS[int(told.Format)]
        self.side, self.pitch = side, -(-told.Width // kind.side) * kind.size(told.NumChannels)
        rows = max(-(-told.Height // kind.side), 1)
        self.place = y * self.pitch + x
        if x >= self.pitch or self.place + call.count > rows * self.pitch:
            raise Refused(INVALID_VALUE)

    @property
    def x(self) -> int:
        """The byte of the row."""
        return int(self.place % self.pitch)

    @property
    def y(self) -> int:
        """The row."""
        return int(self.place // self.pitch)


def rectangles(call: AnyCall, runs: list[Run]) -> Iterator[tuple[int, Any]]:
    """What is left of a row, or as many rows as are whole: the bytes before that, and a CUDA_MEMCPY2D of it."""
    done = 0
    while done < call.count:
        width, height = min(call.count - done, *(run.pitch - run.x for run in runs)), 1
        if all(run.pitch == width for run in runs):
            height = (call.count - done) // width
        copied = box_of(call, width, height)
        for run in runs:
            place_array(call, copied, run.side, run.x, run.y)
            run.place += width * height
        yield done, copied
        done += width * height


@answers(*variants("cudaMemcpyToArray"))
def bytes_to_array(machine: Machine, call: AnyCall) -> int:
    return _bytes(call, "src", "dst")


@answers(*variants("cudaMemcpyFromArray"))
def bytes_from_array(machine: Machine, call: AnyCall) -> int:
    return _bytes(call, "dst", "src")


def _bytes(call: AnyCall, side: str, array: str) -> int:
    kind = ends_of(call, array)[side]
    for done, copied in rectangles(call, [Run(call, array, call.wOffset, call.hOffset)]):
        fill_end(call, copied, side, kind, call.number(side) + done, copied.WidthInBytes)
        refuse_unless_ok(copy_rows(call, copied))
    return 0


@answers("cudaMemcpyArrayToArray", "cudaMemcpyArrayToArray_ptds")
def bytes_between_arrays(machine: Machine, call: AnyCall) -> int:
    ends_of(call, "src", "dst")
    source = Run(call, "src", call.wOffsetSrc, call.hOffsetSrc)
    target = Run(call, "dst", call.wOffsetDst, call.hOffsetDst)
    for _, copied in rectangles(call, [source, target]):
        refuse_unless_ok(copy_rows(call, copied))
    return 0
