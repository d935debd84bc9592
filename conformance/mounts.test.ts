// config.md, Mounts: types, options, mount points. What is asserted is what the container reads in its own mount table.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  addFile,
  type Config,
  check,
  inMountNamespace,
  mountAt,
  ok,
  parseMountinfo,
  refused,
  runtimeKind,
  type Sandbox,
} from './harness/index.ts';

/** A directory on the host with a file in it. */
function hostDirectory(box: Sandbox, name = 'volume'): string {
  const path = join(box.directory, name);
  mkdirSync(path);
  writeFileSync(join(path, 'file'), 'of the host\n');
  return path;
}

const bind = (source: string, destination: string, ...options: string[]) => ({
  destination,
  type: 'bind',
  source,
  options: ['bind', ...options],
});

/** The mount table of a container with these further mounts. */
function tableOf(box: Sandbox, mounts: Config['mounts'], prelude?: string, edit?: (config: Config) => void) {
  const container = box.container((config) => {
    config.mounts.push(...mounts);
    edit?.(config);
    config.process.args = ['/bin/cat', '/proc/self/mountinfo'];
  });
  return parseMountinfo(ok(container.run(prelude === undefined ? {} : { prelude })).stdout);
}

// --- bind mounts ----------------------------------------------------------------------------------------------------

check('a directory is bound, with the missing directories of its destination', (box) => {
  const source = hostDirectory(box);
  const output = box.shell('cat /a/b/c/file; echo back >/a/b/c/answer', (config) => {
    config.mounts.push(bind(source, '/a/b/c'));
  });
  assert.equal(output, 'of the host\n');
  assert.equal(readFileSync(join(source, 'answer'), 'utf8'), 'back\n');
});

check('a file is bound, with the missing file of its destination', (box) => {
  const source = join(hostDirectory(box), 'file');
  assert.equal(
    box.shell('cat /a/b/file; stat -c %F /a/b/file', (config) => {
      config.mounts.push(bind(source, '/a/b/file'));
    }),
    'of the host\nregular file\n',
  );
});

check('a socket is bound', (box) => {
  const path = join(box.directory, 'socket');
  // A process that is killed while it listens leaves the socket's name behind.
  const script = "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";
  spawnSync(process.execPath, ['-e', script, path]);
  assert.ok(statSync(path).isSocket());
  assert.equal(
    box.shell('stat -c %F /run/socket', (config) => {
      config.mounts.push(bind(path, '/run/socket'));
    }),
    'socket\n',
  );
});

check('a device is bound', (box) => {
  assert.equal(
    box.shell('stat -c "%F %t:%T" /dev/zero-of-host', (config) => {
      config.mounts.push(bind('/dev/zero', '/dev/zero-of-host'));
    }),
    'character special file 1:5\n',
  );
});

check('a FIFO is bound', (box) => {
  const path = join(box.directory, 'fifo');
  spawnSync('mkfifo', [path]);
  assert.ok(statSync(path).isFIFO());
  assert.equal(
    box.shell('stat -c %F /fifo', (config) => {
      config.mounts.push(bind(path, '/fifo'));
    }),
    'fifo\n',
  );
});

// config.md, Mounts: source "relative to the bundle"
check('a relative source is relative to the bundle, wherever the caller is', (box) => {
  const container = box.container((config) => {
    config.mounts.push(bind('volume', '/data'));
    config.process.args = ['/bin/cat', '/data/file'];
  });
  addFile(container.bundle, 'volume/file', 'in the bundle\n');
  assert.equal(ok(container.run({ cwd: '/' })).stdout, 'in the bundle\n');
});

// config.md, Mounts: "if it has either bind or rbind in the options"; the type is a dummy
check('the options make a bind mount, whatever its type says', (box) => {
  const source = hostDirectory(box);
  const output = box.shell('cat /none/file /absent/file /rbind/file', (config) => {
    config.mounts.push({ destination: '/none', type: 'none', source, options: ['bind'] });
    config.mounts.push({ destination: '/absent', source, options: ['rbind'] });
    config.mounts.push({ destination: '/rbind', type: 'bind', source, options: ['rbind', 'rw'] });
  });
  assert.equal(output, 'of the host\n'.repeat(3));
});

