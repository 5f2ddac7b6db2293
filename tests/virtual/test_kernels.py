"""Modules and launches: against what a real driver said, and what policies compute."""

from __future__ import annotations

import json
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from support import TESTS, built

from vgpu_embed import CUresult, KernelLaunch, policy
from vgpu_embed.policy import Policy, PolicyError
from vgpu_embed.testing import ffi
from vgpu_embed.virtual import bodies, fatbinary
from virtual.conftest import Machine
from virtual.harness import Program

REAL: dict[str, Any] = json.loads((TESTS / "devices/data/h100.json").read_text("utf-8"))
SMALL = b"""
.version 8.0
.target sm_80
.global .align 4 .u32 counter = 7;
.visible .entry k(.param .u64 p, .param .u32 n)
{
    .reg .b32 %r<5>;
    .shared .align 4 .b8 kept[2048];
    ret;
}
.visible .entry _ZN5space5emptyEv() .maxntid 64 { ret; }
.visible .entry exact() .reqntid 32 { ret; }
"""
MAX_DYNAMIC_SHARED = 8
WHOLE = 227 << 10


class Loaded:
    """A program with a module in the current context of its device."""

    def __init__(self, program: Program, image: bytes = SMALL) -> None:
        self.program = program
        context = ffi.new("CUcontext *")
        assert program.call("cuInit", 0) == 0
        assert program.call("cuDevicePrimaryCtxRetain", context, 0) == 0
        assert program.call("cuCtxSetCurrent", context[0]) == 0
        self.module = ffi.new("CUmodule *")
        assert self.load(image) == 0

    def load(self, image: bytes) -> int:
        self.image = ffi.new("char[]", image)
        return int(self.program.call("cuModuleLoadData", self.module, self.image))

    def function(self, name: str = "k") -> Any:
        found = ffi.new("CUfunction *")
        assert self.program.call("cuModuleGetFunction", found, self.module[0], name) == 0
        return found[0]

    def launch(
        self, function: Any, grid: Any = (1, 1, 1), block: Any = (1, 1, 1), shared: int = 0, values: Any = (0, 0)
    ) -> int:
        """Launches a kernel with a pointer and a number."""
        given = ffi.new("uint64_t *", values[0]), ffi.new("uint32_t *", values[1])
        pointers = ffi.new("void *[]", given)
        return int(self.program.call("cuLaunchKernel", function, *grid, *block, shared, None, pointers, None))

    def variable(self, name: str = "counter") -> int:
        place, size = ffi.new("CUdeviceptr *"), ffi.new("size_t *")
        assert self.program.call("cuModuleGetGlobal_v2", place, size, self.module[0], name) == 0
        return int(place[0])


@pytest.fixture
def loaded(h100: Program) -> Loaded:
    return Loaded(h100)


