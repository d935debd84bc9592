// The host's security modules: whether it has them, profiles for the tests, and programs that stay, to look at their labels on the host.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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

const ENFORCE = '/sys/fs/selinux/enforce';

/** Whether the machine is the tests' own, so that they may put its policy in force (conformance/vm/inside.sh). */
const mayEnforce = process.env['CONFORMANCE_SETENFORCE'] === 'yes';
const isEnforced = hasSelinux && readFileSync(ENFORCE, 'utf8') === '1';

/** Why a test of the policy's effect can't be run; undefined: it can. */
export const needsPolicy = !hasSelinux
  ? 'the host has no SELinux'
  : !isEnforced && !mayEnforce
    ? 'the policy is not in force; with CONFORMANCE_SETENFORCE=yes the tests may change that for a while'
    : spawnSync('semodule', ['--list-modules'], { stdio: 'ignore' }).status === 0
      ? undefined
      : 'needs semodule';

/** A domain that may execute, read and write what lies there, but make nothing there; a type of files that it may do all with but begin with them. */
export interface Confined {
  readonly domain: string;
  readonly files: string;
}

/**
 * Adds a domain to the policy, in force while `body` runs; `there` is the type of the files of the container's root. This takes long: all of the
 * policy is compiled, twice.
 */
export function withDomain(box: Sandbox, there: string, body: (types: Confined) => void): void {
  const [, role, own] = contextOf('self').split(':');
  const [domain, files] = [`${box.token}_t`, `${box.token}_file_t`];
  const rules = [
    `(type ${domain}) (roletype ${role} ${domain})`,
    // Categories separate what has the same type.
    `(typeattributeset domain (${domain})) (typeattributeset mcs_constrained_type (${domain}))`,
    `(type ${files}) (roletype object_r ${files}) (typeattributeset file_type (${files}))`,
    `(allow ${own} ${domain} (process (all))) (allow ${own} ${domain} (process2 (all)))`,
    // Engines of JavaScript write code; a policy need not let the domain of these tests do that.
    `(allow ${own} ${own} (process (execmem)))`,
    `(allow ${domain} ${own} (process (sigchld))) (allow ${domain} ${own} (fd (use)))`,
    `(allow ${domain} ${there} (dir (getattr search open read)))`,
    `(allow ${domain} ${there} (file (getattr open read write append map execute execute_no_trans entrypoint)))`,
    `(allow ${domain} ${files} (file (not (entrypoint))))`,
    ...['dir', 'chr_file', 'lnk_file'].map((kind) => `(allow ${domain} ${files} (${kind} (all)))`),
  ];
  const file = join(box.directory, `${box.token}.cil`);
  writeFileSync(file, `${rules.join('\n')}\n`);
  const run = (...args: [string, ...string[]]) => {
    const { status, stderr } = spawnSync(args[0], args.slice(1), { encoding: 'utf8' });
    assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
  };
  run('semodule', '--install', file);
  try {
    writeFileSync(ENFORCE, '1');
    body({ domain, files });
  } finally {
    if (!isEnforced) writeFileSync(ENFORCE, '0');
    run('semodule', '--remove', box.token);
  }
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
