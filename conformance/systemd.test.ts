// --systemd-cgroup: the container's cgroup is a transient scope of systemd's, as with runc (its docs/systemd.md).

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import {
  type Config,
  type Container,
  cgroupsOf,
  check,
  needsV2,
  ok,
  readCgroup,
  refused,
  runtimeKind,
  type Sandbox,
  waitFor,
} from './harness/index.ts';

// sd_booted(3)
const isSystemd = existsSync('/run/systemd/system');
const skip = isSystemd ? false : 'needs systemd as the first process of the host (npm run test:vm)';
const SYSTEMD = { global: ['--systemd-cgroup'] };

/** The container is not started: its init is what is looked at. */
function created(box: Sandbox, edit?: (config: Config) => void): Container {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
    edit?.(config);
  });
  ok(container.create(SYSTEMD));
  return container;
}

/** The path in the hierarchy that systemd manages. */
function cgroupOf(container: Container): string {
  const text = readFileSync(`/proc/${container.pid()}/cgroup`, 'utf8');
  return /^\d+:name=systemd:(.*)$/m.exec(text)?.[1] ?? /^0::(.*)$/m.exec(text)?.[1] ?? '';
}

function systemctl(...args: string[]): string {
  return spawnSync('systemctl', args, { encoding: 'utf8' }).stdout.trim();
}

/** In the order of the names. */
function showAll(unit: string, names: readonly string[]): string[] {
  const lines = systemctl('show', ...names.map((name) => `--property=${name}`), unit).split('\n');
  return names.map((name) => lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? '');
}

const show = (unit: string, property: string): string => showAll(unit, [property]).join();
const unitOf = (container: Container): string => `${runtimeKind}-${container.id}.scope`;

check('the container is in a scope of its own in system.slice, which is delegated to it', { skip }, (box) => {
  const container = created(box);
  const unit = unitOf(container);
  assert.equal(cgroupOf(container), `/system.slice/${unit}`);
  assert.equal(systemctl('is-active', unit), 'active');
  const properties = [
    'Slice',
    'Delegate',
    'DefaultDependencies',
    'TasksAccounting',
    'MemoryAccounting',
    'CPUAccounting',
  ];
  assert.deepEqual(showAll(unit, properties), ['system.slice', 'yes', 'no', 'yes', 'yes', 'yes']);
});

check('every hierarchy has the container in the cgroup of the scope, and init sees it as its root', { skip }, (box) => {
  const container = created(box, (config) => {
    config.process.args = ['/bin/sh', '-c', 'cat /proc/self/cgroup; sleep 300'];
    config.linux.namespaces.push({ type: 'cgroup' });
  });
  const unit = unitOf(container);
  const paths = readFileSync(`/proc/${container.pid()}/cgroup`, 'utf8').trim().split('\n');
  for (const line of paths) assert.ok(line.endsWith(`:/system.slice/${unit}`), line);
  ok(container.start());
  for (const line of container
    .waitForOutput(/0::.*\n$/)
    .trim()
    .split('\n'))
    assert.ok(line.endsWith(':/'), line);
});

check('cgroupsPath names slice, prefix and name; the slice is made with those above it', { skip }, (box) => {
  const slice = `${box.token}-inner.slice`;
  const container = created(box, (config) => {
    config.linux.cgroupsPath = `${slice}:engine:name`;
  });
  try {
    assert.equal(cgroupOf(container), `/${box.token}.slice/${slice}/engine-name.scope`);
    assert.equal(show('engine-name.scope', 'Slice'), slice);
    ok(container.delete({ flags: ['--force'] }));
  } finally {
    // Slices are the engine's to stop: others may use them.
    systemctl('stop', slice, `${box.token}.slice`);
  }
});

check('a cgroupsPath that is a path is refused, with the form that is expected', { skip }, (box) => {
  const container = box.container((config) => {
    config.linux.cgroupsPath = `/${box.token}`;
  });
  refused(container.create(SYSTEMD), /slice:prefix:name/);
  assert.deepEqual(box.leftovers(), []);
});

