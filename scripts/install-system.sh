#!/bin/sh
# npm run install:system: puts the executable where container engines look; -- --uninstall takes it away again.
#   PREFIX=/usr/local   where: $PREFIX/lib/runt/ with runt, runt-engine and koffi.node, $PREFIX/bin/runt is a link to the first
#   DESTDIR=            a directory that stands for / (for packages)
set -eu
cd "$(dirname "$0")/.."
prefix=${PREFIX:-/usr/local}
destination=${DESTDIR:-}$prefix
umask 022

stop() {
  printf '%s\n' "$@" >&2
  exit 1
}

action=install
case "${1:-}" in
  '') ;;
  --uninstall) action=uninstall ;;
  *) stop "usage: [PREFIX=DIR] [DESTDIR=DIR] npm run install:system [-- --uninstall]" ;;
esac
[ $# -le 1 ] || stop "one argument at most: --uninstall"
case "$prefix" in
  /*) ;;
  *) stop "PREFIX=$prefix: an absolute path is expected" ;;
esac

# The nearest directory that exists must be ours to write to.
parent=$destination
while [ ! -d "$parent" ]; do parent=$(dirname "$parent"); done
[ -w "$parent" ] || stop "$parent can't be written to: try it with sudo, or choose another place with PREFIX=\$HOME/.local"

library=$destination/lib/runt
link=$destination/bin/runt

if [ "$action" = uninstall ]; then
  # Only what this script has put there: a runt in bin/ that is something else stays.
  if [ -L "$link" ] && [ "$(readlink "$link")" = ../lib/runt/runt ]; then rm -f "$link"; fi
  rm -f "$library/runt" "$library/runt-engine" "$library/koffi.node"
  [ ! -d "$library" ] || rmdir "$library" || stop "$library holds something else, which is left there"
  echo "removed from $destination"
  exit 0
fi

scripts/ensure-built.sh

if [ -e "$link" ] || [ -L "$link" ]; then
  [ -L "$link" ] && [ "$(readlink "$link")" = ../lib/runt/runt ] ||
    stop "$link exists, and is not what this script installs: remove it first"
fi

mkdir -p "$library" "$destination/bin"
pending=
trap '[ -z "$pending" ] || rm -f "$pending"' EXIT
trap 'exit 1' HUP INT TERM

# Renamed into place: a container engine that starts runt in this moment finds the old one or the new one, whole, and a running one keeps
# its file. A package's build need not be root: who unpacks the package is.
place() {
  pending=$library/.$(basename "$1").$$
  cp "$1" "$pending"
  chmod "$2" "$pending"
  [ "$(id -u)" != 0 ] || chown 0:0 "$pending"
  mv -f "$pending" "$library/$(basename "$1")"
  pending=
}
# Each before what executes or loads it: a new one never meets an old one.
place dist/koffi.node 0644
place dist/runt-engine 0755
place dist/runt 0755

# The executables find each other and koffi.node beside themselves, where the link leads; the link is relative, so that the prefix can be moved.
pending=$destination/bin/.runt.$$
ln -s ../lib/runt/runt "$pending"
mv -f "$pending" "$link"
pending=

echo "installed: $link -> $library/runt"
[ -n "${DESTDIR:-}" ] || "$link" --version
path=$prefix/lib/runt/runt
cat <<END

Next:
  Docker      "runtimes": {"runt": {"path": "$path"}} in /etc/docker/daemon.json, reload dockerd, docker run --runtime runt ...
  containerd  ctr run --runc-binary $path ... (or BinaryName = "$path" in the options of a runtime in config.toml)
  Podman      podman --runtime $path run ...
END
