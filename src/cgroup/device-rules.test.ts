import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeviceRule, devicePolicy, exceptionsOf, formatException } from './device-rules.ts';
import { runtError } from './test-support.ts';

const DENY_ALL: DeviceRule = { allow: false, access: 'rwm' };
const ALLOW_ALL: DeviceRule = { allow: true, access: 'rwm' };
const DEFAULTS = [
  'c *:* m',
  'b *:* m',
  'c 1:3 rwm',
  'c 1:5 rwm',
  'c 1:7 rwm',
  'c 1:8 rwm',
  'c 1:9 rwm',
  'c 5:0 rwm',
  'c 5:2 rwm',
  'c 136:* rwm',
  'c 10:200 rwm',
];

const exceptions = (...rules: DeviceRule[]) => exceptionsOf(devicePolicy(rules)).map(formatException);

test('without any rule, or with one that denies all, what every container needs is allowed and nothing else', () => {
  assert.equal(devicePolicy([]).allowByDefault, false);
  assert.deepEqual(exceptions(), DEFAULTS);
  assert.deepEqual(exceptions(DENY_ALL), DEFAULTS);
});

test("the config's rules come first, in their order", () => {
  const rules: DeviceRule[] = [
    DENY_ALL,
    { allow: true, type: 'c', major: 10, minor: 229, access: 'rwm' },
    { allow: true, type: 'b', major: 8, minor: 20, access: 'rw' },
    { allow: true, type: 'b', major: 10, minor: 200, access: 'r' },
  ];
  assert.deepEqual(exceptions(...rules), ['c 10:229 rwm', 'b 8:20 rw', 'b 10:200 r', ...DEFAULTS]);
});

test('allowing all leaves no exceptions', () => {
  assert.equal(devicePolicy([DENY_ALL, ALLOW_ALL]).allowByDefault, true);
  assert.deepEqual(exceptions({ allow: true, type: 'c', major: 1, minor: 1, access: 'r' }, ALLOW_ALL), []);
});

test('where all is allowed, what is denied is an exception', () => {
  assert.deepEqual(exceptions(ALLOW_ALL, { allow: false, type: 'b', major: 8, access: 'w' }), ['b 8:* w']);
});

test('a rule for all types with a restriction keeps the restriction, for each type', () => {
  const mine = exceptions({ allow: true, type: 'a', major: 7, access: 'r' }).slice(0, 2);
  assert.deepEqual(mine, ['b 7:* r', 'c 7:* r']);
});

test('a later rule takes back what an earlier one gave, whole or in part', () => {
  const fuse = { type: 'c', major: 10, minor: 229 };
  assert.deepEqual(
    exceptions({ allow: true, ...fuse, access: 'rw' }, { allow: false, ...fuse, access: 'w' })[0],
    'c 10:229 r',
  );
  assert.deepEqual(
    exceptions({ allow: true, ...fuse, access: 'r' }, { allow: false, type: 'c', major: 10, access: 'rw' }),
    DEFAULTS,
  );
});

test('on v1 a rule that would cut a hole into a wider one is refused, since the kernel would ignore it', () => {
  const rules: DeviceRule[] = [
    DENY_ALL,
    { allow: true, type: 'c', access: 'rw' },
    { allow: false, type: 'c', major: 1, minor: 1, access: 'w' },
  ];
  const hole = /v1 can't deny the devices "c 1:1 w" after it was told to allow "c \*:\* rw"/;
  assert.throws(() => exceptions(...rules), runtError('cgroup', hole, '/linux/resources/devices/2'));
});

test("on v1 a denial that would keep a container's own devices from it is refused, and the config's rule is named", () => {
  const rules: DeviceRule[] = [ALLOW_ALL, { allow: false, type: 'c', access: 'w' }];
  assert.throws(
    () => exceptions(...rules),
    runtError('cgroup', /can't allow the devices "c 1:3 rwm"/, '/linux/resources/devices/1'),
  );
});

test('major and minor -1, as engines write it, mean all', () => {
  assert.equal(exceptions({ allow: true, type: 'c', major: 89, minor: -1, access: 'rwm' })[0], 'c 89:* rwm');
});

test('letters of the access that mean nothing are passed over', () => {
  const policy = (access: string) => devicePolicy([DENY_ALL, { allow: true, type: 'c', major: 1, minor: 11, access }]);
  assert.deepEqual(policy('rwa'), policy('rw'));
});

test('a rule that is none is refused with its place', () => {
  const bad: [Partial<DeviceRule>, string][] = [
    [{ type: 'p' }, 'type'],
    [{ type: '' }, 'type'],
    [{ major: -2 }, 'major'],
    [{ minor: 4294967295 }, 'minor'],
    [{ minor: 1.5 }, 'minor'],
    [{ access: '' }, 'access'],
    [{ access: 'xa' }, 'access'],
  ];
  for (const [part, name] of bad)
    assert.throws(
      () => devicePolicy([DENY_ALL, { allow: true, ...part }]),
      runtError('config', /./, `/linux/resources/devices/1/${name}`),
      JSON.stringify(part),
    );
});
