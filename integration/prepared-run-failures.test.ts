// `run` of a bundle that was run before: what fails is told as by an engine, and leaves nothing; nothing is executed that is not root's own.

import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { check, ok, refused, waitFor } from '../conformance/harness/index.ts';
import { bundleOf, prepare, runAs, skip, traced } from './bundles.ts';
import { inBackground, lastLine, seeded } from './support.ts';

check('what is wrong is told as an engine tells it, and nothing is left of the attempt', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran');
  prepare(container);
  const shell = join(container.rootfs, 'bin/sh');
  renameSync(shell, `${shell}.away`);
  const missing = refused(container.run(), /no such file or directory/);
  assert.match(lastLine(missing.stderr), /\/bin\/sh/);
  renameSync(`${shell}.away`, shell);
  prepare(container);
  // In use.
  const id = `${container.id}-other`;
  mkdirSync(join(box.root, id));
  refused(runAs(box, container, id), /already exists/);
  assert.ok(existsSync(join(box.root, id)));
  rmdirSync(join(box.root, id));
  // A cgroup that is there, with somebody in it.
  const cgroup = existsSync('/sys/fs/cgroup/cgroup.procs') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
  const taken = join(cgroup, id);
  mkdirSync(taken);
  const somebody = inBackground(box, [], ['sh', '-c', `echo $$ > ${taken}/cgroup.procs; exec sleep 300`]);
  waitFor('somebody', () => (readFileSync(join(taken, 'cgroup.procs'), 'utf8') === '' ? undefined : true));
  refused(runAs(box, container, id), /not empty/);
  process.kill(somebody.pid, 'SIGKILL');
  somebody.status();
  waitFor('nobody', () => (readFileSync(join(taken, 'cgroup.procs'), 'utf8') === '' ? true : undefined));
  rmdirSync(taken);
  for (const bad of ['../x', '.x', 'a/b', 'x'.repeat(256), '']) refused(runAs(box, container, bad), /container id/);
  assert.equal(ok(runAs(box, container, 'x'.repeat(200) + box.token)).stdout, 'ran\n');
  box.assertNothingLeft();
});

check('what is not only root’s, or is no such thing, is not executed', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran');
  prepare(container);
  const directory = join(box.root, '.bundles');
  const [name = ''] = readdirSync(directory);
  const file = join(directory, name);
  const good = readFileSync(file);
  // It would say that there is no such applet.
  const other = readFileSync(join(container.rootfs, 'bin/busybox'));
  const run = (what: string) => assert.equal(container.run().stdout, 'ran\n', what);
  for (const [content, mode, owner, directoryMode] of [
    [other, 0o755, 0, 0o700],
    [other, 0o700, 1000, 0o700],
    [other, 0o700, 0, 0o777],
    [other, 0o4700, 0, 0o700],
    ['', 0o700, 0, 0o700],
    [good.subarray(0, 100), 0o700, 0, 0o700],
    [good.subarray(0, good.length - 4096), 0o700, 0, 0o700],
    [Buffer.concat([good, Buffer.alloc(1)]), 0o700, 0, 0o700],
  ] as const) {
    rmSync(file, { force: true });
    writeFileSync(file, content);
    chownSync(file, owner, 0);
    chmodSync(file, mode);
    chmodSync(directory, directoryMode);
    run(`${content.length} bytes, ${mode.toString(8)}, ${owner}, ${directoryMode.toString(8)}`);
    chmodSync(directory, 0o700);
  }
  // Of the right size, or no test of it would be needed.
  const sized = (bytes: Buffer): Buffer => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(copy.length, 12);
    return copy;
  };
  for (const [mode, owner] of [
    [0o755, 0],
    [0o700, 1000],
  ] as const) {
    rmSync(file, { force: true });
    writeFileSync(file, sized(other));
    chownSync(file, owner, 0);
    chmodSync(file, mode);
    run(`as large as it says, ${mode.toString(8)}, ${owner}`);
  }
  rmSync(file, { force: true });
  writeFileSync(join(box.directory, 'other'), sized(other), { mode: 0o700 });
  symlinkSync(join(box.directory, 'other'), file);
  run('a link to a file');
  rmSync(directory, { recursive: true });
  mkdirSync(join(box.directory, 'elsewhere'), { mode: 0o700 });
  writeFileSync(join(box.directory, 'elsewhere', name), sized(other), { mode: 0o700 });
  symlinkSync(join(box.directory, 'elsewhere'), directory);
  run('a link to a directory');
});

check('a run that is interrupted while it makes the container leaves nothing', { skip }, (box) => {
  const container = bundleOf(box, 'sleep 0.01');
  prepare(container);
  const random = seeded(20);
  // timeout(1) signals a process group of its own, as a terminal does.
  const delays = Array.from({ length: 60 }, () => (random() * 0.012).toFixed(4)).join(' ');
  container.run({ prelude: `for delay in ${delays}; do timeout -s INT $delay "$@"; done; exit 0; ` });
  box.assertNothingLeft();
  assert.deepEqual(
    readdirSync(box.root).filter((name) => !name.startsWith('.')),
    [],
  );
});

