"""The values of a profile as a user writes them: sizes, versions, UUIDs, PCI locations.

Each function also takes the value as Python code would give it, and raises ProfileError with one
sentence that names the key, the value and how to write it.
"""

from __future__ import annotations

from .errors import ProfileError

UNITS = {
    "": 1,
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
INT32 = range(-(2**31), 2**31)
NAME_BYTES = 95
"""A name and its terminating zero fit into NVML_DEVICE_NAME_V2_BUFFER_SIZE, 96 bytes."""


def size(key: str, value: object) -> int:
    """A number of bytes: `40GiB`, `1.5GB`, `42949672960`."""
    number = value if isinstance(value, int) else _size_of(key, str(value).strip())
    if isinstance(value, bool) or number <= 0:
        raise ProfileError(f"{key}={value} leaves the GPU without memory; write it as {key}=40GiB")
    return number


def _size_of(key: str, text: str) -> int:
    digits = text.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    unit = {name.lower(): factor for name, factor in UNITS.items()}.get(text[len(digits) :].lower())
    whole, point, fraction = digits.strip().partition(".")
    if unit is None or not decimal(whole) or (point and not decimal(fraction)):
        raise ProfileError(
            f"{key}={text} is not a size; write bytes, or a number and one of "
            f"{', '.join(name for name in UNITS if name)}, as in {key}=40GiB"
        )
    divisor: int = 10 ** len(fraction)
    scaled = int(whole + fraction) * unit
    if scaled % divisor:
        raise ProfileError(f"{key}={text} is not a whole number of bytes; write it as bytes")
    return scaled // divisor


def integer(key: str, value: object, least: int = INT32.start) -> int:
    """A whole number that a C `int` holds, decimal or 0x…, not less than `least`."""
    number = int(value) if isinstance(value, int) else _integer_of(str(value).strip())
    if isinstance(value, bool) or number is None or number not in INT32:
        raise ProfileError(f"{key}={value} is not a number of 32 bits; write it as {key}=1024")
    if number < least:
        raise ProfileError(f"{key}={value} is too small; no GPU has less than {least}")
    return number


def count(key: str, value: object) -> int:
    """A number of parts of which every GPU has at least one."""
    return integer(key, value, 1)


def links(key: str, value: object) -> int:
    """How many of something that not every GPU has."""
    return integer(key, value, 0)


def _integer_of(text: str) -> int | None:
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    if decimal(digits):
        return sign * int(digits)
    if digits[:2] in ("0x", "0X") and hexadecimal(digits[2:]):
        return sign * int(digits, 16)
    return None


def text(key: str, value: object) -> str:
    """A name that fits where the CUDA and NVML headers say names go."""
    name = value.strip() if isinstance(value, str) else ""
    if not name or len(name.encode()) > NAME_BYTES or not name.isprintable():
        raise ProfileError(f"{key}={value} is not a name; write 1 to {NAME_BYTES} bytes of printable text")
    return name


def backing(key: str, value: object) -> str:
    """What keeps the bytes of a virtual GPU's memory: the host's memory, or nothing."""
    if value not in ("host", "discard"):
        raise ProfileError(f"{key}={value} is neither host nor discard; discard forgets what is written")
    return str(value)


def capability(key: str, value: object) -> tuple[int, int]:
    """A compute capability: `9.0`, or (9, 0)."""
    major, point, minor = (
        (str(value[0]), ".", str(value[1]))
        if isinstance(value, tuple) and len(value) == 2
        else str(value).strip().partition(".")
    )
    small = len(major) <= 2 and len(minor) == 1
    if not point or not decimal(major) or not decimal(minor) or not small or int(major) < 1:
        raise ProfileError(f"{key}={value} is not a compute capability; write it as {key}=9.0")
    return int(major), int(minor)


def driver_version(key: str, value: object) -> int:
    """What cuDriverGetVersion answers: `13000`, or `13.0`."""
    words = str(value).strip().split(".")
    if not all(decimal(word) for word in words) or len(words) > 2:
        raise ProfileError(f"{key}={value} is not a CUDA version; write it as {key}=13.0")
    number = int(words[0]) if len(words) == 1 else 1000 * int(words[0]) + 10 * int(words[1])
    if not 1000 <= number < 100_000:
        raise ProfileError(f"{key}={value} is not a CUDA version; write it as {key}=13.0")
    return number


def uuid(key: str, value: object) -> bytes:
    """The 16 bytes of `GPU-8932f937-d72c-4106-c12f-20bd9faed9f6`, with or without `GPU-`."""
    if isinstance(value, bytes) and len(value) == 16:
        return value
    words = str(value).strip().removeprefix("GPU-").split("-")
    if [len(word) for word in words] != [8, 4, 4, 4, 12] or not all(map(hexadecimal, words)):
        raise ProfileError(f"{key}={value} is not a UUID; write it as {key}=GPU-8932f937-d72c-4106-c12f-20bd9faed9f6")
    return bytes.fromhex("".join(words))


def uuid_text(value: bytes) -> str:
    """`GPU-8932f937-d72c-4106-c12f-20bd9faed9f6`."""
    digits = value.hex()
    return f"GPU-{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def pci(key: str, value: object) -> tuple[int, int, int]:
    """Domain, bus and device of `0000:0b:00.0`, or of `0b:00`."""
    location = value if isinstance(value, tuple) else _location(str(value).strip())
    numbers = [part for part in location if isinstance(part, int)]
    if len(location) == len(numbers) == 3:
        domain, bus, device = numbers
        if 0 <= domain < 2**31 and 0 <= bus < 256 and 0 <= device < 32:
            return domain, bus, device
    raise ProfileError(f"{key}={value} is not a PCI location; write it as {key}=0000:0b:00.0")


def _location(text: str) -> tuple[int, ...]:
    parts, _, function = text.partition(".")
    words = parts.split(":")
    if function not in ("", "0") or not all(map(hexadecimal, words)):
        return ()
    numbers = tuple(int(word, 16) for word in words)
    return (0, *numbers) if len(numbers) == 2 else numbers


def decimal(word: str) -> bool:
    """Whether it is one to twenty ASCII digits."""
    return word.isascii() and word.isdigit() and len(word) <= 20


def hexadecimal(word: str) -> bool:
    """Whether it is ASCII hexadecimal digits and nothing else."""
    return 0 < len(word) <= 20 and all(digit in "0123456789abcdefABCDEF" for digit in word)
