// config-linux.md, Devices: what linux.devices puts into the container. The default ones: rootfs.test.ts.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Config, check, ok, ranOrRefused, refused, runtimeKind, type Sandbox } from './harness/index.ts';

type Devices = NonNullable<Config['linux']['devices']>;

function withDevices(config: Config, ...devices: Devices): void {
  config.linux.devices = devices;
}
/** Kind, mode, numbers (hexadecimal) and owner. */
const look = (...paths: string[]): string => `stat -c "%F %a %t:%T %u:%g" ${paths.join(' ')}`;
const lines = (text: string): string[] => text.trim().split('\n');

check('devices of each type are made, with mode and owner', (box) => {
  const output = box.shell(look('/dev/c', '/dev/b', '/dev/u', '/dev/p'), (config) => {
    withDevices(
      config,
      { type: 'c', path: '/dev/c', major: 10, minor: 229, fileMode: 0o640, uid: 1000, gid: 5 },
      { type: 'b', path: '/dev/b', major: 7, minor: 300, fileMode: 0o600, uid: 0, gid: 6 },
      { type: 'u', path: '/dev/u', major: 1, minor: 3, fileMode: 0o666 },
      { type: 'p', path: '/dev/p', fileMode: 0o622, uid: 3, gid: 4 },
    );
  });
  assert.deepEqual(lines(output), [
    'character special file 640 a:e5 1000:5',
    'block special file 600 7:12c 0:6',
    'character special file 666 1:3 0:0',
    'fifo 622 0:0 3:4',
  ]);
});

check('a FIFO may have numbers, which mean nothing', (box) => {
  const output = box.shell(look('/dev/p'), (config) => {
    withDevices(config, { type: 'p', path: '/dev/p', major: 10, minor: 7, fileMode: 0o600 });
  });
  assert.deepEqual(lines(output), ['fifo 600 0:0 0:0']);
});

check(
  "without a mode everybody may read and write; the caller's umask and a file type in the mode change nothing",
  (box) => {
    const container = box.container((config) => {
      withDevices(
        config,
        { type: 'c', path: '/dev/one', major: 1, minor: 3 },
        { type: 'c', path: '/dev/two', major: 1, minor: 3, fileMode: 0o20_606 },
      );
      config.process.args = ['/bin/sh', '-c', look('/dev/one', '/dev/two')];
    });
    assert.deepEqual(lines(ok(container.run({ prelude: 'umask 077' })).stdout), [
      'character special file 666 1:3 0:0',
      'character special file 606 1:3 0:0',
    ]);
  },
);

check('a device may lie anywhere; missing directories on the way are made', (box) => {
  const output = box.shell(look('/a/b/null', '/dev/sub/null', '/null'), (config) => {
    config.root.readonly = false;
    withDevices(
      config,
      ...['/a/b/null', '/dev/sub/null', '/null'].map((path) => ({ type: 'c', path, major: 1, minor: 3 })),
    );
  });
  assert.deepEqual(new Set(lines(output)), new Set(['character special file 666 1:3 0:0']));
  assert.equal(lines(output).length, 3);
});

check('a device of the config takes the place of a default one', (box) => {
  const output = box.shell(look('/dev/full', '/dev/zero'), (config) => {
    withDevices(config, { type: 'c', path: '/dev/full', major: 1, minor: 7, fileMode: 0o600, uid: 7, gid: 8 });
  });
  assert.deepEqual(lines(output), ['character special file 600 1:7 7:8', 'character special file 666 1:5 0:0']);
});

/** Puts a device into the image. */
function node(path: string, ...kind: string[]): void {
  mkdirSync(dirname(path), { recursive: true });
  assert.equal(spawnSync('mknod', [path, ...kind]).status, 0);
}

check('a device that the image has already, with these numbers, is taken', (box) => {
  const output = box.shell(look('/dev/mine', '/dev/fifo'), (config, { rootfs }) => {
    config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
    node(join(rootfs, 'dev/mine'), 'c', '1', '5');
    node(join(rootfs, 'dev/fifo'), 'p');
    withDevices(
      config,
      { type: 'c', path: '/dev/mine', major: 1, minor: 5 },
      { type: 'p', path: '/dev/fifo', major: 0, minor: 0 },
    );
  });
  assert.match(output, /^character special file \d+ 1:5 .*\nfifo /);
});

