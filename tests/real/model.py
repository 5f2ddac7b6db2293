"""Writes a language model of llama's kind, as GGUF: its weights are random, or zero, and it knows single bytes.

Command line: FILE [LAYERS]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import gguf
import numpy

WIDTH, HEAD, INNER, LAYERS = 128, 64, 256, 2
SPECIAL = ("<unk>", "<s>", "</s>")
TOKENS = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]


def write(path: Path, layers: int = LAYERS, width: int = WIDTH, inner: int = INNER, *, sparse: bool = False) -> None:
    """Writes the file. Sparse, all weights are zero and take nothing of the disk."""
    random = numpy.random.default_rng(1)
    model = gguf.GGUFWriter(path, "llama")
    model.add_name("random")
    model.add_context_length(512)
    model.add_embedding_length(width)
    model.add_block_count(layers)
    model.add_feed_forward_length(inner)
    model.add_head_count(width // HEAD)
    model.add_head_count_kv(width // HEAD)
    model.add_rope_dimension_count(HEAD)
    model.add_layer_norm_rms_eps(1e-5)
    model.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    _add_tokens(model)

    def matrix(name: str, rows: int, columns: int) -> None:
        if sparse:
            model.add_tensor_info(name, (rows, columns), numpy.dtype(numpy.float16), 2 * rows * columns)
        else:
            model.add_tensor(name, random.normal(0, 0.02, (rows, columns)).astype(numpy.float16))

    def vector(name: str) -> None:
        if sparse:
            model.add_tensor_info(name, (width,), numpy.dtype(numpy.float32), 4 * width)
        else:
            model.add_tensor(name, numpy.ones(width, numpy.float32))

    matrix("token_embd.weight", len(TOKENS), width)
    matrix("output.weight", len(TOKENS), width)
    vector("output_norm.weight")
    for layer in range(layers):
        block = f"blk.{layer}."
        vector(block + "attn_norm.weight")
        vector(block + "ffn_norm.weight")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix(f"{block}{name}.weight", width, width)
        matrix(block + "ffn_gate.weight", inner, width)
        matrix(block + "ffn_up.weight", inner, width)
        matrix(block + "ffn_down.weight", width, inner)
    model.write_header_to_file()
    model.write_kv_data_to_file()
    if sparse:
        model.write_ti_data_to_file()
    else:
        model.write_tensors_to_file()
    model.close()
    if sparse:
        sizes = [path.stat().st_size, *(tensor.nbytes for tensor in model.tensors[0].values())]
        os.truncate(path, sum(model.ggml_pad(size, model.data_alignment) for size in sizes))


def _add_tokens(model: gguf.GGUFWriter) -> None:
    kinds = gguf.TokenType
    model.add_tokenizer_model("llama")
    model.add_token_list(TOKENS)
    model.add_token_scores([0.0] * len(TOKENS))
    model.add_token_types([kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL, *([kinds.BYTE] * 256)])
    model.add_unk_token_id(0)
    model.add_bos_token_id(1)
    model.add_eos_token_id(2)


if __name__ == "__main__":
    write(Path(sys.argv[1]), *map(int, sys.argv[2:]))
