// Attacks by the content of an image, of the past years. Each check is named by its CVE or its report. What a runtime may do is to refuse, or to
// stay within the root; what it may never do is to touch the host.

import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  addFile,
  type Config,
  type Container,
  check,
  mountAt,
  ok,
  parseMountinfo,
  ran,
  ranOrRefused,
  refused,
  runtimePath,
  type Sandbox,
} from './harness/index.ts';

/** A directory of the host that an attack aims at, and what it looks like. */
function victim(box: Sandbox): { path: string; assertUntouched: () => void } {
  const path = join(box.directory, 'victim');
  mkdirSync(path);
  writeFileSync(join(path, 'ptmx'), 'precious\n', { mode: 0o640 });
  const look = () =>
    readdirSync(path)
      .map((name) => {
        const { mode, uid, gid, size, ino } = lstatSync(join(path, name));
        return [name, mode, uid, gid, size, ino].join(' ');
      })
      .concat(String(statSync(path).mode), String(statSync(path).uid), readFileSync(join(path, 'ptmx'), 'utf8'));
  const before = look();
  return { path, assertUntouched: () => assert.deepEqual(look(), before) };
}

/** Replaces a directory of the image by a link. */
function replaceByLink(container: Container, name: string, target: string): void {
  rmSync(join(container.rootfs, name), { recursive: true, force: true });
  symlinkSync(target, join(container.rootfs, name));
}

const withoutMounts = (config: Config, prefix: string) => {
  config.mounts = config.mounts.filter((mount) => !mount.destination.startsWith(prefix));
};

const quiet = (config: Config) => {
  config.linux.maskedPaths = [];
  config.linux.readonlyPaths = [];
};

// --- descriptors ----------------------------------------------------------------------------------------------------

// CVE-2016-8649, crun#110: descriptors closed by a list that the image forges.
check('CVE-2016-8649: descriptors of the caller are closed though the image has a forged /proc/self/fd', (box) => {
  const container = box.container((config) => {
    withoutMounts(config, '/proc');
    quiet(config);
    config.mounts.push({ destination: '/real-proc', type: 'proc', source: 'proc' });
    config.process.args = ['/bin/sh', '-c', 'ls /real-proc/1/fd; true'];
  });
  for (const number of [0, 1, 2]) addFile(container.rootfs, `proc/self/fd/${number}`, '');
  const host = openSync('/', 'r');
  try {
    const result = container.run({ descriptors: [host, host, host, host, host] });
    if (result.status === 0) assert.equal(result.stdout, '0\n1\n2\n');
    else refused(result);
  } finally {
    closeSync(host);
  }
});

// CVE-2024-21626: seen with runc 1.1.5 before Debian's fix of it.
for (const way of ['as it is', 'through a link in the image']) {
  check(`CVE-2024-21626: a cwd of /proc/self/fd/N, ${way}, does not lead to the host`, (box) => {
    const host = openSync('/', 'r');
    const container = box.container();
    try {
      for (let number = 3; number < 15; number++) {
        const attack = `/proc/self/fd/${number}`;
        rmSync(join(container.rootfs, 'link'), { force: true });
        symlinkSync(attack, join(container.rootfs, 'link'));
        container.configure((config) => {
          config.process.cwd = way === 'as it is' ? attack : '/link';
          config.process.args = [
            '/bin/sh',
            '-c',
            `cat ../../../../../..${box.directory}/host-file ./${box.directory}/host-file; pwd`,
          ];
        });
        writeFileSync(join(box.directory, 'host-file'), 'of the host\n');
        const result = container.run({ descriptors: [host, host, host] });
        assert.doesNotMatch(result.stdout, /of the host/, attack);
        refused(result);
      }
      box.assertNothingLeft();
    } finally {
      closeSync(host);
    }
  });
}

check('CVE-2024-21626: a program named by /proc/self/fd/N does not come from the host', (box) => {
  const host = openSync('/', 'r');
  const container = box.container();
  try {
    for (let number = 3; number < 12; number++) {
      container.configure((config) => {
        config.process.args = [`/proc/self/fd/${number}/bin/sh`, '-c', 'echo escaped'];
      });
      const result = refused(container.run({ descriptors: [host, host, host] }));
      assert.doesNotMatch(result.stdout, /escaped/);
    }
  } finally {
    closeSync(host);
  }
});

