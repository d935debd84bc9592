#!/bin/sh
# npm run fuzz: changes configs at random and holds validate and plan to what must hold (src/fuzz/); --help lists the options.
set -eu
cd "$(dirname "$0")/.."

[ -d node_modules ] || npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
node scripts/generate.mjs
node_modules/.bin/tsc --outDir build
exec node build/src/fuzz/main.js "$@"
