// config.md, "POSIX-platform Mounts": uidMappings and gidMappings of a mount, and the options idmap and ridmap. What is asserted is which owners
// the container sees, and which owners its files have on the host.

import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type CheckOptions,
  type Config,
  type Container,
  check as checkAny,
  inMountNamespace,
  ok,
  parseMountinfo,
  refused,
  runtimeKind,
  type Sandbox,
} from './harness/index.ts';

/** `crun`: how crun 1.8 differs. */
function check(name: string, body: (box: Sandbox) => void, crun?: string, skip: string | false = false): void {
  const runc = 'runc 1.1 has no id-mapped mounts';
  const options: CheckOptions = { skip, knownToFail: crun === undefined ? { runc } : { runc, crun } };
  checkAny(name, options, (box) => {
    chmodSync(dirname(box.directory), 0o711);
    chmodSync(box.directory, 0o711);
    body(box);
  });
}

const [major = 0, minor = 0] = release().split('.').map(Number);
const noTmpfs = major < 6 || (major === 6 && minor < 3) ? 'a tmpfs has mapped owners since Linux 6.3' : false;

const FIRST = 100_000;
const SIZE = 65_536;

/** Mount points that the container's root, who owns nothing of the image, need not make. */
function places(rootfs: string): void {
  for (const name of ['data', 'plain', 'inner']) mkdirSync(join(rootfs, name));
}

function withUsers(config: Config, hostID = FIRST): void {
  config.linux.namespaces.push({ type: 'user' });
  config.linux.uidMappings = [{ containerID: 0, hostID, size: SIZE }];
  config.linux.gidMappings = [{ containerID: 0, hostID, size: SIZE }];
}

/** A directory on the host with a file of 100:211. */
function source(box: Sandbox, name = 'volume'): string {
  const path = join(box.directory, name);
  mkdirSync(path);
  chmodSync(path, 0o777);
  writeFileSync(join(path, 'file'), 'x');
  chownSync(join(path, 'file'), 100, 211);
  return path;
}

/** 100:211 becomes 100_100:100_211 on the host. */
const mappings = {
  uidMappings: [{ containerID: 100, hostID: FIRST + 100, size: 10 }],
  gidMappings: [{ containerID: 200, hostID: FIRST + 200, size: 100 }],
};
const bind = (path: string, ...options: string[]) => ({
  destination: '/data',
  type: 'bind',
  source: path,
  options: ['rbind', ...options],
});
/** Owner and group of each path. */
const owners = (...paths: string[]): string => `stat -c %u:%g ${paths.join(' ')}`;
const lines = (text: string): string[] => text.trim().split('\n');
/** What stands for an id that has no place in the mapping. */
const overflow = (): string =>
  `${readFileSync('/proc/sys/kernel/overflowuid', 'utf8').trim()}:${readFileSync('/proc/sys/kernel/overflowgid', 'utf8').trim()}`;

check('the owners of a bind mount are mapped as its mappings say', (box) => {
  const path = source(box);
  const output = box.shell(owners('/data/file', '/data'), (config) => {
    config.mounts.push({ ...bind(path, 'idmap'), ...mappings });
  });
  assert.deepEqual(lines(output), ['100100:100211', overflow()]);
  assert.equal(statSync(join(path, 'file')).uid, 100);
});

check('a file can be bound with mapped owners', (box) => {
  const path = source(box);
  const output = box.shell(owners('/data'), (config) => {
    config.mounts.push({ ...bind(join(path, 'file'), 'idmap'), ...mappings });
  });
  assert.deepEqual(lines(output), ['100100:100211']);
});

check('mappings without an option are honoured, too', (box) => {
  const path = source(box);
  const output = box.shell(owners('/data/file'), (config) => {
    config.mounts.push({ ...bind(path), ...mappings });
  });
  assert.deepEqual(lines(output), ['100100:100211']);
});

