#!/bin/sh
# npm run bench: times runt beside runc and crun; --help lists the options. Builds the executable where it is missing.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)

node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null || {
  echo "the benchmark needs Node.js 20 or later" >&2
  exit 1
}
# Only where it is missing: whoever compares two versions of the sources says when to build.
[ -x "$here/dist/runt" ] && [ -x "$here/dist/runt-engine" ] && [ -e "$here/dist/koffi.node" ] || "$here/scripts/ensure-built.sh"
# The paths in the arguments are the caller's: npm runs this in the project's root, and says where it was called.
cd "${INIT_CWD:-.}"
exec node "$here/bench/main.mjs" "$@"
