#!/bin/sh
# Builds dist/: the program for Node.js (dist/node), its types (dist/types), and the executable: dist/runt, and beside it
# its engine (dist/runt-engine) with koffi's addon.
#   build.sh --arch arm64     the same for another processor than this machine's, in dist-arm64/; or x64
set -eu
cd "$(dirname "$0")/.."

case "$(uname -m)" in
  x86_64) host=x64 bun=node_modules/@oven/bun-linux-x64/bin/bun ;;
  aarch64) host=arm64 bun=node_modules/@oven/bun-linux-aarch64/bin/bun ;;
  *) echo "runt runs on x86-64 and arm64, not on $(uname -m)" >&2; exit 1 ;;
esac
arch=$host
case "$#:$*" in
  0:) ;;
  "2:--arch x64" | "2:--arch arm64") arch=$2 ;;
  *) echo "usage: build.sh [--arch x64|arm64]" >&2; exit 1 ;;
esac
set --
dist=dist packages=node_modules
if [ "$arch" != "$host" ]; then
  dist=dist-$arch packages=node_modules/.cache/$arch/node_modules
  # What npm leaves out here, for the other processor; the lock file says what it has to be.
  if ! cmp -s package-lock.json "$packages/../package-lock.json"; then
    mkdir -p "$packages"
    cp package.json package-lock.json .npmrc "$packages/.."
    npm ci --prefix "$packages/.." --cpu="$arch" --omit=dev --ignore-scripts --loglevel=error || { rm "$packages/../package-lock.json"; exit 1; }
  fi
fi

node scripts/generate.mjs
node_modules/.bin/tsc -p tsconfig.json --noEmit

# A property of the specification that nothing honours or refuses, or that no test shows, fails the build.
"$bun" src/properties/main.ts
# Filters that another compiler has made are not taken from the cache.
compiler=$(cat src/seccomp/*.ts src/seccomp/tables/*.ts src/linux/syscall-numbers.ts | sha256sum | cut -c 1-16)
# Nor what another build has prepared for exec.
build=$(find src schemas -name '*.ts' -o -name '*.json' | LC_ALL=C sort | xargs cat | sha256sum | cut -c 1-15)
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

new=$dist.new
rm -rf "$new"
mkdir -p "$new"
# A runtime lives for milliseconds: compiling its functions to machine code in other threads costs more than it gives.
# Nothing of the machine that builds, or of the folder that runs it, gets in: no .env, no bunfig.toml.
"$bun" build src/cli/main.ts src/index.ts --target node --format esm --splitting --packages external \
  --define "process.env.RUNT_COMMIT=\"$commit\"" \
  --define "process.env.RUNT_SECCOMP_COMPILER=\"$compiler\"" --define "process.env.RUNT_BUILD=\"$build\"" --outdir "$new/node" --root src >/dev/null
node_modules/.bin/tsc -p tsconfig.types.json --outDir "$new/types"
# The executable that becomes the engine is another processor's, too.
[ "$arch" = "$host" ] || set -- "--target=bun-linux-$arch" "--compile-executable-path=$(ls "$packages"/@oven/bun-linux-*/bin/bun)"
# Split, so that a command does not pay for the code of others: all functions of a chunk are made when it is loaded.
"$bun" build src/cli/main.ts --compile --minify --bytecode --compile-jit-policy=100000 \
  --format=esm --splitting --min-chunk-size=32768 \
  --no-compile-autoload-dotenv --no-compile-autoload-bunfig \
  --no-compile-autoload-tsconfig --no-compile-autoload-package-json \
  --define "process.env.RUNT_COMMIT=\"$commit\"" --define "process.env.RUNT_SECCOMP_COMPILER=\"$compiler\"" \
  --define "process.env.RUNT_BUILD=\"$build\"" --define 'process.env.RUNT_STANDALONE="1"' \
  "$@" --outfile "$new/runt-engine" >/dev/null
# The numbers that differ between processors are chosen by process.arch.
RUNT_BUILD=$build RUNT_COMMIT=$commit "$bun" --define "process.arch=\"$arch\"" src/front/write.ts "$new/runt"
cp "$packages/@koromix/koffi-linux-$arch/linux_$arch/koffi.node" "$new/koffi.node"
chmod 0644 "$new/koffi.node"
rm -rf "$dist.old"
[ ! -e "$dist" ] || mv "$dist" "$dist.old"
mv "$new" "$dist"
rm -rf "$dist.old"
