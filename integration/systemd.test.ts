// --systemd-cgroup, from the inside: a runtime that is killed while systemd works for it, and what is loaded without the option.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addFile, check, ok, refused, runtimeFlags, waitFor } from '../conformance/harness/index.ts';
import { isExecutable, needsExecutable, needsStrace, openedPaths, straced } from './support.ts';

const skip = existsSync('/run/systemd/system')
  ? false
  : 'needs systemd as the first process of the host (npm run test:vm)';
const SYSTEMD = ['--systemd-cgroup'];
const withOption = runtimeFlags.includes('--systemd-cgroup')
  ? 'the option is given to every command of this run'
  : false;
/** A virtual machine takes seconds for each. */
const ROUNDS = isExecutable ? 6 : 4;

const units = (token: string): string =>
  spawnSync('systemctl', ['list-units', '--all', '--plain', '--no-legend', `*${token}*`], { encoding: 'utf8' }).stdout;

check('a create that is killed at any point leaves only what delete --force removes', { skip }, (box, test) => {
  const begin = performance.now();
  const whole = box.container();
  ok(whole.create({ global: SYSTEMD }));
  const duration = performance.now() - begin;
  ok(whole.delete({ flags: ['--force'] }));
  const found: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    const container = box.container((config) => {
      config.process.args = ['/bin/sleep', '300'];
    });
    const seconds = ((duration * (round + 1)) / ROUNDS / 1000).toFixed(4);
    container.create({ global: SYSTEMD, prelude: `set -- timeout --foreground -s KILL ${seconds} "$@"` });
    const left = units(container.id) === '' ? 'no unit' : 'a unit';
    found[left] = (found[left] ?? 0) + 1;
    ok(container.delete({ flags: ['--force'] }));
    box.assertNothingLeft();
    waitFor('no unit of the container', () => units(container.id) === '');
  }
  test.diagnostic(JSON.stringify(found));
});

check('what is left when the runtime is killed during its hooks goes with delete --force', { skip }, (box) => {
  const container = box.container((config, { bundle }) => {
    addFile(bundle, 'hook', `#!/bin/sh\necho $$ >'${bundle}/pid'\nkill -KILL $PPID\nexec sleep 300\n`, 0o755);
    config.hooks = { createRuntime: [{ path: join(bundle, 'hook') }] };
  });
  assert.notEqual(container.create({ global: SYSTEMD }).status, 0);
  assert.match(readFileSync(join(box.root, container.id, 'state.json'), 'utf8'), /"unit":"runt-/);
  ok(container.delete({ flags: ['--force'] }));
  // A process of the host that nobody but this test knows.
  process.kill(Number(readFileSync(join(container.bundle, 'pid'), 'utf8')), 'SIGKILL');
  waitFor('no unit of the container', () => units(container.id) === '');
});

check("a unit that has the name of the container's, and is somebody else's, is not stopped", { skip }, (box) => {
  const unit = `${box.token}-theirs.scope`;
  const container = box.container((config) => {
    config.linux.cgroupsPath = `system.slice:${box.token}:theirs`;
  });
  const run = ['--scope', '--quiet', `--unit=${unit}`, '--slice=system.slice', 'sh', '-c', 'sleep 300 >&- 2>&- & true'];
  assert.equal(spawnSync('systemd-run', run, { stdio: 'ignore' }).status, 0);
  try {
    refused(container.create({ global: SYSTEMD }), /theirs\.scope/);
    assert.match(units(box.token), /active +running/);
  } finally {
    spawnSync('systemctl', ['stop', unit]);
  }
});

check(
  'a container that was made without the option has nothing to do with systemd',
  { skip: withOption || needsExecutable || needsStrace },
  (box) => {
    const container = box.container();
    const trace = straced(box, 'trace=open,openat,openat2,execve,connect');
    ok(container.create({ prelude: trace.prelude.replace('strace -f ', 'strace ') }));
    const paths = openedPaths(trace.lines()).map(({ path }) => path);
    assert.deepEqual(
      paths.filter((path) => /libsystemd|dbus|^\/run\/systemd/.test(path)),
      [],
    );
  },
);
