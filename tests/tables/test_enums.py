"""Enumerations: values, names, and that the stub says what the module has."""

import ast
import importlib
import keyword
from pathlib import Path
from typing import Any

import pytest

from vgpu_embed import tables
from vgpu_embed.tables import enumerations

enums: Any = importlib.import_module("vgpu_embed.enums")


def test_known_values() -> None:
    assert enums.CUresult.SUCCESS == 0
    assert enums.CUresult.ERROR_OUT_OF_MEMORY == 2
    assert enums.CUresult.ERROR_NOT_SUPPORTED == 801
    assert enums.CUdevice_attribute.COMPUTE_CAPABILITY_MAJOR == 75
    assert enums.CUdevice_attribute.VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED == 102
    assert enums.CUctx_flags.SCHED_BLOCKING_SYNC == 4
    assert enums.cudaError.ErrorMemoryAllocation == 2
    assert enums.cudaMemcpyKind.DeviceToHost == 2
    assert enums.nvmlReturn_t.ERROR_FUNCTION_NOT_FOUND == 13
    assert enums.CUshared_carveout.DEFAULT == -1


def test_names_that_python_does_not_allow() -> None:
    assert enums.CUjit_target._90 == 90
    assert enums.CUjit_target._90.c_name == "CU_TARGET_COMPUTE_90"
    assert enums.cudaMemLocationType.None_ == 0
    assert enums.nvmlPstates_t._0.c_name == "NVML_PSTATE_0"


def test_c_names() -> None:
    assert enums.CUresult.ERROR_OUT_OF_MEMORY.c_name == "CUDA_ERROR_OUT_OF_MEMORY"
    assert enums.cudaError.Success.c_name == "cudaSuccess"
    assert enumerations.c_name("CUresult", 0) == "CUDA_SUCCESS"
    assert enumerations.c_name("CUresult", 12345) is None


def test_values_that_no_header_knows_stay_themselves() -> None:
    strange = enums.CUresult(12345)
    assert (strange, strange.c_name, strange.name) == (12345, "12345", "12345")
    assert enums.CUctx_flags(8 | 4) == 12
    assert 12345 not in [member.value for member in enums.CUresult]
    with pytest.raises(ValueError, match="nonsense"):
        enums.CUresult("nonsense")


def test_aliases_are_the_same_class() -> None:
    assert enums.DeviceAttribute is enums.CUdevice_attribute
    assert enums.cudaError_t is enums.cudaError
    assert enums.CUstreamAttrID is enums.CUlaunchAttributeID


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no CUDA header has an enumeration 'CUresults'"):
        enums.CUresults  # noqa: B018


def test_every_member_can_be_used_by_its_name() -> None:
    for name in enumerations.names():
        made = getattr(enums, name)
        for member, value in enumerations.members(name).items():
            assert member.isidentifier()
            assert not keyword.iskeyword(member)
            assert made[member] == value
            assert made[member].c_name.startswith(enumerations.prefix(name))


def test_every_enumeration_that_a_function_uses_is_there() -> None:
    for library in tables.LIBRARIES:
        for name in tables.names(library):
            function = tables.function(name)
            used = {function.result_enum}
            for parameter in function.parameters or ():
                used |= {parameter.enum, parameter.pointee_enum}
            for enum in used - {None}:
                assert enum in enumerations.names()


def test_the_stub_says_what_the_module_has() -> None:
    stub = Path(tables.__file__).parent.parent / "enums.pyi"
    classes = {}
    aliases = {}
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name != "Enumeration":
            classes[node.name] = {
                line.targets[0].id: ast.literal_eval(line.value)
                for line in node.body
                if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)
            }
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assert isinstance(node.value, ast.Name)
            aliases[node.targets[0].id] = node.value.id
    assert classes == {name: enumerations.members(name) for name in enumerations.names()}
    assert aliases == enumerations.aliases()
    assert set(dir(enums)) == {"Enumeration", *classes, *aliases}
