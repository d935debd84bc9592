import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { defaultConfig } from '../spec/default-config.ts';
import type { Config } from '../spec/generated/types.ts';
import { labelsOf, mountsSelinux, refuseMissing } from './labels.ts';
import { asksForLabels } from './parts.ts';

const plain: Config = defaultConfig({ rootless: false });
const label = 'system_u:system_r:container_t:s0:c1,c2';
const withProcess = (change: object): Config => ({ ...plain, process: { cwd: '/', ...plain.process, ...change } });
const withMount = (mountLabel: string): Config => ({ ...plain, linux: { ...plain.linux, mountLabel } });
const both = { apparmor: true, selinux: true };
const none = { apparmor: false, selinux: false };

function refusal(config: Config, host: typeof both): string | undefined {
  try {
    refuseMissing(config, host);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof RuntError && error.problem.code === 'host');
    assert.notEqual(error.problem.hint, undefined);
    return error.problem.pointer;
  }
}

test('the config of spec asks for no labels, and empty ones ask for nothing', () => {
  assert.equal(asksForLabels(plain), false);
  assert.equal(asksForLabels({ ...withProcess({ apparmorProfile: '', selinuxLabel: '' }), ...withMount('') }), false);
  assert.equal(asksForLabels(withProcess({ apparmorProfile: 'p' })), true);
  assert.equal(asksForLabels(withProcess({ selinuxLabel: label })), true);
  assert.equal(asksForLabels(withMount(label)), true);
});

test('a label of the process that the host can not give is refused by its field', () => {
  const profile = withProcess({ apparmorProfile: 'p' });
  const process = withProcess({ selinuxLabel: label });
  assert.equal(refusal(profile, none), '/process/apparmorProfile');
  assert.equal(refusal(profile, { ...none, selinux: true }), '/process/apparmorProfile');
  assert.equal(refusal(process, none), '/process/selinuxLabel');
  assert.equal(refusal(process, { ...none, apparmor: true }), '/process/selinuxLabel');
  for (const config of [profile, process, plain]) assert.equal(refusal(config, both), undefined);
});

test('what a host without the security module gives is not refused', () => {
  assert.equal(refusal(withProcess({ apparmorProfile: 'unconfined' }), none), undefined);
  assert.equal(refusal(withMount(label), none), undefined);
});

test('labels are written as far as the host has them', () => {
  assert.deepEqual(labelsOf(withProcess({ apparmorProfile: 'unconfined' }), none), {});
  assert.deepEqual(labelsOf(withProcess({ apparmorProfile: 'unconfined' }), both), { apparmorProfile: 'unconfined' });
  assert.deepEqual(labelsOf(withMount(label), none), {});
  assert.deepEqual(labelsOf(withMount(label), both), { mountLabel: label });
});

test('SELinux is there where its file system is mounted, and can be written to', () => {
  const line = (mount: string, system: string) =>
    `25 1 0:5 / /proc rw,nosuid shared:3 - proc proc rw\n30 24 0:20 / /sys/fs/selinux ${mount} shared:7 - selinuxfs selinuxfs ${system}\n`;
  assert.equal(mountsSelinux(line('rw,nosuid,noexec', 'rw')), true);
  assert.equal(mountsSelinux(line('ro,nosuid,noexec', 'rw')), false);
  assert.equal(mountsSelinux(line('rw,nosuid,noexec', 'ro')), false);
  assert.equal(mountsSelinux('25 1 0:5 / /sys/fs/selinux rw - tmpfs selinuxfs rw\n'), false);
});
