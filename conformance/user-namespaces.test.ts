// config-linux.md, "User namespace mappings", for a caller who is root: who is who, what belongs to whom, what still works.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  addFile,
  type CheckOptions,
  type Config,
  type Container,
  check as checkAny,
  inMountNamespace,
  ok,
  ran,
  refused,
  type Sandbox,
  withoutNamespace,
} from './harness/index.ts';

const FIRST = 100_000;
const SIZE = 65_536;

function check(name: string, ...rest: [CheckOptions, (box: Sandbox) => void] | [(box: Sandbox) => void]): void {
  const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest;
  checkAny(name, options, (box) => {
    // As engines have it: the container's root may go to its root file system.
    chmodSync(dirname(box.directory), 0o711);
    chmodSync(box.directory, 0o711);
    body(box);
  });
}

/** A user namespace with these ranges of ids, for users and groups alike. */
function mapped(config: Config, hostID = FIRST, size = SIZE): void {
  config.linux.namespaces.push({ type: 'user' });
  config.linux.uidMappings = [{ containerID: 0, hostID, size }];
  config.linux.gidMappings = [{ containerID: 0, hostID: hostID + 1_000_000, size }];
}

function allow(config: Config, ...capabilities: string[]): void {
  const sets = config.process.capabilities;
  assert.ok(sets !== undefined);
  for (const set of ['bounding', 'effective', 'permitted'] as const) sets[set]?.push(...capabilities);
}

const values = (text: string): string[] => text.trim().split(/\s+/);

check('the ids are mapped as the config says, root is root inside and nobody special outside', (box) => {
  const container = box.container((config) => {
    mapped(config);
    config.process.args = ['/bin/sh', '-c', 'cat /proc/self/uid_map /proc/self/gid_map; id; exec sleep 300'];
  });
  ok(container.create());
  ok(container.start());
  const output = container.waitForOutput(/uid=/);
  assert.deepEqual(values(output).slice(0, 6), ['0', '100000', '65536', '0', '1100000', '65536']);
  assert.match(output, /uid=0\S* gid=0/);
  const status = readFileSync(`/proc/${container.pid()}/status`, 'utf8');
  assert.match(status, /^Uid:\s+100000\s+100000\s+100000\s+100000$/m);
  assert.match(status, /^Gid:\s+1100000\s+1100000\s+1100000\s+1100000$/m);
  assert.notEqual(readlinkSync(`/proc/${container.pid()}/ns/user`), readlinkSync('/proc/self/ns/user'));
});

check('several ranges are mapped, each as given', (box) => {
  const output = box.shell('cat /proc/self/uid_map /proc/self/gid_map', (config) => {
    mapped(config);
    config.linux.uidMappings = [
      { containerID: 0, hostID: 1000, size: 1 },
      { containerID: 1, hostID: 200_000, size: 10 },
      { containerID: 50, hostID: 70_000, size: 3 },
    ];
    config.linux.gidMappings = [
      { containerID: 0, hostID: 2000, size: 2 },
      { containerID: 5, hostID: 300_000, size: 20 },
    ];
  });
  const users = ['0', '1000', '1', '1', '200000', '10', '50', '70000', '3'];
  assert.deepEqual(values(output), [...users, '0', '2000', '2', '5', '300000', '20']);
});

check('the user of the process, its group and its other groups are those of the container', (box) => {
  const container = box.container((config) => {
    mapped(config);
    config.process.user = { uid: 1000, gid: 5, additionalGids: [7, 8] };
    config.process.args = ['/bin/sh', '-c', 'id -u; id -g; id -G; exec sleep 300'];
  });
  ok(container.create());
  ok(container.start());
  assert.deepEqual(values(container.waitForOutput(/8\n/)), ['1000', '5', '5', '7', '8']);
  const status = readFileSync(`/proc/${container.pid()}/status`, 'utf8');
  assert.match(status, /^Uid:\s+101000/m);
  assert.match(status, /^Groups:\s+1100007 1100008\s*$/m);
});