check('several ranges, for users and for groups', (box) => {
  const path = source(box);
  for (const [name, uid, gid] of [
    ['a', 0, 7],
    ['b', 101, 8],
  ] as const) {
    writeFileSync(join(path, name), '');
    chownSync(join(path, name), uid, gid);
  }
  const output = box.shell(owners('/data/file', '/data/a', '/data/b'), (config) => {
    config.mounts.push({
      ...bind(path, 'idmap'),
      uidMappings: [
        { containerID: 0, hostID: 5000, size: 1 },
        { containerID: 100, hostID: 6000, size: 2 },
        { containerID: 211, hostID: 7000, size: 1 },
      ],
      gidMappings: [
        { containerID: 7, hostID: 70, size: 2 },
        { containerID: 211, hostID: 1, size: 1 },
      ],
    });
  });
  assert.deepEqual(lines(output), ['6000:1', '5000:70', '6001:71']);
});

check('the same source is mounted with different mappings', (box) => {
  const path = source(box);
  const output = box.shell(owners('/data/file', '/other/file', '/plain/file', '/again/file'), (config) => {
    config.mounts.push({ ...bind(path, 'idmap'), ...mappings });
    const uidMappings = [{ containerID: 100, hostID: 1, size: 1 }];
    config.mounts.push({ ...bind(path, 'idmap'), ...mappings, uidMappings, destination: '/other' });
    config.mounts.push({ ...bind(path), destination: '/plain' });
    config.mounts.push({ ...bind(path, 'idmap'), ...mappings, destination: '/again' });
  });
  assert.deepEqual(lines(output), ['100100:100211', '1:100211', '100:211', '100100:100211']);
});

check('what is written has the unmapped owner on the host; what has no mapping can not be written', (box) => {
  const path = source(box);
  const script = 'touch /data/new 2>/dev/null || echo refused';
  const write = (uid: number) =>
    box.shell(script, (config) => {
      config.process.user = { uid, gid: uid + 100 };
      config.mounts.push({
        ...bind(path, 'idmap'),
        uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
        gidMappings: [{ containerID: 0, hostID: 1100, size: 10 }],
      });
    });
  assert.equal(write(2000), 'refused\n');
  assert.equal(write(1004), '');
  const { uid, gid } = statSync(join(path, 'new'));
  assert.deepEqual([uid, gid], [4, 4]);
});

/** A tree with a mount in it, in a mount namespace of the runtime's. */
function tree(box: Sandbox): { path: string; prelude: string } {
  const path = source(box);
  const below = source(box, 'below');
  mkdirSync(join(path, 'sub'));
  return { path, prelude: inMountNamespace(`mount --bind ${below} ${path}/sub`) };
}

for (const [word, inner] of [
  ['idmap', '100:211'],
  ['ridmap', '100100:100211'],
] as const) {
  check(
    `${word} maps ${word === 'idmap' ? 'the mount alone' : 'all mounts below, too'}`,
    (box) => {
      const { path, prelude } = tree(box);
      const container = box.container((config) => {
        config.process.args = ['/bin/sh', '-c', owners('/data/file', '/data/sub/file')];
        config.mounts.push({ ...bind(path, word), ...mappings });
      });
      assert.deepEqual(lines(ok(container.run({ prelude })).stdout), ['100100:100211', inner]);
    },
    'an id-mapped source is bound alone',
  );
}

check(
  'attributes and propagation go with it',
  (box) => {
    const path = source(box);
    const output = box.shell('cat /proc/self/mountinfo; touch /data/file 2>/dev/null || echo refused', (config) => {
      config.mounts.push({ ...bind(path, 'idmap', 'ro', 'nosuid', 'shared'), ...mappings });
    });
    assert.match(output, /refused\n$/);
    const entry = parseMountinfo(output).find(({ target }) => target === '/data');
    assert.ok(entry?.options.includes('ro') && entry.options.includes('nosuid') && entry.options.includes('idmapped'));
    assert.match(entry?.propagation.join(' ') ?? '', /shared:/);
  },
  'propagation is lost',
);

