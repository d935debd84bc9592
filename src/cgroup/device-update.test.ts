import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { closeHandles, createCgroups } from './create.ts';
import { type DeviceRule, devicePolicy } from './device-rules.ts';
import { difference, updateDevices } from './device-update.ts';
import { applyDevices } from './devices.ts';
import type { CgroupHost } from './host.ts';
import { planCgroups } from './paths.ts';
import { type CgroupRecord, recordCgroups } from './record.ts';
import { hostWith, runInside, runtError, scratch } from './test-support.ts';

const DENY_ALL: DeviceRule = { allow: false, access: 'rwm' };
const KMSG: DeviceRule = { allow: true, type: 'c', major: 1, minor: 11, access: 'r' };

function made(context: TestContext, host: CgroupHost, rules: readonly DeviceRule[]): CgroupRecord {
  const handles = createCgroups(
    recordCgroups(planCgroups(host, { cgroupsPath: scratch(context, host), id: 'unused' })),
  );
  try {
    applyDevices(handles, devicePolicy(rules));
  } finally {
    closeHandles(handles);
  }
  return handles.record;
}

for (const version of [1, 2] as const) {
  const { host, skip: noHost } = hostWith(version);
  const skip = noHost || (existsSync('/dev/kmsg') ? false : 'needs /dev/kmsg');

  test(`v${version}: another policy takes the place of the one in force`, { skip }, (context) => {
    const record = made(context, host ?? assert.fail(), [DENY_ALL]);
    const script = 'true < /dev/null && echo null; sh -c "true < /dev/kmsg" 2>/dev/null && echo kmsg; true';
    const [closed, open] = [devicePolicy([DENY_ALL]), devicePolicy([DENY_ALL, KMSG])];
    assert.equal(runInside(record, script).output, 'null\n');
    // More than once: a program that was added rather than replaced would still deny.
    for (let round = 0; round < 2; round++) {
      updateDevices(record, closed, open);
      assert.equal(runInside(record, script).output, 'null\nkmsg\n');
      updateDevices(record, open, closed);
      assert.equal(runInside(record, script).output, 'null\n');
    }
  });
}

const v1 = hostWith(1);

test('on v1 the default of a running container can not be changed', { skip: v1.skip }, (context) => {
  const record = made(context, v1.host ?? assert.fail(), [DENY_ALL]);
  const all = devicePolicy([{ allow: true, access: 'rwm' }]);
  assert.throws(
    () => updateDevices(record, devicePolicy([DENY_ALL]), all),
    runtError('unsupported', /can not change/, '/linux/resources/devices'),
  );
});

test('only single accesses of an exception are added and taken away', () => {
  const match = (access: number) => ({ type: 'c', major: 1, minor: 11, access }) as const;
  assert.deepEqual(difference([match(7)], [match(2)]), [match(5)]);
  assert.deepEqual(difference([match(2)], [match(7)]), []);
  assert.deepEqual(difference([match(2)], []), [match(2)]);
});
