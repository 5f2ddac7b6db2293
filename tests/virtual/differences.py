"""Cases of misuse to which the virtual H200 gives another answer than the card, each with the reason."""

GREEN = "no shares of multiprocessors"
COMPUTED = "a kernel's fault is noticed where a body computes it, and at once"
UNMAPPED = "a copy to an array that has no memory is told so itself"
COMPILED = "PTX is not compiled"
FREED = "the card's driver reads what it has freed"
GONE = "the card reads something by a handle that is 0 or gone; a body is told that it is none"
EXPLAINED = "that a call fails is in the log, seldom why"
NEWER = "names that are newer than the card's driver"

DIFFERENT = {
    "logs.callback": EXPLAINED,
    "logs.memory": EXPLAINED + "; the card's driver writes beyond the end of a buffer",
    "array.sparse.unmapped": UNMAPPED,
    "capture.memory": "a graph's memory is there from when its node is made",
    "context.limits": "what the card's heap and its launches can have at most is of its free memory, by no known rule",
    "init.before": "no private tables",
    "device.name_lengths": "the card's driver writes beyond a length below 1",
    "device.pci_bus_id": "the card's driver writes beyond a length below 1",
    "device.resources": GREEN,
    "device.green_contexts": GREEN,
    "errors.names": NEWER,
    "export_table": "no private tables",
    "stream.default": "streams are numbered otherwise",
    "graph.destroyed": FREED,
    "graph.destroyed_node": FREED,
    "launch.read_texture.none": GONE,
    "launch.read_texture.destroyed": GONE,
    "launch.read_texture.array_destroyed": GONE,
    "launch.read_surface.none": GONE,
    "launch.read_surface.destroyed": GONE,
    "launch.read_surface.array_destroyed": GONE,
    "launch.shared": COMPUTED,
    "launch.parameters": COMPUTED,
    "mapping.map": "the card's driver maps beyond the end of a reservation",
    "mapping.unmap_several": "what the card has mapped in mapping.map is in the way",
    "memory.set.unaligned": "the card's driver takes the number of bytes modulo 2 to the power of 64",
    "pointer.device": "no RDMA, no engine that decompresses",
    "memory.range": "no descriptors of address ranges",
    "module.ptx.syntax_error": COMPILED,
    "link": COMPILED,
    "link.failed": COMPILED,
    "library": "that is no image is said when a library is loaded, not when it is first used; no unified functions",
    "library.unloaded": FREED,
    "function.parameters": NEWER,
    "peer.kernel": COMPUTED,
    "peer.kernel_before": COMPUTED,
    "peer.host_pools": "a driver keeps what is freed until it is synchronised next, and names pools that are gone",
    "ipc.event_gone": "the card's driver opens events that nobody has any more",
    "ipc.event_dies": "what a process has not done that has ended is not waited for",
    "descriptor.pool_alone": FREED,
}
"""By case. test_misuse.py fails where one of these is not different any more."""