check('delete removes the unit and its cgroups', { skip }, (box) => {
  const container = created(box);
  const unit = unitOf(container);
  ok(container.start());
  ok(container.delete({ flags: ['--force'] }));
  assert.equal(show(unit, 'LoadState'), 'not-found');
  assert.deepEqual(cgroupsOf(container.id), []);
});

check('delete ends processes that have outlived a container without a pid namespace', { skip }, (box) => {
  const container = created(box, (config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid');
    config.process.args = ['/bin/sh', '-c', 'sleep 300 & echo ready'];
  });
  ok(container.start());
  container.waitForStatus('stopped');
  ok(container.delete());
  box.assertNothingLeft();
});

check('the end of the last process ends the unit', { skip }, (box) => {
  const container = created(box);
  const unit = unitOf(container);
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  waitFor('the end of the unit', () => show(unit, 'ActiveState') === 'inactive');
  ok(container.delete());
});

check('a second container with the unit of a first is refused, and the first lives on', { skip }, (box) => {
  const edit = (config: Config) => {
    config.linux.cgroupsPath = `system.slice:${box.token}:same`;
  };
  const first = created(box, edit);
  const second = box.container(edit);
  refused(second.create(SYSTEMD), /container's cgroup is not empty/);
  refused(second.stateResult());
  assert.equal(first.state().status, 'created');
  assert.equal(systemctl('is-active', `${box.token}-same.scope`), 'active');
  ok(first.start());
});

check('a frozen cgroup at the place of the scope is refused, and stays as it is', { skip: skip || needsV2 }, (box) => {
  const directory = `/sys/fs/cgroup/system.slice/${box.token}-cold.scope`;
  mkdirSync(directory);
  try {
    writeFileSync(`${directory}/cgroup.freeze`, '1');
    for (const _ of [1, 2]) {
      const container = box.container((config) => {
        config.linux.cgroupsPath = `system.slice:${box.token}:cold`;
      });
      refused(container.create(SYSTEMD), /container's cgroup unexpectedly frozen/);
      assert.equal(readFileSync(`${directory}/cgroup.freeze`, 'utf8'), '1\n');
    }
  } finally {
    rmdirSync(directory);
  }
});

// --- a scope that fails -----------------------------------------------------------------------------------------------

/** Its program does not end at SIGTERM, as the first of its pid namespace: a scope that has to be killed has failed. */
function failed(box: Sandbox, unit?: string, edit?: (config: Config) => void): Container {
  const container = created(box, (config) => {
    config.annotations = { 'org.systemd.property.TimeoutStopUSec': 'uint64 1000000' };
    edit?.(config);
  });
  ok(container.start());
  systemctl('stop', unit ?? unitOf(container));
  container.waitForStatus('stopped');
  return container;
}

for (const flags of [[], ['--force']]) {
  const knownToFail = { runc: '1.1.5 leaves the failed unit', crun: 'leaves the failed unit' };
  check(`a scope that has failed is there until delete ${flags.join()}`, { skip, knownToFail }, (box) => {
    const container = failed(box);
    const unit = unitOf(container);
    assert.deepEqual(showAll(unit, ['ActiveState', 'Result']), ['failed', 'timeout']);
    ok(container.delete({ flags }));
    assert.equal(show(unit, 'LoadState'), 'not-found');
    box.assertNothingLeft();
  });
}

const byName = { runc: 'stops whatever has the name', crun: 'stops whatever has the name' };

check(
  'a scope that failed under a name is no obstacle to the next one of that name',
  { skip, knownToFail: byName },
  (box) => {
    const edit = (config: Config): void => {
      config.linux.cgroupsPath = `system.slice:${box.token}:again`;
    };
    const unit = `${box.token}-again.scope`;
    const first = failed(box, unit, edit);
    assert.equal(show(unit, 'ActiveState'), 'failed');
    const second = created(box, edit);
    assert.equal(systemctl('is-active', unit), 'active');
    // It is not the first one's any more.
    ok(first.delete());
    assert.equal(systemctl('is-active', unit), 'active');
    ok(second.delete({ flags: ['--force'] }));
    assert.equal(show(unit, 'LoadState'), 'not-found');
  },
);

// --- annotations ----------------------------------------------------------------------------------------------------

check('annotations org.systemd.property.* are properties of the unit', { skip }, (box) => {
  const container = created(box, (config) => {
    config.annotations = {
      'org.systemd.property.TimeoutStopUSec': 'uint64 123456789',
      'org.systemd.property.RuntimeMaxSec': 'uint64 900',
      'org.systemd.property.CollectMode': "'inactive-or-failed'",
    };
  });
  const unit = unitOf(container);
  assert.deepEqual(showAll(unit, ['TimeoutStopUSec', 'RuntimeMaxUSec', 'CollectMode']), [
    '2min 3.456789s',
    '15min',
    'inactive-or-failed',
  ]);
});

check('an annotation that is no property, or has no value, is refused by its name', { skip }, (box) => {
  const wrong = { 'org.systemd.property.ab': 'true', 'org.systemd.property.TimeoutStopUSec': 'uint64 x' };
  for (const [key, value] of Object.entries(wrong)) {
    const container = box.container((config) => {
      config.annotations = { [key]: value };
    });
    const { stderr } = refused(container.create(SYSTEMD));
    assert.ok(stderr.includes(key), stderr);
  }
  assert.deepEqual(box.leftovers(), []);
});

check(
  'CVE-2024-3154: an annotation can not make systemd start, stop or reboot anything',
  { skip, knownToFail: { runc: 'takes every property', crun: 'takes every property' } },
  (box) => {
    const container = box.container((config) => {
      config.annotations = { 'org.systemd.property.SuccessAction': "'exit'" };
    });
    refused(container.create(SYSTEMD), /SuccessAction/);
    assert.deepEqual(box.leftovers(), []);
  },
);

// --- limits ---------------------------------------------------------------------------------------------------------

const MIB = 1024 * 1024;

/** What the kernel has; v2 alone. */
function files(container: Container, names: readonly string[]): string[] {
  const pid = container.pid();
  return names.map((name) => readCgroup(pid, name.split('.')[0] ?? '', name));
}

const LIMIT_FILES = ['memory.max', 'memory.low', 'memory.swap.max', 'pids.max', 'cpu.max', 'cpu.weight', 'cpuset.cpus'];
const LIMIT_PROPERTIES = [
  'MemoryMax',
  'MemoryLow',
  'MemorySwapMax',
  'TasksMax',
  'CPUQuotaPerSecUSec',
  'CPUQuotaPeriodUSec',
  'CPUWeight',
  'AllowedCPUs',
];

check('limits are properties of the unit too, and outlast a reload of systemd', { skip: skip || needsV2 }, (box) => {
  const container = created(box, (config) => {
    config.linux.resources = {
      devices: [{ allow: false, access: 'rwm' }],
      memory: { limit: 64 * MIB, reservation: 32 * MIB, swap: 96 * MIB },
      pids: { limit: 42 },
      cpu: { quota: 50_000, period: 200_000, cpus: '0' },
      unified: { 'cpu.weight': '77' },
    };
  });
  const unit = unitOf(container);
  assert.deepEqual(showAll(unit, LIMIT_PROPERTIES), [
    `${64 * MIB}`,
    `${32 * MIB}`,
    `${32 * MIB}`,
    '42',
    '250ms',
    '200ms',
    '77',
    '0',
  ]);
  const limits = [`${64 * MIB}`, `${32 * MIB}`, `${32 * MIB}`, '42', '50000 200000', '77', '0'];
  assert.deepEqual(files(container, LIMIT_FILES), limits);
  systemctl('daemon-reload');
  assert.deepEqual(files(container, LIMIT_FILES), limits);
});

check('update tells systemd, which keeps to it when it is reloaded', { skip: skip || needsV2 }, (box) => {
  const container = created(box, (config) => {
    config.linux.resources = { memory: { limit: 64 * MIB }, pids: { limit: 42 }, cpu: { quota: 50_000 } };
  });
  const unit = unitOf(container);
  const update = (...args: string[]) => box.command(['update', ...args, container.id], SYSTEMD);
  ok(update('--memory', '32M', '--memory-swap', '48M', '--pids-limit', '7', '--cpu-period', '200000'));
  const properties = () => showAll(unit, LIMIT_PROPERTIES.slice(0, 6));
  assert.deepEqual(properties(), [`${32 * MIB}`, '0', `${16 * MIB}`, '7', '250ms', '200ms']);
  const limits = [`${32 * MIB}`, '0', `${16 * MIB}`, '7', '50000 200000'];
  systemctl('daemon-reload');
  assert.deepEqual(files(container, LIMIT_FILES.slice(0, 5)), limits);
  // What fails changes neither.
  refused(update('--pids-limit', '9', '--cpuset-cpus', '4095'));
  assert.deepEqual(properties(), [`${32 * MIB}`, '0', `${16 * MIB}`, '7', '250ms', '200ms']);
  assert.deepEqual(files(container, LIMIT_FILES.slice(0, 5)), limits);
  ok(update('--memory', '-1', '--pids-limit', '-1', '--cpu-quota', '-1'));
  assert.deepEqual(properties().slice(0, 5), ['infinity', '0', 'infinity', 'infinity', 'infinity']);
  systemctl('daemon-reload');
  // Without a quota systemd has the usual period.
  assert.deepEqual(files(container, ['memory.max', 'pids.max', 'cpu.max']), ['max', 'max', 'max 100000']);
});

check(
  'quota and period are in the kernel as systemd keeps them, and stay so when it is reloaded',
  {
    skip: skip || needsV2,
    knownToFail: {
      runc: '1.1.5 leaves the quota to the reload, 1.5.1 rounds one that it has rounded',
      crun: 'leaves the quota to the reload',
    },
  },
  (box) => {
    const container = created(box, (config) => {
      config.linux.resources = { cpu: { quota: 12_345 } };
    });
    const update = (...flags: string[]): string => {
      if (flags.length > 0) ok(box.command(['update', ...flags, container.id], SYSTEMD));
      const before = readCgroup(container.pid(), 'cpu', 'cpu.max');
      systemctl('daemon-reload');
      assert.equal(readCgroup(container.pid(), 'cpu', 'cpu.max'), before, flags.join(' '));
      return before;
    };
    assert.equal(update(), '13000 100000');
    assert.equal(update('--cpu-period', '900000', '--cpu-quota', '500000'), '504000 900000');
    // It is the quota that was asked for which is rounded anew.
    assert.equal(update('--cpu-period', '1000000'), '500000 1000000');
    assert.equal(update('--cpu-quota', '250000'), '250000 1000000');
  },
);

check('a period without a quota is as it is given, though systemd has none', { skip: skip || needsV2 }, (box) => {
  const container = created(box);
  ok(box.command(['update', '--cpu-period', '50000', container.id], SYSTEMD));
  assert.equal(readCgroup(container.pid(), 'cpu', 'cpu.max'), 'max 50000');
});

const weightAndIdle = {
  skip: skip || needsV2,
  knownToFail: {
    runc: '1.1.5 does not know --cpu-idle, 1.5.1 fails at the weight after its warning',
    crun: 'has no warning',
  },
};

check('of a weight and idleness a scope has the latter, with a warning', weightAndIdle, (box) => {
  const container = created(box);
  const idle = (): string => readCgroup(container.pid(), 'cpu', 'cpu.idle');
  const unified = JSON.stringify({ unified: { 'cpu.idle': '1', 'cpu.weight': '8' } });
  for (const [flags, input] of [
    [['--cpu-share', '200', '--cpu-idle', '1'], ''],
    [['--resources', '-'], unified],
  ] as const) {
    const { stderr } = ok(box.command(['update', ...flags, container.id], { ...SYSTEMD, input }));
    assert.match(stderr, /level=warning.*unable to apply both/);
    assert.equal(idle(), '1');
    systemctl('daemon-reload');
    assert.equal(idle(), '1');
    assert.equal(show(unitOf(container), 'CPUWeight'), 'idle');
    ok(box.command(['update', '--cpu-share', '300', container.id], SYSTEMD));
    assert.equal(idle(), '0');
  }
});

check('a container that is created idle has its weight when it is idle no more', weightAndIdle, (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
    config.linux.resources = { unified: { 'cpu.idle': '1', 'cpu.weight': '8' } };
  });
  ok(container.create(SYSTEMD));
  assert.match(container.stderr(), /level=warning.*unable to apply both/);
  assert.deepEqual(files(container, ['cpu.idle']), ['1']);
  const input = JSON.stringify({ unified: { 'cpu.idle': '0' } });
  ok(box.command(['update', '--resources', '-', container.id], { ...SYSTEMD, input }));
  assert.deepEqual(files(container, ['cpu.idle', 'cpu.weight']), ['0', '8']);
});

