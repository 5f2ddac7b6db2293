"""What elements of arrays and textures consist of, by CU_AD_FORMAT_…"""

from __future__ import annotations

from struct import calcsize

CHANNELS = (1, 2, 4)
BLOCK = 4
"""A compressed block has so many columns and rows."""


class Format:
    """Elements of a format.

    Attributes:
        code: of one number, for module struct.
        numbers: how many an element has, 0 where that is the number of channels.
        channels: how many there may be.
        side: columns and rows that an element stands for.
    """

    def __init__(self, code: str, channels: tuple[int, ...] = CHANNELS, numbers: int = 0, side: int = 1) -> None:
        self.code, self.channels, self.numbers, self.side = code, channels, numbers, side

    def size(self, channels: int) -> int:
        """Bytes of an element."""
        return (self.numbers or channels) * calcsize(self.code)


FIRST_BLOCKS, FIRST_NORMALIZED, PACKED = 0x91, 0xC0, 0x50
FORMATS = {
    **{1: Format("B"), 2: Format("H"), 3: Format("I"), 8: Format("b"), 9: Format("h"), 10: Format("i")},
    **{16: Format("e"), 32: Format("f"), PACKED: Format("I", (4,), 1)},
    **{
        FIRST_NORMALIZED + place: Format(code, (channels,))
        for place, (code, channels) in enumerate((code, channels) for code in "BHbh" for channels in CHANNELS)
    },
    **{
        FIRST_BLOCKS + place: Format("I", (channels,), numbers, BLOCK)
        for place, (channels, numbers) in enumerate(
            (
                (4, 2),
                (4, 2),
                (4, 4),
                (4, 4),
                (4, 4),
                (4, 4),
                (1, 2),
                (1, 2),
                (2, 4),
                (2, 4),
                (3, 4),
                (3, 4),
                (4, 4),
                (4, 4),
            )
        )
    },
}
"""Integers without and with sign, half, float; ten bits for each colour; integers that stand for 0 to 1 and -1 to 1;
compressed blocks (BC1 and BC1 of sRGB, BC2, …, BC7). Those of planes an H200 does not take."""
