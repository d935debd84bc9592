#!/bin/sh
# npm run test:vm: the conformance tests on a host of another kind: cgroup v2 alone, with systemd, in a virtual machine that is built once
# (conformance/vm/README.md). They run twice, with control groups by file system and by systemd. Arguments choose suites: vm-file-system,
# vm-systemd; or vm-selinux alone, which builds a machine of its own, with SELinux instead of AppArmor; or vm-arm64, which builds one with another
# processor and runs all suites in it, in an hour or more, or those that are named after it. Where no virtual machine can be had it says
# why, and counts as skipped. The last line counts.
#   VM_CACHE=/var/cache/runt-vm   where the built machine is kept
set -eu
cd "$(dirname "$0")/.."
# Seconds: a multiple of what the tests take where the machine is emulated.
deadline=3600

finished=no
trap '[ "$finished" = yes ] || echo "0 passed, 1 failed, 0 skipped"' EXIT

skip() {
  finished=yes
  echo "skipped: no virtual machine: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

[ "$(uname -s)" = Linux ] || skip "this is $(uname -s)"
[ "$(uname -m)" = x86_64 ] || skip "it is made for x86-64; this is $(uname -m)"
[ "$(id -u)" = 0 ] || skip "building it needs root"
command -v apt-get >/dev/null 2>&1 || skip "it is built by Debian's apt-get"
emulator=qemu-system-x86_64
[ "${1:-}" != vm-arm64 ] || emulator=qemu-system-aarch64
if ! command -v "$emulator" >/dev/null 2>&1 && [ "${RUNT_TEST_PACKAGES:-yes}" != yes ]; then
  skip "$emulator is not installed, and RUNT_TEST_PACKAGES=no forbids to"
fi

node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null || {
  echo "the tests need Node.js 20 or later" >&2
  exit 1
}
if [ "${1:-}" = vm-arm64 ]; then
  export VM_ARCH=arm64
  deadline=10800
  shift
  [ $# -gt 0 ] || set -- unit integration conformance
  [ -d node_modules ] || npm ci --ignore-scripts
  scripts/build.sh --arch arm64
else
  scripts/ensure-built.sh
fi
rm -rf build
node_modules/.bin/tsc --outDir build

append=
if [ "$*" = vm-selinux ] && [ -z "${VM_ARCH:-}" ]; then
  export VM_CACHE="${VM_CACHE:-/var/cache/runt-vm}-selinux" VM_PACKAGES='selinux-policy-default policycoreutils'
  append=security=selinux
fi

log=$(mktemp)
trap 'rm -f "$log"; [ "$finished" = yes ] || echo "0 passed, 1 failed, 0 skipped"' EXIT
if ! conformance/vm/vm build 2>"$log"; then
  cat "$log" >&2
  skip "it can't be built: $(tail -n 1 "$log")"
fi
cat "$log" >&2

[ $# -gt 0 ] || set -- vm-file-system vm-systemd
# Shown while it runs; a pipe has no status of its first command.
{
  status=0
  conformance/vm/vm run --timeout "$deadline" --append "$append" --share "$PWD" -- conformance/vm/inside.sh "$@" || status=$?
  echo "$status" >"$log.status"
} | tee "$log"
status=$(cat "$log.status")
rm -f "$log.status"
# Without that line the machine or the runner failed, not a test.
if tail -n 1 "$log" | grep -qE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$'; then finished=yes; fi
exit "$status"
