// `run` of a bundle that was run before: what has changed since is not overlooked, and what is an engine's is left to it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { check, type Options, ok, refused, waitFor } from '../conformance/harness/index.ts';
import { bundleOf, prepare, skip, traced } from './bundles.ts';
import { inBackground, waitUntilOld } from './support.ts';

check('another config in the same file is another container', { skip }, (box) => {
  const container = bundleOf(box, 'echo one');
  prepare(container);
  const file = join(container.bundle, 'config.json');
  const { mtime, atime } = statSync(file);
  const text = readFileSync(file, 'utf8');
  // The same file, of the same length, and as old.
  writeFileSync(file, text.replace('echo one', 'echo two'));
  spawnSync('touch', ['-d', mtime.toISOString(), file]);
  assert.ok(atime !== undefined);
  assert.equal(ok(container.run()).stdout, 'two\n');
  writeFileSync(file, `${text} `);
  assert.equal(ok(container.run()).stdout, 'one\n');
  writeFileSync(file, '{');
  refused(container.run(), /config\.json/);
  writeFileSync(file, text);
  assert.equal(ok(container.run()).stdout, 'one\n');
});

check('another host, image or caller is not taken for what it was', { skip }, (box) => {
  const script = 'cat /proc/self/cgroup; echo $HOME; echo > /data/file && ls /data';
  const container = bundleOf(box, script, (config) => {
    config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['mode=700', 'size=4k'] });
    config.root.readonly = false;
  });
  const run = (options: Options = {}) => traced(box, (more) => container.run({ ...more }), options);
  const prepared = (): void => {
    prepare(container);
    assert.deepEqual(run().engines, []);
  };
  const byEngine = (options: Options = {}): string => {
    const { engines, status, stdout } = run(options);
    assert.deepEqual([engines, status], [['runt:supervised'], 0]);
    return stdout;
  };
  // A link where a mount point was.
  mkdirSync(join(container.rootfs, 'data'), { recursive: true });
  prepared();
  rmdirSync(join(container.rootfs, 'data'));
  symlinkSync('/tmp', join(container.rootfs, 'data'));
  byEngine();
  rmSync(join(container.rootfs, 'data'));
  mkdirSync(join(container.rootfs, 'data'));
  // The user database.
  prepared();
  mkdirSync(join(container.rootfs, 'etc'), { recursive: true });
  writeFileSync(join(container.rootfs, 'etc/passwd'), 'root:x:0:0::/elsewhere:\n');
  assert.match(byEngine(), /^\/elsewhere$/m);
  waitUntilOld(join(container.rootfs, 'etc/passwd'));
  prepared();
  writeFileSync(join(container.rootfs, 'etc/passwd'), 'root:x:0:0::/elsewher2:\n');
  assert.match(byEngine(), /^\/elsewher2$/m);
  waitUntilOld(join(container.rootfs, 'etc/passwd'));
  // The caller: in other cgroups, with other mounts.
  prepared();
  const unified = existsSync('/sys/fs/cgroup/cgroup.procs') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
  const other = join(unified, `${box.token}-caller`);
  mkdirSync(other);
  try {
    const stdout = byEngine({ prelude: `echo $$ > ${other}/cgroup.procs` });
    assert.match(stdout, new RegExp(`${box.token}-caller/${container.id}`));
  } finally {
    rmdirSync(other);
  }
  prepared();
  byEngine({ prelude: 'set -- unshare --mount "$@"' });
  // The bundle, by another name, and by a link.
  prepared();
  const away = `${container.bundle}-away`;
  renameSync(container.bundle, away);
  const from = (bundle: string) =>
    traced(box, (options) => box.command(['run', '--bundle', bundle, container.id], options));
  assert.deepEqual([from(away).engines.length, from(away).status], [1, 0]);
  renameSync(away, container.bundle);
  prepared();
  symlinkSync(container.bundle, away);
  assert.deepEqual([from(away).engines.length, from(away).status], [1, 0]);
});

