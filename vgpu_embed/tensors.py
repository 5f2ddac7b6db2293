"""Descriptors of tensors (CUtensorMap), as virtual GPUs encode them: what a kernel's body finds in one."""

from __future__ import annotations

from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = 128
"""Bytes of a CUtensorMap."""
ADDRESS = 8
"""Where it has the tensor's, in 8 bytes."""
MAGIC = b"vgpu-map"
LAYOUT = Struct("<8sQ8B5I4Q5H5B3h3h2H")
KINDS = TILED, IM2COL, IM2COL_WIDE = "tiled", "im2col", "im2col_wide"


class TensorMap:
    """What cuTensorMapEncodeTiled, …Im2col or …Im2colWide was told.

    The 128 bytes are this library's own form, not NVIDIA's, which is in no manual: hardware does not understand them.

    Attributes:
        kind: "tiled", "im2col" or "im2col_wide".
        address: where the tensor begins.
        data_type, interleave, swizzle, l2_promotion, fill, mode: the numbers of cuda.h's enumerators; mode is of
            "im2col_wide".
        dims: elements of each dimension, the innermost first.
        strides: bytes from one to the next of each dimension but the innermost.
        box: elements of each dimension that are copied at a time; of "tiled".
        steps: how far elements that are copied are apart, of each dimension.
        lower, upper: offsets of the box's corners, the outermost dimension first; not of "tiled".
        channels, pixels: elements that are copied of the innermost dimension, and columns; not of "tiled".
    """

    def __init__(
        self,
        kind: str,
        data_type: int,
        address: int,
        dims: Sequence[int],
        strides: Sequence[int],
        steps: Sequence[int],
        modes: Sequence[int],
        box: Sequence[int] = (),
        corners: tuple[Sequence[int], Sequence[int]] = ((), ()),
        channels: int = 0,
        pixels: int = 0,
    ) -> None:
        """`modes`: interleave, swizzle, l2_promotion, fill and mode."""
        self.kind = kind
        self.data_type = data_type
        self.address = address
        self.dims, self.strides, self.steps, self.box = tuple(dims), tuple(strides), tuple(steps), tuple(box)
        self.interleave, self.swizzle, self.l2_promotion, self.fill, self.mode = modes
        self.lower, self.upper = (tuple(corner) for corner in corners)
        self.channels, self.pixels = channels, pixels

    @classmethod
    def read(cls, data: bytes) -> TensorMap:
        """The descriptor in the 128 bytes of a kernel's parameter, or of device memory.

        Raises ValueError for bytes that no virtual GPU has encoded.
        """
        if len(data) < LAYOUT.size or data[: len(MAGIC)] != MAGIC:
            raise ValueError("these bytes are no tensor map of a virtual GPU")
        _, address, kind, data_type, rank, *values = LAYOUT.unpack_from(data)
        modes, dims, strides, box = values[:5], values[5:10], values[10:14], values[14:19]
        steps, lower, upper, (channels, pixels) = values[19:24], values[24:27], values[27:30], values[30:]
        is_tiled = KINDS[kind] == TILED
        offsets = 0 if is_tiled else 1 if KINDS[kind] == IM2COL_WIDE else rank - 2
        return cls(
            KINDS[kind],
            data_type,
            address,
            [size + 1 for size in dims[:rank]],
            strides[: rank - 1],
            steps[:rank],
            modes,
            box[:rank] if is_tiled else (),
            (lower[:offsets], upper[:offsets]),
            channels,
            pixels,
        )

    def write(self) -> bytes:
        """The 128 bytes."""
        rank = len(self.dims)
        modes = self.interleave, self.swizzle, self.l2_promotion, self.fill, self.mode
        arrays = (
            *padded([size - 1 for size in self.dims], 5),
            *padded(self.strides, 4),
            *padded(self.box, 5),
            *padded(self.steps, 5),
            *padded(self.lower, 3),
            *padded(self.upper, 3),
        )
        head = MAGIC, self.address, KINDS.index(self.kind), self.data_type, rank
        return LAYOUT.pack(*head, *modes, *arrays, self.channels, self.pixels).ljust(SIZE, b"\0")


def padded(values: Sequence[int], length: int) -> list[int]:
    """With zeros behind them."""
    return [*values, *[0] * (length - len(values))]
