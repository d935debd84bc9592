import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { closeHandles, createCgroups } from './create.ts';
import { type DeviceRule, devicePolicy } from './device-rules.ts';
import { applyDevices } from './devices.ts';
import type { CgroupHost } from './host.ts';
import { planCgroups } from './paths.ts';
import { type CgroupRecord, recordCgroups } from './record.ts';
import { removeCgroups } from './remove.ts';
import { hostWith, runInside, runtError, scratch } from './test-support.ts';

const DENY_ALL: DeviceRule = { allow: false, access: 'rwm' };
/** /dev/kmsg: on every Linux, and not among what every container may use. */
const KMSG = { type: 'c', major: 1, minor: 11 } as const;

function controlled(host: CgroupHost, cgroupsPath: string, rules: readonly DeviceRule[]): CgroupRecord {
  const record = recordCgroups(planCgroups(host, { cgroupsPath, id: 'unused' }));
  const handles = createCgroups(record);
  try {
    applyDevices(handles, devicePolicy(rules));
  } finally {
    closeHandles(handles);
  }
  return record;
}

const skipWithoutDevice = (skip: string | false) =>
  skip === false && !existsSync('/dev/kmsg') ? 'needs /dev/kmsg' : skip;

for (const version of [1, 2] as const) {
  const { host, skip: noHost } = hostWith(version);
  const skip = skipWithoutDevice(noHost);

  test(`v${version}: a process in the cgroup can open what the rules allow, and nothing else`, { skip }, (context) => {
    assert.ok(host);
    const path = scratch(context, host);
    const denied = controlled(host, `${path}/denied`, [DENY_ALL]);
    const script =
      'for mode in "<" ">"; do sh -c "true $mode /dev/kmsg" 2>/dev/null && echo opened || echo refused; done; true < /dev/null && echo null';
    assert.equal(runInside(denied, script).output, 'refused\nrefused\nnull\n');
    const readable = controlled(host, `${path}/readable`, [DENY_ALL, { allow: true, ...KMSG, access: 'r' }]);
    assert.equal(runInside(readable, script).output, 'opened\nrefused\nnull\n');
    const exceptWrites = controlled(host, `${path}/except`, [
      { allow: true, access: 'rwm' },
      { allow: false, ...KMSG, access: 'w' },
    ]);
    assert.equal(runInside(exceptWrites, script).output, 'opened\nrefused\nnull\n');
    for (const record of [denied, readable, exceptWrites]) removeCgroups(record);
  });

  test(`v${version}: device nodes can be made for devices that can't be opened`, { skip }, (context) => {
    assert.ok(host);
    const record = controlled(host, scratch(context, host), [DENY_ALL]);
    const script =
      'd=$(mktemp -d) && mknod $d/node c 1 11 && echo made; true 2>/dev/null < $d/node && echo opened; rm -r $d';
    assert.match(runInside(record, script).output, /^made\n(?!opened)/);
    removeCgroups(record);
  });
}

const v1 = hostWith(1);

test("on v1 devices.list begins with the config's rules, in their order", { skip: v1.skip }, (context) => {
  const host = v1.host ?? assert.fail();
  const rules = [
    DENY_ALL,
    { allow: true, type: 'c', major: 10, minor: 229, access: 'rwm' },
    { allow: true, type: 'b', major: 8, minor: 20, access: 'rw' },
  ];
  const record = controlled(host, scratch(context, host), rules);
  const path = record.cgroups.find((entry) => entry.controllers.split(',').includes('devices'))?.path;
  const list = readFileSync(`${path}/devices.list`, 'utf8').split('\n');
  assert.deepEqual(list.slice(0, 3), ['c 10:229 rwm', 'b 8:20 rw', 'c *:* m']);
  removeCgroups(record);
});

test('on v1 a rule that a cgroup above does not allow is refused with its place in the config', {
  skip: v1.skip,
}, (context) => {
  const host = v1.host ?? assert.fail();
  const path = scratch(context, host);
  const outer = controlled(host, `${path}/outer`, [DENY_ALL]);
  const refused = runtError('cgroup', /^write "c 1:11 r" to .*\/inner\/devices.allow$/, '/linux/resources/devices/1');
  assert.throws(
    () => controlled(host, `${path}/outer/inner`, [DENY_ALL, { allow: true, ...KMSG, access: 'r' }]),
    refused,
  );
  removeCgroups(outer);
});

const v2 = hostWith(2);

test('on v2 the last rule decides, also where it cuts a hole into a wider one', {
  skip: skipWithoutDevice(v2.skip),
}, (context) => {
  const host = v2.host ?? assert.fail();
  const rules: DeviceRule[] = [
    DENY_ALL,
    { allow: true, type: 'c', access: 'rwm' },
    { allow: false, ...KMSG, access: 'rwm' },
  ];
  const record = controlled(host, scratch(context, host), rules);
  assert.equal(
    runInside(record, 'true < /dev/urandom && echo random; true 2>/dev/null < /dev/kmsg || echo refused').output,
    'random\nrefused\n',
  );
  removeCgroups(record);
});

test('on v2 the filter of a cgroup above stays in force', { skip: skipWithoutDevice(v2.skip) }, (context) => {
  const host = v2.host ?? assert.fail();
  const path = scratch(context, host);
  const outer = controlled(host, `${path}/outer`, [DENY_ALL]);
  const inner = controlled(host, `${path}/outer/inner`, [{ allow: true, access: 'rwm' }]);
  assert.equal(runInside(inner, 'true 2>/dev/null < /dev/kmsg || echo refused').output, 'refused\n');
  removeCgroups(inner);
  removeCgroups(outer);
});

test('a list of a thousand rules is loaded', { skip: v2.skip }, (context) => {
  const host = v2.host ?? assert.fail();
  const rules = Array.from(
    { length: 1000 },
    (_, minor): DeviceRule => ({ allow: minor % 2 === 0, type: 'b', major: 8, minor, access: 'rw' }),
  );
  removeCgroups(controlled(host, scratch(context, host), rules));
});

test('where devices cannot be controlled at all, that is an error', () => {
  const none = { tasks: [{ controllers: 'pids', path: '/nowhere', fd: -1 }], unified: null };
  assert.throws(
    () => applyDevices(none, devicePolicy([])),
    runtError('cgroup', /cannot be controlled/, '/linux/resources/devices'),
  );
});
