// `run` of a bundle that was run before: no engine runs, the container is the same, and what has changed since is not overlooked.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
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
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  type Container,
  cgroupsOf,
  check,
  type Options,
  ok,
  refused,
  type Sandbox,
  waitFor,
} from '../conformance/harness/index.ts';
import {
  childrenOf,
  directoryIn,
  inBackground,
  lastLine,
  needsExecutable,
  needsStrace,
  seeded,
  straced,
} from './support.ts';

const skip = needsExecutable !== false ? needsExecutable : needsStrace;

function bundleOf(box: Sandbox, script: string, edit?: (config: Config) => void): Container {
  const container = box.container((config) => {
    config.process.args = ['/bin/sh', '-c', script];
    edit?.(config);
  });
  return container;
}

/** A file that was changed just now is not relied on. */
function waitUntilOld(path: string): void {
  waitFor('the file to be a little older', () => (Date.now() - statSync(path).ctimeMs > 100 ? true : undefined));
}

/** Two runs, which leave nothing to an engine that the third would need. */
function prepare(container: Container): void {
  for (let round = 0; round < 2; round++) container.run();
}

function runAs(box: Sandbox, { bundle }: Container, id: string, options: Options = {}) {
  return box.command(['run', '--bundle', bundle, ...(options.flags ?? []), id], options);
}

interface Traced {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
  /** argv[0] of the engines that were executed. */
  readonly engines: readonly string[];
}

function traced(box: Sandbox, run: (options: Options) => ReturnType<Container['run']>, options: Options = {}): Traced {
  const trace = straced(box, 'trace=execve,execveat');
  const prelude = [...(options.prelude === undefined ? [] : [options.prelude]), trace.prelude].join('\n');
  const { stdout, stderr, status } = run({ ...options, prelude });
  const engines = trace.lines().flatMap((line) => /execve\("[^"]*\/runt-engine", \["([^"]*)"/.exec(line)?.[1] ?? []);
  return { stdout, stderr, status, engines };
}

check(
  'the third run of a bundle needs no engine, whatever the id; nor does the end of the container',
  { skip },
  (box) => {
    const container = bundleOf(box, 'echo "ran in $(hostname)"; exit 7');
    const engines = [1, 2, 3, 4].map((round) => {
      const result = traced(box, (options) => runAs(box, container, `${container.id}-${'x'.repeat(round)}`, options));
      assert.deepEqual([result.stdout, result.stderr, result.status], ['ran in conformance\n', '', 7]);
      return result.engines.length;
    });
    assert.deepEqual(engines, [1, 1, 0, 0]);
    box.assertNothingLeft();
  },
);

check('it is the same container: namespaces, mounts, rights, limits, cgroups, streams, keyring', { skip }, (box) => {
  const script = `umask; pwd; env | sort; ulimit -a; cat /proc/self/mountinfo | cut -d" " -f4-; ls -l /dev /proc/self/fd | cut -c1-10,40-
    grep -E "^(Uid|Gid|Groups|Cap|NoNew|Seccomp|Sig[BIC])" /proc/self/status; cat /proc/self/cgroup /proc/self/oom_score_adj /proc/keys
    cat /proc/sys/kernel/hostname; grep -c . /proc/net/dev; id; cat /proc/sys/net/ipv4/ip_forward; for f in user mnt pid net uts ipc cgroup; do readlink /proc/self/ns/$f | cut -d: -f1; done`;
  const container = bundleOf(box, script, (config) => {
    config.process.user = { uid: 1000, gid: 7, additionalGids: [9, 11] };
    config.process.env = ['PATH=/bin', 'A=x=y'];
    config.process.rlimits = [{ type: 'RLIMIT_CORE', soft: 5, hard: 6 }];
    config.process.oomScoreAdj = 77;
    config.linux.sysctl = { 'net.ipv4.ip_forward': '1' };
    config.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['chroot'], action: 'SCMP_ACT_ERRNO' }],
    };
    config.mounts.push({
      destination: '/tmp/bound',
      type: 'bind',
      source: directoryIn(box, 'data'),
      options: ['bind', 'ro'],
    });
  });
  mkdirSync(join(container.rootfs, 'etc'), { recursive: true });
  writeFileSync(join(container.rootfs, 'etc/passwd'), 'u:x:1000:7::/home/of/u:\n');
  waitUntilOld(join(container.rootfs, 'etc/passwd'));
  const seen = [1, 2, 3].map((round) => {
    const id = `${container.id}-${round}`;
    const errors = join(box.directory, `errors-${round}`);
    const prelude = `trap "" HUP USR1; ulimit -n 1100; exec 9</dev/null 2>${errors}; umask 027`;
    const { stdout, status, engines } = traced(box, (options) => runAs(box, container, id, options), { prelude });
    const stderr = readFileSync(errors, 'utf8');
    // A stream of the caller's becomes the user's.
    assert.equal(statSync(errors).uid, 1000);
    assert.equal(status, 0, stderr);
    // Keys and pids have numbers, and times.
    const plain = stdout
      .replaceAll(id, 'ID')
      .replace(/^[0-9a-f]{8} .*keyring +/gm, '')
      .replace(/ -> .*/g, '');
    return { plain, engines: engines.length };
  });
  assert.match(seen[0]?.plain ?? '', /HOME=\/home\/of\/u/);
  assert.deepEqual(
    seen.map(({ engines }) => engines),
    [1, 1, 0],
  );
  assert.equal(seen[2]?.plain, seen[0]?.plain);
});

