// config-linux.md, Namespaces, and what is set in them: host name, domain name, sysctl, the loopback device.

import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { type Config, check, ok, refused, type Sandbox, withoutNamespace, writeIn } from './harness/index.ts';

const files: Record<string, string> = {
  pid: 'pid',
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  mount: 'mnt',
  cgroup: 'cgroup',
};
const hostNamespace = (type: string, pid: number | 'self' = 'self') => readlinkSync(`/proc/${pid}/ns/${files[type]}`);

/** The namespaces of a container's program, by type. */
function namespacesIn(box: Sandbox, edit: (config: Config) => void): Record<string, string> {
  const script = Object.entries(files)
    .map(([type, file]) => `echo ${type} $(readlink /proc/self/ns/${file})`)
    .join('; ');
  const output = box.shell(script, (config) => edit(config));
  return Object.fromEntries(
    output
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
}

/** A running container to join. */
function neighbour(box: Sandbox) {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
    config.linux.namespaces.push({ type: 'cgroup' });
    config.hostname = 'neighbour';
  });
  ok(container.create());
  ok(container.start());
  return container;
}

check('each namespace that is listed without a path is a new one', (box) => {
  const actual = namespacesIn(box, (config) => {
    config.linux.namespaces.push({ type: 'cgroup' });
  });
  for (const [type, file] of Object.entries(files)) {
    assert.match(actual[type] ?? '', new RegExp(`^${file}:\\[\\d+\\]$`));
    assert.notEqual(actual[type], hostNamespace(type), type);
  }
});

check('two containers with new namespaces share none', (box) => {
  const one = neighbour(box);
  const two = neighbour(box);
  for (const type of Object.keys(files)) {
    assert.notEqual(hostNamespace(type, one.pid()), hostNamespace(type, two.pid()), type);
  }
});

for (const type of ['pid', 'network', 'ipc', 'uts', 'cgroup']) {
  check(`the ${type} namespace is the runtime's where it is not listed`, (box) => {
    const actual = namespacesIn(box, (config) => {
      withoutNamespace(config, type);
      if (type === 'uts') delete config.hostname;
    });
    assert.equal(actual[type], hostNamespace(type));
    for (const other of ['pid', 'network', 'ipc', 'uts', 'mount']) {
      if (other !== type) assert.notEqual(actual[other], hostNamespace(other), other);
    }
  });

  check(`the ${type} namespace of another container is joined by its path`, (box) => {
    const other = neighbour(box);
    const path = `/proc/${other.pid()}/ns/${files[type]}`;
    const actual = namespacesIn(box, (config) => {
      withoutNamespace(config, type);
      config.linux.namespaces.push({ type, path });
      delete config.hostname;
    });
    assert.equal(actual[type], hostNamespace(type, other.pid()));
    for (const rest of ['pid', 'network', 'ipc', 'uts', 'mount']) {
      if (rest !== type) assert.notEqual(actual[rest], hostNamespace(rest, other.pid()), rest);
    }
  });
}

check('several namespaces of another container are joined at once', (box) => {
  const pid = neighbour(box).pid();
  const joined = ['network', 'ipc', 'uts', 'pid'];
  const actual = namespacesIn(box, (config) => {
    config.linux.namespaces = [
      { type: 'mount' },
      ...joined.map((type) => ({ type, path: `/proc/${pid}/ns/${files[type]}` })),
    ];
    delete config.hostname;
  });
  for (const type of joined) assert.equal(actual[type], hostNamespace(type, pid), type);
});

check('in a new pid namespace the program is process 1, and sees no other', (box) => {
  // The shell, and the ls of this moment.
  const output = box.shell('echo $$; ls -1 /proc; true').split('\n');
  assert.match(output.filter((line) => /^\d+$/.test(line)).join(' '), /^1 1 \d+$/);
});

check("in the runtime's pid namespace the program has the pid of the state", (box) => {
  const container = box.container((config) => {
    withoutNamespace(config, 'pid');
    config.process.args = ['/bin/sh', '-c', 'echo $$; exec sleep 300'];
  });
  ok(container.create());
  ok(container.start());
  assert.equal(container.waitForOutput(/\n/), `${container.pid()}\n`);
});