check('a missing source is an error that names it', (box) => {
  const container = box.container((config) => {
    config.mounts.push(bind(join(box.directory, 'missing'), '/data'));
  });
  refused(container.create(), /missing.*no such file or directory/is);
  box.assertNothingLeft();
});

check('a directory cannot be bound on a file, nor a file on a directory', (box) => {
  const source = hostDirectory(box);
  for (const [from, to] of [
    [source, '/etc/passwd'],
    [join(source, 'file'), '/tmp'],
  ] as const) {
    refused(box.container((config) => void config.mounts.push(bind(from, to))).create());
  }
  box.assertNothingLeft();
});

// --- options of one mount -------------------------------------------------------------------------------------------

// [options, what the mount table shows, what it does not show]
const flagTable: [string[], string[], string[]][] = [
  [['ro'], ['ro'], ['rw']],
  [['rw'], ['rw'], ['ro']],
  [['ro', 'rw'], ['rw'], ['ro']],
  [['rw', 'ro'], ['ro'], ['rw']],
  [['nosuid'], ['nosuid'], ['nodev', 'noexec']],
  [['nodev'], ['nodev'], ['nosuid', 'noexec']],
  [['noexec'], ['noexec'], ['nosuid', 'nodev']],
  [['nosuid', 'nodev', 'noexec', 'ro'], ['nosuid', 'nodev', 'noexec', 'ro'], []],
  [['nosuid', 'suid', 'nodev', 'dev', 'noexec', 'exec'], [], ['nosuid', 'nodev', 'noexec']],
  [['noatime'], ['noatime'], ['relatime']],
  [['nodiratime'], ['nodiratime'], []],
  [['relatime'], ['relatime'], ['noatime']],
  [['strictatime'], [], ['noatime', 'relatime']],
];

for (const type of ['bind', 'tmpfs'] as const) {
  check(`the options of a ${type} mount are those in the container's mount table`, (box) => {
    const source = hostDirectory(box);
    const table = tableOf(
      box,
      flagTable.map(([options], index) =>
        type === 'bind'
          ? bind(source, `/m/${index}`, ...options)
          : { destination: `/m/${index}`, type: 'tmpfs', source: 'tmpfs', options },
      ),
    );
    for (const [index, [options, present, absent]] of flagTable.entries()) {
      const actual = mountAt(table, `/m/${index}`).options;
      for (const option of present) assert.ok(actual.includes(option), `${options}: ${option} in ${actual}`);
      for (const option of absent) assert.ok(!actual.includes(option), `${options}: no ${option} in ${actual}`);
    }
  });
}

// relatime is the kernel's own choice: to be seen it has to take the place of another.
const later = { knownToFail: { runc: 'the flags add up (1.1.5)' } };
check('of several words on the access time the last one counts', later, (box) => {
  const source = hostDirectory(box);
  const cases: [string[], string[], string[]][] = [
    [['noatime', 'relatime'], ['relatime'], ['noatime']],
    [['noatime', 'norelatime'], ['relatime'], ['noatime']],
    [['noatime', 'atime'], ['relatime'], ['noatime']],
    [['strictatime', 'nostrictatime'], ['relatime'], ['noatime']],
    [['nodiratime', 'diratime'], [], ['nodiratime']],
  ];
  const table = tableOf(
    box,
    cases.map(([options], index) => bind(source, `/m/${index}`, ...options)),
  );
  for (const [index, [options, present, absent]] of cases.entries()) {
    const actual = mountAt(table, `/m/${index}`).options;
    for (const option of present) assert.ok(actual.includes(option), `${options}: ${option} in ${actual}`);
    for (const option of absent) assert.ok(!actual.includes(option), `${options}: no ${option} in ${actual}`);
  }
});

check(
  'defaults is understood',
  { knownToFail: { runc: 'handed to the file system as its own option (1.1.5)' } },
  (box) => {
    const table = tableOf(box, [
      { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['defaults', 'ro'] },
      bind(hostDirectory(box), '/bound', 'defaults', 'ro'),
    ]);
    for (const target of ['/data', '/bound']) assert.ok(mountAt(table, target).options.includes('ro'));
  },
);