check('its state is the same, but for numbers; the other commands know it', { skip }, (box) => {
  const container = bundleOf(box, 'sleep 300');
  const states = [1, 2, 3].map((round) => {
    const id = `${container.id}-${round}`;
    const run = inBackground(box, ['run', '--bundle', container.bundle, id]);
    const state = waitFor('the container', () => {
      const { status, stdout } = box.command(['state', id], {});
      return status === 0 && JSON.parse(stdout).status === 'running' ? JSON.parse(stdout) : undefined;
    });
    assert.ok(Math.abs(Date.parse(state.created) - Date.now()) < 60_000, state.created);
    assert.match(state.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const kept = JSON.parse(readFileSync(join(box.root, id, 'state.json'), 'utf8'));
    assert.equal(kept.init.pid, state.pid);
    for (const { path, inode } of kept.cgroups.cgroups) assert.equal(statSync(path).ino, inode, path);
    assert.equal(ok(box.command(['exec', id, '/bin/echo', 'added'], {})).stdout, 'added\n');
    assert.match(ok(box.command(['ps', id], {})).stdout, /sleep 300/);
    ok(box.command(['pause', id], {}));
    ok(box.command(['resume', id], {}));
    ok(box.command(['kill', id, 'KILL'], {}));
    assert.equal(run.status(), 137);
    const text = JSON.stringify(kept)
      .replaceAll(id, 'ID')
      .replace(/"(pid|startTime|inode|operation)":\d+/g, '"$1":0')
      .replace(/"(created|image)":"[^"]*"/g, '"$1":""');
    return text;
  });
  assert.equal(states[2], states[0]);
  box.assertNothingLeft();
});

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

check('options that only an engine knows, warnings and hooks are never left out', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran');
  prepare(container);
  const pidFile = join(box.directory, 'pid');
  ok(container.run({ flags: ['--pid-file', pidFile] }));
  assert.match(readFileSync(pidFile, 'utf8'), /^\d+$/);
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

check('limits and rules for devices are in force', { skip }, (box) => {
  const container = bundleOf(box, 'cat /tmp/null; cat /tmp/kmsg; sleep 300', (config) => {
    config.root.readonly = false;
    config.linux.resources = {
      devices: [{ allow: false, access: 'rwm' }],
      pids: { limit: 33 },
      memory: { limit: 30_000_000, swap: 30_000_000 },
      cpu: { shares: 333, quota: 50_000, period: 100_000 },
    };
    config.linux.devices = [
      { path: '/tmp/null', type: 'c', major: 1, minor: 3, fileMode: 0o666 },
      { path: '/tmp/kmsg', type: 'c', major: 1, minor: 11, fileMode: 0o666 },
    ];
  });
  const files = [
    'pids.max',
    'memory.max',
    'memory.limit_in_bytes',
    'cpu.shares',
    'cpu.weight',
    'cpu.max',
    'cpu.cfs_quota_us',
  ];
  const seen = [1, 2, 3].map(() => {
    const output = join(box.directory, 'output');
    rmSync(output, { force: true });
    const shell = ['sh', '-c', `exec "$@" >${output} 2>&1`, 'sh'];
    const run = inBackground(box, ['run', '--bundle', container.bundle, container.id], shell);
    waitFor('the program', () =>
      existsSync(output) && readFileSync(output, 'utf8').includes('kmsg') ? true : undefined,
    );
    const limits = cgroupsOf(container.id).flatMap((line) =>
      files.flatMap((name) => {
        const file = join(line.replace(/^cgroup /, ''), name);
        return existsSync(file) ? [`${name} ${readFileSync(file, 'utf8')}`] : [];
      }),
    );
    ok(container.kill('KILL'));
    run.status();
    return { output: readFileSync(output, 'utf8'), limits };
  });
  assert.match(seen[2]?.output ?? '', /kmsg.*Operation not permitted/);
  assert.ok(seen[2]?.limits.includes('pids.max 33\n'), `${seen[2]?.limits}`);
  assert.ok((seen[2]?.limits.length ?? 0) >= 4);
  assert.deepEqual(seen[2], seen[0]);
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

check('where the state lies on a file system without execution it is executed from memory', { skip }, (box) => {
  const container = bundleOf(box, 'echo ran');
  const root = join(box.directory, 'noexec');
  mkdirSync(root);
  // Three runs in one mount namespace.
  const script = `mount -t tmpfs -o noexec,mode=700 tmpfs ${root} && "$@" && "$@" && exec strace -f -qq -e trace=execve,execveat -o ${box.directory}/trace "$@"`;
  const prelude = `set -- unshare --mount sh -c '${script}' sh "$@"`;
  const { stdout } = ok(box.command(['--root', root, 'run', '--bundle', container.bundle, container.id], { prelude }));
  assert.equal(stdout, 'ran\n'.repeat(3));
  const trace = readFileSync(join(box.directory, 'trace'), 'utf8');
  assert.doesNotMatch(trace, /runt-engine/);
  assert.match(trace, /EACCES/);
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

check('a signal for the program reaches it, and what waits is small', { skip }, (box) => {
  const container = bundleOf(box, 'trap "exit 9" USR1; echo ready; while :; do sleep 0.1; done');
  for (let round = 0; round < 3; round++) {
    const run = inBackground(box, ['run', '--bundle', container.bundle, container.id]);
    const pid = waitFor('the program', () => childrenOf(run.pid).find(({ name }) => name === 'sh'))?.pid ?? 0;
    const SIGUSR1 = 1n << 9n;
    waitFor('the trap', () => {
      const caught = /^SigCgt:\s+(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return (BigInt(`0x${caught}`) & SIGUSR1) === 0n ? undefined : true;
    });
    const memory = readFileSync(`/proc/${run.pid}/smaps_rollup`, 'utf8');
    const own = Number(/^Anonymous:\s+(\d+) kB/m.exec(memory)?.[1]);
    assert.ok(own > 0 && own <= 64, memory);
    process.kill(run.pid, 'SIGUSR1');
    assert.equal(run.status(), 9);
  }
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
