#!/bin/sh
# npm run demo: runs a container on this machine's own programs, which prints what it sees. Nothing is downloaded but what the build
# needs. npm run demo -- CMD ARGS runs that command instead.
set -eu
cd "$(dirname "$0")/.."

stop() {
  printf '%s\n' "$@" >&2
  exit 1
}

[ "$(uname -s)" = Linux ] || stop "A container of this kind needs Linux; this is $(uname -s)."
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null ||
  stop "The demo needs Node.js 20 or later."
[ "$(id -u)" = 0 ] ||
  stop "Only root may make a container: try 'sudo npm run demo'." \
    "What needs no privileges: 'npm run build', then 'dist/runt spec && dist/runt plan' in an empty directory."

[ -n "${RUNT:-}" ] || scripts/ensure-built.sh
exec node scripts/demo.mjs "$@"
