// A file system without room: one clear error that names it, and nothing left.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Container,
  check,
  inMountNamespace,
  ok,
  type Result,
  refused,
  type Sandbox,
} from '../conformance/harness/index.ts';
import { directoryIn, lasting, lastLine } from './support.ts';

/** A script that mounts a tmpfs without a free page or, if `inodes`, without a free inode at `path`. */
function fullAt(path: string, inodes = false): string {
  return inodes
    ? `mount -t tmpfs -o nr_inodes=2,mode=755 tmpfs '${path}'; touch '${path}/fill'`
    : `mount -t tmpfs -o size=4k,mode=755 tmpfs '${path}'; dd if=/dev/zero of='${path}/fill' bs=4096 count=1 2>/dev/null`;
}

/** A prelude: the command runs where `script` has mounted something; then the names in `directory` go to `list`. */
function listing(script: string, directory: string, list: string): string {
  return inMountNamespace(`${script}
status=0; "$@" || status=$?
ls -A '${directory}' >'${list}'
exit $status`);
}

/** One line, about the full file system; no stack. */
function assertOneError(result: Result): void {
  refused(result, /ENOSPC \(no space left on device\)/);
  assert.equal(result.stderr.trimEnd().split('\n').length, 1, result.stderr);
  assert.match(result.stderr, /^time="[^"]+" level=error msg="/);
}

function assertNothingMade(box: Sandbox, container: Container): void {
  refused(container.stateResult(), /does not exist/);
  box.assertNothingLeft();
}

for (const inodes of [false, true]) {
  check(
    `create and run with a state directory that has no ${inodes ? 'inode' : 'block'} left fail and leave nothing`,
    (box) => {
      const container = lasting(box);
      const list = join(box.directory, 'list');
      for (const command of [container.create, container.run]) {
        assertOneError(command({ prelude: listing(fullAt(box.root, inodes), box.root, list) }));
        assert.equal(readFileSync(list, 'utf8'), 'fill\n');
        assertNothingMade(box, container);
      }
    },
  );
}

check('a pid file that can’t be written makes create fail, names it, and leaves nothing', (box) => {
  const container = lasting(box);
  const full = directoryIn(box, 'full');
  const list = join(box.directory, 'list');
  const options = { flags: ['--pid-file', join(full, 'pid')], prelude: listing(fullAt(full), full, list) };
  for (const command of [container.create, container.run]) {
    const result = command(options);
    assertOneError(result);
    assert.ok(result.stderr.includes(join(full, 'pid')), result.stderr);
    assert.equal(readFileSync(list, 'utf8'), 'fill\n', 'no part of a pid file');
    assertNothingMade(box, container);
  }
});

check('exec with a state directory that has no room runs the program all the same, and leaves nothing there', (box) => {
  const container = lasting(box);
  ok(container.create());
  ok(container.start());
  const copy = directoryIn(box, 'copy');
  const script = `cp -a '${box.root}/.' '${copy}'; mount -t tmpfs -o size=64k,mode=755 tmpfs '${box.root}'
cp -a '${copy}/.' '${box.root}'; dd if=/dev/zero of='${box.root}/fill' bs=4096 count=100 2>/dev/null || true`;
  const list = join(box.directory, 'list');
  const names = readdirSync(join(box.root, container.id)).sort();
  for (let round = 0; round < 2; round++) {
    const prelude = listing(script, join(box.root, container.id), list);
    assert.equal(ok(container.exec(['/bin/echo', 'ran'], { prelude })).stdout, 'ran\n');
    assert.deepEqual(readFileSync(list, 'utf8').trim().split('\n').sort(), names);
  }
});

check('a pid file in a directory that does not exist makes create fail and leaves nothing', (box) => {
  const container = lasting(box);
  const result = refused(container.create({ flags: ['--pid-file', join(box.directory, 'absent/pid')] }), /ENOENT/);
  assert.ok(result.stderr.includes('absent/pid'), result.stderr);
  assertNothingMade(box, container);
});

check('an error is still told on standard error when the log is on a full file system', (box) => {
  const container = box.container((config) => {
    config.root.path = 'absent';
  });
  const full = directoryIn(box, 'full');
  for (const format of ['text', 'json']) {
    const result = refused(
      container.create({
        global: ['--log', join(full, 'log'), '--log-format', format],
        prelude: inMountNamespace(fullAt(full)),
      }),
    );
    assert.match(result.stderr, /absent/, 'the reason of the failure');
    assert.doesNotMatch(result.stderr, /defect of runt/);
    assertNothingMade(box, container);
  }
});

check('a log on a full file system does not keep a container from being created', (box) => {
  const container = lasting(box);
  const full = directoryIn(box, 'full');
  const prelude = inMountNamespace(fullAt(full));
  ok(container.create({ global: ['--debug', '--log', join(full, 'log')], prelude }));
  ok(container.delete({ flags: ['--force'] }));
});

check('a log that can’t be opened is one clear error', (box) => {
  const container = lasting(box);
  const result = refused(container.create({ global: ['--log', join(box.directory, 'absent/log')] }), /ENOENT/);
  assert.match(lastLine(result.stderr), /absent\/log/);
  assertNothingMade(box, container);
});

check('state and list fail where standard output is full', (box) => {
  const container = lasting(box);
  ok(container.create());
  for (const args of [['state', container.id], ['list'], ['list', '--format', 'json']]) {
    const result = refused(box.command(args, { prelude: 'exec >/dev/full' }), /ENOSPC/);
    assert.doesNotMatch(result.stderr, /defect of runt/);
  }
});
