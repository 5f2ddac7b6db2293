"""Cases of misuse to which the virtual H200 gives another answer than the card, each with the reason."""

MISSING = "functions that are not here: CUDA_ERROR_NOT_SUPPORTED"
TEXTURES = "no textures, surfaces, mipmaps, sparse arrays"
SHARING = "nothing is shared with other processes"
HOST_MEMORY = "no pools and no physical memory of the host, nor pools of managed memory"
GREEN = "no shares of multiprocessors"
COMPUTED = "a kernel's fault is noticed where a body computes it, and at once"
COMPILED = "PTX is not compiled"
FREED = "the card's driver reads what it has freed"
NEWER = "names that are newer than the card's driver"

DIFFERENT = {
    "array.create_3d": TEXTURES,
    "array.describe": TEXTURES,
    "mipmap": TEXTURES,
    "mipmap.destroy_level": TEXTURES,
    "texture": TEXTURES,
    "surface": TEXTURES,
    "capture.memory": "a graph's memory is there from when its node is made",
    "context.none.others": MISSING,
    "context.limits": "what the card's heap and its launches can have at most is of its free memory, by no known rule",
    "context.events": MISSING,
    "init.before": "no private tables",
    "device.name_lengths": "the card's driver writes beyond a length below 1",
    "device.pci_bus_id": "the card's driver writes beyond a length below 1",
    "device.luid": MISSING,
    "device.texture_width": TEXTURES,
    "device.resources": GREEN,
    "device.green_contexts": GREEN,
    "errors.names": NEWER,
    "export_table": "no private tables",
    "flush_remote_writes": MISSING,
    "event.ipc": SHARING,
    "stream.default": "streams are numbered otherwise",
    "graph.destroyed": FREED,
    "graph.destroyed_node": FREED,
    "launch.shared": COMPUTED,
    "launch.parameters": COMPUTED,
    "mapping.create": HOST_MEMORY,
    "mapping.map": "the card's driver maps beyond the end of a reservation",
    "mapping.unmap_several": "what the card has mapped in mapping.map is in the way",
    "pool.create": HOST_MEMORY,
    "pool.default": SHARING,
    "pool.sharing": SHARING,
    "memory.set.unaligned": "the card's driver takes the number of bytes modulo 2 to the power of 64",
    "pointer.device": "no sharing with other processes, no RDMA, no engine that decompresses",
    "memory.range": SHARING,
    "memory.ipc": SHARING,
    "module.ptx.syntax_error": COMPILED,
    "module.ptx.unresolved": COMPILED,
    "module.names": TEXTURES,
    "link": COMPILED,
    "link.none": COMPILED,
    "library": "that is no image is said when a library is loaded, not when it is first used; no unified functions",
    "library.unloaded": FREED,
    "function.parameters": NEWER,
}
"""By case. test_misuse.py fails where one of these is not different any more."""