const ownMode = {
  knownToFail: { runc: 'the directory’s, even where a mode is given (1.1.5)' },
};
check('a tmpfs without a mode has that of the directory that it covers', ownMode, (box) => {
  const on = (destination: string, ...options: string[]) => ({ destination, type: 'tmpfs', source: 'tmpfs', options });
  const modes = box.shell('stat -c %a /closed /shared /given', (config, { rootfs }) => {
    mkdirSync(join(rootfs, 'closed'));
    mkdirSync(join(rootfs, 'shared'));
    mkdirSync(join(rootfs, 'given'));
    chmodSync(join(rootfs, 'closed'), 0o710);
    chmodSync(join(rootfs, 'shared'), 0o3775);
    config.mounts.push(on('/closed'), on('/shared', 'nosuid', 'ro'), on('/given', 'mode=0410'));
  });
  assert.deepEqual(modes.trim().split('\n'), ['710', '3775', '410']);
});

check('nosymfollow is applied', (box) => {
  const source = hostDirectory(box);
  const table = tableOf(box, [
    bind(source, '/one', 'nosymfollow'),
    bind(source, '/two', 'nosymfollow', 'symfollow'),
    { destination: '/three', type: 'tmpfs', source: 'tmpfs', options: ['nosymfollow'] },
  ]);
  assert.ok(mountAt(table, '/one').options.includes('nosymfollow'));
  assert.ok(!mountAt(table, '/two').options.includes('nosymfollow'));
  assert.ok(mountAt(table, '/three').options.includes('nosymfollow'));
});

check('a bind mount keeps the locked-down flags of its source where it does not clear them', (box) => {
  const volume = join(box.directory, 'volume');
  mkdirSync(volume);
  const prelude = inMountNamespace(`mount -t tmpfs -o nosuid,nodev,noexec tmpfs ${volume}`);
  const { options } = mountAt(
    tableOf(box, [bind(volume, '/data', 'ro', 'nosuid', 'nodev', 'noexec')], prelude),
    '/data',
  );
  for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) assert.ok(options.includes(option), option);
});

check('sync, dirsync and lazytime reach the file system; async, silent and loud are understood', (box) => {
  const tmpfs = (destination: string, ...options: string[]) => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options,
  });
  const table = tableOf(box, [
    tmpfs('/sync', 'sync'),
    tmpfs('/dirsync', 'dirsync'),
    tmpfs('/lazytime', 'lazytime'),
    tmpfs('/undone', 'sync', 'async', 'lazytime', 'nolazytime', 'silent', 'loud'),
    tmpfs('/others', 'iversion', 'noiversion', 'nostrictatime', 'norelatime', 'atime', 'diratime'),
  ]);
  assert.ok(mountAt(table, '/sync').superOptions.includes('sync'));
  assert.ok(mountAt(table, '/dirsync').superOptions.includes('dirsync'));
  assert.ok(mountAt(table, '/lazytime').superOptions.includes('lazytime'));
  const undone = mountAt(table, '/undone').superOptions;
  assert.ok(!undone.includes('sync') && !undone.includes('lazytime'));
});

check('a read-only bind mount cannot be written', (box) => {
  const source = hostDirectory(box);
  assert.match(
    box.shell('exec 2>&1; cat /data/file; echo x >/data/file; touch /data/new; true', (config) => {
      config.mounts.push(bind(source, '/data', 'ro'));
    }),
    /^of the host\n.*Read-only file system\n.*Read-only file system\n$/,
  );
  assert.deepEqual(readdirSync(source), ['file']);
});

check('nodev, noexec and nosymfollow have their effect', (box) => {
  const source = hostDirectory(box);
  addFile(source, 'program', '#!/bin/sh\necho ran\n', 0o755);
  symlinkSync('file', join(source, 'link'));
  const output = box.shell(
    'exec 2>&1; /free/program; cat /free/link; /tight/program; cat /tight/link; true',
    (config) => {
      config.mounts.push(bind(source, '/free'), bind(source, '/tight', 'noexec', 'nosymfollow'));
    },
  );
  assert.match(output, /^ran\nof the host\n.*ermission denied\n.*symbolic links\n$/);
});

