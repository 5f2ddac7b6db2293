#!/bin/sh
# The demo: the real libggml-cuda.so of llama.cpp, loaded by a small program, on a machine without a GPU.
set -eu
cd "$(dirname "$0")/.."
libraries=$(.venv/bin/python tests/real/fetch.py)
set -- .venv/bin/vgpu-embed run --gpu h100 -- tests/hosts/build/ggml_devices "$libraries"
printf '$ vgpu-embed run --gpu h100 -- ggml_devices …/libggml-cuda.so\n'
exec "$@"
