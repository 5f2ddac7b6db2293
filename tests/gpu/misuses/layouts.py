"""The structures of cuda.h that the cases fill in."""

from __future__ import annotations

import ctypes
from typing import Any

TYPES: dict[str, Any] = {
    "Q": ctypes.c_uint64,
    "I": ctypes.c_uint32,
    "i": ctypes.c_int32,
    "H": ctypes.c_uint16,
    "B": ctypes.c_uint8,
    "f": ctypes.c_float,
}


def fields(text: str) -> list[tuple[str, Any]]:
    """`name:LETTER` or `name:LETTERcount` each, as ctypes wants them. Pointers and handles are Q."""
    found: list[tuple[str, Any]] = []
    for word in text.split():
        name, kind = word.split(":")
        element = TYPES[kind[0]]
        found.append((name, element * int(kind[1:]) if kind[1:] else element))
    return found


class Memcpy2D(ctypes.Structure):
    _fields_ = fields(
        "srcXInBytes:Q srcY:Q srcMemoryType:I srcHost:Q srcDevice:Q srcArray:Q srcPitch:Q "
        "dstXInBytes:Q dstY:Q dstMemoryType:I dstHost:Q dstDevice:Q dstArray:Q dstPitch:Q WidthInBytes:Q Height:Q"
    )


class Memcpy3D(ctypes.Structure):
    _fields_ = fields(
        "srcXInBytes:Q srcY:Q srcZ:Q srcLOD:Q srcMemoryType:I srcHost:Q srcDevice:Q srcArray:Q reserved0:Q srcPitch:Q "
        "srcHeight:Q dstXInBytes:Q dstY:Q dstZ:Q dstLOD:Q dstMemoryType:I dstHost:Q dstDevice:Q dstArray:Q "
        "reserved1:Q dstPitch:Q dstHeight:Q WidthInBytes:Q Height:Q Depth:Q"
    )


class Memcpy3DPeer(ctypes.Structure):
    _fields_ = fields(
        "srcXInBytes:Q srcY:Q srcZ:Q srcLOD:Q srcMemoryType:I srcHost:Q srcDevice:Q srcArray:Q srcContext:Q srcPitch:Q "
        "srcHeight:Q dstXInBytes:Q dstY:Q dstZ:Q dstLOD:Q dstMemoryType:I dstHost:Q dstDevice:Q dstArray:Q "
        "dstContext:Q dstPitch:Q dstHeight:Q WidthInBytes:Q Height:Q Depth:Q"
    )


class ArrayDescriptor(ctypes.Structure):
    _fields_ = fields("Width:Q Height:Q Format:I NumChannels:I")


class Array3DDescriptor(ctypes.Structure):
    _fields_ = fields("Width:Q Height:Q Depth:Q Format:I NumChannels:I Flags:I")


class KernelNode(ctypes.Structure):
    _fields_ = fields(
        "func:Q gridDimX:I gridDimY:I gridDimZ:I blockDimX:I blockDimY:I blockDimZ:I sharedMemBytes:I "
        "kernelParams:Q extra:Q kern:Q ctx:Q"
    )


class MemsetNode(ctypes.Structure):
    _fields_ = fields("dst:Q pitch:Q value:I elementSize:I width:Q height:Q")


class HostNode(ctypes.Structure):
    _fields_ = fields("fn:Q userData:Q")


class Location(ctypes.Structure):
    _fields_ = fields("type:I id:i")


class PoolProps(ctypes.Structure):
    _fields_ = fields(
        "allocType:I handleTypes:I locationType:I locationId:i win32SecurityAttributes:Q maxSize:Q usage:H "
        "gpuDirectRDMACapable:B reserved:B53"
    )


class AllocNode(ctypes.Structure):
    _fields_ = [
        ("poolProps", PoolProps),
        *fields("accessDescs:Q accessDescCount:Q bytesize:Q dptr:Q"),
    ]


class AllocationProp(ctypes.Structure):
    _fields_ = fields(
        "type:I requestedHandleTypes:I locationType:I locationId:i win32HandleMetaData:Q compressionType:B "
        "gpuDirectRDMACapable:B usage:H reserved:B4"
    )


class AccessDesc(ctypes.Structure):
    _fields_ = fields("locationType:I locationId:i flags:I")


class LaunchAttribute(ctypes.Structure):
    _fields_ = fields("id:I pad:B4 value:I16")


class LaunchConfig(ctypes.Structure):
    _fields_ = fields(
        "gridDimX:I gridDimY:I gridDimZ:I blockDimX:I blockDimY:I blockDimZ:I sharedMemBytes:I hStream:Q attrs:Q "
        "numAttrs:I"
    )


class LinearResource(ctypes.Structure):
    """CUDA_RESOURCE_DESC with linear or pitched memory, or a handle in devPtr."""

    _fields_ = fields(
        "resType:I hole:I devPtr:Q format:I numChannels:I width:Q height:Q pitchInBytes:Q rest:B88 flags:I end:I"
    )


class ViewDesc(ctypes.Structure):
    _fields_ = fields(
        "format:I width:Q height:Q depth:Q firstMipmapLevel:I lastMipmapLevel:I firstLayer:I lastLayer:I reserved:I16"
    )


class SparseProperties(ctypes.Structure):
    _fields_ = fields("tileExtent:I3 miptailFirstLevel:I miptailSize:Q flags:I reserved:I4")


class ArrayRequirements(ctypes.Structure):
    _fields_ = fields("size:Q alignment:Q reserved:I4")


class TextureDesc(ctypes.Structure):
    _fields_ = fields(
        "addressMode:I3 filterMode:I flags:I maxAnisotropy:I mipmapFilterMode:I mipmapLevelBias:f "
        "minMipmapLevelClamp:f maxMipmapLevelClamp:f borderColor:f4 reserved:i12"
    )


class UpdateResult(ctypes.Structure):
    _fields_ = fields("result:I errorNode:Q errorFromNode:Q")


class InstantiateParams(ctypes.Structure):
    _fields_ = fields("flags:Q hUploadStream:Q hErrNode_out:Q result_out:I")


class NodeParams(ctypes.Structure):
    """CUgraphNodeParams, the union as 29 words."""

    _fields_ = fields("type:I reserved0:i3 words:Q29 reserved2:Q")


class CtxCreateParams(ctypes.Structure):
    _fields_ = fields("execAffinityParams:Q numExecAffinityParams:i cigParams:Q")


class ExecAffinity(ctypes.Structure):
    _fields_ = fields("type:I smCount:I")


class Resource(ctypes.Structure):
    """CUdevResource; the first words of the union are those of CUdevSmResource."""

    _fields_ = fields(
        "type:I padding:B92 smCount:I minSmPartitionSize:I smCoscheduledAlignment:I flags:I rest:B24 nextResource:Q"
    )


class IpcHandle(ctypes.Structure):
    _fields_ = fields("reserved:B64")


class BatchOp(ctypes.Structure):
    """CUDA_MEMCPY3D_BATCH_OP. An operand that is an array has its offset where a pointer has lengths and a hint."""

    _fields_ = fields(
        "srcType:I srcHole:I src:Q srcRow:Q srcLayer:Q srcHint:Q dstType:I dstHole:I dst:Q dstRow:Q dstLayer:Q "
        "dstHint:Q width:Q height:Q depth:Q order:I flags:I"
    )
