#!/bin/sh
# make test-gpu, make bench-gpu: installs the project beside PyTorch, CuPy and JAX and runs a script of this folder over
# the machine's driver: cases.py, or the one named first (costs.py).
#
#   PYTHON   the Python that has PyTorch, CuPy and JAX [python3]
#   BASE     a Python of the same version with headers and a shared libpython, if that one has none [$PYTHON]
#   WHEELS   a folder with what wheels.txt lists, for a machine without an index
#   OUT      where gpu.md or costs.md goes [docs]
#
# Arguments are passed to the script: --rehearse DRIVER runs over the driver in that folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
PYTHON=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# The Python that has the frameworks may itself be a virtual environment: its packages are named one by one.
"${BASE:-$PYTHON}" -m venv --without-pip --system-site-packages "$work/venv"
python=$work/venv/bin/python
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$PYTHON" -c 'import sys
for folder in sys.path:
    if folder.endswith("-packages"):
        print(f"import site; site.addsitedir({folder!r})")' >"$site/frameworks.pth"

pip() {
    "$python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
        ${WHEELS:+--no-index --find-links "$WHEELS"} "$@"
}
pip --ignore-installed -r "$here/wheels.txt" # in this environment itself, which is where the library looks
pip --no-build-isolation --no-deps "$root"

mkdir "$work/tools"
for program in program timing; do
    ${CC:-gcc} -std=gnu11 -O2 -Wall -Wextra -Werror "$here/$program.c" -o "$work/tools/$program" -ldl
done
[ -z "${OUT:-}" ] || { OUT=$(realpath "$OUT") && export OUT; }
script=cases.py
case ${1:-} in
*.py) script=$1 && shift ;;
esac
case ${1:-} in
--rehearse) set -- --rehearse "$(realpath "$2")" ;;
esac
cd "$work" # not in the checkout, where `import vgpu_embed` would find the sources
"$python" "$here/$script" "$work/tools" "$@"