// CVE-2019-5736: the program is the runtime's own executable.
check('CVE-2019-5736: a program of /proc/self/exe does not get at the file of the runtime', (box) => {
  const runtime = realpathSync(runtimePath);
  const before = statSync(runtime);
  const container = box.container((config) => {
    config.process.args = ['/proc/self/exe'];
  });
  // What is executed may be the runtime's own init, which has nothing to do there and nothing to say.
  assert.notEqual(container.run().status, 0);
  const after = statSync(runtime);
  assert.deepEqual([after.size, after.mtimeMs, after.ino], [before.size, before.mtimeMs, before.ino]);
  box.assertNothingLeft();
});

// --- identity -------------------------------------------------------------------------------------------------------

check('CVE-2016-3697: uid 1000 is 1000, though the image has a user of that name', (box) => {
  const container = box.container((config) => {
    config.process.user = { uid: 1000, gid: 1000 };
    config.process.args = ['/bin/sh', '-c', 'id -u; id -g; echo $HOME'];
  });
  addFile(container.rootfs, 'etc/passwd', '1000:x:0:0::/stolen:/bin/sh\nroot:x:0:0::/root:/bin/sh\n');
  assert.equal(ok(container.run()).stdout, '1000\n1000\n/\n');
});

const passwds: [string, (path: string, box: Sandbox) => void][] = [
  ['a link to a file of the host', (path, box) => symlinkSync(join(box.directory, 'host-passwd'), path)],
  ['a link to /dev/zero', (path) => symlinkSync('/dev/zero', path)],
  ['a directory', (path) => mkdirSync(path)],
  ['a file with a line of a megabyte and NUL bytes', (path) => writeFileSync(path, `${'x'.repeat(1 << 20)}\0:\0:\n`)],
];
for (const [what, make] of passwds) {
  check(`an /etc/passwd that is ${what} is ignored or refused`, (box) => {
    writeFileSync(join(box.directory, 'host-passwd'), 'user:x:1000:1000::/home/of-the-host:/bin/sh\n');
    const container = box.container((config) => {
      config.process.user = { uid: 1000, gid: 1000 };
      config.process.args = ['/bin/sh', '-c', 'echo $HOME'];
    });
    rmSync(join(container.rootfs, 'etc/passwd'));
    make(join(container.rootfs, 'etc/passwd'), box);
    const result = container.run();
    if (result.status === 0) assert.equal(result.stdout, '/\n');
    else refused(result);
    box.assertNothingLeft();
  });
}

check('CVE-2022-24769: no inheritable capabilities where none are asked for', (box) => {
  const output = box.shell('grep -E "^Cap(Inh|Amb)" /proc/self/status', (config) => {
    const names = ['CAP_CHOWN', 'CAP_NET_RAW', 'CAP_SYS_CHROOT'];
    config.process.capabilities = { bounding: names, permitted: names, effective: names };
  });
  assert.equal(output, `CapInh:\t${'0'.repeat(16)}\nCapAmb:\t${'0'.repeat(16)}\n`);
});

check('CVE-2016-8867: a user who is not root has no capabilities, permitted though they are to root', (box) => {
  const output = box.shell('grep -E "^Cap(Inh|Prm|Eff|Amb)" /proc/self/status', (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
    config.process.noNewPrivileges = false;
  });
  assert.equal(output.match(/0000000000000000$/gm)?.length, 4);
});

// --- mount targets --------------------------------------------------------------------------------------------------