check("the caller's own groups are left behind", (box) => {
  const container = box.container((config) => {
    mapped(config);
    config.process.args = ['/bin/grep', 'Groups', '/proc/self/status'];
  });
  const prelude = 'set -- setpriv --groups 4,20,100001 "$@"';
  assert.match(ok(container.run({ prelude })).stdout, /^Groups:\s*$/m);
});

check('the other new namespaces belong to the user namespace: its root may change them', (box) => {
  const script = [
    'hostname renamed && hostname',
    'mount -t tmpfs none /tmp && echo mounted',
    'echo 7 > /proc/sys/net/ipv4/ip_default_ttl && cat /proc/sys/net/ipv4/ip_default_ttl',
    'echo 4321 > /proc/sys/kernel/msgmax && cat /proc/sys/kernel/msgmax',
  ].join('; ');
  const output = box.shell(script, (config) => {
    mapped(config);
    allow(config, 'CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_SYS_RESOURCE');
    config.linux.readonlyPaths = [];
    config.linux.maskedPaths = [];
  });
  assert.deepEqual(values(output), ['renamed', 'mounted', '7', '4321']);
});

check(
  "what the runtime makes in the container is its root's",
  { knownToFail: { runc: 'the group of /dev/mqueue is not mapped' } },
  (box) => {
    const paths = ['/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/dev/fd', '/dev/stdin', '/dev/ptmx', '/new'];
    const output = box.shell(`stat -c %u:%g ${paths.join(' ')}`, (config, { rootfs }) => {
      mapped(config);
      lchownSync(rootfs, FIRST, FIRST + 1_000_000);
      config.mounts.push({ destination: '/new', type: 'tmpfs', source: 'tmpfs' });
    });
    assert.deepEqual(
      values(output),
      paths.map(() => '0:0'),
    );
  },
);

check('the usual devices are there and do what they do', (box) => {
  const script = [
    'for d in null zero full random urandom tty; do stat -c "%F %t:%T" /dev/$d; done',
    'echo x > /dev/null && head -c 4 /dev/zero | wc -c',
    'head -c 3 /dev/urandom | wc -c',
    '(echo y > /dev/full) 2>/dev/null || echo full',
  ].join('; ');
  const lines = box
    .shell(script, (config) => mapped(config))
    .trim()
    .split('\n');
  const device = (numbers: string) => `character special file ${numbers}`;
  assert.deepEqual(lines.slice(0, 6), ['1:3', '1:5', '1:7', '1:8', '1:9', '5:0'].map(device));
  assert.deepEqual(lines.slice(6), ['4', '3', 'full']);
});

check('a device of the config is the one of the host of the same path', (box) => {
  const output = box.shell('stat -c "%F %t:%T" /dev/kmsg', (config) => {
    mapped(config);
    config.linux.devices = [{ path: '/dev/kmsg', type: 'c', major: 1, minor: 11, fileMode: 0o644, uid: 0, gid: 0 }];
  });
  assert.equal(output.trim(), 'character special file 1:b');
});

check(
  'a device with other numbers than the host has there is refused by name',
  { knownToFail: { runc: 'binds whatever lies there', crun: 'binds whatever lies there' } },
  (box) => {
    const container = box.container((config) => {
      mapped(config);
      config.linux.devices = [{ path: '/dev/kmsg', type: 'c', major: 1, minor: 3 }];
    });
    refused(container.run(), /\/dev\/kmsg/);
    box.assertNothingLeft();
  },
);

check('a bind source that the container’s root could not reach on the host is mounted all the same', (box) => {
  const hidden = join(box.directory, 'hidden');
  mkdirSync(join(hidden, 'inner'), { recursive: true });
  writeFileSync(join(hidden, 'inner/file'), 'reached\n');
  chownSync(hidden, 4242, 4242);
  chmodSync(hidden, 0o700);
  const output = box.shell('cat /tmp/file', (config) => {
    mapped(config);
    config.mounts.push({
      destination: '/tmp',
      type: 'bind',
      source: join(hidden, 'inner'),
      options: ['rbind', 'ro', 'nosuid'],
    });
  });
  assert.equal(output, 'reached\n');
});

