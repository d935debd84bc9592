import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinuxResources } from '../../spec/generated/types.ts';
import { resourceWrites } from '../resources/index.ts';
import { limitProperties } from './properties.ts';
import { limitsOfScope } from './scope-limits.ts';

/** `FILE=VALUE` of what is written for a scope, and of the properties that systemd is told. */
function ofScope(
  resources: LinuxResources,
  version: 1 | 2 = 2,
): { readonly files: readonly string[]; readonly properties: readonly string[]; readonly warned: readonly string[] } {
  const writes = resourceWrites(resources, { versionOf: () => version, isUnified: version === 2 });
  const limits = limitsOfScope({ writes, warnings: [] });
  return {
    files: limits.writes.map(({ file, value }) => `${file}=${value}`),
    properties: limitProperties(limits.writes, 252).map(({ name, value }) => `${name}=${value}`),
    warned: limits.warnings.map(({ pointer, message }) => {
      assert.match(message, /unable to apply both: .* \(1\) .*cpu\.weight \(\d+\)/);
      return pointer;
    }),
  };
}

test('a quota is what systemd makes of it: whole percents of a processor, rounded up', () => {
  for (const [quota, period, value] of [
    [500_000, 900_000, '504000 900000'],
    [500_000, 1_000_000, '500000 1000000'],
    [600_000, 900_000, '603000 900000'],
    [12_345, 0, '13000 100000'],
    [4_000, 10_000, '4000 10000'],
    [1, 1_000_000, '10000 1000000'],
    [-1, 30_000, 'max 30000'],
    [0, 30_000, 'max 30000'],
  ] as const)
    assert.deepEqual(ofScope({ cpu: { quota, period } }).files, [`cpu.max=${value}`]);
});

test('what systemd makes of the quota that is written is the same again', () => {
  for (let quota = 1000; quota < 2_000_000; quota += 12_347) {
    for (const period of [1000, 1001, 33_333, 99_999, 100_000, 900_000, 1_000_000]) {
      const { files, properties } = ofScope({ cpu: { quota, period } });
      const perSecond = Number(properties.find((text) => text.startsWith('CPUQuotaPerSecUSec='))?.split('=')[1]);
      assert.equal(perSecond % 10_000, 0);
      const kept = Math.floor((perSecond * period) / 1_000_000);
      const written = Number(/^cpu\.max=(\d+) /.exec(files[0] ?? '')?.[1]);
      // What is whole percents but for a part of a microsecond stays, as with runc.
      assert.ok(
        written === kept || (written === quota && quota - kept === 1),
        `${quota} ${period}: ${written} ${kept}`,
      );
      assert.ok(written >= quota && written <= quota + period / 100, `${quota} ${period}: ${written}`);
    }
  }
});

test('the same on v1, where quota and period have a file each', () => {
  assert.deepEqual(ofScope({ cpu: { quota: 500_000, period: 900_000 } }, 1).files, [
    'cpu.cfs_period_us=900000',
    'cpu.cfs_quota_us=504000',
  ]);
  assert.deepEqual(ofScope({ cpu: { quota: 12_345 } }, 1).files, ['cpu.cfs_quota_us=13000']);
  assert.deepEqual(ofScope({ cpu: { quota: -1 } }, 1).files, ['cpu.cfs_quota_us=-1']);
});

test('what is unified is written as it is', () => {
  assert.deepEqual(ofScope({ unified: { 'cpu.max': '12345 100000' } }).files, ['cpu.max=12345 100000']);
});

test('an idle scope has no weight: that is left out, with a warning', () => {
  const { files, properties, warned } = ofScope({ cpu: { shares: 200, idle: 1 } });
  assert.deepEqual([files, properties], [['cpu.idle=1'], ['CPUWeight=0']]);
  assert.deepEqual(warned, ['/linux/resources/cpu/shares']);
  const unified = ofScope({ unified: { 'cpu.weight': '8', 'cpu.idle': ' 1' } });
  assert.deepEqual([unified.files, unified.warned], [['cpu.idle= 1'], ['/linux/resources/unified/cpu.weight']]);
  // What is unified has the last word.
  const not = ofScope({ cpu: { shares: 200, idle: 1 }, unified: { 'cpu.idle': '0' } });
  assert.deepEqual([not.files.length, not.warned], [3, []]);
  assert.deepEqual(ofScope({ cpu: { shares: 200, idle: 0 } }).warned, []);
  // v1 has no property for it.
  assert.deepEqual(ofScope({ cpu: { shares: 200, idle: 1 } }, 1), {
    files: ['cpu.shares=200', 'cpu.idle=1'],
    properties: ['CPUShares=200'],
    warned: [],
  });
});