class TestModules:
    def test_what_is_no_image(self, loaded: Loaded) -> None:
        assert loaded.load(b"garbage") == REAL["module_garbage"]
        assert loaded.load(b".version 8.0\n.target sm_120\n.address_size 64\n") == REAL["ptx_newer_target"]
        assert loaded.load(b".version 8.0\n.target sm_80a\n") == REAL["ptx_newer_target"]
        assert loaded.program.call("cuModuleLoadData", loaded.module, None) == 1
        assert loaded.program.call("cuModuleLoad", loaded.module, "/nowhere") == 301

    def test_images_for_other_devices(self, machine: Machine) -> None:
        images = built(TESTS / "cuda")
        for gpu, cubin, whole in (("h100", 209, 0), ("a100", 0, 0), ("t4", 209, 209)):
            one = Loaded(machine(gpu), SMALL.replace(b"sm_80", b"sm_70"))
            assert one.load((images / "sm_80.cubin").read_bytes()) == cubin
            assert one.load((images / "zstd.fatbin").read_bytes()) == whole

    def test_functions(self, loaded: Loaded) -> None:
        program, found = loaded.program, ffi.new("CUfunction[3]")
        missing = program.call("cuModuleGetFunction", found, loaded.module[0], "missing")
        assert missing == REAL["get_function_missing"]
        assert program.number("cuModuleGetFunctionCount", loaded.module[0]) == [0, 3]
        assert program.call("cuModuleEnumerateFunctions", found, 3, loaded.module[0]) == 0
        assert found[0] == loaded.function("k")
        name = ffi.new("char **")
        assert program.call("cuFuncGetName", name, found[2]) == 0
        assert ffi.string(name[0]) == b"exact"
        module = ffi.new("CUmodule *")
        assert program.call("cuFuncGetModule", module, found[0]) == 0
        assert module[0] == loaded.module[0]
        offset, size = ffi.new("size_t *"), ffi.new("size_t *")
        assert program.call("cuFuncGetParamInfo", found[0], 1, offset, size) == 0
        assert (offset[0], size[0]) == (8, 4)
        assert program.call("cuFuncGetParamInfo", found[0], 2, offset, size) == 1

    def test_attributes(self, loaded: Loaded) -> None:
        """Of a kernel with 2048 bytes of shared memory, as the real one is; here PTX says that it is for sm_80."""
        function, program = loaded.function(), loaded.program
        seen = {n: program.number("cuFuncGetAttribute", int(n), function) for n in REAL["func_attrs"]}
        assert seen == {**REAL["func_attrs"], "5": [0, 80]}
        assert program.number("cuFuncGetAttribute", 16, function)[0] == 1
        assert program.number("cuFuncGetAttribute", 0, None)[0] == 400

    def test_shared_memory_that_is_asked_for(self, loaded: Loaded) -> None:
        function, program = loaded.function(), loaded.program
        assert loaded.launch(function, shared=47105) == 1
        assert program.call("cuFuncSetAttribute", function, MAX_DYNAMIC_SHARED, WHOLE - 2047) == 1
        assert program.call("cuFuncSetAttribute", function, MAX_DYNAMIC_SHARED, WHOLE - 2048) == 0
        assert loaded.launch(function, shared=WHOLE - 2048) == 0
        assert program.call("cuFuncSetAttribute", function, 0, 1) == 1

    def test_variables(self, loaded: Loaded) -> None:
        place = loaded.variable()
        assert place == loaded.variable()
        size = ffi.new("size_t *")
        assert loaded.program.call("cuModuleGetGlobal_v2", None, size, loaded.module[0], "counter") == 0
        assert size[0] == 4
        assert loaded.program.call("cuModuleGetGlobal_v2", None, size, loaded.module[0], "k") == 1
        assert loaded.program.call("cuModuleGetGlobal_v2", None, size, loaded.module[0], "none") == 500
        assert size[0] == 0

    def test_what_was_unloaded(self, loaded: Loaded) -> None:
        function = loaded.function()
        assert loaded.program.call("cuModuleUnload", loaded.module[0]) == 0
        assert loaded.program.call("cuModuleUnload", loaded.module[0]) == 400
        assert loaded.launch(function) == 400

    def test_libraries(self, loaded: Loaded) -> None:
        """A kernel of a library is a function in the context that is current."""
        program, library, kernel = loaded.program, ffi.new("CUlibrary *"), ffi.new("CUkernel *")
        assert program.call("cuLibraryLoadData", library, loaded.image, None, None, 0, None, None, 0) == 0
        assert program.number("cuLibraryGetKernelCount", library[0]) == [0, 3]
        assert program.call("cuLibraryGetKernel", kernel, library[0], "k") == 0
        assert program.number("cuKernelGetAttribute", 1, kernel[0], 0) == [0, 2048]
        assert loaded.launch(kernel[0]) == 0
        function = ffi.new("CUfunction *")
        assert program.call("cuKernelGetFunction", function, kernel[0]) == 0
        assert loaded.launch(function[0]) == 0
        assert program.call("cuLibraryUnload", library[0]) == 0
        assert loaded.launch(kernel[0]) == loaded.launch(function[0]) == 400


def test_occupancy(loaded: Loaded) -> None:
    """Every one of the results of a real H100."""
    programs = loaded.program.driver.machine.programs
    handle, seen = loaded.function("_ZN5space5emptyEv"), []
    function = programs.functions[int(ffi.cast("uintptr_t", handle))]
    function.attributes[MAX_DYNAMIC_SHARED] = WHOLE
    function.most_threads = 1024
    for registers, block, shared, _, _ in REAL["occupancy"]["rows"]:
        function.entry.registers = registers
        answer = loaded.program.number("cuOccupancyMaxActiveBlocksPerMultiprocessor", handle, block, shared)
        seen.append([registers, block, shared, *answer])
    assert seen == REAL["occupancy"]["rows"]
    assert len(seen) == 210