check('in a joined pid namespace the program sees the processes of the other container', (box) => {
  const other = neighbour(box);
  const output = box.shell('echo $$; cat /proc/1/cmdline | tr "\\0" " "', (config) => {
    withoutNamespace(config, 'pid');
    config.linux.namespaces.push({ type: 'pid', path: `/proc/${other.pid()}/ns/pid` });
  });
  assert.match(output, /^([2-9]|\d\d+)\n\/bin\/sleep 300 $/);
  assert.equal(other.state().status, 'running');
});

check('without a pid namespace of its own, every process of a container ends with delete --force', (box) => {
  const container = box.container((config) => {
    withoutNamespace(config, 'pid');
    config.process.args = ['/bin/sh', '-c', 'sleep 300 & (sleep 300 &) & echo ready; wait'];
  });
  ok(container.create());
  ok(container.start());
  container.waitForOutput(/ready/);
  ok(container.delete({ flags: ['--force'] }));
  box.assertNothingLeft();
});

check('a new network namespace has the loopback device, up, and no other that is up', (box) => {
  const output = box.shell('ip addr show lo; echo; ip -o link show up; cat /proc/net/route');
  assert.match(output, /<LOOPBACK,UP,LOWER_UP>/);
  assert.match(output, /inet 127\.0\.0\.1\/8/);
  assert.equal(output.split('\n\n')[1]?.match(/^\d+: /gm)?.length, 1);
  assert.equal(output.trim().split('\n').at(-1)?.startsWith('Iface'), true);
});

check("a joined network namespace's loopback device is left as it is", (box) => {
  const other = neighbour(box);
  const output = box.shell('ip -o link show lo', (config) => {
    withoutNamespace(config, 'network');
    config.linux.namespaces.push({ type: 'network', path: `/proc/${other.pid()}/ns/net` });
  });
  assert.match(output, /UP/);
});

// config-linux.md, Namespaces: the cgroup namespace isolates the view
check('in a new cgroup namespace the cgroup of the container is the root', (box) => {
  const edit = (config: Config) => void config.linux.namespaces.push({ type: 'cgroup' });
  const own = box.shell('cat /proc/self/cgroup', edit).trim().split('\n');
  const host = box.shell('cat /proc/self/cgroup').trim().split('\n');
  assert.ok(own.some((line) => /^\d+:[^:]+:\/$|^0::\/$/.test(line)));
  assert.ok(
    own.every((line) => !line.includes(box.token)),
    own.join(' '),
  );
  assert.ok(host.some((line) => line.includes(box.token)));
});

// --- errors ---------------------------------------------------------------------------------------------------------

check('an unknown namespace type is an error that names it', (box) => {
  const container = box.container((config) => {
    config.linux.namespaces.push({ type: 'frobnicate' });
  });
  refused(container.create(), /frobnicate/);
  box.assertNothingLeft();
});

// config-linux.md, Namespaces: "duplicated namespaces with same type, the runtime MUST generate an error"
check('a namespace that is listed twice is an error', (box) => {
  const container = box.container((config) => {
    config.linux.namespaces.push({ type: 'uts' });
  });
  refused(container.create(), /uts|UTS|duplicate/);
  box.assertNothingLeft();
});

// config-linux.md, Namespaces: "MUST generate an error if path is not associated with a namespace of type type"
const wrongPaths: [string, (box: Sandbox) => string][] = [
  ['of a namespace of another type', () => '/proc/self/ns/uts'],
  ['of a file that is not a namespace', (box) => writeIn(box, 'file', '')],
  ['that does not exist', (box) => `${box.directory}/missing`],
];
for (const [what, path] of wrongPaths) {
  check(`a path ${what} is an error`, (box) => {
    const container = box.container((config) => {
      withoutNamespace(config, 'ipc');
      config.linux.namespaces.push({ type: 'ipc', path: path(box).replace('/self/', `/${process.pid}/`) });
    });
    refused(container.create());
    box.assertNothingLeft();
  });
}

// --- host name, domain name -----------------------------------------------------------------------------------------

const hostname = () => readFileSync('/proc/sys/kernel/hostname', 'utf8');

