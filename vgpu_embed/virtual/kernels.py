"""Launches of kernels: what a driver checks of them, and what is computed.

Results are those of driver 580.159.04 on an H100 as far as tests/devices/data/h100.json has them, else those of CUDA's
manual.
"""

from __future__ import annotations

from array import array
from struct import calcsize

from vgpu_embed.virtual import bodies
from vgpu_embed.virtual.answers import Answers, Refused, known
from vgpu_embed.virtual.code import memory
from vgpu_embed.virtual.events import event_of
from vgpu_embed.virtual.functions import (
    BLOCK,
    CLUSTER_DEPTH,
    CLUSTER_HEIGHT,
    CLUSTER_WIDTH,
    CLUSTERS,
    COOPERATIVE,
    GRID,
    INVALID_HANDLE,
    MAX_DYNAMIC_SHARED,
    MULTIPROCESSORS,
    NON_PORTABLE_CLUSTER,
    THREADS_PER_BLOCK,
    Three,
    blocks_per_multiprocessor,
    in_any_context,
)
from vgpu_embed.virtual.machine import INVALID_VALUE, NOT_SUPPORTED, initialised
from vgpu_embed.virtual.operations import KERNEL, Operation
from vgpu_embed.virtual.streams import LEGACY, handle_of, submit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from vgpu_embed.policy import KernelBody
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.functions import Function
    from vgpu_embed.virtual.machine import Machine

LAUNCH_OUT_OF_RESOURCES, COOPERATIVE_LAUNCH_TOO_LARGE, INVALID_CLUSTER_SIZE = 701, 720, 912
"""CUDA_ERROR_… of cuda.h."""

SIZES = ("gridDimX", "gridDimY", "gridDimZ", "blockDimX", "blockDimY", "blockDimZ")
END, BUFFER, BUFFER_SIZE = 0, 1, 2
"""CU_LAUNCH_PARAM_…: what the pairs in `extra` are."""
COOPERATIVE_LAUNCH, CLUSTER_DIMENSION, PROGRAMMATIC_EVENT, PREFERRED_CLUSTER = 2, 4, 7, 11
COMPLETION_EVENT, DEVICE_UPDATABLE = 12, 13
LAUNCH_ATTRIBUTES = (0, 1, 2, *range(4, 15), 16)
"""CU_LAUNCH_ATTRIBUTE_…: those that are looked at, and all that a launch can have."""
GREATEST = {5: (0, 2), 10: (0, 1), 14: (-1, 100)}
"""The least and the greatest value: how clusters are spread, domain of memory, share of shared memory."""
MOST_PARAMETERS = 32764
"""Bytes of the parameters of a kernel (compute capability 7.0 and later)."""
PORTABLE_CLUSTER, LARGEST_CLUSTER = 8, 16
"""Blocks of a cluster that every device with clusters has, and that an H100 has if the function allows it."""

answers = Answers(ready=initialised)