class TestLaunches:
    def test_what_a_driver_refuses(self, loaded: Loaded) -> None:
        function, expected = loaded.function(), REAL["launch_errors"]
        assert loaded.launch(function, grid=(0, 1, 1)) == expected["grid0"]
        assert loaded.launch(function, block=(2048, 1, 1)) == expected["block2048"]
        assert loaded.launch(function, shared=1 << 20) == expected["shared_1MB"]
        assert loaded.launch(function, block=(1, 1, 65)) == expected["blockz65"]
        assert loaded.launch(function, grid=(1, 65536, 1)) == 1
        assert loaded.launch(None) == 400

    def test_what_a_kernel_allows(self, loaded: Loaded) -> None:
        assert loaded.launch(loaded.function("_ZN5space5emptyEv"), block=(65, 1, 1)) == 1
        assert loaded.launch(loaded.function("exact"), block=(16, 1, 1)) == 1
        assert loaded.launch(loaded.function("exact"), block=(32, 1, 1)) == 0

    def test_parameters_that_are_not_given(self, loaded: Loaded) -> None:
        one = (1, 1, 1, 1, 1, 1, 0, None)
        assert loaded.program.call("cuLaunchKernel", loaded.function(), *one, None, None) == 1
        assert (
            loaded.program.call("cuLaunchKernel", loaded.function("exact"), 1, 1, 1, 32, 1, 1, 0, None, None, None) == 0
        )

    def test_a_grid_that_does_not_run_at_once(self, loaded: Loaded) -> None:
        function = loaded.function("_ZN5space5emptyEv")
        for blocks, result in ((132 * 32, 0), (132 * 32 + 1, 720)):
            sizes = (blocks, 1, 1, 64, 1, 1, 0, None, None)
            assert loaded.program.call("cuLaunchCooperativeKernel", function, *sizes) == result

    def test_clusters(self, loaded: Loaded) -> None:
        function = loaded.function("_ZN5space5emptyEv")
        for grid, cluster, result in ((8, 4, 0), (6, 4, 912), (32, 16, 912)):
            attributes = ffi.new("CUlaunchAttribute[1]")
            attributes[0].id = 4
            attributes[0].value.clusterDim = (cluster, 1, 1)
            config = ffi.new("CUlaunchConfig *", [grid, 1, 1, 32, 1, 1, 0, ffi.NULL, attributes, 1])
            assert loaded.program.call("cuLaunchKernelEx", config, function, None, None) == result

    def test_on_another_device(self, machine: Machine) -> None:
        """A function belongs to its context."""
        loaded = Loaded(machine("2xh100"))
        function, context = loaded.function(), ffi.new("CUcontext *")
        loaded.program.call("cuDevicePrimaryCtxRetain", context, 1)
        loaded.program.call("cuCtxSetCurrent", context[0])
        assert loaded.launch(function) == 400


class TestSkipping:
    def test_is_counted_and_said_once(self, loaded: Loaded, capsys: pytest.CaptureFixture[str]) -> None:
        for _ in range(3):
            loaded.launch(loaded.function())
        loaded.launch(loaded.function("_ZN5space5emptyEv"))
        skipped = loaded.program.driver.machine.programs.policy.skipped
        assert skipped == {"k": 3, "_ZN5space5emptyEv": 1}
        lines = [line for line in loaded.program.driver.log if "not computed" in line]
        assert lines == [
            "kernels: k is launched and not computed, like every kernel for which no policy has a body; "
            "vgpu-embed status counts them"
        ]

    def test_as_an_error(self, machine: Machine, environment: dict[str, str]) -> None:
        environment["VGPU_KERNELS"] = "fail"
        computes = Policy()
        computes.kernel("exact")(lambda launch: None)
        loaded = Loaded(machine("h100", computes))
        assert [loaded.launch(loaded.function()) for _ in range(2)] == [801, 801]
        assert loaded.launch(loaded.function("exact"), block=(32, 1, 1)) == 0
        assert [line for line in loaded.program.driver.log if "no policy has a body" in line] == [
            "kernels: k is launched and no policy has a body for it: an error, as asked for"
        ]


