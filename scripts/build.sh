#!/bin/sh
# Builds dist/: the program for Node.js (dist/node), its types (dist/types), and the executable: dist/runt, and beside it
# its engine (dist/runt-engine) with koffi's addon.
set -eu
cd "$(dirname "$0")/.."

node scripts/generate.mjs
node_modules/.bin/tsc -p tsconfig.json --noEmit

case "$(uname -m)" in
  x86_64) bun=node_modules/@oven/bun-linux-x64/bin/bun koffi=x64 ;;
  aarch64) bun=node_modules/@oven/bun-linux-aarch64/bin/bun koffi=arm64 ;;
  *) echo "runt runs on x86-64 and arm64, not on $(uname -m)" >&2; exit 1 ;;
esac
# A property of the specification that nothing honours or refuses, or that no test shows, fails the build.
"$bun" src/properties/main.ts
# Filters that another compiler has made are not taken from the cache.
compiler=$(cat src/seccomp/*.ts src/seccomp/tables/*.ts src/linux/syscall-numbers.ts | sha256sum | cut -c 1-16)
# Nor what another build has prepared for exec.
build=$(find src schemas -name '*.ts' -o -name '*.json' | LC_ALL=C sort | xargs cat | sha256sum | cut -c 1-15)
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

rm -rf dist.new
mkdir -p dist.new
# A runtime lives for milliseconds: compiling its functions to machine code in other threads costs more than it gives.
# Nothing of the machine that builds, or of the folder that runs it, gets in: no .env, no bunfig.toml.
"$bun" build src/cli/main.ts src/index.ts --target node --format esm --splitting --packages external \
  --define "process.env.RUNT_COMMIT=\"$commit\"" \
  --define "process.env.RUNT_SECCOMP_COMPILER=\"$compiler\"" --define "process.env.RUNT_BUILD=\"$build\"" --outdir dist.new/node --root src >/dev/null
node_modules/.bin/tsc -p tsconfig.types.json
# Split, so that a command does not pay for the code of others: all functions of a chunk are made when it is loaded.
"$bun" build src/cli/main.ts --compile --minify --bytecode --compile-jit-policy=100000 \
  --format=esm --splitting --min-chunk-size=32768 \
  --no-compile-autoload-dotenv --no-compile-autoload-bunfig \
  --no-compile-autoload-tsconfig --no-compile-autoload-package-json \
  --define "process.env.RUNT_COMMIT=\"$commit\"" --define "process.env.RUNT_SECCOMP_COMPILER=\"$compiler\"" \
  --define "process.env.RUNT_BUILD=\"$build\"" --define 'process.env.RUNT_STANDALONE="1"' \
  --outfile dist.new/runt-engine >/dev/null
RUNT_BUILD=$build "$bun" src/front/write.ts dist.new/runt
cp "node_modules/@koromix/koffi-linux-$koffi/linux_$koffi/koffi.node" dist.new/koffi.node
chmod 0644 dist.new/koffi.node
rm -rf dist.old
[ ! -e dist ] || mv dist dist.old
mv dist.new dist
rm -rf dist.old