check('what a maker that was killed leaves, delete --force removes', { skip }, (box) => {
  const container = bundleOf(box, 'sleep 300');
  for (let round = 0; round < 2; round++) {
    const run = inBackground(box, ['run', '--bundle', container.bundle, container.id]);
    waitFor('the program', () => (container.kill('KILL').status === 0 ? true : undefined));
    run.status();
  }
  const calls = ['mkdirat', 'writev', 'mknodat', 'socketpair', 'memfd_create', 'clone', 'renameat2', 'pwrite64'];
  for (const [index, call] of calls.entries()) {
    const id = `${container.id}-${index}`;
    // The front has the maker's end, and asks an engine to take away what there is.
    const prelude = `set -- strace -f -qq -o /dev/null -e trace=${call} -e inject=${call}:signal=SIGKILL:when=1 "$@"`;
    const { status } = runAs(box, container, id, { prelude });
    assert.notEqual(status, 0, call);
    ok(box.command(['delete', '--force', id], {}));
    box.assertNothingLeft();
  }
});

check('a step that the kernel refuses is taken back, and the engine goes on', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran');
  const refuse = (call: string, when: string) => {
    prepare(container);
    const trace = join(box.directory, 'trace');
    const prelude = `set -- strace -f -qq -o ${trace} -e trace=${call},execve -e inject=${call}:error=ENOSPC:when=${when} "$@"`;
    const result = container.run({ prelude });
    return { ...result, text: readFileSync(trace, 'utf8') };
  };
  // Nobody but the maker makes these calls.
  for (const [call, when] of [
    ['writev', '1'],
    ['writev', '2'],
    ['pwrite64', '1'],
    ['clock_gettime', '1'],
  ] as const) {
    const { status, stdout, text } = refuse(call, when);
    assert.match(text, /INJECTED/, call);
    assert.match(text, /runt-engine/, call);
    assert.deepEqual([stdout, status], ['ran\n', 0], `${call} ${when}`);
    box.assertNothingLeft();
  }
  // These are the engine's and init's, too: it may all fail.
  for (const call of ['mkdirat', 'mknodat', 'socketpair', 'memfd_create', 'clone', 'renameat2'])
    for (const when of ['1', '2', '12+']) {
      const { status, stdout } = refuse(call, when);
      if (status === 0) assert.equal(stdout, 'ran\n', `${call} ${when}`);
      ok(container.delete({ flags: ['--force'] }));
      box.assertNothingLeft();
    }
});

check('a file that may not be longer is an error, not the end', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran');
  prepare(container);
  const { status, stderr } = container.run({ prelude: 'set -- prlimit --fsize=0 "$@" 2>/dev/null >/dev/null' });
  assert.ok(status > 0 && status < 128, `${status} ${stderr}`);
  box.assertNothingLeft();
});

check('a cgroup that somebody has removed and made again is not entered', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran', (config) => {
    config.linux.resources = { devices: [{ allow: false, access: 'rwm' }], pids: { limit: 50 } };
  });
  prepare(container);
  const above = existsSync('/sys/fs/cgroup/cgroup.procs') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
  const path = join(above, container.id);
  // While the maker stands still.
  const prelude =
    'strace -f -qq -o /dev/null -e trace=memfd_create -e inject=memfd_create:delay_enter=1500000:when=1'.split(' ');
  const run = inBackground(box, ['run', '--bundle', container.bundle, container.id], prelude);
  waitFor('the cgroup', () => (existsSync(path) ? true : undefined));
  waitFor('its turn', () => {
    try {
      rmdirSync(path);
      mkdirSync(path);
      return true;
    } catch {
      return undefined;
    }
  });
  // The engine finds it free, and takes it with all that belongs to it.
  assert.equal(run.status(), 0);
  assert.equal(readFileSync(join(path, 'pids.max'), 'utf8'), '50\n');
  rmdirSync(path);
  box.assertNothingLeft();
});

check('a file in the place of the store keeps it from being', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran');
  writeFileSync(join(box.root, '.bundles'), '');
  for (let round = 0; round < 3; round++) {
    const { engines, stdout } = traced(box, (options) => container.run(options));
    assert.deepEqual([engines.length, stdout], [1, 'ran\n']);
  }
});

check('the store of bundles does not grow without end, and another build’s are not kept', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran');
  ok(container.run());
  const directory = join(box.root, '.bundles');
  const prefix = /^\w+\./.exec(readdirSync(directory)[0] ?? '')?.[0] ?? '';
  writeFileSync(join(directory, 'abc.123'), '');
  for (let index = 0; index < 40; index++) writeFileSync(join(directory, `${prefix}${index}`), '');
  const other = bundleOf(box, 'echo ran');
  ok(other.run());
  assert.ok(readdirSync(directory).length <= 32);
  assert.ok(!existsSync(join(directory, 'abc.123')));
});
