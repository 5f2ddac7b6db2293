"""nvidia-smi for virtual GPUs: what it prints comes from NVML, as the real one's does.

`vgpu-embed run` and `env` put a program of that name on PATH in virtual mode (csrc/launcher.c), which runs this module.
What is printed is laid out as nvidia-smi of driver 580 does it (tests/smi/data), for scripts to read.
"""
