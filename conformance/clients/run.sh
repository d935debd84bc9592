#!/bin/sh
# conformance/clients/docker, containerd, kubernetes and podman [RUNTIME]: scenarios of a container engine with any OCI runtime, dist/runt by default.
# Prints TAP, what failed and what was skipped, and in the last line "N passed, N failed, N skipped"; status 0 if nothing failed.
#   run.sh ENGINES [RUNTIME]
#   CLIENTS_PACKAGES=no  leaves the host alone: engines that are not installed are skipped, with the reason
#   CLIENTS_JOBS=3       so many scenarios run at once
#   CLIENTS_MANY=50      so many containers live at once in the scenario of many
#   CLIENTS_ONLY=REGEX   only scenarios with such a name
#   CLIENTS_LOGS=DIR     keeps the daemons' logs there
set -eu

engines=$1
shift
if [ $# -gt 1 ]; then
  echo "usage: conformance/clients/docker|containerd|kubernetes|podman|all [RUNTIME]" >&2
  exit 2
fi
repository=$(cd "$(dirname "$0")/../.." && pwd)
runtime=${1:-$repository/dist/runt}
case "$runtime" in
  /*) ;;
  */*) runtime=$PWD/$runtime ;;
  *) runtime=$(command -v "$runtime" || echo "$PWD/$runtime") ;;
esac
cd "$repository"

finished=no
policy=
cleanup() {
  [ -z "$policy" ] || rm -f "$policy"
  [ "$finished" = yes ] || echo "0 passed, 1 failed, 0 skipped"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null || {
  echo "the scenarios need Node.js 20 or later" >&2
  exit 1
}
[ -d node_modules ] || npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
if [ "$runtime" = "$repository/dist/runt" ]; then scripts/ensure-built.sh; fi
if [ ! -x "$runtime" ]; then
  echo "no runtime at $runtime" >&2
  exit 1
fi

# What Debian and Ubuntu have; what is there, of whatever origin, is used as it is.
missing=
PATH=$PATH:/usr/sbin:/sbin
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
for engine in $engines; do
  case "$engine" in
    docker) need dockerd docker.io; need ctr containerd ;;
    containerd) need ctr containerd ;;
    kubernetes) need ctr containerd; need ip iproute2; need nsenter util-linux ;;
    podman) need podman podman; need conmon conmon; need buildah buildah ;;
  esac
done
if [ -n "$missing" ]; then
  if [ "${CLIENTS_PACKAGES:-yes}" = yes ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # The scenarios start daemons of their own: the packages are not to start the system's.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      policy=/usr/sbin/policy-rc.d
      printf '#!/bin/sh\nexit 101\n' >"$policy"
      chmod 0755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update </dev/null || true
    for package in $missing; do
      apt-get -qq install -y --no-install-recommends "$package" </dev/null >/dev/null ||
        echo "$package can't be installed"
    done
    if [ -n "$policy" ]; then
      rm -f "$policy"
      policy=
    fi
  else
    echo "not installed, and not to be installed here:$missing"
  fi
fi
if [ -z "${BUSYBOX:-}" ]; then BUSYBOX=$(scripts/static-busybox.sh); fi
if [ -n "$BUSYBOX" ]; then export BUSYBOX; else unset BUSYBOX; fi

node_modules/.bin/tsc -p conformance/clients/tsconfig.json
finished=yes
trap - EXIT HUP INT TERM
# shellcheck disable=SC2086 # engines are words
exec node --enable-source-maps build/conformance/clients/harness/main.js "$runtime" $engines
