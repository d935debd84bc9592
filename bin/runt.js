#!/usr/bin/env node
// The program for Node.js, as `npm run build` leaves it in dist/. The installed runt is the executable dist/runt instead.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = new URL('../dist/node/cli/main.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write(`runt is not built: ${fileURLToPath(program)} is missing; npm run build makes it\n`);
  process.exitCode = 1;
}