class TestBodies:
    def run(self, machine: Machine, computes: Policy, **how: Any) -> tuple[Loaded, int]:
        loaded = Loaded(machine("h100", computes))
        return loaded, loaded.launch(loaded.function(), **how)

    def test_gets_the_launch(self, machine: Machine) -> None:
        computes, seen = Policy(), []

        @computes.kernel("k", parameters="Pi")
        def body(launch: KernelLaunch, p: int, n: int) -> None:
            seen.append((launch.name, launch.grid, launch.block, launch.shared, launch.device, p, n))

        assert self.run(machine, computes, grid=(2, 3, 4), block=(5, 6, 7), shared=8, values=(1 << 40, 9))[1] == 0
        assert seen == [("k", (2, 3, 4), (5, 6, 7), 8, 0, 1 << 40, 9)]

    def test_without_types_it_gets_bytes(self, machine: Machine) -> None:
        computes, seen = Policy(), []
        computes.kernel("k")(lambda launch: seen.append(launch.parameters))
        self.run(machine, computes, values=(1, 2))
        assert seen == [(pack("<Q", 1), pack("<I", 2))]

    def test_parameters_in_a_buffer(self, machine: Machine) -> None:
        """The other way of cuLaunchKernel, and the ones of CUDA 2."""
        computes, seen = Policy(), []
        computes.kernel("k", parameters="Pi")(lambda launch, p, n: seen.append((launch.block, p, n)))
        loaded = Loaded(machine("h100", computes))
        program, function = loaded.program, loaded.function()
        buffer, size = ffi.new("char[]", pack("<QI", 3, 4)), ffi.new("size_t *", 12)
        extra = ffi.new("void *[]", [ffi.cast("void *", 1), buffer, ffi.cast("void *", 2), size, ffi.NULL])
        assert program.call("cuLaunchKernel", function, 1, 1, 1, 1, 1, 1, 0, None, None, extra) == 0
        assert program.call("cuFuncSetBlockShape", function, 4, 2, 1) == 0
        assert program.call("cuParamSetSize", function, 12) == 0
        assert program.call("cuParamSetv", function, 0, ffi.new("uint64_t *", 5), 8) == 0
        assert program.call("cuParamSeti", function, 8, 6) == 0
        assert program.call("cuLaunchGrid", function, 2, 1) == 0
        assert seen == [((1, 1, 1), 3, 4), ((4, 2, 1), 5, 6)]

    def test_reads_and_writes_device_memory(self, machine: Machine) -> None:
        computes, seen = Policy(), []

        @computes.kernel("k", parameters="Pi")
        def body(launch: KernelLaunch, p: int, n: int) -> None:
            assert launch.variable("counter") == (p, 4)
            values = launch.array(p, "i", 1)
            seen.append((int(values[0]), values.shape))
            values[0] += n

        loaded = Loaded(machine("h100", computes))
        for _ in range(2):
            assert loaded.launch(loaded.function(), values=(loaded.variable(), 5)) == 0
        assert seen == [(7, (1,)), (12, (1,))]

    def test_an_illegal_address_breaks_the_context(self, machine: Machine) -> None:
        computes = Policy()
        computes.kernel("k", parameters="Pi")(lambda launch, p, n: launch.array(p, "f", n) and None)
        loaded = Loaded(machine("h100", computes))
        function = loaded.function()
        assert loaded.launch(function, values=(0, 4)) == 0  # as on a GPU, whoever asks next is told
        assert loaded.program.call("cuCtxSynchronize") == 700
        assert loaded.launch(function) == 700

    def test_a_result_breaks_the_context(self, machine: Machine) -> None:
        computes = Policy()
        computes.kernel("k")(lambda launch: CUresult.ERROR_HARDWARE_STACK_ERROR)
        loaded, _ = self.run(machine, computes)
        assert loaded.program.call("cuCtxSynchronize") == CUresult.ERROR_HARDWARE_STACK_ERROR

    @pytest.mark.parametrize(("on_error", "after"), [("forward", 0), ("deny", 719)])
    def test_one_that_raises(self, machine: Machine, on_error: str, after: int) -> None:
        """It is said once, and counts as not computed; under a policy that denies, the launch has failed."""
        computes = Policy(on_error=on_error)

        @computes.kernel("k")
        def body(launch: KernelLaunch) -> None:
            raise ValueError("no such luck")

        loaded, result = self.run(machine, computes)
        assert result == 0
        assert loaded.program.call("cuCtxSynchronize") == after
        said = [line for line in loaded.program.driver.log if "no such luck" in line]
        assert len(said) == 1
        assert said[0].startswith("k: ")
        assert "test_kernels.py" in said[0]
        assert loaded.program.driver.machine.programs.policy.skipped == ({} if after else {"k": 1})

    def test_parameters_that_are_not_the_kernel_s(self, machine: Machine) -> None:
        computes = Policy()
        computes.kernel("k", parameters="PP")(lambda launch, p, q: 1 / 0)
        loaded, result = self.run(machine, computes)
        assert result == 0
        assert any("which have 8, 4 bytes" in line for line in loaded.program.driver.log)

    @pytest.mark.parametrize("name", ["empty", "space::empty", "_ZN5space5emptyEv", "em*y"])
    def test_names(self, machine: Machine, name: str) -> None:
        computes, seen = Policy(), []
        computes.kernel(name)(lambda launch: seen.append(launch.name))
        loaded = Loaded(machine("h100", computes))
        loaded.launch(loaded.function("_ZN5space5emptyEv"))
        assert seen == ["_ZN5space5emptyEv"]


