// A caller without any privileges: a container in a user namespace in which that caller is root.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type CheckOptions,
  type Config,
  type Container,
  check as checkAny,
  type Edit,
  inMountNamespace,
  loadProfile,
  needsAppArmor,
  ok,
  profileOf,
  ran,
  refused,
  runtimePath,
  type Sandbox,
  waitFor,
} from './harness/index.ts';

const USER = 1000;
const as = `setpriv --reuid ${USER} --regid ${USER} --clear-groups`;
const prelude = `set -- ${as} "$@"`;

/** Why no user of this host may do it, if so. */
function obstacle(): string | false {
  const can = (command: string): boolean => spawnSync('/bin/sh', ['-c', command], { stdio: 'ignore' }).status === 0;
  if (!can(`${as} true`)) return 'needs setpriv';
  if (!can(`${as} unshare --user --map-root-user true`)) return 'this host lets no user make a user namespace';
  if (!can(`${as} test -x '${runtimePath}'`)) return `the runtime ${runtimePath} is out of reach of other users`;
  return false;
}
const skip = obstacle();

/** As a user whose session has a systemd of its own: a command of the virtual machine. */
const managed = { prelude: 'set -- as-tester "$@"', global: ['--systemd-cgroup'] };
const noManager =
  spawnSync('as-tester', ['true'], { stdio: 'ignore' }).status === 0
    ? false
    : 'needs a user with a systemd of its own (npm run test:vm)';

function check(name: string, body: (box: Sandbox) => void, options: CheckOptions = {}): void {
  checkAny(name, { ...options, skip: skip || options.skip }, (box) => {
    chmodSync(dirname(box.directory), 0o711);
    chmodSync(box.directory, 0o711);
    chownSync(box.root, USER, USER);
    body(box);
  });
}

/** What `spec --rootless` asks for. */
function rootless(config: Config): void {
  config.linux.namespaces = ['pid', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type }));
  config.linux.uidMappings = [{ containerID: 0, hostID: USER, size: 1 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: USER, size: 1 }];
  delete config.linux.resources;
  config.mounts = config.mounts.map((mount) => {
    if (mount.destination === '/sys') {
      return {
        destination: '/sys',
        type: 'none',
        source: '/sys',
        options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
      };
    }
    return { ...mount, options: (mount.options ?? []).filter((option) => !option.startsWith('gid=')) };
  });
}

function containerOf(box: Sandbox, edit?: Edit): Container {
  const container = box.container((config, place) => {
    rootless(config);
    return edit?.(config, place);
  });
  giveDirectories(container.bundle);
  return container;
}

/** The directories to the user; the files are hard links that other tests have, too. */
function giveDirectories(path: string): void {
  chownSync(path, USER, USER);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) giveDirectories(join(path, entry.name));
  }
}

const values = (text: string): string[] => text.trim().split(/\s+/);