check(
  'a new file system can have mapped owners',
  (box) => {
    const output = box.shell(owners('/data'), (config) => {
      config.mounts.push({
        destination: '/data',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['idmap', 'uid=100', 'gid=211', 'mode=755'],
        ...mappings,
      });
    });
    assert.deepEqual(lines(output), ['100100:100211']);
  },
  'only bind mounts can be mapped',
  noTmpfs,
);

check(
  'a file system whose owner is not mapped is mounted all the same',
  (box) => {
    const output = box.shell(owners('/data'), (config) => {
      config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['idmap'], ...mappings });
    });
    assert.deepEqual(lines(output), [overflow()]);
  },
  'only bind mounts can be mapped',
  noTmpfs,
);

// --- with a user namespace ------------------------------------------------------------------------------------------

check('in a user namespace, mappings of the mount are those to the ids of the host', (box) => {
  const path = source(box);
  const output = box.shell(owners('/data/file', '/plain/file'), (config, { rootfs }) => {
    withUsers(config);
    places(rootfs);
    config.mounts.push({ ...bind(path, 'idmap'), ...mappings }, { ...bind(path), destination: '/plain' });
  });
  assert.deepEqual(lines(output), ['100:211', overflow()]);
});

for (const [word, inner] of [
  ['idmap', overflow()],
  ['ridmap', '100:211'],
] as const) {
  check(
    `${word} without mappings takes those of the container's user namespace`,
    (box) => {
      const { path, prelude } = tree(box);
      const container = box.container((config, { rootfs }) => {
        withUsers(config);
        places(rootfs);
        config.process.args = ['/bin/sh', '-c', `${owners('/data/file', '/data/sub/file')}; touch /data/new`];
        config.mounts.push(bind(path, word));
      });
      assert.deepEqual(lines(ok(container.run({ prelude })).stdout), ['100:211', inner]);
      // What root of the container makes is root's.
      assert.equal(statSync(join(path, 'new')).uid, 0);
    },
    'an id-mapped source is bound alone',
  );
}

