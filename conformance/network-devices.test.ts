// config-linux.md, "Network Devices". The runtime runs in a network namespace of the test's own, where the devices are: those of the host are not
// touched.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CheckOptions,
  type Config,
  type Container,
  check as checkAny,
  ok,
  refused,
  runtimeKind,
  type Sandbox,
} from './harness/index.ts';

const before = 'older than linux.netDevices, which it ignores';
const unable =
  spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'dev0', 'type', 'veth', 'peer', 'name', 'peer0']).status === 0
    ? false
    : 'needs iproute2, and a kernel with veth';
function check(name: string, body: (box: Sandbox) => void, isKnown = true): void {
  const options: CheckOptions = isKnown ? { knownToFail: { runc: before, crun: before } } : {};
  checkAny(name, { ...options, skip: unable }, body);
}

/** A device with addresses of every kind, up, and its peer. */
const SETUP = [
  'ip link add dev0 type veth peer name peer0',
  'ip link set peer0 up',
  'ip link set dev0 address 02:00:00:00:00:77 mtu 1400 up',
  'ip address add 192.0.2.5/24 dev dev0',
  'ip address add 192.0.2.9/32 dev dev0',
  'ip address add 127.0.0.33/8 scope host dev dev0',
  'ip address add 198.51.100.7/24 valid_lft 3000 preferred_lft 3000 dev dev0',
  'ip -6 address add 2001:db8::5/64 dev dev0',
];

/** The runtime in a network namespace with the devices. What `ip` says there when it has ended goes to a file. */
function prelude(box: Sandbox, then: readonly string[] = []): string {
  const script = [
    ...SETUP,
    '"$@"',
    'status=$?',
    ...then,
    `ip -details address show > ${join(box.directory, 'host')}`,
    'exit $status',
  ].join('\n');
  return `exec unshare --net /bin/sh -c '${script}' sh "$@"`;
}
const hostAfter = (box: Sandbox): string => readFileSync(join(box.directory, 'host'), 'utf8');

type Devices = Record<string, { name?: string }>;
function withDevices(config: Config, devices: Devices): void {
  (config.linux as Config['linux'] & { netDevices: Devices }).netDevices = devices;
}

/** A container whose program shows the device. */
function showing(box: Sandbox, devices: Devices, name: string, edit?: (config: Config) => void): Container {
  return box.container((config) => {
    withDevices(config, devices);
    config.process.args = ['/bin/ip', 'address', 'show', 'dev', name];
    edit?.(config);
  });
}

check('a device moves into the container: with its lasting addresses, its MTU and hardware address, and up', (box) => {
  const container = showing(box, { dev0: {} }, 'dev0');
  const output = ok(container.run({ prelude: prelude(box) })).stdout;
  assert.match(output, /inet 192\.0\.2\.5\/24 /);
  assert.match(output, /inet 192\.0\.2\.9\/32 /);
  // Of IPv6 too, though the kernel takes those away when a device goes down.
  assert.match(output, /inet6 2001:db8::5\/64 /);
  assert.match(output, /mtu 1400 /);
  assert.match(output, /ether 02:00:00:00:00:77 /);
  assert.match(output, /<[^>]*\bUP\b[^>]*>/);
  // What means something on the host only, or ends by itself, stays behind.
  assert.doesNotMatch(output, /127\.0\.0\.33|198\.51\.100\.7/);
  assert.doesNotMatch(hostAfter(box), /dev0[@:]/);
});

check('it has another name there, if the config gives it one', (box) => {
  const output = ok(showing(box, { dev0: { name: 'eth9' } }, 'eth9').run({ prelude: prelude(box) })).stdout;
  assert.match(output, /eth9.*mtu 1400 /);
  assert.match(output, /inet 192\.0\.2\.5\/24 .*eth9/);
});

check('a name with %d is completed by the kernel', (box) => {
  const devices = { dev0: { name: 'eth%d' }, peer0: { name: 'eth%d' } };
  const container = showing(box, devices, 'eth0', (config) => {
    config.process.args = ['/bin/sh', '-c', 'ip address show dev eth0; ip link show dev eth1'];
  });
  const output = ok(container.run({ prelude: prelude(box) })).stdout;
  assert.match(output, /192\.0\.2\.5\/24/);
  assert.match(output, /eth1.*\bUP\b/);
});

check('it is there for sysctls and for hooks', (box) => {
  const container = showing(box, { dev0: { name: 'eth0' } }, 'eth0', (config) => {
    config.linux.sysctl = { 'net.ipv4.conf.eth0.forwarding': '1' };
    config.process.args = ['/bin/cat', '/proc/sys/net/ipv4/conf/eth0/forwarding'];
    const seen = join(box.directory, 'seen');
    const script = `pid=$(sed "s/.*\\"pid\\": *\\([0-9]*\\).*/\\1/"); nsenter --net=/proc/$pid/ns/net ip link show eth0 >${seen}`;
    config.hooks = {
      createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script], env: [`PATH=${process.env['PATH']}`] }],
    };
  });
  assert.equal(ok(container.run({ prelude: prelude(box) })).stdout, '1\n');
  assert.match(readFileSync(join(box.directory, 'seen'), 'utf8'), /eth0/);
});

