"""The runtime's texture and surface objects: the driver's, described by structs of its own.

Those of CUDA 11 and 12 lack what CUDA 13's have at their ends.
"""

from __future__ import annotations

from vgpu_embed import tables
from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.machine import INVALID_VALUE
from vgpu_embed.virtual.memory.arrays import CUBEMAP
from vgpu_embed.virtual.memory.textures import ARRAY, AS_INTEGER, LINEAR, MIPMAP, NORMALIZED, PITCHED, SEAMLESS
from vgpu_embed.virtual.runtime.channels import channels_of, described, format_of
from vgpu_embed.virtual.runtime.devices import in_context
from vgpu_embed.virtual.runtime.errors import refuse_unless_ok, remember

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

FLAGS = {
    "sRGB": 0x10,
    "normalizedCoords": NORMALIZED,
    "disableTrilinearOptimization": 0x20,
    "seamlessCubemap": SEAMLESS,
}
"""CU_TRSF_…, by the fields that are flags of the driver's. READ_AS_INTEGER is what `readMode` says."""
ALIKE = (
    "filterMode",
    "maxAnisotropy",
    "mipmapFilterMode",
    "mipmapLevelBias",
    "minMipmapLevelClamp",
    "maxMipmapLevelClamp",
)
"""Fields of both descriptions of a texture."""
VIEW = ("format", "width", "height", "depth", "firstMipmapLevel", "lastMipmapLevel", "firstLayer", "lastLayer")
"""All fields of a view but what is reserved."""
MEMBERS = ("array", "mipmap", "linear", "pitch2D")
"""Of a resource, by its type."""

answers = Answers(ready=in_context, reported=remember)


def resource_of(call: AnyCall, given: Any) -> Any:
    """The CUDA_RESOURCE_DESC of a cudaResourceDesc. Raises Refused."""
    kind = given.resType if given else len(MEMBERS)
    if kind >= len(MEMBERS):
        raise Refused(INVALID_VALUE)
    made = call.ffi.new("CUDA_RESOURCE_DESC *", {"resType": kind})
    member, own = getattr(made.res, MEMBERS[kind]), getattr(given.res, MEMBERS[kind])
    if kind in (LINEAR, PITCHED):
        member.devPtr = call.address_of(own.devPtr)
        member.format, member.numChannels = format_of(own.desc)
        for name in _sizes(kind):
            setattr(member, name, getattr(own, name))
    elif kind:
        member.hMipmappedArray = call.ffi.cast("CUmipmappedArray", own.mipmap)
    else:
        member.hArray = call.ffi.cast("CUarray", own.array)
    return made


def _sizes(kind: int) -> tuple[str, ...]:
    return ("sizeInBytes",) if kind == LINEAR else ("width", "height", "pitchInBytes")


@answers("cudaCreateSurfaceObject")
def create_surface(machine: Machine, call: AnyCall) -> int:
    resource = resource_of(call, call.pResDesc)
    made = call.make("cuSurfObjectCreate", pSurfObject=call.number("pSurfObject"), pResDesc=call.address_of(resource))
    return int(made.result)


@answers("cudaCreateTextureObject", "cudaCreateTextureObject_v2")
def create_texture(machine: Machine, call: AnyCall) -> int:
    resource = resource_of(call, call.pResDesc)
    description = texture_of(call, call.pTexDesc, resource)
    view, given = call.ffi.new("CUDA_RESOURCE_VIEW_DESC *"), call.pResViewDesc
    for name in VIEW if given else ():
        setattr(view, name, getattr(given, name))
    made = call.make(
        "cuTexObjectCreate",
        pTexObject=call.number("pTexObject"),
        pResDesc=call.address_of(resource),
        pTexDesc=call.address_of(description),
        pResViewDesc=call.address_of(view) if given else 0,
    )
    return int(made.result)


def texture_of(call: AnyCall, given: Any, resource: Any) -> Any:
    """The CUDA_TEXTURE_DESC of a cudaTextureDesc. Raises Refused."""
    if not given:
        raise Refused(INVALID_VALUE)
    made = call.ffi.new("CUDA_TEXTURE_DESC *")
    for name in ALIKE:
        setattr(made, name, getattr(given, name))
    made.addressMode, made.borderColor = list(given.addressMode), list(given.borderColor)
    made.flags = 0 if given.readMode else AS_INTEGER
    for name, flag in FLAGS.items():
        made.flags |= flag if getattr(given, name) else 0
    if made.flags & SEAMLESS and not is_cube(call, resource):
        made.flags &= ~SEAMLESS  # CUDA 11's struct ends before that field
    return made


