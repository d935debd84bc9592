import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeviceRule, devicePolicy } from '../device-rules.ts';
import { deviceProperties } from './devices.ts';

/** DevicePolicy, and the entries of DeviceAllow as it is shown by systemctl. */
function of(rules: readonly DeviceRule[], isV1 = false, systemd = 252): { mode: unknown; allow: string[] } {
  const properties = deviceProperties(devicePolicy(rules), isV1, systemd);
  const allow = properties
    .filter(({ name }) => name === 'DeviceAllow')
    .flatMap(({ value }) => value as readonly (readonly [string, string])[])
    .map((entry) => entry.join(' '));
  return { mode: properties.find(({ name }) => name === 'DevicePolicy')?.value, allow };
}

const denyAll: DeviceRule = { allow: false, access: 'rwm' };
const usual = [
  'char-* m',
  'block-* m',
  '/dev/char/1:3 rwm',
  '/dev/char/1:5 rwm',
  '/dev/char/1:7 rwm',
  '/dev/char/1:8 rwm',
  '/dev/char/1:9 rwm',
  '/dev/char/5:0 rwm',
  '/dev/char/5:2 rwm',
  'char-136 rwm',
  '/dev/char/10:200 rwm',
];

test('a usual policy is a strict list', () => {
  assert.deepEqual(of([denyAll]), { mode: 'strict', allow: usual });
  assert.deepEqual(of([denyAll], true), { mode: 'strict', allow: usual });
});

test('what is allowed besides is in the list: a device, a major, all of a type', () => {
  const rules: DeviceRule[] = [
    denyAll,
    { allow: true, type: 'b', major: 8, minor: 1, access: 'r' },
    { allow: true, type: 'c', major: 7, access: 'rw' },
    { allow: true, type: 'b', access: 'r' },
  ];
  assert.deepEqual(of(rules).allow.slice(0, 3), ['/dev/block/8:1 r', 'char-7 rw', 'block-* r']);
});

test('the list is emptied before it is filled', () => {
  const names = deviceProperties(devicePolicy([denyAll]), false, 252).map(({ name, value }) => [
    name,
    Array.isArray(value) ? value.length > 0 : value,
  ]);
  assert.deepEqual(names, [
    ['DevicePolicy', 'strict'],
    ['DeviceAllow', false],
    ['DeviceAllow', true],
  ]);
});

test('all devices are allowed without a list', () => {
  assert.deepEqual(of([{ allow: true, access: 'rwm' }]), { mode: 'auto', allow: [] });
  assert.deepEqual(of([{ allow: true, access: 'rwm' }], true), { mode: 'auto', allow: [] });
});

test('on v2 a policy that systemd can not express is left to the filter; on v1 the list is narrower than the policy, never wider', () => {
  const allButOne: DeviceRule[] = [
    { allow: true, access: 'rwm' },
    { allow: false, type: 'b', major: 8, minor: 0, access: 'rwm' },
  ];
  assert.deepEqual(of(allButOne), { mode: 'auto', allow: [] });
  assert.deepEqual(of(allButOne, true), { mode: 'strict', allow: usual });
  const anyMajor: DeviceRule[] = [denyAll, { allow: true, type: 'c', minor: 3, access: 'r' }];
  assert.deepEqual(of(anyMajor), { mode: 'auto', allow: [] });
  assert.deepEqual(of(anyMajor, true), { mode: 'strict', allow: usual });
});