class TestGraphs:
    """What is captured is launched again, with the parameters that it had."""

    def captured(self, loaded: Loaded) -> Any:
        """A graph of three launches of k, with 10, 11 and 12, that can be launched."""
        program, stream, graph = loaded.program, ffi.new("CUstream *"), ffi.new("CUgraph *")
        function, executable = loaded.function(), ffi.new("CUgraphExec *")
        assert program.call("cuStreamCreate", stream, 1) == 0
        assert program.call("cuStreamBeginCapture_v2", stream[0], 0) == 0
        for number in (10, 11, 12):
            given = ffi.new("uint64_t *", 1), ffi.new("uint32_t *", number)
            pointers = ffi.new("void *[]", given)
            one = (1, 1, 1, 32, 1, 1, 0, stream[0])
            assert program.call("cuLaunchKernel", function, *one, pointers, None) == 0
            given[1][0] = 99
        assert program.call("cuStreamEndCapture", stream[0], graph) == 0
        assert program.call("cuGraphInstantiateWithFlags", executable, graph[0], 0) == 0
        self.graph = graph[0]
        return lambda: program.call("cuGraphLaunch", executable[0], stream[0])

    def test_are_computed(self, machine: Machine) -> None:
        computes, seen = Policy(), []
        computes.kernel("k", parameters="Pi")(lambda launch, p, n: seen.append(n))
        launch = self.captured(Loaded(machine("h100", computes)))
        assert seen == []
        assert [launch(), launch()] == [0, 0]
        assert seen == [10, 11, 12, 10, 11, 12]

    def test_are_counted(self, loaded: Loaded) -> None:
        launch = self.captured(loaded)
        skipped = loaded.program.driver.machine.programs.policy.skipped
        assert skipped == {}
        assert [launch(), launch()] == [0, 0]
        assert skipped == {"k": 6}

    def test_after_the_policies_have_changed(self, machine: Machine) -> None:
        """What is in force when a graph is launched computes it."""
        computes, seen = Policy(), []
        computes.kernel("k", parameters="Pi")(lambda launch, p, n: seen.append(n))
        loaded = Loaded(machine("h100"))
        launch, own = self.captured(loaded), loaded.program.driver.machine.programs.policy
        assert launch() == 0
        own.join([computes, own])
        assert launch() == 0
        own.join([own])
        assert launch() == 0
        assert (seen, own.skipped) == ([10, 11, 12], {"k": 6})

    def test_what_a_node_is(self, loaded: Loaded) -> None:
        """Parameters of a node, and another node of the same."""
        self.captured(loaded)
        program, nodes, count = loaded.program, ffi.new("CUgraphNode[3]"), ffi.new("size_t *", 3)
        assert program.call("cuGraphGetNodes", self.graph, nodes, count) == 0
        said = ffi.new("CUDA_KERNEL_NODE_PARAMS *")
        assert program.call("cuGraphKernelNodeGetParams_v2", nodes[1], said) == 0
        assert said.func == loaded.function()
        assert (said.gridDimX, said.blockDimX, said.sharedMemBytes) == (1, 32, 0)
        assert ffi.cast("uint32_t *", said.kernelParams[1])[0] == 11
        said.blockDimX = 2048
        assert program.call("cuGraphAddKernelNode_v2", nodes, self.graph, None, 0, said) == 1
        said.blockDimX = 64
        assert program.call("cuGraphAddKernelNode_v2", nodes, self.graph, None, 0, said) == 0


