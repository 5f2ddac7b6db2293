"""The comparison that `make check` makes, and what the call stubs offer."""

import ast
from pathlib import Path

from vgpu_embed import tables
from vgpu_embed.tables import generate


def test_an_edited_table_is_named_with_its_line(tmp_path: Path) -> None:
    table = tmp_path / "driver.tsv"
    table.write_text("one\ntwo\nthree\n")
    assert generate.difference(table, "one\ntwo\nthree\n") is None
    assert generate.difference(table, "one\n2\nthree\n") == (f"{table}:2: committed 'two', generated '2'")
    assert generate.difference(table, "one\ntwo\n") == (f"{table}:3: committed 'three', generated nothing")
    assert generate.difference(table, "one\ntwo\nthree") == f"{table}: the last line's end differs"
    assert generate.difference(tmp_path / "none.tsv", "one\n") == (
        f"{tmp_path / 'none.tsv'}:1: committed nothing, generated 'one'"
    )


def test_every_known_driver_function_has_a_call_class() -> None:
    stub = Path(tables.__file__).parent.parent / "calls.pyi"
    classes = {
        node.name: [
            line.target.id
            for line in node.body
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
        ]
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ClassDef)
    }
    known = [tables.function(name) for name in tables.names("driver")]
    assert classes == {f.name: [p.attribute for p in f.parameters] for f in known if f.parameters is not None}
    text = stub.read_text()
    assert "class cuMemAlloc_v2(Call):\n    dptr: Out[int]\n    bytesize: int\n" in text
    assert "    attrib: enums.CUdevice_attribute\n" in text