check('options that only an engine knows, warnings and hooks are never left out', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran');
  prepare(container);
  const pidFile = join(box.directory, 'pid');
  ok(container.run({ flags: ['--pid-file', pidFile] }));
  assert.match(readFileSync(pidFile, 'utf8'), /^\d+$/);
  const bySystemd = traced(box, (more) => container.run({ ...more, global: ['--systemd-cgroup'] }));
  assert.equal(bySystemd.engines.length, 1);
  const log = join(box.directory, 'log');
  ok(container.run({ global: ['--log', log] }));
  assert.equal(readFileSync(log, 'utf8'), '');
  const hooked = bundleOf(box, 'echo ran', (config) => {
    config.hooks = { poststop: [{ path: '/bin/touch', args: ['touch', join(box.directory, 'stopped')] }] };
  });
  const warned = bundleOf(box, 'echo ran', (config) => {
    config.process.capabilities = {
      bounding: [],
      permitted: [],
      effective: [],
      inheritable: [],
      ambient: ['CAP_KILL'],
    };
  });
  for (let round = 0; round < 3; round++) {
    rmSync(join(box.directory, 'stopped'), { force: true });
    ok(hooked.run());
    assert.ok(existsSync(join(box.directory, 'stopped')));
    assert.match(ok(warned.run()).stderr, /ambient/);
  }
});

check('a path of the config is no id, whatever it looks like', { skip }, (box) => {
  for (const [path, of] of [
    ['', 'id'],
    [`/${box.token}-named`, 'config'],
  ] as const) {
    const container = bundleOf(box, 'sleep 300', (config) => {
      config.linux.cgroupsPath = path;
    });
    for (const round of [1, 2, 3]) {
      // The path ends like the id of the runs that are written down.
      const id = round < 3 ? `${box.token}-named` : `${box.token}-other`;
      const run = inBackground(box, ['run', '--bundle', container.bundle, id]);
      waitFor('the program', () => {
        const { status, stdout } = box.command(['state', id], {});
        return status === 0 && JSON.parse(stdout).status === 'running' ? true : undefined;
      });
      ok(box.command(['exec', id, '/bin/true'], {}));
      const kept = JSON.parse(readFileSync(join(box.root, id, 'state.json'), 'utf8'));
      const expected = of === 'id' ? id : `${box.token}-named`;
      for (const entry of kept.cgroups.cgroups) {
        assert.ok(entry.path.endsWith(`/${expected}`), `${round}: ${entry.path}`);
        assert.equal(statSync(entry.path).ino, entry.inode);
      }
      assert.match(ok(box.command(['ps', id], {})).stdout, /sleep 300/);
      ok(box.command(['pause', id], {}));
      ok(box.command(['resume', id], {}));
      ok(box.command(['kill', id, 'KILL'], {}));
      run.status();
    }
    box.assertNothingLeft();
  }
});

check('closed streams are an engine’s to open; what is no plain file is never read', { skip }, (box) => {
  const container = bundleOf(
    box,
    'for fd in 0 1 2; do readlink /proc/self/fd/$fd || echo none; done >/tmp/seen',
    (config) => {
      config.root.readonly = false;
    },
  );
  const seen = (prelude: string): string => {
    container.run({ prelude });
    return readFileSync(join(container.rootfs, 'tmp/seen'), 'utf8');
  };
  for (const closed of ['0<&-', '2>&-', '0<&- 2>&-']) {
    const first = seen(`exec ${closed}`);
    for (let round = 0; round < 3; round++) prepare(container);
    assert.equal(seen(`exec ${closed}`), first, closed);
    assert.doesNotMatch(first, /none/);
  }
  const config = join(container.bundle, 'config.json');
  const text = readFileSync(config, 'utf8');
  for (let round = 0; round < 4; round++) {
    rmSync(config);
    spawnSync('mkfifo', [config]);
    refused(container.run(), /regular file/);
    rmSync(config);
    writeFileSync(config, text);
    ok(container.run());
  }
  refused(
    box.command(['--force', 'run', '--bundle', container.bundle, container.id], {}),
    /unknown option|usage|force/i,
  );
});

check('a bundle that has the inode of one that was removed is another', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran');
  ok(container.run());
  const directory = join(box.root, '.bundles');
  const [name = ''] = readdirSync(directory);
  const other = bundleOf(box, 'echo other');
  ok(other.run());
  const [last = ''] = readdirSync(directory).filter((entry) => entry !== name);
  // As if the second had the first one's.
  renameSync(join(directory, name), join(directory, last));
  ok(other.run());
  assert.equal(statSync(join(directory, last)).mode & 0o777, 0o600);
  ok(other.run());
  assert.equal(statSync(join(directory, last)).mode & 0o777, 0o700);
});

check('a bundle that can not be prepared is tried once', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran', (config) => {
    config.annotations = { large: 'x'.repeat(300_000) };
  });
  prepare(container);
  const directory = join(box.root, '.bundles');
  const [name = ''] = readdirSync(directory);
  const before = statSync(join(directory, name));
  assert.match(readFileSync(join(directory, name), 'utf8'), /^never\n/);
  ok(container.run());
  assert.equal(statSync(join(directory, name)).ino, before.ino);
});