check('remount changes the options of what is mounted', (box) => {
  const table = tableOf(box, [
    { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['size=64k'] },
    { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['remount', 'ro', 'nosuid'] },
  ]);
  const { options } = mountAt(table, '/data');
  assert.ok(options.includes('ro') && options.includes('nosuid'));
});

// --- recursion ------------------------------------------------------------------------------------------------------

/** A volume with a file system mounted below it, seen by the runtime alone. */
function nested(box: Sandbox): { volume: string; prelude: string } {
  const volume = join(box.directory, 'volume');
  mkdirSync(volume);
  return {
    volume,
    prelude: inMountNamespace(`mount -t tmpfs top ${volume}; mkdir ${volume}/sub; mount -t tmpfs sub ${volume}/sub`),
  };
}

check('bind leaves out what is mounted below the source, rbind takes it along', (box) => {
  const { volume, prelude } = nested(box);
  const table = tableOf(box, [bind(volume, '/one'), { ...bind(volume, '/all'), options: ['rbind'] }], prelude);
  mountAt(table, '/one');
  assert.throws(() => mountAt(table, '/one/sub'));
  assert.equal(mountAt(table, '/all/sub').source, 'sub');
});

check('ro changes the mount itself only, rro all below it', (box) => {
  const { volume, prelude } = nested(box);
  const rbind = (destination: string, ...options: string[]) => ({
    ...bind(volume, destination),
    options: ['rbind', ...options],
  });
  const table = tableOf(box, [rbind('/flat', 'ro'), rbind('/deep', 'rro')], prelude);
  assert.ok(mountAt(table, '/flat').options.includes('ro'));
  assert.ok(mountAt(table, '/flat/sub').options.includes('rw'));
  assert.ok(mountAt(table, '/deep').options.includes('ro'));
  assert.ok(mountAt(table, '/deep/sub').options.includes('ro'));
});

check('rnosuid, rnodev, rnoexec, rnosymfollow and the r-forms of atime reach all mounts below', (box) => {
  const { volume, prelude } = nested(box);
  const words = ['nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime'];
  const table = tableOf(
    box,
    words.map((word) => ({ ...bind(volume, `/${word}`), options: ['rbind', `r${word}`] })),
    prelude,
  );
  for (const word of words) {
    assert.ok(mountAt(table, `/${word}`).options.includes(word), word);
    assert.ok(mountAt(table, `/${word}/sub`).options.includes(word), `${word} below`);
  }
});

check('rnosymfollow reaches all mounts below', (box) => {
  const { volume, prelude } = nested(box);
  const table = tableOf(box, [{ ...bind(volume, '/data'), options: ['rbind', 'rnosymfollow'] }], prelude);
  assert.ok(mountAt(table, '/data').options.includes('nosymfollow'));
  assert.ok(mountAt(table, '/data/sub').options.includes('nosymfollow'));
});

check('rrw, rsuid, rdev and rexec clear the flags of all mounts below', (box) => {
  const volume = join(box.directory, 'volume');
  mkdirSync(volume);
  const prelude = inMountNamespace(
    `mount -t tmpfs top ${volume}; mkdir ${volume}/sub; mount -t tmpfs -o nosuid,nodev,noexec sub ${volume}/sub; mount -o remount,bind,ro,nosuid,nodev,noexec ${volume}/sub`,
  );
  const table = tableOf(
    box,
    [{ ...bind(volume, '/data'), options: ['rbind', 'rrw', 'rsuid', 'rdev', 'rexec'] }],
    prelude,
  );
  assert.deepEqual(
    mountAt(table, '/data/sub').options.filter((option) => ['ro', 'nosuid', 'nodev', 'noexec'].includes(option)),
    [],
  );
});

// --- propagation ----------------------------------------------------------------------------------------------------

const is = {
  private: (words: readonly string[]) => words.length === 0,
  slave: (words: readonly string[]) =>
    words.some((word) => word.startsWith('master:')) && !words.some((word) => word.startsWith('shared:')),
  shared: (words: readonly string[]) => words.some((word) => word.startsWith('shared:')),
  unbindable: (words: readonly string[]) => words.includes('unbindable'),
};