def is_cube(call: AnyCall, resource: Any) -> bool:
    """Whether a CUDA_RESOURCE_DESC is of a cubemap. Raises Refused."""
    if resource.resType == MIPMAP:
        mipmap = call.address_of(resource.res.mipmap.hMipmappedArray)
        made = call.make("cuMipmappedArrayGetLevel", hMipmappedArray=mipmap)
        refuse_unless_ok(made.result)
        array = made.pLevelArray
    elif resource.resType == ARRAY:
        array = resource.res.array.hArray
    else:
        return False
    return bool(described(call, call.address_of(array)).Flags & CUBEMAP)


# ---- what is told of them ------------------------------------------------------------------------------------------


def tell(call: AnyCall, output: str, ctype: str, fields: dict[str, Any]) -> int:
    """Writes a struct as far as the program's version has it."""
    made = call.ffi.new(f"struct {ctype} *", fields)
    [size] = [p.out_size for p in tables.function(call.function).parameters or () if p.attribute == output]
    outputs: dict[str, Any] = {output: bytes(call.ffi.buffer(made, int(size or 0)))}
    return call.reply(**outputs)


@answers("cudaGetTextureObjectResourceDesc", "cudaGetTextureObjectResourceDesc@12")
def texture_resource(machine: Machine, call: AnyCall) -> int:
    return _resource(call, "cuTexObjectGetResourceDesc", texObject=call.texObject)


@answers("cudaGetSurfaceObjectResourceDesc", "cudaGetSurfaceObjectResourceDesc@12")
def surface_resource(machine: Machine, call: AnyCall) -> int:
    return _resource(call, "cuSurfObjectGetResourceDesc", surfObject=call.surfObject)


def _resource(call: AnyCall, driver: str, **named: int) -> int:
    told = call.ffi.new("CUDA_RESOURCE_DESC *")
    refuse_unless_ok(call.make(driver, pResDesc=call.address_of(told), **named).result)
    kind = int(told.resType)
    member = getattr(told.res, MEMBERS[kind])
    if kind in (LINEAR, PITCHED):
        own = {"devPtr": call.ffi.cast("void *", member.devPtr)}
        own["desc"] = channels_of(int(member.format), member.numChannels)
        own.update((name, getattr(member, name)) for name in _sizes(kind))
    elif kind:
        own = {"mipmap": call.ffi.cast("cudaMipmappedArray_t", member.hMipmappedArray)}
    else:
        own = {"array": call.ffi.cast("cudaArray_t", member.hArray)}
    return tell(call, "pResDesc", "cudaResourceDesc", {"resType": kind, "res": {MEMBERS[kind]: own}})


@answers("cudaGetTextureObjectTextureDesc", "cudaGetTextureObjectTextureDesc@11", "cudaGetTextureObjectTextureDesc_v2")
def texture_description(machine: Machine, call: AnyCall) -> int:
    told = call.ffi.new("CUDA_TEXTURE_DESC *")
    made = call.make("cuTexObjectGetTextureDesc", pTexDesc=call.address_of(told), texObject=call.texObject)
    refuse_unless_ok(made.result)
    fields = {name: getattr(told, name) for name in ALIKE}
    fields |= {name: int(bool(told.flags & flag)) for name, flag in FLAGS.items()}
    fields |= {"addressMode": list(told.addressMode), "borderColor": list(told.borderColor)}
    fields["readMode"] = int(not told.flags & AS_INTEGER)
    return tell(call, "pTexDesc", "cudaTextureDesc", fields)


@answers("cudaGetTextureObjectResourceViewDesc", "cudaGetTextureObjectResourceViewDesc@12")
def texture_view(machine: Machine, call: AnyCall) -> int:
    told = call.ffi.new("CUDA_RESOURCE_VIEW_DESC *")
    made = call.make("cuTexObjectGetResourceViewDesc", pResViewDesc=call.address_of(told), texObject=call.texObject)
    refuse_unless_ok(made.result)
    return tell(call, "pResViewDesc", "cudaResourceViewDesc", {name: getattr(told, name) for name in VIEW})
