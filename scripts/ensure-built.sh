#!/bin/sh
# Makes dist/runt, and runt-engine and koffi.node beside it, where they are missing or older than what they are made of.
set -eu
cd "$(dirname "$0")/.."

fresh() {
  [ -x dist/runt ] && [ -x dist/runt-engine ] && [ -e dist/koffi.node ] &&
    [ -z "$(find src schemas package-lock.json scripts/build.sh scripts/generate.mjs -type f -newer dist/runt \
      ! -path 'src/spec/generated/*' ! -name '*.test.ts' | head -n 1)" ]
}

if ! fresh; then
  [ -d node_modules ] || {
    echo "Installing what the build needs ..."
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  }
  echo "Building dist/runt ..."
  scripts/build.sh
fi
