#!/bin/sh
# Prints the path of a static busybox, or nothing where there is none to be had. The containers of the tests have a root file system of it alone.
# Debian's package would displace the dynamic one of the host, so it is unpacked, not installed. RUNT_TEST_PACKAGES=no: only the host's own.
set -eu
cd "$(dirname "$0")/.."

is_static() { [ -x "$1" ] && LC_ALL=C ldd "$1" 2>&1 | grep -q 'not a dynamic'; }
for path in "${BUSYBOX:-}" /bin/busybox /usr/bin/busybox /bin/busybox.static; do
  if [ -n "$path" ] && is_static "$path"; then
    echo "$path"
    exit 0
  fi
done
cached=$PWD/node_modules/.cache/busybox
if [ ! -x "$cached" ] && [ "${RUNT_TEST_PACKAGES:-yes}" = yes ] && command -v apt-get >/dev/null 2>&1; then
  unpacked=$(mktemp -d)
  (cd "$unpacked" && chmod 0755 . && { [ "$(id -u)" != 0 ] || apt-get -qq update || true; } &&
    apt-get -qq download busybox-static && dpkg -x busybox-static_*.deb . && mkdir -p "$(dirname "$cached")" &&
    cp "$(find . -name busybox -type f | head -n 1)" "$cached") >&2 ||
    echo "no static busybox: what starts containers is skipped" >&2
  rm -rf "$unpacked"
fi
[ ! -x "$cached" ] || echo "$cached"
