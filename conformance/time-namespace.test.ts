// config-linux.md, "Namespaces" (time) and "Offset for Time Namespace".

import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Config, type Container, check as checkAny, ok, refused, type Sandbox } from './harness/index.ts';

const skip = existsSync('/proc/self/ns/time') ? false : 'this kernel has no time namespaces';
const knownToFail = { runc: 'has no time namespaces (until 1.2)', crun: 'has none (until 1.8.4)' };

function check(name: string, body: (box: Sandbox) => void): void {
  checkAny(name, { skip, knownToFail }, body);
}

const OFFSETS = { monotonic: { secs: 7881, nanosecs: 2718281 }, boottime: { secs: 1337000 } };

function withTime(config: Config, timeOffsets?: Config['linux']['timeOffsets']): void {
  config.linux.namespaces.push({ type: 'time' });
  if (timeOffsets !== undefined) config.linux.timeOffsets = timeOffsets;
}

/** What /proc/PID/timens_offsets says: clock, seconds, nanoseconds. */
function offsets(text: string): Record<string, string> {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  return Object.fromEntries(lines.flatMap(([clock, ...rest]) => (rest.length === 2 ? [[clock, rest.join(' ')]] : [])));
}
const EXPECTED = { monotonic: '7881 2718281', boottime: '1337000 0' };

const timeOf = (pid: number | 'self'): string => readlinkSync(`/proc/${pid}/ns/time`);
const uptime = (text: string): number => Number(text.split(' ')[0]);

function lasting(box: Sandbox, edit: (config: Config) => void): Container {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
    edit(config);
  });
  ok(container.create());
  return container;
}

check('a time namespace is a new one, with the clocks of the host', (box) => {
  for (const given of [undefined, null, {}]) {
    const output = box.shell('readlink /proc/self/ns/time; cat /proc/self/timens_offsets', (config) =>
      withTime(config, given),
    );
    assert.match(output, /^time:\[\d+\]\n/);
    assert.notEqual(output.split('\n')[0], timeOf('self'));
    assert.deepEqual(offsets(output), { monotonic: '0 0', boottime: '0 0' });
  }
});

checkAny("without one in the list the program is in the runtime's", { skip }, (box) => {
  assert.equal(box.shell('readlink /proc/self/ns/time').trim(), timeOf('self'));
});

check('the clocks of the program are set as timeOffsets says', (box) => {
  const output = box.shell('cat /proc/uptime /proc/self/timens_offsets', (config) => withTime(config, OFFSETS));
  assert.deepEqual(offsets(output), EXPECTED);
  const host = uptime(readFileSync('/proc/uptime', 'utf8'));
  assert.ok(uptime(output) - host > 1_336_000, `${uptime(output)} in the container, ${host} on the host`);
});

check('one clock alone can be set, and back', (box) => {
  const output = box.shell('cat /proc/self/timens_offsets', (config) =>
    withTime(config, { boottime: { secs: -2, nanosecs: 999_999_999 } }),
  );
  assert.deepEqual(offsets(output), { monotonic: '0 0', boottime: '-2 999999999' });
});

check('a created container is in its time namespace before it is started, and exec too', (box) => {
  const container = lasting(box, (config) => withTime(config, OFFSETS));
  const time = timeOf(container.pid());
  assert.notEqual(time, timeOf('self'));
  const script = 'readlink /proc/self/ns/time; cat /proc/self/timens_offsets';
  for (const started of [false, true]) {
    if (started) ok(container.start());
    const { stdout } = ok(container.exec(['/bin/sh', '-c', script]));
    assert.equal(stdout.split('\n')[0], time, started ? 'started' : 'created');
    assert.deepEqual(offsets(stdout), EXPECTED);
  }
  assert.equal(timeOf(container.pid()), time);
});

check('the hooks that run in the container see its clocks', (box) => {
  const output = box.shell('cat /tmp/clocks', (config) => {
    withTime(config, OFFSETS);
    config.root.readonly = false;
    const script = 'cat /proc/self/timens_offsets > /tmp/clocks';
    config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', script] }] };
  });
  assert.deepEqual(offsets(output), EXPECTED);
});

check('in a user namespace the clocks are set, and the time namespace is found by exec', (box) => {
  chmodSync(dirname(box.directory), 0o711);
  chmodSync(box.directory, 0o711);
  const container = box.container((config) => {
    withTime(config, OFFSETS);
    config.linux.namespaces.push({ type: 'user' });
    config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.process.args = ['/bin/sleep', '300'];
  });
  for (const name of readdirSync(container.rootfs)) chownSync(join(container.rootfs, name), 100_000, 100_000);
  ok(container.create());
  const script = 'readlink /proc/self/ns/time; cat /proc/self/timens_offsets';
  for (const started of [false, true]) {
    if (started) ok(container.start());
    const { stdout } = ok(container.exec(['/bin/sh', '-c', script]));
    assert.equal(stdout.split('\n')[0], timeOf(container.pid()));
    assert.deepEqual(offsets(stdout), EXPECTED);
  }
});

check('the time namespace of another container is joined by its path, clocks and all', (box) => {
  const other = lasting(box, (config) => withTime(config, OFFSETS));
  const output = box.shell('readlink /proc/self/ns/time; cat /proc/self/timens_offsets', (config) => {
    config.linux.namespaces.push({ type: 'time', path: `/proc/${other.pid()}/ns/time` });
  });
  assert.equal(output.split('\n')[0], timeOf(other.pid()));
  assert.deepEqual(offsets(output), EXPECTED);
});

check('offsets without a new time namespace to set are an error', (box) => {
  const without = box.container((config) => {
    config.linux.timeOffsets = OFFSETS;
  });
  refused(without.run(), /time ?namespace/i);
  const joined = box.container((config) => {
    config.linux.namespaces.push({ type: 'time', path: '/proc/self/ns/time' });
    config.linux.timeOffsets = OFFSETS;
  });
  refused(joined.run(), /time ?namespace/i);
  box.assertNothingLeft();
});

check('a clock that would run below zero is an error that names it, and nothing is left', (box) => {
  for (const user of [false, true]) {
    const container = box.container((config) => {
      withTime(config, { monotonic: { secs: 1 }, boottime: { secs: -1_000_000_000 } });
      if (!user) return;
      config.linux.namespaces.push({ type: 'user' });
      config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    });
    refused(container.create(), /timens_offsets|timeOffsets\/boottime/);
    box.assertNothingLeft();
  }
});
