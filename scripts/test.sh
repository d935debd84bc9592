#!/bin/sh
# npm test: installs what the tests need, builds, and runs every test. Arguments choose suites: unit, integration, conformance,
# integration-node, conformance-node; none means all. The last line counts: "N passed, N failed, N skipped".
set -eu
cd "$(dirname "$0")/.."

# Whatever stops before a test ran is a failure that is counted, too.
finished=no
trap '[ "$finished" = yes ] || echo "0 passed, 1 failed, 0 skipped"' EXIT

node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null || {
  echo "the tests need Node.js 20 or later" >&2
  exit 1
}
[ -d node_modules ] || npm ci --ignore-scripts

# Programs that only tests use. Without them the tests that need them are skipped, and say so. RUNT_TEST_PACKAGES=no leaves the host alone.
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need strace strace
need objdump binutils
need aarch64-linux-gnu-objdump binutils-aarch64-linux-gnu
need qemu-aarch64-static qemu-user-static
ldconfig -p 2>/dev/null | grep -q 'libseccomp\.so\.2' || missing="$missing libseccomp2"
if [ -n "$missing" ]; then
  if [ "${RUNT_TEST_PACKAGES:-yes}" = yes ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update </dev/null || true
    for package in $missing; do
      apt-get -qq install -y --no-install-recommends "$package" </dev/null >/dev/null ||
        echo "$package can't be installed: the tests that need it are skipped"
    done
  else
    echo "not installed:$missing; the tests that need them are skipped"
  fi
fi

if [ -z "${BUSYBOX:-}" ]; then BUSYBOX=$(scripts/static-busybox.sh); fi
if [ -n "$BUSYBOX" ]; then export BUSYBOX; else unset BUSYBOX; fi

scripts/build.sh
rm -rf build
node_modules/.bin/tsc --outDir build

finished=yes
node scripts/run-tests.mjs "$@"