check('a weight ends idleness; what is idle no more stays so', { skip: skip || needsV2 }, (box) => {
  const container = created(box, (config) => {
    config.linux.resources = { cpu: { shares: 1024 } };
  });
  const update = (...flags: string[]): readonly string[] => {
    ok(box.command(['update', ...flags, container.id], SYSTEMD));
    const after = files(container, ['cpu.idle', 'cpu.weight']);
    // With what systemd remembers it is the same.
    systemctl('daemon-reload');
    assert.deepEqual(files(container, ['cpu.idle', 'cpu.weight']), after, flags.join(' '));
    return after;
  };
  const [, weight] = update('--cpu-idle', '0');
  assert.equal(update('--cpu-idle', '1')[0], '1');
  const [idle, less] = update('--cpu-share', '200');
  assert.equal(idle, '0');
  assert.ok(Number(less) < Number(weight), `${less} < ${weight}`);
  update('--cpu-idle', '1');
  assert.deepEqual(update('--cpu-idle', '0'), ['0', less]);
});

check('a limit of one process is in force for systemd, too', { skip: skip || needsV2 }, (box) => {
  const container = created(box, (config) => {
    config.linux.resources = { pids: { limit: 1 } };
  });
  assert.equal(show(unitOf(container), 'TasksMax'), '1');
  assert.deepEqual(files(container, ['pids.max', 'pids.current']), ['1', '1']);
});

// --- devices --------------------------------------------------------------------------------------------------------

check('device rules outlast a reload of systemd', { skip }, (box) => {
  const container = created(box, (config) => {
    config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' });
    const capabilities = ['CAP_MKNOD', 'CAP_SYSLOG'];
    config.process.capabilities = { bounding: capabilities, permitted: capabilities, effective: capabilities };
    config.process.args = [
      '/bin/sh',
      '-c',
      'exec 2>&1; cd /tmp; mknod k c 1 11; mknod z c 1 5; head -c 1 z | wc -c; dd if=k of=/dev/null bs=1 count=0; echo end',
    ];
  });
  systemctl('daemon-reload');
  ok(container.start());
  const output = container.waitForOutput(/end\n$/);
  assert.match(output, /^1$/m);
  assert.match(output, /k.*Operation not permitted/);
});

// --- without systemd ------------------------------------------------------------------------------------------------

check(
  'where systemd is not running, an error says so, and nothing is left',
  { skip: isSystemd && 'systemd is running on this host' },
  (box) => {
    const container = box.container();
    refused(container.create(SYSTEMD), /systemd/);
    assert.deepEqual(box.leftovers(), []);
  },
);
