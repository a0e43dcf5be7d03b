#!/bin/sh
# Makes .venv with exactly the pinned packages of one constraints file and this checkout.
#   scripts/setup.sh runtime|dev
# Needs Python 3.11 or later and pip. Does without python3-venv: Debian keeps only ensurepip in it.
set -eu
kind=${1:-runtime}
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
stamp=".venv/.installed-$kind"

if [ -f "$stamp" ] && [ "$stamp" -nt "constraints/$kind.txt" ] && [ "$stamp" -nt pyproject.toml ]; then
    exit 0
fi

"$python" - <<'PY' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"pointsman needs Python 3.11 or later; this is {sys.version.split()[0]} "
             "(name another with PYTHON=python3.12 make up)")
PY

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "setting up .venv (once)"
    if ! "$python" -m venv .venv >/dev/null 2>&1; then
        "$python" -m venv --without-pip --clear .venv
        "$python" -m pip --python .venv/bin/python install --quiet pip || {
            echo "could not put pip into .venv; on Debian: apt-get install python3-venv" >&2
            exit 1
        }
    fi
fi

pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }
echo "installing the pinned $kind packages"
pip install --quiet --quiet --require-hashes -r "constraints/$kind.txt"
[ "$kind" = dev ] || pip install --quiet --quiet --require-hashes -r constraints/build.txt
pip install --quiet --quiet --no-deps --no-build-isolation --editable .
touch "$stamp"
[ "$kind" = runtime ] || touch .venv/.installed-runtime
