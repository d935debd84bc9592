// The entry of the program. process.argv begins with the engine and the script under Node.js; in an executable compiled by
// Bun it begins with "bun" and the path inside the executable: two either way.

import { runCommandLine } from './run-command-line.ts';

runCommandLine(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (thrown: unknown) => {
    // Reporting itself failed: standard error or the log can't be written.
    process.stderr.write(`runt: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    process.exit(1);
  },
);