class TestUnreadable:
    """Where the system lacks what would decompress an image, its kernels are known by their names."""

    @pytest.fixture
    def loaded(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Loaded:
        monkeypatch.setattr(fatbinary.libraries, "_zstd", None)
        computes = Policy()
        self.seen: list[Any] = []
        computes.kernel("typed", parameters="hPi")(lambda launch, *values: self.seen.append(values))
        return Loaded(machine("a100", computes), (built(TESTS / "cuda") / "zstd.fatbin").read_bytes())

    def test_is_said_once(self, loaded: Loaded) -> None:
        assert loaded.load(bytes(ffi.buffer(loaded.image))) == 0
        lines = [line for line in loaded.program.driver.log if "cannot be read" in line]
        assert len(lines) == 1
        assert "libzstd.so.1" in lines[0]

    def test_launches(self, loaded: Loaded) -> None:
        assert loaded.launch(loaded.function("untyped")) == 0
        given = ffi.new("int16_t *", -1), ffi.new("uint64_t *", 1 << 40), ffi.new("int *", -3)
        pointers = ffi.new("void *[]", given)
        one = (1, 1, 1, 1024, 1, 1, 0, None)
        assert loaded.program.call("cuLaunchKernel", loaded.function("typed"), *one, pointers, None) == 0
        buffer, size = ffi.new("char[]", pack("=h6xQi", 5, 6, 7)), ffi.new("size_t *", 20)
        extra = ffi.new("void *[]", [ffi.cast("void *", 1), buffer, ffi.cast("void *", 2), size, ffi.NULL])
        assert loaded.program.call("cuLaunchKernel", loaded.function("typed"), *one, None, extra) == 0
        assert self.seen == [(-1, 1 << 40, -3), (5, 6, 7)]


@pytest.mark.parametrize(
    ("mangled", "names"),
    [
        ("plain", []),
        ("_Z10vector_addIfEvPKT_S2_PS0_i", ["vector_add", "vector_add"]),
        ("_ZN5space5mixedEcd4pairsPf", ["space::mixed", "mixed"]),
        ("_ZN12_GLOBAL__N_15innerILi3EEEvPf", ["_GLOBAL__N_1::inner", "inner"]),
        ("_ZL6hiddenPi", ["hidden", "hidden"]),
        ("_Znwm", []),
    ],
)
def test_names_of_c_plus_plus(mangled: str, names: list[str]) -> None:
    assert bodies.names_of(mangled) == [mangled, *names]


class TestDeclaring:
    @pytest.mark.parametrize(
        ("line", "sentence"),
        [
            ("@policy.kernel()\ndef body(launch): ...", "takes the names of kernels"),
            ('@policy.kernel("k", parameters="Pz")\ndef body(launch, p, z): ...', "z is no parameter"),
            ('@policy.kernel("k", parameters="12")\ndef body(launch, p): ...', "12 is no parameter"),
            ('@policy.kernel("k", parameters="PP")\ndef body(launch, p): ...', "takes the launch and 2 values (PP)"),
            ('@policy.kernel("k")\ndef body(): ...', "takes the launch, not 0 arguments"),
        ],
    )
    def test_what_is_wrong_is_said_at_load(self, tmp_path: Path, line: str, sentence: str) -> None:
        path = tmp_path / "kernels.py"
        path.write_text(f"from vgpu_embed import Policy\npolicy = Policy()\n{line}\n")
        with pytest.raises(PolicyError, match=rf"^{path}:\d+: .*") as raised:
            policy.load(str(path))
        assert sentence in str(raised.value)

    def test_again_when_options_change(self) -> None:
        computes = Policy()
        name = computes.option("name", "first")

        @computes.configure
        def configured() -> None:
            computes.kernel(name.value)(lambda launch: None)

        policy.apply_settings([computes], [])
        policy.apply_settings([computes], ["name=second"])
        assert [body.names for body in computes.kernels] == [("second",)]