check('it moves into the network namespace of a container in a user namespace', (box) => {
  const container = showing(box, { dev0: {} }, 'dev0', (config) => {
    config.linux.namespaces.push({ type: 'user' });
    config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  });
  assert.match(ok(container.run({ prelude: prelude(box) })).stdout, /192\.0\.2\.5\/24/);
});

/** A container that has a network namespace to join. */
function owner(box: Sandbox): Container {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create());
  ok(container.start());
  return container;
}
const inNamespaceOf = (container: Container): string => `nsenter --net=/proc/${container.pid()}/ns/net`;
function joining(config: Config, pid: number): void {
  for (const namespace of config.linux.namespaces)
    if (namespace.type === 'network') namespace.path = `/proc/${pid}/ns/net`;
}

check('in a namespace that is joined it stays when the container is gone', (box) => {
  const host = owner(box);
  const container = showing(box, { dev0: { name: 'eth0' } }, 'eth0', (config) => joining(config, host.pid()));
  const path = join(box.directory, 'left');
  const then = [`${inNamespaceOf(host)} ip address show dev eth0 > ${path}`];
  assert.match(ok(container.run({ prelude: prelude(box, then) })).stdout, /192\.0\.2\.5\/24/);
  const left = readFileSync(path, 'utf8');
  assert.match(left, /192\.0\.2\.5\/24/);
  assert.match(left, /mtu 1400/);
});

check('a name that is taken in a namespace that is joined is an error; the device stays where it was', (box) => {
  const host = owner(box);
  spawnSync('sh', ['-c', `${inNamespaceOf(host)} ip link add eth0 type veth peer name other`]);
  const container = showing(box, { dev0: { name: 'eth0' } }, 'eth0', (config) => joining(config, host.pid()));
  refused(container.create({ prelude: prelude(box) }), /dev0.*eth0/);
  assertBack(box);
});

/** The device is on the host, as it was. */
function assertBack(box: Sandbox): void {
  const host = hostAfter(box);
  const own = host.slice(host.search(/^\d+: dev0[@:]/m)).split(/\n(?=\d+: )/)[0] ?? '';
  assert.match(own, /^\d+: dev0[@:].*\bUP\b.*mtu 1400 /);
  assert.match(own, /inet 192\.0\.2\.5\/24/);
  assert.match(own, /inet6 2001:db8::5\/64/);
}

for (const [what, edit, message] of [
  ['another device is missing', (config: Config) => withDevices(config, { dev0: {}, gone0: {} }), /gone0/],
  ['another can not be moved', (config: Config) => withDevices(config, { dev0: { name: 'x' }, lo: {} }), /\blo\b/],
  [
    'the program is missing',
    (config: Config) => {
      config.process.args = ['/bin/no-such-program'];
    },
    /no-such-program/,
  ],
  [
    'a hook fails',
    (config: Config) => {
      config.hooks = { createRuntime: [{ path: '/bin/false' }] };
    },
    /createRuntime/,
  ],
] as const) {
  check(
    `where ${what} the device is back on the host, as it was`,
    (box) => {
      const container = showing(box, { dev0: { name: 'eth0' } }, 'eth0', edit);
      refused(container.create({ prelude: prelude(box) }), message);
      assertBack(box);
      box.assertNothingLeft();
    },
    what !== 'the program is missing',
  );
}

check('a device that the host does not have is an error that names it', (box) => {
  const { stderr } = refused(showing(box, { gone0: {} }, 'gone0').create({ prelude: prelude(box) }));
  assert.match(stderr, /link not found for interface \\?"?gone0/);
  if (runtimeKind === 'runt') assert.match(stderr, /\/linux\/netDevices\/gone0/);
});

check('without a network namespace of the container there is nowhere to move it', (box) => {
  const container = showing(box, { dev0: {} }, 'dev0', (config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network');
  });
  refused(container.create({ prelude: prelude(box) }), /unable to move network devices without a NET namespace/);
});

check("the runtime's own network namespace, joined by its path, is no place to move to", (box) => {
  const container = showing(box, { dev0: { name: 'eth0' } }, 'eth0', (config) => {
    for (const namespace of config.linux.namespaces)
      if (namespace.type === 'network') namespace.path = '/proc/self/ns/net';
  });
  refused(container.create({ prelude: prelude(box) }));
  assertBack(box);
});

for (const name of ['a/b', 'a:b', 'a b', '..', 'sixteen-bytes-xx']) {
  check(`${JSON.stringify(name)} is no name of a device: refused before anything is made`, (box) => {
    const container = showing(box, { dev0: { name } }, 'dev0');
    refused(container.create({ prelude: prelude(box) }));
    assertBack(box);
    assert.equal(existsSync(join(box.root, container.id)), false);
  });
}
