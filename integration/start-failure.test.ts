// A program that can't be executed: create says so where it is missing, start where only the kernel knows, with the words that container engines
// look for.

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, ok, refused } from '../conformance/harness/index.ts';
import { lastLine } from './support.ts';

interface Case {
  readonly what: string;
  readonly by: 'create' | 'start';
  readonly args: readonly string[];
  /** Put into the root file system: a path, a mode, a text. */
  readonly file?: readonly [string, number, string];
  /** Quotes are escaped in a log line. */
  readonly message: RegExp;
}

const CASES: readonly Case[] = [
  {
    what: 'a program that is not there',
    by: 'create',
    args: ['/nope'],
    message: /exec: \\?"\/nope\\?": stat \/nope: no such file or directory/,
  },
  {
    what: 'a program that is not in PATH',
    by: 'create',
    args: ['nope'],
    message: /exec: \\?"nope\\?": executable file not found in \$PATH/,
  },
  {
    what: 'a file that may not be executed',
    by: 'create',
    args: ['/plain'],
    file: ['plain', 0o644, 'text'],
    message: /exec: \\?"\/plain\\?": stat \/plain: permission denied/,
  },
  {
    what: 'a file in PATH that may not be executed',
    by: 'create',
    args: ['plain'],
    file: ['bin/plain', 0o644, 'text'],
    message: /exec: \\?"plain\\?": permission denied/,
  },
  { what: 'a directory', by: 'start', args: ['/bin'], message: /exec \/bin: permission denied/ },
  {
    what: 'a script whose interpreter is not there',
    by: 'start',
    args: ['/script'],
    file: ['script', 0o755, '#!/no/such/interpreter\n'],
    message: /exec \/script: no such file or directory.*interpreter/,
  },
  {
    what: 'a file that is no program',
    by: 'start',
    args: ['/text'],
    file: ['text', 0o755, 'just text\n'],
    message: /exec \/text: exec format error/,
  },
];

for (const { what, by, args, file, message } of CASES) {
  check(`${by} fails with the reason for ${what}`, (box) => {
    const container = box.container((config, { rootfs }) => {
      if (file !== undefined) writeFileSync(join(rootfs, file[0]), file[2], { mode: file[1] });
      config.process.args = [...args];
    });
    if (by === 'start') ok(container.create());
    const log = join(box.directory, 'log');
    const result = container[by]({ global: ['--log', log, '--log-format', 'json'] });
    refused(result, message);
    assert.equal(result.status, 1);
    const entry = JSON.parse(lastLine(readFileSync(log, 'utf8')));
    assert.equal(entry.level, 'error');
    assert.match(entry.msg, message);
    if (by === 'start') {
      container.waitForStatus('stopped');
      ok(container.delete());
    }
    refused(container.run(), message);
    refused(container.stateResult());
    box.assertNothingLeft();
  });
}

for (const [args, message] of [
  [['/bin/gone'], /exec: \\?"\/bin\/gone\\?": stat \/bin\/gone: no such file or directory/],
  [['gone'], /exec: \\?"gone\\?": executable file not found in \$PATH/],
] as const) {
  check(`start fails with the reason where ${args[0]} is gone since create`, (box) => {
    let file = '';
    const container = box.container((config, { rootfs }) => {
      file = join(rootfs, 'bin/gone');
      writeFileSync(file, '#!/bin/sh\n', { mode: 0o755 });
      config.process.args = [...args];
    });
    ok(container.create());
    rmSync(file);
    refused(container.start(), message);
    container.waitForStatus('stopped');
    ok(container.delete());
  });
}

check('start of a container whose init was killed fails and says that it is stopped', (box) => {
  const container = box.container();
  ok(container.create());
  process.kill(container.pid(), 'SIGKILL');
  container.waitForStatus('stopped');
  refused(container.start(), /it is stopped, not created/);
  ok(container.delete());
});