for (const kind of ['private', 'slave', 'shared', 'unbindable'] as const) {
  check(`${kind} changes the propagation of the mount, r${kind} that of all below it`, (box) => {
    const volume = join(box.directory, 'volume');
    mkdirSync(volume);
    const prelude = inMountNamespace(
      `mount -t tmpfs top ${volume}; mkdir ${volume}/sub; mount -t tmpfs sub ${volume}/sub; mount --make-rshared ${volume}`,
    );
    const table = tableOf(
      box,
      [
        { ...bind(volume, '/one'), options: ['rbind', kind] },
        { ...bind(volume, '/all'), options: ['rbind', `r${kind}`] },
      ],
      prelude,
      (config) => {
        // What mounts have anyway is not what is asked for.
        config.linux.rootfsPropagation = kind === 'slave' ? 'shared' : 'slave';
      },
    );
    for (const target of ['/one', '/all', '/all/sub']) {
      const words = mountAt(table, target).propagation;
      assert.ok(is[kind](words), `${target}: ${words.join(' ') || 'private'}`);
    }
  });
}

check('a slave mount receives what the host mounts later', (box) => {
  const volume = join(box.directory, 'volume');
  mkdirSync(volume);
  const container = box.container((config) => {
    config.mounts.push({ ...bind(volume, '/data'), options: ['rbind', 'rslave'] });
    config.linux.rootfsPropagation = 'slave';
    config.process.args = ['/bin/cat', '/proc/self/mountinfo'];
  });
  // All in one mount namespace: create, mount on the host's side, start.
  const script = [
    `mount -t tmpfs top ${volume}; mount --make-shared ${volume}; mkdir ${volume}/late`,
    '"$@"',
    `mount -t tmpfs arrived ${volume}/late`,
    'exit 0',
  ].join('\n');
  ok(container.create({ prelude: inMountNamespace(script) }));
  ok(container.start());
  container.waitForStatus('stopped');
  assert.equal(mountAt(parseMountinfo(container.stdout()), '/data/late').source, 'arrived');
});

// --- file systems ---------------------------------------------------------------------------------------------------

check('a tmpfs has the size and the mode that were asked for', (box) => {
  const output = box.shell(
    'stat -c %a /data /open; exec 2>&1; dd if=/dev/zero of=/data/big bs=1k count=200; cat /proc/self/mountinfo',
    (config) => {
      config.mounts.push(
        { destination: '/data', type: 'tmpfs', source: 'data', options: ['size=128k', 'mode=0711', 'nr_inodes=64'] },
        { destination: '/open', type: 'tmpfs', source: 'open', options: ['mode=1777'] },
      );
    },
  );
  assert.match(output, /^711\n1777\n/);
  assert.match(output, /No space left on device/);
  const entry = mountAt(parseMountinfo(output), '/data');
  assert.equal(entry.type, 'tmpfs');
  assert.equal(entry.source, 'data');
  assert.ok(entry.superOptions.includes('size=128k') && entry.superOptions.includes('nr_inodes=64'));
});

check('a tmpfs has the owner that was asked for', (box) => {
  assert.equal(
    box.shell('stat -c %u:%g /data', (config) => {
      config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'data', options: ['uid=1000', 'gid=1001'] });
    }),
    '1000:1001\n',
  );
});

check('proc, sysfs, mqueue, devpts and tmpfs are mounted as what they are', (box) => {
  const table = tableOf(box, []);
  const types = Object.fromEntries(
    ['/proc', '/sys', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'].map((target) => [
      target,
      mountAt(table, target).type,
    ]),
  );
  assert.deepEqual(types, {
    '/proc': 'proc',
    '/sys': 'sysfs',
    '/dev': 'tmpfs',
    '/dev/pts': 'devpts',
    '/dev/shm': 'tmpfs',
    '/dev/mqueue': 'mqueue',
  });
  for (const [target, source] of [
    ['/proc', 'proc'],
    ['/dev/pts', 'devpts'],
    ['/dev/shm', 'shm'],
  ] as const)
    assert.equal(mountAt(table, target).source, source, target);
  const sys = mountAt(table, '/sys').options;
  for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) assert.ok(sys.includes(option), option);
  const pts = mountAt(table, '/dev/pts').superOptions;
  for (const option of ['gid=5', 'mode=620', 'ptmxmode=666']) assert.ok(pts.includes(option), option);
});

