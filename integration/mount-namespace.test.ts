// A mount namespace that is not the container's own: nothing is mounted for it, since nobody would take it away again.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  check,
  inMountNamespace,
  ok,
  parseMountinfo,
  refused,
  type Sandbox,
  waitFor,
  withoutNamespace,
} from '../conformance/harness/index.ts';
import { needsStrace } from './support.ts';

function lasting(box: Sandbox, namespaces: (config: Config) => void) {
  return box.container((config) => {
    withoutNamespace(config, 'mount');
    namespaces(config);
    config.mounts = [];
    config.root.readonly = false;
    config.linux.maskedPaths = [];
    config.linux.readonlyPaths = [];
    config.process.args = ['/bin/sleep', '300'];
  });
}

check("in the runtime's mount namespace a container leaves the host's mounts as they are", (box) => {
  const before = readFileSync('/proc/self/mountinfo', 'utf8');
  const container = lasting(box, () => undefined);
  ok(container.create());
  ok(container.start());
  assert.equal(readlinkSync(`/proc/${container.pid()}/ns/mnt`), readlinkSync('/proc/self/ns/mnt'));
  assert.notEqual(readlinkSync(`/proc/${container.pid()}/root`), '/');
  ok(container.delete({ flags: ['--force'] }));
  // A second time: its devices are in the root file system by now.
  ok(container.create());
  ok(container.delete({ flags: ['--force'] }));
  assert.equal(readFileSync('/proc/self/mountinfo', 'utf8'), before);
});

check('a mount namespace is joined by its path', (box) => {
  const other = spawn('unshare', ['--mount', 'sleep', '300'], { stdio: 'ignore' });
  const path = `/proc/${other.pid}/ns/mnt`;
  try {
    waitFor('a mount namespace', () => readlinkSync(path) !== readlinkSync('/proc/self/ns/mnt'));
    const container = lasting(box, (config) => void config.linux.namespaces.push({ type: 'mount', path }));
    ok(container.create());
    ok(container.start());
    assert.equal(readlinkSync(`/proc/${container.pid()}/ns/mnt`), readlinkSync(path));
    ok(container.delete({ flags: ['--force'] }));
  } finally {
    other.kill('SIGKILL');
  }
});

check(
  'what masks paths is never on the host, also where the root of the container is shared with it',
  { skip: needsStrace },
  (box) => {
    const container = box.container((config) => {
      config.linux.rootfsPropagation = 'rshared';
      config.linux.maskedPaths = ['/proc/keys'];
    });
    const { rootfs } = container;
    const log = join(box.directory, 'mountinfo');
    // Init is killed when it is about to take it away.
    const killed = 'strace -f -qq -o /dev/null -e trace=umount2 -e inject=umount2:signal=KILL:when=1';
    const script = [
      `mount --make-rshared /; mount --bind ${rootfs} ${rootfs}`,
      `${killed} "$@" || :`,
      `cat /proc/self/mountinfo >${log}; exit 1`,
    ].join('\n');
    refused(container.create({ prelude: inMountNamespace(script) }), /ended without a word/);
    const onRoot = parseMountinfo(readFileSync(log, 'utf8')).filter(
      ({ target }) => target === '/' || target === rootfs,
    );
    assert.deepEqual(
      onRoot.map(({ type }) => type).filter((type) => type === 'tmpfs'),
      [],
    );
    box.assertNothingLeft();
  },
);