check('the whole life of a container: create, start, state, list, kill, delete', (box) => {
  const container = containerOf(box, (config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create({ prelude }));
  const state = (): { status: string } => JSON.parse(ok(container.stateResult({ prelude })).stdout);
  assert.equal(state().status, 'created');
  ok(container.start({ prelude }));
  assert.equal(state().status, 'running');
  assert.match(ok(box.command(['list'], { prelude })).stdout, new RegExp(`${container.id}.*running`));
  ok(container.kill('KILL', { prelude }));
  waitFor('the end', () => (state().status === 'stopped' ? true : undefined));
  ok(container.delete({ prelude }));
  box.assertNothingLeft();
});

check('exec adds a program to a container that shares the network of the host', (box) => {
  const container = containerOf(box, (config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create({ prelude }));
  ok(container.start({ prelude }));
  const script = 'echo $(id -u) $(readlink /proc/self/ns/net) $(readlink /proc/self/ns/mnt)';
  const [user, network, mounts] = values(ok(container.exec(['/bin/sh', '-c', script], { prelude })).stdout);
  const ofHost = (type: string): string => readlinkSync(`/proc/self/ns/${type}`);
  assert.equal(user, '0');
  assert.equal(network, ofHost('net'));
  assert.notEqual(mounts, ofHost('mnt'));
  ok(container.delete({ prelude, flags: ['--force'] }));
});

check('a running container is removed by delete --force', (box) => {
  const container = containerOf(box, (config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create({ prelude }));
  ok(container.start({ prelude }));
  ok(container.delete({ prelude, flags: ['--force'] }));
  box.assertNothingLeft();
});

// Such a caller can mount no procfs before it is in a user namespace, and there none of the host's processes.
check(
  'an AppArmor profile is in force for the program, and for what exec adds',
  (box) => {
    loadProfile(box, 'rootless', '', (profile) => {
      const container = containerOf(box, (config) => {
        config.process.args = ['/bin/sleep', '300'];
        config.process.apparmorProfile = profile;
      });
      ok(container.create({ prelude }));
      ok(container.start({ prelude }));
      const { pid } = JSON.parse(ok(container.stateResult({ prelude })).stdout) as { pid: number };
      waitFor('the program', () => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n');
      assert.equal(profileOf(pid), profile);
      const { stdout } = ok(container.exec(['/bin/cat', '/proc/self/attr/current'], { prelude }));
      assert.equal(stdout, `${profile} (enforce)\n`);
    });
  },
  { skip: needsAppArmor },
);

check('exec adds a program, also where namespaces are those of the host', (box) => {
  const container = containerOf(box, (config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create({ prelude }));
  ok(container.start({ prelude }));
  assert.equal(ok(container.exec(['/bin/id', '-u'], { prelude })).stdout, '0\n');
});

check('the config of spec --rootless runs as it is, but for the terminal', (box) => {
  const container = containerOf(box);
  const directory = join(box.directory, 'spec');
  mkdirSync(directory);
  chownSync(directory, USER, USER);
  ok(box.command(['spec', '--rootless'], { prelude, cwd: directory }));
  const config = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'));
  config.process.terminal = false;
  config.process.args = ['/bin/sh', '-c', 'id -u; cat /proc/self/uid_map; hostname'];
  writeFileSync(join(container.bundle, 'config.json'), JSON.stringify(config));
  assert.deepEqual(values(ok(container.run({ prelude })).stdout).slice(0, 4), ['0', '0', String(USER), '1']);
  box.assertNothingLeft();
});

check('the default place of the state is below $XDG_RUNTIME_DIR', (box) => {
  const directory = join(box.directory, 'run');
  mkdirSync(directory, { mode: 0o700 });
  chownSync(directory, USER, USER);
  const container = containerOf(box, (config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  const output = join(box.directory, 'created');
  const script = `cd '${container.bundle}' && '${runtimePath}' create ${container.id} >'${output}' 2>&1 && ls "$XDG_RUNTIME_DIR"/*
'${runtimePath}' delete --force ${container.id}; ls "$XDG_RUNTIME_DIR"/*`;
  writeFileSync(output, '');
  chownSync(output, USER, USER);
  const result = spawnSync('/bin/sh', ['-c', `exec ${as} /bin/sh -c "$0"`, script], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], XDG_RUNTIME_DIR: directory },
  });
  assert.equal(result.stdout, `${container.id}\n`, result.stderr + readFileSync(output, 'utf8'));
});

check('files and sources of the user’s own are reached, also where nobody else may go', (box) => {
  const own = join(box.directory, 'own');
  mkdirSync(join(own, 'inner'), { recursive: true });
  writeFileSync(join(own, 'inner/file'), 'reached\n');
  giveDirectories(own);
  chmodSync(own, 0o700);
  const container = containerOf(box, (config) => {
    config.process.args = ['/bin/cat', '/tmp/file'];
    config.mounts.push({ destination: '/tmp', type: 'bind', source: join(own, 'inner'), options: ['bind', 'ro'] });
  });
  chmodSync(container.bundle, 0o700);
  assert.equal(ok(container.run({ prelude })).stdout, 'reached\n');
});

check('a source that the user may not reach is refused', (box) => {
  const hidden = join(box.directory, 'hidden');
  mkdirSync(join(hidden, 'inner'), { recursive: true });
  chmodSync(hidden, 0o700);
  const container = containerOf(box, (config) => {
    config.mounts.push({ destination: '/tmp', type: 'bind', source: join(hidden, 'inner'), options: ['bind'] });
  });
  refused(container.create({ prelude }), /hidden/);
  box.assertNothingLeft();
});

check('hooks run as the user', (box) => {
  const container = containerOf(box, (config) => {
    const file = join(box.directory, 'bundle-1/told');
    const tell = (name: string) => ({ path: '/bin/sh', args: ['sh', '-c', `echo ${name} $(id -u) >> ${file}`] });
    config.hooks = { createRuntime: [tell('runtime')], createContainer: [tell('container')], poststop: [tell('stop')] };
  });
  ran(container.run({ prelude }));
  assert.deepEqual(readFileSync(join(box.directory, 'bundle-1/told'), 'utf8').trim().split('\n'), [
    `runtime ${USER}`,
    'container 0',
    `stop ${USER}`,
  ]);
});

check('CVE-2014-8989: where a user maps the own group only, setgroups is denied', (box) => {
  const container = containerOf(box, (config) => {
    config.process.args = ['/bin/cat', '/proc/self/setgroups'];
  });
  assert.equal(ok(container.run({ prelude })).stdout, 'deny\n');
});

check('groups that can not be set are refused, not left out', (box) => {
  const container = containerOf(box, (config) => {
    config.process.user = { uid: 0, gid: 0, additionalGids: [0] };
  });
  refused(container.create({ prelude }), /additional groups|setgroups/);
  box.assertNothingLeft();
});

check(
  'CVE-2023-25809: no control group of the host can be written, and all are mounted read-only',
  (box) => {
    const container = containerOf(box, (config) => {
      config.mounts.push({
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
      });
      const find = "find /sys/fs/cgroup -type d -exec sh -c 'mkdir $1/made 2>/dev/null && echo made $1' sh {} ';'";
      config.process.args = ['/bin/sh', '-c', `cat /proc/self/mountinfo; ${find}`];
    });
    const { stdout } = ok(container.run({ prelude }));
    assert.doesNotMatch(stdout, /^made/m);
    // What was there before is covered: of the mounts on a place the last is seen.
    const mounts = [...stdout.matchAll(/^\S+ \S+ \S+ \S+ (\/sys\/fs\/cgroup\S*) (\S+)/gm)];
    const own = mounts.slice(mounts.findLastIndex(([, place]) => place === '/sys/fs/cgroup'));
    assert.ok(own.length > 0);
    for (const [line, , options = ''] of own) assert.match(options, /^ro\b/, line);
  },
  { knownToFail: { runc: '1.1 leaves the tmpfs that holds the v1 hierarchies writable' } },
);

check('a container without a user namespace is refused with a word why', (box) => {
  const container = containerOf(box, (config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'user');
    delete config.linux.uidMappings;
    delete config.linux.gidMappings;
  });
  refused(container.create({ prelude }), /user namespace/);
  box.assertNothingLeft();
});

// --- newuidmap ------------------------------------------------------------------------------------------------------

const noTools = spawnSync('test', ['-u', '/usr/bin/newuidmap', '-a', '-u', '/usr/bin/newgidmap']).status !== 0;
const needsTools: string | false = noTools ? 'needs newuidmap and newgidmap (package uidmap)' : false;

/** The user, with a range of ids, in files of the test's own: those of the host are not touched. */
function withSubordinateIds(box: Sandbox): string {
  const ids = join(box.directory, 'sub-ids');
  const passwd = join(box.directory, 'passwd');
  writeFileSync(ids, 'somebody:300000:1000\n', { mode: 0o644 });
  writeFileSync(passwd, `root:x:0:0::/root:/bin/sh\nsomebody:x:${USER}:${USER}::/:/bin/sh\n`, { mode: 0o644 });
  return inMountNamespace(`mount --bind ${ids} /etc/subuid
mount --bind ${ids} /etc/subgid
mount --bind ${passwd} /etc/passwd
set -- ${as} "$@"`);
}

function ranges(config: Config, hostID = 300_000): void {
  for (const list of ['uidMappings', 'gidMappings'] as const) {
    config.linux[list] = [
      { containerID: 0, hostID: USER, size: 1 },
      { containerID: 1, hostID, size: 1000 },
    ];
  }
}

check(
  'ranges of subordinate ids are mapped by newuidmap and newgidmap, and other users and groups can be had',
  (box) => {
    const container = containerOf(box, (config) => {
      ranges(config);
      config.process.user = { uid: 33, gid: 34, additionalGids: [35] };
      config.process.args = ['/bin/sh', '-c', 'id -u; id -g; id -G; cat /proc/self/uid_map /proc/self/gid_map'];
    });
    const map = ['0', String(USER), '1', '1', '300000', '1000'];
    assert.deepEqual(values(ok(container.run({ prelude: withSubordinateIds(box) })).stdout), [
      ...['33', '34', '34', '35'],
      ...map,
      ...map,
    ]);
  },
  { skip: needsTools, knownToFail: { runc: 'sets no groups for a caller without privileges' } },
);

check(
  'the state of a container whose process has another user is known to its owner, who can end it',
  (box) => {
    const container = containerOf(box, (config) => {
      ranges(config);
      config.process.user = { uid: 33, gid: 34 };
      config.process.args = ['/bin/sleep', '300'];
    });
    const mine = withSubordinateIds(box);
    ok(container.create({ prelude: mine }));
    const status = (): string => JSON.parse(ok(container.stateResult({ prelude: mine })).stdout).status;
    assert.equal(status(), 'created');
    ok(container.start({ prelude: mine }));
    assert.equal(status(), 'running');
    ok(container.kill('KILL', { prelude: mine }));
    waitFor('the end', () => (status() === 'stopped' ? true : undefined));
    ok(container.delete({ prelude: mine }));
    box.assertNothingLeft();
  },
  { skip: needsTools },
);

check(
  'a range that is not the user’s is refused with the words of newuidmap; nothing is left',
  (box) => {
    const container = containerOf(box, (config) => ranges(config, 700_000));
    refused(container.create({ prelude: withSubordinateIds(box) }), /newuidmap|uid range/);
    box.assertNothingLeft();
  },
  { skip: needsTools },
);

check(
  'a user can have a time namespace with clocks of its own, in a user namespace that is new or joined',
  (box) => {
    const timeOffsets = { monotonic: { secs: 7881 }, boottime: { secs: 1337 } };
    const script = 'cat /proc/self/timens_offsets; exec sleep 300';
    const first = containerOf(box, (config) => {
      config.linux.namespaces.push({ type: 'time' });
      config.linux.timeOffsets = timeOffsets;
      config.process.args = ['/bin/sh', '-c', script];
    });
    ok(first.create({ prelude }));
    ok(first.start({ prelude }));
    const clocks = ['monotonic', '7881', '0', 'boottime', '1337', '0'];
    assert.deepEqual(values(first.waitForOutput(/boottime.*\n/)), clocks);
    const { pid } = JSON.parse(ok(first.stateResult({ prelude })).stdout);
    const second = containerOf(box, (config) => {
      config.linux.namespaces = [
        { type: 'user', path: `/proc/${pid}/ns/user` },
        ...['pid', 'mount', 'ipc', 'time'].map((type) => ({ type })),
      ];
      delete config.linux.uidMappings;
      delete config.linux.gidMappings;
      delete config.hostname;
      config.linux.timeOffsets = { monotonic: { secs: 1 }, boottime: { secs: 2 } };
      config.process.args = ['/bin/cat', '/proc/self/timens_offsets'];
    });
    const output = ok(second.run({ prelude })).stdout;
    assert.deepEqual(values(output), ['monotonic', '1', '0', 'boottime', '2', '0']);
  },
  {
    skip: !existsSync('/proc/self/ns/time') && 'this kernel has no time namespaces',
    knownToFail: { runc: 'has none (until 1.2)', crun: 'has none (until 1.8.4)' },
  },
);

check(
  'with --systemd-cgroup the container is in a scope of the user’s own systemd, with its limits',
  (box) => {
    const container = containerOf(box, (config) => {
      config.process.args = ['/bin/sleep', '300'];
      Object.assign(config.linux, { resources: { pids: { limit: 30 } } });
    });
    ok(container.create(managed));
    ok(container.start(managed));
    const [, path = ''] = /^0::(.*)$/m.exec(readFileSync(`/proc/${container.pid()}/cgroup`, 'utf8')) ?? [];
    assert.match(path, new RegExp(`/user@${USER}\\.service/.*${container.id}\\.scope$`));
    const limit = (): string => readFileSync(`/sys/fs/cgroup${path}/pids.max`, 'utf8').trim();
    assert.equal(limit(), '30');
    assert.equal(ok(container.exec(['/bin/cat', '/proc/self/cgroup'], managed)).stdout, `0::${path}\n`);
    ok(box.command(['update', '--pids-limit', '20', container.id], managed));
    assert.equal(limit(), '20');
    ok(container.delete({ ...managed, flags: ['--force'] }));
    assert.equal(existsSync(`/sys/fs/cgroup${path}`), false);
  },
  { skip: noManager },
);