/** A running container in a user namespace. */
function owner(box: Sandbox): Container {
  const container = box.container((config) => {
    withUsers(config, 300_000);
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create());
  ok(container.start());
  return container;
}

check(
  "idmap without mappings takes those of the user namespace that is joined, also for a source that its root can't reach",
  (box) => {
    const pid = owner(box).pid();
    const path = source(box);
    const hidden = join(box.directory, 'hidden');
    mkdirSync(hidden);
    const inner = join(hidden, 'volume');
    mkdirSync(inner);
    writeFileSync(join(inner, 'file'), '');
    chmodSync(hidden, 0o700);
    const output = box.shell(owners('/data/file', '/inner/file', '/plain/file'), (config, { rootfs }) => {
      config.linux.namespaces.push({ type: 'user', path: `/proc/${pid}/ns/user` });
      places(rootfs);
      config.mounts.push(bind(path, 'idmap'), { ...bind(inner, 'idmap'), destination: '/inner' });
      config.mounts.push({ ...bind(inner), destination: '/plain' });
    });
    assert.deepEqual(lines(output), ['100:211', '0:0', overflow()]);
  },
);

check('a mount in a joined user namespace can have mappings of its own', (box) => {
  const pid = owner(box).pid();
  const path = source(box);
  const output = box.shell(owners('/data/file'), (config, { rootfs }) => {
    config.linux.namespaces.push({ type: 'user', path: `/proc/${pid}/ns/user` });
    places(rootfs);
    config.mounts.push({
      ...bind(path, 'idmap'),
      uidMappings: [{ containerID: 100, hostID: 300_005, size: 1 }],
      gidMappings: [{ containerID: 211, hostID: 300_006, size: 1 }],
    });
  });
  assert.deepEqual(lines(output), ['5:6']);
});

check(
  'what a mount of the host forbids can not be undone where its ids are mapped',
  (box) => {
    const path = source(box);
    const prelude = inMountNamespace(`mount --bind ${path} ${path}\nmount -o remount,bind,ro,nosuid,nodev ${path}`);
    for (const joins of [false, true]) {
      const pid = joins ? owner(box).pid() : 0;
      const container = box.container((config, { rootfs }) => {
        if (joins) config.linux.namespaces.push({ type: 'user', path: `/proc/${pid}/ns/user` });
        else withUsers(config);
        places(rootfs);
        for (const set of ['bounding', 'effective', 'permitted'] as const)
          config.process.capabilities?.[set]?.push('CAP_SYS_ADMIN');
        config.mounts.push(bind(path, 'idmap'));
        const script =
          'mount -o remount,bind,rw,suid,dev /data 2>/dev/null || echo locked; grep " /data " /proc/mounts';
        config.process.args = ['/bin/sh', '-c', script];
      });
      assert.match(ok(container.run({ prelude })).stdout, /^locked\n\S+ \/data \S+ ro,nosuid,nodev,/);
    }
  },
  'flags of the source are lost',
);

// --- a source that an earlier mount has put into the container --------------------------------------------------------

/** In no user namespace, in one of the container's own, and in one that is joined. */
const kinds = ['none', 'created', 'joined'] as const;
function inKind(box: Sandbox, kind: (typeof kinds)[number]): (config: Config) => void {
  const pid = kind === 'joined' ? owner(box).pid() : 0;
  return (config) => {
    if (kind !== 'none') withUsers(config, 300_000);
    // runc 1.1 wants the mappings of a namespace that is joined, too.
    if (kind === 'joined') Object.assign(config.linux.namespaces.at(-1) ?? {}, { path: `/proc/${pid}/ns/user` });
  };
}
const toHost = (hostID: number) => {
  const range = [{ containerID: 0, hostID, size: 1000 }];
  return { uidMappings: range, gidMappings: range };
};
const later = 'the source is looked up before anything is mounted';

for (const kind of kinds) {
  const [suffix, seen] = kind === 'none' ? ['', '300100:300211'] : [`, in a user namespace (${kind})`, '100:211'];
  check(
    `what an earlier mount has put into the container can be bound with mapped owners${suffix}`,
    (box) => {
      const path = source(box);
      const users = inKind(box, kind);
      const output = box.shell(
        `${owners('/plain/file', '/data/file', '/inner')}; cat /proc/self/mountinfo`,
        (config, { rootfs }) => {
          users(config);
          mkdirSync(join(rootfs, 'plain'));
          mkdirSync(join(rootfs, 'data'));
          writeFileSync(join(rootfs, 'inner'), '');
          config.mounts.push({ ...bind(path), destination: '/plain' });
          config.mounts.push({ ...bind(join(rootfs, 'plain'), 'idmap', 'ro'), ...toHost(300_000) });
          // Several, each with its own; and a file.
          const other = toHost(300_001);
          config.mounts.push({ ...bind(join(rootfs, 'plain/file')), ...other, destination: '/inner' });
        },
      );
      const unmapped = kind === 'none' ? '100:211' : overflow();
      const last = kind === 'none' ? '300101:300212' : '101:212';
      assert.deepEqual(lines(output).slice(0, 3), [unmapped, seen, last]);
      const entry = parseMountinfo(output).find(({ target }) => target === '/data');
      assert.ok(entry?.options.includes('ro') && entry.options.includes('idmapped'));
    },
    later,
  );
}

for (const kind of kinds) {
  check(
    `a link of such a source leads to what the container has there, never to the host${kind === 'none' ? '' : ` (${kind})`}`,
    (box) => {
      const secret = source(box, 'secret');
      const path = source(box);
      symlinkSync(secret, join(path, 'link'));
      const users = inKind(box, kind);
      const container = box.container((config, { rootfs }) => {
        users(config);
        places(rootfs);
        // Also for who looks the source up on the host.
        symlinkSync(secret, join(rootfs, 'plain/link'));
        config.mounts.push({ ...bind(path), destination: '/plain' });
        config.mounts.push({ ...bind(join(rootfs, 'plain/link'), 'idmap'), ...toHost(300_000) });
      });
      const { stderr } = refused(container.create());
      if (runtimeKind === 'runt') assert.match(stderr, /in the container.*ENOENT.*\/mounts\/7\/source/);
    },
    later,
  );
}

check(
  'where its ids can not be mapped the error names mount, field and type; nothing is left',
  (box) => {
    for (const kind of ['none', 'created'] as const) {
      const users = inKind(box, kind);
      const container = box.container((config, { rootfs }) => {
        users(config);
        places(rootfs);
        config.mounts.push({ ...bind('/proc/sys'), destination: '/plain' });
        config.mounts.push({ ...bind(join(rootfs, 'plain'), 'idmap'), ...toHost(300_000) });
      });
      const { stderr } = refused(container.create());
      if (runtimeKind === 'runt') assert.match(stderr, /map the ids of the mount on \/data.*\/mounts\/7\/uidMappings/);
      box.assertNothingLeft();
    }
  },
  later,
);

check(
  'what a mount of the host forbids can not be undone in a mount with mapped ids that is bound from there',
  (box) => {
    const path = source(box);
    const prelude = inMountNamespace(`mount --bind ${path} ${path}\nmount -o remount,bind,ro,nosuid,nodev ${path}`);
    for (const kind of ['created', 'joined'] as const) {
      const users = inKind(box, kind);
      const container = box.container((config, { rootfs }) => {
        users(config);
        places(rootfs);
        for (const set of ['bounding', 'effective', 'permitted'] as const)
          config.process.capabilities?.[set]?.push('CAP_SYS_ADMIN');
        config.mounts.push({ ...bind(path), destination: '/plain' });
        config.mounts.push({ ...bind(join(rootfs, 'plain'), 'idmap'), ...toHost(300_000) });
        const script =
          'mount -o remount,bind,rw,suid,dev /data 2>/dev/null || echo locked; grep " /data " /proc/mounts';
        config.process.args = ['/bin/sh', '-c', script];
      });
      assert.match(ok(container.run({ prelude })).stdout, /^locked\n\S+ \/data \S+ ro,nosuid,nodev,/);
    }
  },
  later,
);

// --- what can't be ---------------------------------------------------------------------------------------------------

check('a file system that does not support it is an error that names mount, field and type; nothing is left', (box) => {
  for (const users of [false, true]) {
    const container = box.container((config, { rootfs }) => {
      if (users) withUsers(config);
      if (users) places(rootfs);
      config.mounts.push({ ...bind('/proc/sys', 'idmap'), ...mappings });
    });
    const { stderr } = refused(container.create());
    if (runtimeKind === 'runt') {
      assert.match(stderr, /\/data/);
      assert.match(stderr, /\/mounts\/6\/uidMappings/);
      assert.match(stderr, /\bproc\b/);
    }
    box.assertNothingLeft();
  }
});

const both = /id-mapped mounts must have both uid and gid mappings/;
check('mappings of users alone are an error, and so are empty ones', (box) => {
  for (const wrong of [
    { uidMappings: mappings.uidMappings },
    { gidMappings: mappings.gidMappings },
    { uidMappings: [], gidMappings: [] },
  ]) {
    const container = box.container((config) => {
      config.mounts.push({ ...bind(source(box, `s${Object.keys(wrong).join('')}`), 'idmap'), ...wrong });
    });
    refused(container.create(), runtimeKind === 'crun' ? undefined : both);
    box.assertNothingLeft();
  }
});

check('idmap without mappings and without a user namespace is an error', (box) => {
  const container = box.container((config) => {
    config.mounts.push(bind(source(box), 'idmap'));
  });
  refused(container.create(), runtimeKind === 'crun' ? undefined : both);
});
