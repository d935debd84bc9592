// The host's security modules: whether it has them, profiles for the tests, and programs that stay, to look at their labels on the host.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { type Container, ok } from './container.ts';
import type { Sandbox } from './sandbox.ts';
import { waitFor } from './wait.ts';

const ENABLED = '/sys/module/apparmor/parameters/enabled';

export const hasAppArmor = existsSync(ENABLED) && readFileSync(ENABLED, 'utf8').startsWith('Y');
export const hasSelinux = / - selinuxfs /.test(readFileSync('/proc/self/mountinfo', 'utf8'));

const hasParser = spawnSync('apparmor_parser', ['--version'], { stdio: 'ignore' }).status === 0;

/** Why a test with a profile can't be run; undefined: it can. */
export const needsAppArmor = !hasAppArmor
  ? 'the host has no AppArmor'
  : hasParser
    ? undefined
    : 'needs apparmor_parser';

/** Loads a profile that allows all but what the rules deny, and returns its name. `body` may use it; then it is gone. */
export function loadProfile(box: Sandbox, name: string, rules: string, body: (profile: string) => void): void {
  const profile = `${box.token}-${name}`;
  const all = 'file, capability, network, mount, umount, pivot_root, signal, ptrace, unix, dbus, change_profile,';
  const text = `profile ${profile} flags=(attach_disconnected,mediate_deleted) {\n  ${all}\n  ${rules}\n}\n`;
  const parse = (option: string) =>
    spawnSync('apparmor_parser', ['--skip-cache', '--quiet', option], { input: text, encoding: 'utf8' });
  const loaded = parse('--replace');
  assert.equal(loaded.status, 0, loaded.stderr);
  try {
    body(profile);
  } finally {
    parse('--remove');
  }
}

/** The profile that a process of the host is in, without its mode. */
export function profileOf(pid: number): string {
  return readFileSync(`/proc/${pid}/attr/apparmor/current`, 'utf8')
    .trim()
    .replace(/ \(\w+\)$/, '');
}

/** The SELinux context of a process of the host. */
export function contextOf(pid: number | 'self'): string {
  return readFileSync(`/proc/${pid}/attr/current`, 'utf8').replace(/\0$/, '').trim();
}

/** A program that stays, in an AppArmor profile. */
export function lastingIn(profile: string): (config: Config) => void {
  return (config) => {
    config.process.apparmorProfile = profile;
    config.process.args = ['/bin/sleep', '300'];
  };
}

/** Starts the container, which is to execute sleep, and is created if it is not; the pid of its program, when that is executed. */
export function startedProgram(container: Container): number {
  if (container.stateResult().status !== 0) ok(container.create());
  ok(container.start());
  const pid = container.pid();
  waitFor('the program', () => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n');
  return pid;
}

/** Runs a program that stays in the container, by `exec FLAGS`; its pid on the host. */
export function addedProgram(
  box: Sandbox,
  container: Container,
  flags: string[],
  args = ['/bin/sleep', '300'],
): number {
  const file = join(box.directory, 'pid');
  ok(container.exec(args, { flags: ['--detach', '--pid-file', file, ...flags] }));
  return Number(readFileSync(file, 'utf8'));
}
