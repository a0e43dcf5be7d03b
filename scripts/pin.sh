#!/bin/sh
# Writes the constraints files anew: name, version and hashes of every package, for all supported
# Pythons and platforms. They name no package host. Needs uv (`pip install uv`).
#   scripts/pin.sh [--upgrade]
set -eu
cd "$(dirname "$0")/.."
pin() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate "$@"
}
pin "$@" pyproject.toml -o constraints/runtime.txt
pin "$@" --group build -o constraints/build.txt
pin "$@" pyproject.toml --group dev -o constraints/dev.txt