check("the container's devpts and mqueue are its own", (box) => {
  const output = box.shell('ls /dev/pts; ls /dev/mqueue; touch /dev/mqueue/queue && ls /dev/mqueue');
  assert.equal(output, 'ptmx\nqueue\n');
});

// The container sees its own cgroup as the root of each hierarchy.
check('a cgroup mount shows the cgroup of the container, read-only', (box) => {
  const output = box.shell(
    'cat /proc/self/mountinfo; for p in $(find /sys/fs/cgroup -name cgroup.procs); do grep -q "^1$" $p && echo found; done; for d in /sys/fs/cgroup/*/; do mkdir $d/new 2>&1; done; true',
    (config) => {
      config.mounts.push({
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
      });
    },
  );
  const entries = parseMountinfo(output).filter((entry) => entry.target.startsWith('/sys/fs/cgroup'));
  const cgroups = entries.filter((entry) => entry.type.startsWith('cgroup'));
  assert.ok(cgroups.length > 0);
  for (const entry of entries) {
    // The directory that holds the v1 hierarchies is a tmpfs, which runc leaves writable.
    const expected = ['nosuid', 'noexec', 'nodev', ...(entry.type === 'tmpfs' ? [] : ['ro'])];
    for (const option of expected) assert.ok(entry.options.includes(option), `${entry.target}: ${entry.options}`);
  }
  for (const entry of cgroups.filter((candidate) => candidate.type === 'cgroup')) {
    assert.ok(entry.root.includes(box.token), `${entry.target} shows ${entry.root}`);
  }
  assert.match(output, /^found$/m);
  assert.doesNotMatch(output, /can't create directory.*(?<!Read-only file system)$/m);
});

check('an unknown file system type is an error', (box) => {
  const container = box.container((config) => {
    config.mounts.push({ destination: '/data', type: 'nosuchfs', source: 'none' });
  });
  refused(container.create(), /nosuchfs|no such device/i);
  box.assertNothingLeft();
});

// config.md: unknown options are the file system's own
check('an option that neither the runtime nor the file system knows is an error', (box) => {
  const container = box.container((config) => {
    config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['frobnicate=1'] });
  });
  refused(container.create());
  box.assertNothingLeft();
});

// Measured on peers: data options such as mode= on a bind mount have no meaning and are ignored.
check('options of a file system are ignored on a bind mount', (box) => {
  const source = hostDirectory(box);
  assert.equal(
    box.shell('cat /data/file', (config) => {
      config.mounts.push(bind(source, '/data', 'mode=755', 'size=64k'));
    }),
    'of the host\n',
  );
});

/** Directories whose names make an option of more than 255 bytes, which is all that fsconfig(2) takes. */
function layers(box: Sandbox): string[] {
  return [1, 2, 3].map((number) => {
    const path = join(box.directory, `layer-${number}-${'x'.repeat(200)}`);
    mkdirSync(path);
    writeFileSync(join(path, `file-${number}`), `${number}`);
    return path;
  });
}

for (const users of [false, true]) {
  check(`an option may be as long as mount(2) takes it${users ? ', in a user namespace' : ''}`, (box) => {
    chmodSync(dirname(box.directory), 0o711);
    chmodSync(box.directory, 0o711);
    const lower = layers(box);
    const output = box.shell(
      'cat /data/file-*; echo; touch /data/new 2>/dev/null || echo refused; cat /proc/self/mountinfo',
      (config, { rootfs }) => {
        if (users) {
          config.linux.namespaces.push({ type: 'user' });
          config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
          config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
        }
        mkdirSync(join(rootfs, 'data'));
        config.mounts.push({
          destination: '/data',
          type: 'overlay',
          source: 'layers',
          options: ['nosuid', 'noexec', 'noatime', `lowerdir=${lower.join(':')}`, 'ro'],
        });
      },
    );
    assert.deepEqual(output.split('\n').slice(0, 2), ['123', 'refused']);
    const table = parseMountinfo(output);
    const { type, source, options } = mountAt(table, '/data');
    assert.deepEqual([type, source], ['overlay', 'layers']);
    for (const option of ['ro', 'nosuid', 'noexec', 'noatime']) assert.ok(options.includes(option), options.join());
    assert.deepEqual(
      table.filter(({ target }) => target === '/' || target === '/data').map(({ target }) => target),
      ['/', '/data'],
    );
  });
}

