"""What cuGetProcAddress_v2 answers where no driver can be asked.

The answers are a real driver's: getproc.tsv, from the transcript in data/.
"""

from __future__ import annotations

from os.path import dirname, join

SUCCESS = 0
INVALID_VALUE = 1
FOUND = 0
SYMBOL_NOT_FOUND = 1
VERSION_NOT_SUFFICIENT = 2

PER_THREAD_DEFAULT_STREAM = 2
_FLAGS = 3

_newest = 0
_rows: dict[str, list[str]] = {}


def resolve(symbol: str, version: int, flags: int) -> tuple[int, str | None, int | None]:
    """(CUresult, exported name, CUdriverProcAddressQueryResult) for one request.

    symbol   as asked for, without `_v2` or `_ptsz`: the driver knows no other
    version  CUDA version, 12000 for 12.0
    flags    0, CU_GET_PROC_ADDRESS_LEGACY_STREAM, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM

    Exported name None: the function pointer is NULL. With CUDA_ERROR_INVALID_VALUE nothing is
    written, neither pointer nor status (then None): a version above the driver's own, or an unknown
    flag. A NULL status pointer changes nothing else. A NULL symbol or function pointer crashes the
    driver; what to do instead is the caller's to decide.

    Both stream flags at once succeed in the driver; which function they give was not recorded, here
    it is the per-thread one.
    """
    _load()
    if version > _newest or flags & ~_FLAGS:
        return INVALID_VALUE, None, None
    columns = _rows.get(symbol)
    if columns is None:
        return SUCCESS, None, SYMBOL_NOT_FOUND
    found = None
    for step in columns[-1 if flags & PER_THREAD_DEFAULT_STREAM else 0].split(" "):
        digits = step[:5] if step[4:5].isdigit() else step[:4]
        if version < int(digits):
            break
        rest = step[len(digits) :]
        found = rest[1:] if rest[:1] == "=" else symbol + rest
    return SUCCESS, found, VERSION_NOT_SUFFICIENT if found is None else FOUND


def symbols() -> list[str]:
    """The symbols that some version gives a function for."""
    _load()
    return list(_rows)


def _load() -> None:
    global _newest
    if _newest:
        return
    with open(join(dirname(__file__), "getproc.tsv"), "rb") as file:
        for line in file.read().decode().split("\n"):
            name, *columns = line.split("\t")
            if name == "# newest":
                _newest = int(columns[0])
            elif columns and name[0] != "#":
                _rows[name] = columns