const silent = { knownToFail: { runc: 'takes what the image has', crun: 'takes what the image has' } };
for (const [what, make] of [
  ['a plain file', (path: string) => writeFileSync(path, '')],
  ['a directory', (path: string) => mkdirSync(path)],
  ['another device', (path: string) => node(path, 'c', '1', '5')],
  ['a device of the other type', (path: string) => node(path, 'b', '1', '3')],
  ['a link to such a device', (path: string) => symlinkSync('/dev/null', path)],
] as const) {
  // config-linux.md, Devices, path: "If a file already exists at path that does not match the requested device, the runtime MUST generate an error."
  check(`${what} in the image where a device is to be is an error that names it`, silent, (box) => {
    const container = box.container((config, { rootfs }) => {
      config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
      make(join(rootfs, 'dev/mine'));
      withDevices(config, { type: 'c', path: '/dev/mine', major: 1, minor: 3 });
    });
    const { stderr } = refused(container.create(), /\/dev\/mine/);
    if (runtimeKind === 'runt') assert.match(stderr, /\/linux\/devices\/0/);
    box.assertNothingLeft();
  });
}

for (const how of ['bind', 'rbind']) {
  check(`nothing is made or taken away in a /dev that is a ${how} mount of the host`, (box) => {
    const source = join(box.directory, 'dev');
    mkdirSync(source);
    for (const name of ['ptmx', 'console', 'fd']) writeFileSync(join(source, name), 'the host’s');
    node(join(source, 'null'), 'c', '1', '3');
    const output = box.shell('ls /dev', (config) => {
      config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
      config.mounts.push({ destination: '/dev', type: 'bind', source, options: [how] });
    });
    assert.equal(output, 'console\nfd\nnull\nptmx\n');
    for (const name of ['ptmx', 'console', 'fd'])
      assert.equal(readFileSync(join(source, name), 'utf8'), 'the host’s', name);
    assert.equal(readdirSync(source).length, 4);
  });
}

check('a directory on the way that is a link leads nowhere but into the root', (box) => {
  const host = join(box.directory, 'host');
  mkdirSync(host);
  const container = box.container((config, { rootfs }) => {
    config.root.readonly = false;
    symlinkSync(host, join(rootfs, 'link'));
    symlinkSync(`${'../'.repeat(30)}${host.slice(1)}`, join(rootfs, 'relative'));
    withDevices(
      config,
      { type: 'c', path: '/link/null', major: 1, minor: 3 },
      { type: 'p', path: '/relative/sub/fifo' },
    );
  });
  const result = container.run();
  assert.deepEqual(readdirSync(host), []);
  ranOrRefused(result);
});

function withUsers(config: Config, box: Sandbox): void {
  chmodSync(dirname(box.directory), 0o711);
  chmodSync(box.directory, 0o711);
  config.linux.namespaces.push({ type: 'user' });
  config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
}

check(
  'in a user namespace a FIFO is made, and a device is the one of the host, by which nothing can be executed',
  { knownToFail: { runc: 'without nosuid and noexec (1.1.5)', crun: 'without nosuid and noexec (1.8.1)' } },
  (box) => {
    const output = box.shell(`${look('/dev/kmsg', '/dev/p')}; grep " /dev/kmsg " /proc/mounts`, (config) => {
      withUsers(config, box);
      withDevices(
        config,
        { type: 'c', path: '/dev/kmsg', major: 1, minor: 11 },
        { type: 'p', path: '/dev/p', fileMode: 0o600, uid: 1, gid: 2 },
      );
    });
    assert.match(output, /^character special file \d+ 1:b .*\nfifo 600 0:0 1:2\n/);
    assert.match(output, / \/dev\/kmsg \S+ \S*nosuid,noexec/);
  },
);

for (const [what, device, taken] of [
  ['without a major number', { type: 'c', path: '/dev/x', minor: 3 }, { runc: 'is taken', crun: 'is taken' }],
  ['of an unknown type', { type: 'x', path: '/dev/x', major: 1, minor: 3 }, { crun: 'is taken' }],
  ['with a path that is not absolute', { type: 'c', path: 'dev/x', major: 1, minor: 3 }, { runc: 'is taken' }],
] as const) {
  check(`a device ${what} is an error`, { knownToFail: taken }, (box) => {
    const container = box.container((config) => withDevices(config, device));
    refused(container.create());
    box.assertNothingLeft();
  });
}

check('the host has no device more than before', (box) => {
  const container = box.container((config) => {
    withDevices(config, { type: 'c', path: '/dev/runtime-test-device', major: 1, minor: 3 });
  });
  ok(container.run());
  assert.equal(existsSync('/dev/runtime-test-device'), false);
  assert.ok(lstatSync('/dev/null').isCharacterDevice());
});