// CVE-2015-1335, CVE-2019-18837, crun#111
for (const [what, target] of [
  ['an absolute link', (host: string) => host],
  ['a relative link with ..', (host: string) => `../../../../../../../../..${host}`],
] as const) {
  check(`CVE-2019-18837: mounts of every type through ${what} make nothing on the host`, (box) => {
    const host = victim(box);
    const container = box.container((config) => {
      config.mounts.push(
        { destination: '/attack/tmpfs', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/attack/dir', type: 'bind', source: '/usr', options: ['bind', 'ro'] },
        { destination: '/attack/file', type: 'bind', source: '/proc/version', options: ['bind', 'ro'] },
        { destination: '/attack/deep/er/file', type: 'bind', source: '/proc/version', options: ['bind'] },
        { destination: '/attack/mqueue', type: 'mqueue', source: 'mqueue' },
      );
      config.process.cwd = '/attack/cwd';
      config.process.args = ['/bin/cat', '/proc/self/mountinfo'];
    });
    symlinkSync(target(host.path), join(container.rootfs, 'attack'));
    const result = container.run();
    host.assertUntouched();
    if (result.status !== 0) {
      refused(result);
      return;
    }
    mountAt(parseMountinfo(result.stdout), join(host.path, 'tmpfs'));
    assert.ok(statSync(join(container.rootfs, host.path, 'cwd')).isDirectory());
  });
}

// Seen with runc 1.1.5, which makes the mount point of a proc or sysfs by its path.
for (const type of ['proc', 'sysfs']) {
  const options = { knownToFail: { runc: 'vulnerable: the mount point is made on the host (1.1.5)' } };
  check(`CVE-2019-18837: a mount of ${type} through an absolute link makes nothing on the host`, options, (box) => {
    const host = victim(box);
    const container = box.container((config) => {
      config.mounts.push({ destination: '/attack/sub', type, source: type });
    });
    symlinkSync(host.path, join(container.rootfs, 'attack'));
    const result = container.run();
    host.assertUntouched();
    ranOrRefused(result);
  });
}

check('links that lead to each other for ever are refused', (box) => {
  const container = box.container((config) => {
    config.mounts.push({ destination: '/one/sub', type: 'tmpfs', source: 'tmpfs' });
  });
  symlinkSync('/two', join(container.rootfs, 'one'));
  symlinkSync('/one', join(container.rootfs, 'two'));
  refused(container.run());
  box.assertNothingLeft();
});

// CVE-2019-16884
const overProc: [string, (box: Sandbox) => Config['mounts'][number]][] = [
  [
    'a directory of the host',
    (box) => ({ destination: '/proc', type: 'bind', source: box.directory, options: ['bind'] }),
  ],
  ['a tmpfs', () => ({ destination: '/proc', type: 'tmpfs', source: 'tmpfs' })],
  [
    'a directory below /proc',
    (box) => ({ destination: '/proc/self/attr', type: 'bind', source: box.directory, options: ['bind'] }),
  ],
];
for (const [what, mount] of overProc) {
  check(`CVE-2019-16884: ${what} cannot be mounted over proc`, (box) => {
    const container = box.container((config) => {
      config.mounts.push(mount(box));
    });
    refused(container.create(), /proc/);
    box.assertNothingLeft();
  });
}

check('CVE-2019-16884: files of /proc that lxcfs provides can be bound', (box) => {
  const file = join(box.directory, 'meminfo');
  writeFileSync(file, 'MemTotal: 1 kB\n');
  const output = box.shell('cat /proc/meminfo /proc/cpuinfo', (config) => {
    for (const name of ['meminfo', 'cpuinfo', 'stat', 'uptime', 'loadavg', 'diskstats', 'swaps']) {
      config.mounts.push({ destination: `/proc/${name}`, type: 'bind', source: file, options: ['bind'] });
    }
  });
  assert.equal(output, 'MemTotal: 1 kB\n'.repeat(2));
});

// CVE-2019-19921, CVE-2023-27561, CVE-2023-28642
const notPlain: [string, string, (path: string, host: string) => void][] = [
  ['/proc that is a link to a directory of the image', 'proc', (path) => symlinkSync('tmp', path)],
  ['/proc that is a link to the host', 'proc', (path, host) => symlinkSync(host, path)],
  ['/proc that is a link to /', 'proc', (path) => symlinkSync('/', path)],
  ['/sys that is a link', 'sys', (path) => symlinkSync('/tmp', path)],
  ['/proc that is a file', 'proc', (path) => writeFileSync(path, '')],
];
for (const [what, name, make] of notPlain) {
  check(`CVE-2023-27561: an image with a ${what} is refused`, (box) => {
    const host = victim(box);
    const container = box.container();
    rmSync(join(container.rootfs, name), { recursive: true });
    make(join(container.rootfs, name), host.path);
    refused(container.create(), /must be mounted on ordinary directory|not a directory/);
    host.assertUntouched();
    box.assertNothingLeft();
  });
}

// --- devices and masks ----------------------------------------------------------------------------------------------

// CVE-2025-31133: seen with runc 1.1.5, which binds whatever /dev/null is.
const nulls: [string, (directory: string, box: Sandbox) => void, boolean][] = [
  ['a link to another file', (directory) => symlinkSync('/etc/group', join(directory, 'null')), true],
  ['a regular file', (directory) => writeFileSync(join(directory, 'null'), ''), true],
  ['missing', () => {}, false],
];
for (const [what, make, runcFails] of nulls) {
  const options = runcFails ? { knownToFail: { runc: 'vulnerable: masked by whatever /dev/null is (1.1.5)' } } : {};
  check(
    `CVE-2025-31133: a masked path is hidden, or create fails, where /dev/null of the image is ${what}`,
    options,
    (box) => {
      const container = box.container((config, { bundle }) => {
        config.root.readonly = false;
        // A /dev that comes from elsewhere is not populated by every runtime; what is in it counts.
        withoutMounts(config, '/dev');
        config.mounts.push({ destination: '/dev', type: 'bind', source: join(bundle, 'dev'), options: ['bind'] });
        config.linux.maskedPaths = ['/secret'];
        config.process.args = ['/bin/sh', '-c', 'cat /secret; echo attack >/secret; cat /secret /etc/group; echo end'];
      });
      addFile(container.rootfs, 'secret', 'the secret\n');
      mkdirSync(join(container.bundle, 'dev'));
      make(join(container.bundle, 'dev'), box);
      const result = container.run();
      assert.doesNotMatch(result.stdout, /the secret/);
      assert.doesNotMatch(result.stdout, /attack/);
      assert.equal(readFileSync(join(container.rootfs, 'secret'), 'utf8'), 'the secret\n');
      if (result.status === 0) assert.match(result.stdout, /end\n$/);
      else refused(result);
    },
  );
}

// CVE-2026-41579, CVE-2026-47766: seen with runc 1.1.5.
const devOptions = { knownToFail: { runc: 'vulnerable: ptmx is removed there (1.1.5)' } };
for (const [what, target] of [
  ['to a directory of the host', (host: string) => host],
  ['with .. to a directory of the host', (host: string) => `../../../../../../../../..${host}`],
  ['through /proc/self/root', (host: string) => `/proc/self/root${host}`],
] as const) {
  check(`CVE-2026-41579: a /dev that is a link ${what} leaves that as it is`, devOptions, (box) => {
    const host = victim(box);
    const container = box.container((config) => {
      withoutMounts(config, '/dev');
    });
    replaceByLink(container, 'dev', target(host.path));
    const result = container.run();
    host.assertUntouched();
    ranOrRefused(result);
    box.assertNothingLeft();
  });

  check(`CVE-2026-41579: mounts on /dev that is a link ${what} leave that as it is`, devOptions, (box) => {
    const host = victim(box);
    const container = box.container();
    replaceByLink(container, 'dev', target(host.path));
    const result = container.run();
    host.assertUntouched();
    ranOrRefused(result);
    box.assertNothingLeft();
  });
}

check('default devices and links whose names are links in the image leave the targets as they are', (box) => {
  const host = victim(box);
  const container = box.container((config) => {
    withoutMounts(config, '/dev');
  });
  for (const name of [
    'null',
    'zero',
    'full',
    'random',
    'urandom',
    'tty',
    'ptmx',
    'fd',
    'stdin',
    'stdout',
    'stderr',
    'core',
  ]) {
    symlinkSync(join(host.path, name === 'ptmx' ? 'ptmx' : `new-${name}`), join(container.rootfs, 'dev', name));
  }
  const result = container.run();
  host.assertUntouched();
  ranOrRefused(result);
});

// CVE-2025-24965: nothing is written into the image but mount points and devices.
check('CVE-2025-24965: the image has no new files after a run', (box) => {
  const container = box.container((config) => {
    config.root.readonly = false;
  });
  const before = listing(container.rootfs);
  ran(container.run());
  assert.deepEqual(listing(container.rootfs), before);
});

// CVE-2026-55686
check('CVE-2026-55686: a missing cwd behind a link is not made on the host', (box) => {
  const host = victim(box);
  const container = box.container((config) => {
    config.process.cwd = '/link/new/cwd';
    config.process.user = { uid: 1000, gid: 1000 };
    config.process.args = ['/bin/pwd'];
  });
  symlinkSync(host.path, join(container.rootfs, 'link'));
  const result = container.run();
  host.assertUntouched();
  if (result.status !== 0) refused(result);
  else assert.equal(result.stdout, `${host.path}/new/cwd\n`);
});

// CVE-2026-115521: read-only by way of a /proc/self/fd that the image forges.
check('CVE-2026-115521: a read-only root and bind are read-only without proc, and with a forged one', (box) => {
  const container = box.container((config) => {
    withoutMounts(config, '/proc');
    quiet(config);
    config.mounts.push({ destination: '/data', type: 'bind', source: box.directory, options: ['bind', 'ro'] });
    config.process.args = ['/bin/sh', '-c', 'exec 2>&1; touch /new; touch /data/new; true'];
  });
  for (let number = 0; number < 12; number++) addFile(container.rootfs, `proc/self/fd/${number}`, '');
  const result = container.run();
  if (result.status === 0) assert.equal(result.stdout.match(/Read-only file system/g)?.length, 2);
  else refused(result);
  assert.ok(!existsSync(join(container.rootfs, 'new')));
  assert.ok(!existsSync(join(box.directory, 'new')));
});

// --- strings --------------------------------------------------------------------------------------------------------

// runc #5320: a string is cut at its NUL by the kernel, and means something else than what was checked.
const nul = '\u0000';
const strings: [string, (config: Config) => void, string?][] = [
  ['an argument', (config) => void config.process.args.push(`a${nul}b`)],
  ['a variable', (config) => void config.process.env.push(`A=a${nul}b`)],
  ['cwd', (config) => void Object.assign(config.process, { cwd: `/tmp${nul}/x` })],
  ['the host name', (config) => void Object.assign(config, { hostname: `host${nul}name` }), 'it is cut off (1.1.5)'],
  [
    'a destination',
    (config) => void config.mounts.push({ destination: `/tmp${nul}x`, type: 'tmpfs', source: 'tmpfs' }),
  ],
  [
    'a source',
    (config) => void config.mounts.push({ destination: '/x', type: 'bind', source: `/usr${nul}x`, options: ['bind'] }),
  ],
  [
    'a mount option',
    (config) =>
      void config.mounts.push({
        destination: '/x',
        type: 'tmpfs',
        source: 'tmpfs',
        options: [`size=64k${nul},mode=777`],
      }),
  ],
  ['a masked path', (config) => void config.linux.maskedPaths?.push(`/etc/passwd${nul}x`)],
  ['a read-only path', (config) => void config.linux.readonlyPaths?.push(`/etc${nul}x`)],
  ['root.path', (config) => void Object.assign(config.root, { path: `rootfs${nul}x` })],
  ['a sysctl', (config) => void Object.assign(config.linux, { sysctl: { 'kernel.shmmax': `12345${nul}6` } })],
  [
    'the path of a namespace',
    (config) => void config.linux.namespaces.push({ type: 'cgroup', path: `/proc/self/ns/cgroup${nul}x` }),
  ],
  [
    'the path of a hook',
    (config) => void Object.assign(config, { hooks: { createRuntime: [{ path: `/bin/true${nul}x` }] } }),
  ],
  ['cgroupsPath', (config) => void Object.assign(config.linux, { cgroupsPath: `/x${nul}y` })],
];
for (const [what, change, runc] of strings) {
  check(`a NUL in ${what} is refused`, runc === undefined ? {} : { knownToFail: { runc } }, (box) => {
    const container = box.container(change);
    refused(container.run());
    box.assertNothingLeft();
  });
}

function listing(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