check(
  'a root file system below a directory that the container’s root could not enter is used all the same',
  { knownToFail: { runc: 'goes there as the container’s root' } },
  (box) => {
    const container = box.container((config) => mapped(config));
    chownSync(container.bundle, 4242, 4242);
    chmodSync(container.bundle, 0o700);
    ran(container.run());
  },
);

check('what a mount of the host forbids can not be undone in the container: read-only, nodev, nosuid stay', (box) => {
  const source = join(box.directory, 'source');
  mkdirSync(source);
  const container = box.container((config) => {
    mapped(config);
    allow(config, 'CAP_SYS_ADMIN');
    config.mounts.push({ destination: '/tmp', type: 'bind', source, options: ['bind'] });
    const remount = (options: string) => `mount -o remount,bind,${options} /tmp 2>/dev/null && echo undone ${options}`;
    config.process.args = [
      '/bin/sh',
      '-c',
      [
        remount('rw,nosuid,nodev'),
        remount('ro,suid,nodev'),
        remount('ro,nosuid,dev'),
        'touch /tmp/x 2>/dev/null && echo written',
        'grep " /tmp " /proc/self/mountinfo',
      ].join('; '),
    ];
  });
  const prelude = inMountNamespace(`mount --bind ${source} ${source}
mount -o remount,bind,ro,nosuid,nodev ${source}`);
  const { stdout } = ok(container.run({ prelude }));
  assert.match(stdout, / \/tmp ro,nosuid,nodev/);
  assert.doesNotMatch(stdout, /undone|written/);
});

check(
  'an option that would undo what a mount of the host forbids is refused, and leaves nothing behind',
  { knownToFail: { runc: 'goes on without it' } },
  (box) => {
    const source = join(box.directory, 'source');
    mkdirSync(source);
    const container = box.container((config) => {
      mapped(config);
      config.mounts.push({ destination: '/tmp', type: 'bind', source, options: ['bind', 'rw', 'dev'] });
    });
    const prelude = inMountNamespace(`mount --bind ${source} ${source}
mount -o remount,bind,ro,nodev ${source}`);
    refused(container.run({ prelude }), /source|\/tmp/);
    box.assertNothingLeft();
  },
);

check('masks, read-only paths and a read-only root hold', (box) => {
  const script = [
    'cat /proc/keys | wc -c',
    'ls /sys/firmware | wc -l',
    '(echo 1 > /proc/sys/net/ipv4/ip_forward) 2>/dev/null || echo read-only',
    'touch /x 2>/dev/null || echo root read-only',
  ].join('; ');
  assert.deepEqual(
    box
      .shell(script, (config) => mapped(config))
      .trim()
      .split('\n'),
    ['0', '0', 'read-only', 'root read-only'],
  );
});

check('sysctls of the network, ipc and user namespaces are set', (box) => {
  const output = box.shell('cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax', (config) => {
    mapped(config);
    config.linux.sysctl = { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '5000' };
  });
  assert.deepEqual(values(output), ['1', '5000']);
});