check('a long option that the file system refuses is an error that names the mount; nothing is left', (box) => {
  const lower = layers(box);
  const container = box.container((config) => {
    const options = [`lowerdir=${lower.join(':')}:/nowhere`];
    config.mounts.push({ destination: '/data', type: 'overlay', source: 'layers', options });
  });
  const { stderr } = refused(container.create());
  if (runtimeKind === 'runt') assert.match(stderr, /mount overlay on \/data .* mount: ENOENT .*\/mounts\/6/);
  box.assertNothingLeft();
});

// --- order and destinations -----------------------------------------------------------------------------------------

// config.md, Mounts: "MUST mount entries in the listed order"
check('mounts are made in the listed order', (box) => {
  const one = hostDirectory(box, 'one');
  const two = hostDirectory(box, 'two');
  writeFileSync(join(two, 'file'), 'the second\n');
  const output = box.shell('cat /data/file; cat /outer/inner/file; ls /hidden', (config) => {
    config.mounts.push(
      bind(one, '/data'),
      bind(two, '/data'),
      { destination: '/outer', type: 'tmpfs', source: 'tmpfs' },
      bind(one, '/outer/inner'),
      bind(one, '/hidden/inner'),
      { destination: '/hidden', type: 'tmpfs', source: 'tmpfs' },
    );
  });
  assert.equal(output, 'the second\nof the host\n');
});

// proc_pid_mountinfo(5) lists mounts as they were made; tools that show a container's mounts, or undo them, go by that.
check('the mount table has the mounts in the order of the config', (box) => {
  const one = hostDirectory(box, 'one');
  const places = ['/a', '/b', '/c', '/d', '/e'];
  const output = box.shell('cat /proc/self/mountinfo', (config) => {
    config.mounts.push(
      { destination: '/a', type: 'tmpfs', source: 'tmpfs' },
      bind(one, '/b', 'bind', 'ro'),
      { destination: '/c', type: 'tmpfs', source: 'tmpfs' },
      bind(join(one, 'file'), '/d', 'bind', 'shared'),
      bind(one, '/e', 'rbind', 'rprivate'),
    );
  });
  const targets = parseMountinfo(output).map(({ target }) => target);
  assert.deepEqual(
    targets.filter((target) => places.includes(target)),
    places,
  );
  assert.ok(targets.indexOf('/proc') < targets.indexOf('/a'));
});

for (const propagation of [undefined, 'rshared'] as const) {
  const reaches = propagation === 'rshared';
  check(
    `what a container mounts below a shared bind mount ${reaches ? 'reaches the host where its root is shared' : 'stays in it'}`,
    (box) => {
      const volume = hostDirectory(box, 'volume');
      mkdirSync(join(volume, 'sub'));
      const container = box.container((config) => {
        if (propagation !== undefined) config.linux.rootfsPropagation = propagation;
        for (const set of ['bounding', 'effective', 'permitted'] as const)
          config.process.capabilities?.[set]?.push('CAP_SYS_ADMIN');
        config.mounts.push({ ...bind(volume, '/data'), options: ['rbind', 'rshared'] });
        config.process.args = ['/bin/sh', '-c', 'mount -t tmpfs inside /data/sub && echo mounted'];
      });
      const log = join(box.directory, 'mountinfo');
      const script = `mount --bind ${volume} ${volume}; mount --make-shared ${volume}\n"$@"; cat /proc/self/mountinfo >${log}; exit`;
      assert.equal(ok(container.run({ prelude: inMountNamespace(script) })).stdout, 'mounted\n');
      assert.equal(/ inside /.test(readFileSync(log, 'utf8')), reaches);
    },
  );
}

// config.md, Mounts: destination "MAY be a relative path, … interpreted as relative to /"
check('a relative destination is relative to /', (box) => {
  const source = hostDirectory(box);
  assert.equal(
    box.shell('cat /data/sub/file', (config) => {
      config.process.cwd = '/tmp';
      config.mounts.push(bind(source, 'data/sub'));
    }),
    'of the host\n',
  );
});