class Launch(Operation):
    """A launch, checked.

    function, grid, block, shared  what is launched, and how
    parameters, extra              where the program's parameters are: addresses, of which one is 0
    packed                         or what they are
    """

    node_type = KERNEL

    def __init__(
        self,
        machine: Machine,
        function: Function,
        grid: Three,
        block: Three,
        shared: int,
        parameters: int,
        extra: int,
        packed: bytes | None = None,
    ) -> None:
        self.machine = machine
        self.function = function
        self.grid = grid
        self.block = block
        self.shared = shared
        self._given = parameters, extra
        self._shown: tuple[list[array[int]], array[int]] | None = None
        """The parameters where a program that asks for them can read them, and their addresses."""
        self._kept = None if packed is None else _split(packed, self._layout())

    @property
    def inert(self) -> bool:  # type: ignore[override]
        """See Operation."""
        return body_of(self.machine, self.function) is None

    @classmethod
    def from_node(cls, machine: Machine, call: AnyCall, parameters: Any, context: int = 0) -> Launch:
        """See Operation: of CUDA_KERNEL_NODE_PARAMS of any version. The later ones may name a CUkernel instead."""
        given = parameters[0]
        handle = call.address_of(given.func) or call.address_of(getattr(given, "kern", given.func))
        function = function_of(machine, handle)
        grid = given.gridDimX, given.gridDimY, given.gridDimZ
        block = given.blockDimX, given.blockDimY, given.blockDimZ
        pointers = call.address_of(given.kernelParams), call.address_of(given.extra)
        launch = checked(machine, function, grid, block, given.sharedMemBytes, *pointers)
        launch.keep()
        return launch

    def fields(self) -> dict[str, Any]:
        """See Operation."""
        if self._shown is None:
            values = [array("B", value) for value in self.keep()]
            self._shown = values, array("Q", [value.buffer_info()[0] for value in values])
        sizes = zip(SIZES, (*self.grid, *self.block), strict=True)
        parameters = self._shown[1].buffer_info()[0] if self._shown[0] else 0
        return {
            "func": self.function.handle,
            **dict(sizes),
            "sharedMemBytes": self.shared,
            "kernelParams": parameters,
            "extra": 0,
        }

    def captured(self) -> Launch:
        """See Operation."""
        self.keep()
        return self

    def queued(self, task: object) -> None:
        """See Operation."""
        self.keep()

    def keep(self) -> list[bytes]:
        """The parameters by value: the program's are there during its call only."""
        if self._kept is None:
            self._kept = parameters_at(*self._given, self._layout())
        return self._kept

    def _layout(self) -> Sequence[tuple[int, int]]:
        """Offset and size of each parameter: the kernel's, or those that the body wants where they are not known."""
        known = self.function.entry.parameters
        if known is not None:
            return known
        body = body_of(self.machine, self.function)
        codes = body.parameters if body else None
        sizes = [calcsize(code) for code in codes or ()]
        offsets, end = [], 0
        for size in sizes:
            align = min(size & -size, 8)
            offsets.append(-(-end // align) * align)
            end = offsets[-1] + size
        return list(zip(offsets, sizes, strict=True))

    def run(self) -> None:
        """See Operation."""
        machine = self.machine
        body = body_of(machine, self.function)
        if body is not None:
            values = bodies.values_of(body, self.keep())
            launched = bodies.Launched(machine, self.function, self.grid, self.block, self.shared, values)
            if bodies.compute(machine, launched, self.function, body):
                return
        machine.programs.skip(self.function.name)

    @classmethod
    def tally(cls, operations: Sequence[Operation]) -> Callable[[], None]:
        """See Operation."""
        launches = [operation for operation in operations if isinstance(operation, Launch)]
        return launches[0].machine.programs.tally([launch.function.name for launch in launches])


def parameters_at(parameters: int, extra: int, layout: Sequence[tuple[int, int]]) -> list[bytes]:
    """The values of parameters that are given as `kernelParams` or as `extra`."""
    if not layout:
        return []
    if parameters:
        pointers = memory(parameters, 8 * len(layout)).cast("B").cast("Q")
        return [bytes(memory(pointer, size)) for pointer, (_, size) in zip(pointers, layout, strict=True)]
    buffer, room = 0, 0
    while key := _word(extra):
        if key == BUFFER:
            buffer = _word(extra + 8)
        elif key == BUFFER_SIZE:
            room = _word(_word(extra + 8))
        extra += 16
    return _split(bytes(memory(buffer, room)) if buffer else b"", layout)


def _split(data: bytes, layout: Sequence[tuple[int, int]]) -> list[bytes]:
    return [data[offset : offset + size].ljust(size, b"\0") for offset, size in layout]


def _word(address: int) -> int:
    return int.from_bytes(memory(address, 8), "little")


def function_at(machine: Machine, handle: int) -> Function:
    """The function of a handle, in whichever context. Raises Refused."""
    return in_any_context(machine, machine.programs.functions, handle)


def function_of(machine: Machine, handle: int, stream: int = 0) -> Function:
    """The function of a handle, which may be a library's kernel, for a launch in a stream. Raises Refused.

    A launch is in its stream's context; the default ones are the current context's.
    """
    where = machine.order.streams.get(stream)
    context = where.context if where else machine.current()
    if context.error:
        raise Refused(context.error)
    found = machine.programs.functions.get(handle)
    if found is not None:
        if found.context is not context:
            raise Refused(INVALID_HANDLE)
        return found
    return known(machine.programs.kernels, handle, INVALID_HANDLE).function(machine, context)


def body_of(machine: Machine, function: Function) -> KernelBody | None:
    """What the policies that are in force have for a kernel."""
    stack = machine.programs.policy.stack
    if function.stack is not stack:
        function.stack = stack
        function.body = bodies.find(stack, function)
        function.is_skipped = function.body is None and not machine.programs.fails
    return function.body


def checked(
    machine: Machine,
    function: Function,
    grid: Three,
    block: Three,
    shared: int,
    parameters: int,
    extra: int,
    cluster: Three | None = None,
    is_cooperative: bool = False,
    packed: bytes | None = None,
) -> Launch:
    """A launch, if a driver would make it; `packed` are its parameters where they are nowhere else. Raises Refused."""
    key = *grid, *block, shared
    if key not in function.launchable or cluster or is_cooperative:
        check_sizes(function, grid, block, 0 if is_cooperative else shared)
        check_cluster(function, grid, cluster)
        if is_cooperative:
            check_cooperative(function, grid, block, shared)
        function.launchable.add(key)
    if packed is None:
        check_parameters(function, parameters, extra)
    programs = machine.programs
    if body_of(machine, function) is None and programs.fails:
        programs.say(
            function.name, f"{function.name} is launched and no policy has a body for it: an error, as asked for"
        )
        raise Refused(NOT_SUPPORTED)
    return Launch(machine, function, grid, block, shared, parameters, extra, packed)


def check_parameters(function: Function, parameters: int, extra: int) -> None:
    """Refuses parameters that are given twice or not at all, or as pairs that are not whole."""
    layout = function.entry.parameters
    if parameters and extra:
        raise Refused(INVALID_VALUE)
    if not extra:
        if layout and (not parameters or 0 in memory(parameters, 8 * len(layout)).cast("B").cast("Q")):
            raise Refused(INVALID_VALUE)
        return
    given = {}
    while key := _word(extra):
        if key not in (BUFFER, BUFFER_SIZE):
            raise Refused(INVALID_VALUE)
        given[key] = _word(extra + 8)
        extra += 16
    size = _word(given[BUFFER_SIZE]) if given.get(BUFFER_SIZE) else 0
    if not given.get(BUFFER) or not 0 < size <= MOST_PARAMETERS:
        raise Refused(INVALID_VALUE)
    if layout is not None and size > (sum(layout[-1]) if layout else 0):
        raise Refused(LAUNCH_OUT_OF_RESOURCES)


def check_sizes(function: Function, grid: Three, block: Three, shared: int) -> None:
    """Refuses a grid, a block or shared memory that the device or the function cannot have."""
    device = function.device
    for length, limit in zip((*grid, *block), (*GRID, *BLOCK), strict=True):
        if not 0 < length <= device[limit]:
            raise Refused(INVALID_VALUE)
    threads = block[0] * block[1] * block[2]
    if threads > device[THREADS_PER_BLOCK] or shared > function.attributes[MAX_DYNAMIC_SHARED]:
        raise Refused(INVALID_VALUE)
    if function.entry.required_threads not in (None, block) and block != (1, 1, 1):
        raise Refused(INVALID_VALUE)
    if function.entry.most_threads and threads > function.entry.most_threads:
        raise Refused(INVALID_VALUE)
    if threads > function.most_threads:
        raise Refused(LAUNCH_OUT_OF_RESOURCES)


def check_cluster(function: Function, grid: Three, asked: Three | None) -> None:
    """Refuses a cluster that the device cannot have, or that the grid does not consist of."""
    said = function.attributes
    own = said[CLUSTER_WIDTH], said[CLUSTER_HEIGHT], said[CLUSTER_DEPTH]
    cluster = asked if asked and any(asked) else own
    if not any(cluster):
        if function.entry.cluster:  # each launch has to say
            raise Refused(INVALID_CLUSTER_SIZE)
        return
    if all(own) and cluster != own:
        raise Refused(INVALID_CLUSTER_SIZE)
    blocks = cluster[0] * cluster[1] * cluster[2]
    most = LARGEST_CLUSTER if said[NON_PORTABLE_CLUSTER] else PORTABLE_CLUSTER
    if (
        not function.device.get(CLUSTERS)
        or not 0 < blocks <= most
        or any(g % c for g, c in zip(grid, cluster, strict=True))
    ):
        raise Refused(INVALID_CLUSTER_SIZE)


def check_cooperative(function: Function, grid: Three, block: Three, shared: int) -> None:
    """Refuses a grid whose blocks do not all run at the same time."""
    device = function.device
    if not device[COOPERATIVE]:
        raise Refused(NOT_SUPPORTED)
    blocks = blocks_per_multiprocessor(function, block[0] * block[1] * block[2], shared)
    if grid[0] * grid[1] * grid[2] > blocks * device[MULTIPROCESSORS]:
        raise Refused(COOPERATIVE_LAUNCH_TOO_LARGE)


# ---- functions of the driver ---------------------------------------------------------------------------------------


@answers("cuLaunchKernel", "cuLaunchKernel_ptsz")
def launch_kernel(machine: Machine, call: AnyCall) -> int:
    """A launch like one before it, of which nothing is computed, is only counted where no stream has anything to do.

    It is not looked for NULL among the pointers to its parameters then.
    """
    order, programs = machine.order, machine.programs
    handle, x, y, z, width, height, depth, shared, stream, parameters, extra = call.numbers()
    function = function_of(machine, handle, stream)
    if (
        function.is_skipped
        and function.stack is programs.policy.stack
        and (x, y, z, width, height, depth, shared) in function.launchable
        and not order.last
        and not order.captures
        and not extra
        and (parameters or not function.entry.parameters)
        and (not stream or stream in order.streams)
    ):
        programs.skip(function.name)
        return 0
    launch = checked(machine, function, (x, y, z), (width, height, depth), shared, parameters, extra)
    submit(machine, handle_of(call, stream), launch)
    return 0


@answers("cuLaunchCooperativeKernel", "cuLaunchCooperativeKernel_ptsz")
def launch_cooperative_kernel(machine: Machine, call: AnyCall) -> int:
    launch = checked(
        machine,
        function_of(machine, call.number("f"), call.number("hStream")),
        (call.gridDimX, call.gridDimY, call.gridDimZ),
        (call.blockDimX, call.blockDimY, call.blockDimZ),
        call.sharedMemBytes,
        call.number("kernelParams"),
        0,
        is_cooperative=True,
    )
    submit(machine, handle_of(call, call.hStream), launch)
    return 0


@answers("cuLaunchKernelEx", "cuLaunchKernelEx_ptsz")
def launch_kernel_ex(machine: Machine, call: AnyCall) -> int:
    """Of the attributes a cluster and cooperation are looked at; others are hints, and need only be right."""
    if not call.config:
        return INVALID_VALUE
    config = call.config[0]
    if config.numAttrs and not config.attrs:
        return INVALID_VALUE
    cluster, is_cooperative, is_preferred = None, False, False
    for number in range(config.numAttrs):
        attribute = config.attrs[number]
        check_attribute(machine, call, attribute)
        if attribute.id == CLUSTER_DIMENSION:
            asked = attribute.value.clusterDim
            cluster = asked.x, asked.y, asked.z
        elif attribute.id == COOPERATIVE_LAUNCH:
            is_cooperative = bool(attribute.value.cooperative)
        elif attribute.id == PREFERRED_CLUSTER:
            is_preferred = True
    function = function_of(machine, call.number("f"), call.address_of(config.hStream))
    if is_preferred and not cluster and not function.entry.cluster:
        return INVALID_CLUSTER_SIZE
    launch = checked(
        machine,
        function,
        (config.gridDimX, config.gridDimY, config.gridDimZ),
        (config.blockDimX, config.blockDimY, config.blockDimZ),
        config.sharedMemBytes,
        call.number("kernelParams"),
        call.number("extra"),
        cluster,
        is_cooperative,
    )
    submit(machine, handle_of(call, config.hStream), launch)
    return 0


def check_attribute(machine: Machine, call: AnyCall, attribute: Any) -> None:
    """Refuses an attribute that no launch can have."""
    if attribute.id not in LAUNCH_ATTRIBUTES:
        raise Refused(INVALID_VALUE)
    if attribute.id == PROGRAMMATIC_EVENT:
        event_of(machine, call.address_of(attribute.value.programmaticEvent.event))
    elif attribute.id == COMPLETION_EVENT:
        event_of(machine, call.address_of(attribute.value.launchCompletionEvent.event))
    elif attribute.id == DEVICE_UPDATABLE:
        raise Refused(NOT_SUPPORTED)
    elif attribute.id in GREATEST:
        value = call.ffi.cast("int *", call.ffi.addressof(attribute.value))[0]
        least, greatest = GREATEST[attribute.id]
        if not least <= value <= greatest:
            raise Refused(INVALID_VALUE)


# ---- launches of CUDA 2 --------------------------------------------------------------------------------------------


@answers("cuFuncSetBlockShape")
def set_block_shape(machine: Machine, call: AnyCall) -> int:
    function = function_at(machine, call.number("hfunc"))
    block = call.x, call.y, call.z
    check_sizes(function, (1, 1, 1), block, 0)
    function.block = block
    return 0


@answers("cuFuncSetSharedSize")
def set_shared_size(machine: Machine, call: AnyCall) -> int:
    function_at(machine, call.number("hfunc")).shared = call.bytes
    return 0


@answers("cuParamSetSize")
def set_parameter_size(machine: Machine, call: AnyCall) -> int:
    packed = function_at(machine, call.number("hfunc")).packed
    packed[:] = packed[: call.numbytes].ljust(call.numbytes, b"\0")
    return 0


@answers("cuParamSeti", "cuParamSetf", "cuParamSetv")
def set_parameter(machine: Machine, call: AnyCall) -> int:
    """A number's four bytes, or so many bytes from where a pointer points to, at an offset."""
    if call.offset < 0:
        return INVALID_VALUE
    packed = function_at(machine, call.number("hfunc")).packed
    if call.function == "cuParamSetv":
        data = bytes(memory(call.address_of(call.ptr), call.numbytes))
    elif call.function == "cuParamSeti":
        data = call.value.to_bytes(4, "little")
    else:
        from struct import pack

        data = pack("<f", call.value)
    end = call.offset + len(data)
    if end > len(packed):
        packed.extend(bytes(end - len(packed)))
    packed[call.offset : end] = data
    return 0


@answers("cuLaunch", "cuLaunchGrid", "cuLaunchGridAsync")
def launch_grid(machine: Machine, call: AnyCall) -> int:
    function = function_of(machine, call.number("f"))
    grid = (1, 1, 1) if call.function == "cuLaunch" else (call.grid_width, call.grid_height, 1)
    stream = handle_of(call, call.hStream) if call.function.endswith("Async") else LEGACY
    launch = checked(machine, function, grid, function.block, function.shared, 0, 0, packed=bytes(function.packed))
    submit(machine, stream, launch)
    return 0