check('limits and the out-of-memory score are those of the config', (box) => {
  const output = box.shell('ulimit -n; ulimit -c; cat /proc/self/oom_score_adj', (config) => {
    mapped(config);
    config.process.rlimits = [
      { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    ];
    config.process.oomScoreAdj = 500;
  });
  assert.deepEqual(values(output), ['100', '0', '500']);
});

check('hooks run: the runtime’s on the host, the container’s in its user namespace', (box) => {
  const container = box.container((config) => {
    mapped(config);
    const tell = (name: string) => ({
      path: '/bin/sh',
      args: ['sh', '-c', `echo ${name} $(cat /proc/self/uid_map) >> ${box.directory}/told`],
    });
    config.hooks = { createRuntime: [tell('runtime')], createContainer: [tell('container')] };
  });
  writeFileSync(join(box.directory, 'told'), '');
  chmodSync(join(box.directory, 'told'), 0o666);
  ran(container.run());
  assert.deepEqual(readFileSync(join(box.directory, 'told'), 'utf8').trim().split('\n'), [
    'runtime 0 0 4294967295',
    'container 0 100000 65536',
  ]);
});

check('a container in a user namespace lives through its whole life', (box) => {
  const container = box.container((config) => {
    mapped(config);
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create());
  assert.equal(container.state().status, 'created');
  ok(container.start());
  assert.equal(container.state().status, 'running');
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  ok(container.delete());
  box.assertNothingLeft();
});

check('without a pid, network, ipc or uts namespace of its own the container uses those of the runtime', (box) => {
  const files: Record<string, string> = { pid: 'pid', network: 'net', ipc: 'ipc', uts: 'uts' };
  for (const [type, file] of Object.entries(files)) {
    const output = box.shell(`readlink /proc/self/ns/${file}`, (config) => {
      mapped(config);
      withoutNamespace(config, type);
      if (type === 'uts') delete config.hostname;
      // Only who owns its network namespace mounts a sysfs; only who owns its pid namespace a proc.
      config.mounts = config.mounts.filter(
        ({ destination }) => destination !== '/sys' && destination !== '/dev/mqueue',
      );
      if (type === 'pid') {
        config.mounts = config.mounts.map((mount) =>
          mount.destination === '/proc' ? { ...mount, type: 'bind', source: '/proc', options: ['rbind'] } : mount,
        );
        config.linux.maskedPaths = [];
        config.linux.readonlyPaths = [];
      }
    });
    assert.equal(output.trim(), readlinkSync(`/proc/self/ns/${file}`), type);
  }
});

// --- joined ---------------------------------------------------------------------------------------------------------

function neighbour(box: Sandbox): Container {
  const container = box.container((config) => {
    mapped(config);
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create());
  ok(container.start());
  return container;
}

check('the user namespace of another container is joined by its path, with others that belong to it', (box) => {
  const other = neighbour(box);
  const path = (file: string) => `/proc/${other.pid()}/ns/${file}`;
  const script = 'cat /proc/self/uid_map; for i in user net pid uts; do readlink /proc/self/ns/$i; done; id -u';
  const output = values(
    box.shell(script, (config) => {
      // The mappings that it has: some runtimes want them, and take no others.
      mapped(config);
      config.linux.namespaces = [
        // Not in the order in which they have to be joined.
        { type: 'pid', path: path('pid') },
        { type: 'network', path: path('net') },
        { type: 'mount' },
        { type: 'uts' },
        { type: 'ipc' },
        { type: 'user', path: path('user') },
      ];
    }),
  );
  assert.deepEqual(output.slice(0, 3), ['0', '100000', '65536']);
  assert.deepEqual(
    output.slice(3, 6),
    ['user', 'net', 'pid'].map((file) => readlinkSync(path(file))),
  );
  assert.notEqual(output[6], readlinkSync(path('uts')));
  assert.equal(output[7], '0');
});

check(
  'a network namespace of the host’s is joined together with a user namespace that does not own it',
  { knownToFail: { runc: 'joins the user namespace first' } },
  (box) => {
    const other = neighbour(box);
    const host = box.container((config) => {
      config.process.args = ['/bin/sleep', '300'];
    });
    ok(host.create());
    const output = box.shell('readlink /proc/self/ns/net', (config) => {
      withoutNamespace(config, 'network');
      config.linux.namespaces.push(
        { type: 'user', path: `/proc/${other.pid()}/ns/user` },
        { type: 'network', path: `/proc/${host.pid()}/ns/net` },
      );
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/sys');
    });
    assert.equal(output.trim(), readlinkSync(`/proc/${host.pid()}/ns/net`));
  },
);

check(
  'a path and mappings that the namespace there does not have are refused',
  { knownToFail: { runc: '1.1 takes the path, and the mappings for granted' } },
  (box) => {
    const other = neighbour(box);
    const container = box.container((config) => {
      mapped(config, 300_000);
      config.linux.namespaces = config.linux.namespaces.map((namespace) =>
        namespace.type === 'user' ? { type: 'user', path: `/proc/${other.pid()}/ns/user` } : namespace,
      );
    });
    refused(container.create(), /both namespace path and non-matching mapping specified/);
  },
);

check('the runtime runs in a user namespace itself, and makes another in it', (box) => {
  const prelude = 'set -- unshare --user --map-root-user "$@"';
  const plain = (config: Config): void => {
    // Group 5 is not mapped there, and no cgroup may be made.
    config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev/pts');
    delete config.linux.resources;
  };
  const inherits = box.container((config) => {
    plain(config);
    config.process.args = ['/bin/sh', '-c', 'cat /proc/self/uid_map; echo x > /dev/null; id -u'];
  });
  assert.deepEqual(values(ok(inherits.run({ prelude })).stdout), ['0', '0', '1', '0']);
  const nests = box.container((config) => {
    plain(config);
    mapped(config, 0, 1);
    config.linux.gidMappings = config.linux.uidMappings ?? [];
    config.process.args = ['/bin/sh', '-c', 'readlink /proc/self/ns/user; id -u'];
  });
  const [namespace, id] = values(ok(nests.run({ prelude })).stdout);
  assert.notEqual(namespace, readlinkSync('/proc/self/ns/user'));
  assert.equal(id, '0');
});

// --- errors ---------------------------------------------------------------------------------------------------------

const WRONG: readonly (readonly [string, (config: Config) => void, RegExp])[] = [
  ['without mappings', (config) => void config.linux.namespaces.push({ type: 'user' }), /mapping/],
  [
    'with mappings of users only',
    (config) => {
      mapped(config);
      delete config.linux.gidMappings;
    },
    /mapping/i,
  ],
  [
    'with ranges that overlap',
    (config) => {
      mapped(config);
      config.linux.uidMappings?.push({ containerID: 5, hostID: 900_000, size: 1 });
    },
    /overlap|uid_?map|mapping|Invalid argument|invalid argument/i,
  ],
  [
    'with an empty range',
    (config) => {
      mapped(config);
      config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 0 }];
    },
    /size|range|map|argument/i,
  ],
  [
    'without a mapping for root',
    (config) => {
      mapped(config);
      config.linux.uidMappings = [{ containerID: 1, hostID: 100_000, size: 10 }];
    },
    /root|map/i,
  ],
  [
    'whose process has a user that is not mapped',
    (config) => {
      mapped(config, FIRST, 10);
      config.process.user = { uid: 1000, gid: 0 };
    },
    /1000|setuid|uid|argument/i,
  ],
  [
    'whose process has a group that is not mapped',
    (config) => {
      mapped(config, FIRST, 10);
      config.process.user = { uid: 0, gid: 0, additionalGids: [1000] };
    },
    /1000|setgroups|groups|argument/i,
  ],
];
for (const [what, edit, message] of WRONG) {
  check(`a user namespace ${what} is refused, and nothing is left`, (box) => {
    const container = box.container((config) => edit(config));
    refused(container.create(), message);
    box.assertNothingLeft();
  });
}

check('ids that the runtime itself does not have can not be mapped; nothing is left', (box) => {
  const container = box.container((config) => {
    config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev/pts');
    delete config.linux.resources;
    mapped(config);
  });
  refused(container.create({ prelude: 'set -- unshare --user --map-root-user "$@"' }), /map|invalid argument/);
  box.assertNothingLeft();
});

// --- attacks --------------------------------------------------------------------------------------------------------

check(
  'CVE-2021-43784: as many ranges as the kernel takes are mapped exactly, more are refused before anything is made',
  (box) => {
    const ranges = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ containerID: index * 2, hostID: 1000 + index * 2, size: 1 }));
    const output = box.shell('cat /proc/self/uid_map', (config) => {
      mapped(config);
      config.linux.uidMappings = ranges(300);
    });
    assert.deepEqual(
      output
        .trim()
        .split('\n')
        .map((line) => values(line).join(' '))
        .sort(),
      ranges(300)
        .map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`)
        .sort(),
    );
    const container = box.container((config) => {
      mapped(config);
      config.linux.uidMappings = ranges(3000);
    });
    refused(container.create());
    box.assertNothingLeft();
  },
);

check('CVE-2016-3697: a user who is named like the id of the process, and is root, is not meant', (box) => {
  const container = box.container((config, { rootfs }) => {
    addFile(rootfs, 'etc/passwd', '1000:x:0:0:root:/root:/bin/sh\n');
    mapped(config);
    config.process.user = { uid: 1000, gid: 0 };
    config.process.args = ['/bin/id', '-u'];
  });
  assert.equal(ok(container.run()).stdout, '1000\n');
});

check(
  'CVE-2016-9962: init is out of reach of a container whose namespaces it has joined, while it holds what is the host’s',
  (box) => {
    const other = box.container((config) => {
      mapped(config);
      allow(config, 'CAP_SYS_PTRACE', 'CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH');
      // Nothing but the shell itself, so that whatever else has a pid here has come from outside.
      const look = 'for f in $p/fd/* $p/cwd/. $p/root/.; do [ -e $f ] && echo reached $f; done; echo looked';
      config.process.args = [
        '/bin/sh',
        '-c',
        `echo looking; while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] || { ${look}; } 2>/dev/null; done; done`,
      ];
    });
    ok(other.create());
    ok(other.start());
    other.waitForOutput(/looking/);
    const path = (file: string) => `/proc/${other.pid()}/ns/${file}`;
    const seen = join(other.bundle, 'output.out');
    const container = box.container((config) => {
      mapped(config);
      config.linux.namespaces = [
        { type: 'user', path: path('user') },
        { type: 'pid', path: path('pid') },
        ...['mount', 'network', 'ipc', 'uts'].map((type) => ({ type })),
      ];
      // Init waits for this hook, with descriptors of the host in its hands, until it was looked at.
      const script = `until grep -q looked ${seen}; do sleep 0.02; done; ! grep -q reached ${seen}`;
      config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script], timeout: 20 }] };
    });
    ok(container.create());
  },
);

check('runc #1962: with --no-pivot no whole proc of the host’s is left in sight', (box) => {
  const container = box.container((config) => {
    mapped(config);
    config.process.args = [
      '/bin/sh',
      '-c',
      'grep -E " - (proc|sysfs) " /proc/self/mountinfo | grep -v " /proc\\| /sys" | wc -l; id -u',
    ];
  });
  assert.deepEqual(values(ok(container.run({ flags: ['--no-pivot'] })).stdout), ['0', '0']);
});

check('S06: a newuidmap that the caller’s PATH or the image offers is never run', (box) => {
  const trojan = `#!/bin/sh\ntouch ${box.directory}/trojan-ran\n`;
  const container = box.container((config, { rootfs, bundle }) => {
    for (const directory of ['usr/bin', 'bin']) addFile(rootfs, `${directory}/newuidmap`, trojan, 0o755);
    writeFileSync(join(bundle, 'newuidmap'), trojan, { mode: 0o755 });
    mapped(config);
  });
  ran(
    container.run({
      cwd: container.bundle,
      env: { ...process.env, PATH: `${container.bundle}:${process.env['PATH']}` },
    }),
  );
  assert.notEqual(spawnSync('test', ['-e', join(box.directory, 'trojan-ran')]).status, 0);
});