check('a destination with .. stays in the root', (box) => {
  const source = hostDirectory(box);
  assert.equal(
    box.shell('cat /data/file', (config) => {
      config.mounts.push(bind(source, '/../../tmp/../data'));
    }),
    'of the host\n',
  );
  assert.ok(!existsSync('/data/file'));
});

check('a mount point that cannot be made on a read-only file system is an error', (box) => {
  const source = hostDirectory(box);
  const container = box.container((config) => {
    config.mounts.push(bind(source, '/data', 'ro'), { destination: '/data/missing', type: 'tmpfs', source: 'tmpfs' });
  });
  refused(container.create(), /read-only file system/i);
  box.assertNothingLeft();
  assert.deepEqual(readdirSync(source), ['file']);
});

// Links in the image that lead out: the mount has to end up below the root, and nothing may appear outside.
const escapes: [string, (host: string, depth: string) => [string, string]][] = [
  ['an absolute link', (host) => ['link', host]],
  ['a link with many ..', (host, depth) => ['link', `${depth}${host.slice(1)}`]],
  ['a link to a link', (host) => ['link', host]],
  ['a dangling link', (host) => ['link', `${host}/not/there`]],
];
for (const [what, make] of escapes) {
  check(`a mount through ${what} out of the root stays inside`, (box) => {
    const host = hostDirectory(box, 'victim');
    const container = box.container((config) => {
      config.mounts.push(
        { destination: '/link/sub', type: 'tmpfs', source: 'below-link', options: ['size=64k'] },
        { destination: '/direct', type: 'tmpfs', source: 'on-link', options: ['size=64k'] },
        bind('/proc/version', '/link/file'),
      );
      config.process.args = ['/bin/sh', '-c', 'cat /proc/self/mountinfo; cat /link/file'];
    });
    const [name, target] = make(host, '../'.repeat(20));
    symlinkSync(target, join(container.rootfs, what === 'a link to a link' ? 'hop' : name));
    if (what === 'a link to a link') symlinkSync('/hop', join(container.rootfs, name));
    symlinkSync(target, join(container.rootfs, 'direct'));
    const result = container.run();
    assert.deepEqual(readdirSync(host), ['file']);
    assert.deepEqual(
      readdirSync(dirname(host)).filter((entry) => entry === 'not'),
      [],
    );
    if (result.status !== 0) {
      refused(result);
      return;
    }
    const inside = what === 'a dangling link' ? `${host}/not/there` : host;
    const table = parseMountinfo(result.stdout);
    for (const entry of table) assert.ok(!entry.target.includes('..'), entry.target);
    // The second mount, on the link itself, covers the first.
    assert.ok(
      table.some((entry) => entry.source === 'on-link' && entry.target === inside),
      result.stdout,
    );
  });
}

// Not in the specification; images rely on it, since engines give no mode.
const tmpfs = (destination: string, ...options: string[]) => ({ destination, type: 'tmpfs', source: 'tmpfs', options });

check('a tmpfs has the mode of the directory that it covers', (box) => {
  const output = box.shell('stat -c "%n %a" /covered /sticky /new', (config, { rootfs }) => {
    for (const [name, mode] of [
      ['covered', 0o711],
      ['sticky', 0o1777],
    ] as const) {
      mkdirSync(join(rootfs, name));
      chmodSync(join(rootfs, name), mode);
    }
    config.mounts.push(tmpfs('/covered'), tmpfs('/sticky', 'size=64k'), tmpfs('/new'));
  });
  assert.equal(output, '/covered 711\n/sticky 1777\n/new 1777\n');
});

check(
  'a tmpfs that covers a directory has the mode that an option says',
  { knownToFail: { runc: '1.1.5 takes the mode of the directory' } },
  (box) => {
    const output = box.shell('stat -c %a /covered', (config, { rootfs }) => {
      mkdirSync(join(rootfs, 'covered'), { mode: 0o711 });
      config.mounts.push(tmpfs('/covered', 'mode=750'));
    });
    assert.equal(output, '750\n');
  },
);