check('hostname is set in the container and not on the host', (box) => {
  const before = hostname();
  const output = box.shell('hostname; cat /proc/sys/kernel/hostname', (config) => {
    config.hostname = 'a-name.example';
  });
  assert.equal(output, 'a-name.example\na-name.example\n');
  assert.equal(hostname(), before);
});

const domainOptions = { knownToFail: { runc: 'domainname came with 1.2' } };
check('domainname is set in the container and not on the host', domainOptions, (box) => {
  const before = readFileSync('/proc/sys/kernel/domainname', 'utf8');
  const output = box.shell('cat /proc/sys/kernel/domainname', (config) => {
    config.domainname = 'example.test';
  });
  assert.equal(output, 'example.test\n');
  assert.equal(readFileSync('/proc/sys/kernel/domainname', 'utf8'), before);
});

check("without a host name the new namespace keeps the runtime's", (box) => {
  assert.equal(
    box.shell('cat /proc/sys/kernel/hostname', (config) => {
      delete config.hostname;
    }),
    hostname(),
  );
});

check('a host name without a uts namespace is an error, and leaves the name of the host', (box) => {
  const before = hostname();
  const container = box.container((config) => {
    withoutNamespace(config, 'uts');
    config.hostname = 'attack';
  });
  refused(container.create(), /uts|hostname/i);
  assert.equal(hostname(), before);
  box.assertNothingLeft();
});

// --- sysctl ---------------------------------------------------------------------------------------------------------

check('sysctls of the network and of ipc are set in the container and not on the host', (box) => {
  const values: Record<string, string> = {
    'net.ipv4.ip_forward': '1',
    'net.ipv4.ip_local_port_range': '20000\t30000',
    'kernel.shmmax': '123456789',
    'kernel.msgmax': '4321',
    'kernel.sem': '100\t200\t30\t40',
    'fs.mqueue.msg_max': '17',
  };
  const path = (name: string) => `/proc/sys/${name.replaceAll('.', '/')}`;
  const before = Object.keys(values).map((name) => readFileSync(path(name), 'utf8'));
  const output = box.shell(`cat ${Object.keys(values).map(path).join(' ')}`, (config) => {
    config.linux.sysctl = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, value.replaceAll('\t', ' ')]),
    );
  });
  assert.equal(output, `${Object.values(values).join('\n')}\n`);
  assert.deepEqual(
    Object.keys(values).map((name) => readFileSync(path(name), 'utf8')),
    before,
  );
});

// The classes of CVE-2022-0811: a sysctl that is not the container's own would be the host's.
const refusedSysctls: [string, string, string?][] = [
  ['of the host', 'kernel.core_pattern'],
  ['of the host', 'vm.swappiness'],
  ['of the host, by way of the network ones', 'net.../../kernel/core_pattern'],
  ['of the host, by slashes', 'net/ipv4/../../kernel/core_pattern'],
  ['that does not exist', 'net.no_such_thing'],
  ['of the network without a network namespace', 'net.ipv4.ip_forward', 'network'],
  ['of ipc without an ipc namespace', 'kernel.shmmax', 'ipc'],
  ['of message queues without an ipc namespace', 'fs.mqueue.msg_max', 'ipc'],
];
for (const [what, name, missing] of refusedSysctls) {
  check(`a sysctl ${what} is refused: ${name}`, (box) => {
    const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
    const container = box.container((config) => {
      if (missing !== undefined) withoutNamespace(config, missing);
      config.linux.sysctl = { [name]: '1' };
    });
    refused(container.create());
    box.assertNothingLeft();
    assert.equal(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), before);
  });
}

check("a sysctl of a joined network namespace that is the host's is refused", (box) => {
  const path = '/proc/sys/net/ipv4/ip_forward';
  const before = readFileSync(path, 'utf8');
  const container = box.container((config) => {
    withoutNamespace(config, 'network');
    config.linux.namespaces.push({ type: 'network', path: `/proc/${process.pid}/ns/net` });
    config.linux.sysctl = { 'net.ipv4.ip_forward': before.trim() === '1' ? '0' : '1' };
  });
  const result = container.create();
  const after = readFileSync(path, 'utf8');
  if (after !== before) writeFileSync(path, before);
  refused(result);
  assert.equal(after, before);
  box.assertNothingLeft();
});
