// Who the program is and what it may do: limits, user, groups, capabilities, no_new_privs. The order is the kernel's: what
// needs a privilege comes before it is dropped (capabilities(7), credentials(7)).

import { pointer } from '../../json-pointer.ts';
import { CAPABILITIES, capabilityNumber } from '../../linux/capabilities.ts';
import { ERRNO } from '../../linux/errno.ts';
import { cleanPath } from '../../linux/paths.ts';
import { RLIMITS } from '../../linux/rlimits.ts';
import type { Capabilities, Rlimit } from '../../spec/generated/types.ts';
import { ensureDirectory, type ProcessContext, type StepContext } from './context.ts';
import { setMemoryPolicy } from './memory-policy.ts';
import { setPersonality } from './personality.ts';
import { installFilterBeforeReady } from './seccomp.ts';
import { giveStreams } from './streams.ts';

const PR_CAPBSET_DROP = 24;
const PR_SET_KEEPCAPS = 8;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
const SYS_ADMIN = 1n << 21n;
const DEFAULT_UMASK = 0o022;
const EPERM_HINT = 'the runtime itself must have the capability, also in its bounding set';

/** In a user namespace no limit can be raised any more: a caller who is root does it before (container/user-namespace.ts, join.ts). */
function isLimitedBefore({ userNamespace }: ProcessContext['inputs']): boolean {
  return userNamespace?.isCallerRoot === true && userNamespace.kind !== 'inherited';
}

export function limitResources({ plan, config, inputs }: ProcessContext): void {
  (config.process?.rlimits ?? []).forEach((rlimit: Rlimit, index) => {
    const at = pointer('process', 'rlimits', index);
    const soft = inputs.exactInteger(`${at}/soft`) ?? BigInt(rlimit.soft);
    const hard = inputs.exactInteger(`${at}/hard`) ?? BigInt(rlimit.hard);
    const limit = Buffer.alloc(16);
    limit.writeBigUInt64LE(soft, 0);
    limit.writeBigUInt64LE(hard, 8);
    const step = {
      sentence: `limit ${rlimit.type} to ${soft} (soft), ${hard} (hard)`,
      pointer: at,
      hint: 'raising a hard limit needs CAP_SYS_RESOURCE',
    };
    plan.step(step, () => {
      const resource = RLIMITS[rlimit.type as keyof typeof RLIMITS];
      plan.call('prlimit64', [
        0,
        plan.value(resource, rlimit.type),
        plan.constant(limit, `{rlim_cur=${soft}, rlim_max=${hard}}`),
        0,
      ]);
    });
  });
}

/** Makes the working directory, as runc does, where the image has none. Before the root becomes read-only. */
export function makeWorkingDirectory(context: StepContext): void {
  const { plan, config } = context;
  if (config.process === undefined) return;
  const path = cleanPath(config.process.cwd);
  plan.step({ sentence: `find the working directory ${path}`, pointer: '/process/cwd' }, () => {
    plan.withSlot((directory) => {
      ensureDirectory(context, path, directory);
    });
  });
}

/** From root with all capabilities to what `process` says. `kept`: the descriptors that the process still needs. */
export function becomeUser(context: ProcessContext, kept: readonly number[]): void {
  const { plan, config, inputs } = context;
  const { process } = config;
  if (process === undefined) return;
  plan.section('identity');
  if (!isLimitedBefore(context.inputs)) limitResources(context);
  const sets = capabilitySets(process.capabilities);
  dropBounding(context, sets.bounding);
  const { uid = 0, gid = 0, additionalGids = [], umask = DEFAULT_UMASK } = process.user ?? {};
  giveStreams(context, uid);
  const cwd = cleanPath(process.cwd);
  const first = plan.slot('the first chdir');
  plan.step({ sentence: `change to the working directory ${cwd} as root`, pointer: '/process/cwd' }, () => {
    // Some directories only root may enter, some (on NFS) only the user.
    plan.call('chdir', [cwd], { result: first, ignoreErrors: true });
  });
  plan.step({ sentence: 'keep capabilities while the user changes' }, () => {
    plan.call('prctl', [plan.value(PR_SET_KEEPCAPS, 'PR_SET_KEEPCAPS'), 1, 0, 0, 0]);
  });
  plan.step(
    { sentence: `set the supplementary groups to ${list(additionalGids)}`, pointer: '/process/user/additionalGids' },
    () => {
      if (additionalGids.length === 0 && context.inputs.userNamespace !== undefined) {
        dropGroups(context);
        return;
      }
      const groups = Buffer.alloc(additionalGids.length * 4);
      additionalGids.forEach((group, index) => void groups.writeUInt32LE(group, index * 4));
      plan.call('setgroups', [
        additionalGids.length,
        additionalGids.length === 0 ? 0 : plan.constant(groups, `[${additionalGids.join(', ')}]`),
      ]);
    },
  );
  const unmapped =
    context.inputs.userNamespace === undefined ? {} : { hint: 'EINVAL: the user namespace does not map this id' };
  plan.step({ sentence: `become group ${gid}`, pointer: '/process/user/gid', ...unmapped }, () =>
    plan.call('setresgid', [gid, gid, gid]),
  );
  plan.step({ sentence: `become user ${uid}`, pointer: '/process/user/uid', ...unmapped }, () =>
    plan.call('setresuid', [uid, uid, uid]),
  );
  plan.step({ sentence: 'let capabilities go with the user again' }, () => {
    plan.call('prctl', [plan.value(PR_SET_KEEPCAPS, 'PR_SET_KEEPCAPS'), 0, 0, 0, 0]);
  });
  // Without no_new_privs only CAP_SYS_ADMIN may install the filter: it is held until then.
  const early = inputs.seccomp !== undefined && process.noNewPrivileges !== true;
  const held = early ? { ...sets, effective: sets.effective | SYS_ADMIN, permitted: sets.permitted | SYS_ADMIN } : sets;
  setCapabilities(context, held);
  raiseAmbient(context, sets);
  checkWorkingDirectory(context, cwd, first);
  plan.free(first);
  plan.step({ sentence: `set the umask to 0${umask.toString(8)}`, pointer: '/process/user/umask' }, () => {
    plan.call('umask', [plan.value(umask, `0${umask.toString(8)}`)]);
  });
  if (process.noNewPrivileges === true) {
    plan.step({ sentence: 'gain no privileges by execve', pointer: '/process/noNewPrivileges' }, () => {
      plan.call('prctl', [plan.value(PR_SET_NO_NEW_PRIVS, 'PR_SET_NO_NEW_PRIVS'), 1, 0, 0, 0]);
    });
  }
  setPersonality(context);
  setMemoryPolicy(context);
  installFilterBeforeReady(context, kept);
  if (held.permitted !== sets.permitted || held.effective !== sets.effective) setCapabilities(context, sets);
}

/** The caller's groups mean nothing in the container, but where setgroups(2) is denied they can't be put off. */
function dropGroups({ plan, inputs }: ProcessContext): void {
  const setgroups = inputs.userNamespace?.setgroups;
  if (setgroups === 'deny') return;
  const denied = plan.label();
  plan.call('setgroups', [0, 0], setgroups === 'unknown' ? { on: { EPERM: denied } } : {});
  plan.place(denied);
}

function list(numbers: readonly number[]): string {
  return numbers.length === 0 ? 'none' : numbers.join(', ');
}

function checkWorkingDirectory(
  { plan }: ProcessContext,
  cwd: string,
  first: ReturnType<ProcessContext['plan']['slot']>,
): void {
  const inside = plan.label();
  plan.step({ sentence: `change to the working directory ${cwd} as the user`, pointer: '/process/cwd' }, () => {
    const changed = plan.label();
    plan.branch(first, 'equal', 0, changed);
    plan.call('chdir', [cwd]);
    plan.place(changed);
  });
  const step = {
    sentence: `the working directory ${cwd} is outside of the container's root`,
    pointer: '/process/cwd',
    hint: 'a link of the image leads to a directory of the host (CVE-2024-21626)',
  };
  plan.step(step, () => {
    const path = plan.variable(4096, '{path}');
    plan.call('getcwd', [path, 4096]);
    // The kernel writes "(unreachable)" before a path that is not below the root (getcwd(2)).
    plan.withSlot((letter) => {
      plan.load(letter, path, 1);
      plan.branch(letter, 'equal', '/'.charCodeAt(0), inside);
    });
    plan.fail(ERRNO.ENOENT);
    plan.place(inside);
  });
}

interface CapabilitySets {
  readonly bounding: bigint;
  readonly effective: bigint;
  readonly inheritable: bigint;
  readonly permitted: bigint;
  readonly ambient: bigint;
}

/** Names that are no capabilities are left out (the specification: a warning, not an error; `spec` gives it). */
function mask(names: readonly string[] | undefined): bigint {
  let bits = 0n;
  for (const name of names ?? []) {
    const number = capabilityNumber(name);
    if (number !== undefined) bits |= 1n << BigInt(number);
  }
  return bits;
}

function capabilitySets(capabilities: Capabilities | undefined): CapabilitySets {
  return {
    bounding: mask(capabilities?.bounding),
    effective: mask(capabilities?.effective),
    inheritable: mask(capabilities?.inheritable),
    permitted: mask(capabilities?.permitted),
    ambient: mask(capabilities?.ambient),
  };
}

/**
 * Ambient capabilities that the kernel would not raise, since they are not permitted and inheritable too (capabilities(7)). As runc,
 * which long ignored that, runt leaves them out with a warning: `runc spec` itself wrote such configs.
 */
export function unraisableCapabilities(capabilities: Capabilities | undefined): string[] {
  const sets = capabilitySets(capabilities);
  const left = sets.ambient & ~(sets.permitted & sets.inheritable);
  return CAPABILITIES.filter((_, number) => (left & (1n << BigInt(number))) !== 0n);
}

function dropBounding({ plan }: ProcessContext, keep: bigint): void {
  CAPABILITIES.forEach((name, number) => {
    if ((keep & (1n << BigInt(number))) !== 0n) return;
    plan.step({ sentence: `drop ${name} from the bounding set`, pointer: '/process/capabilities/bounding' }, () => {
      const next = plan.label();
      // EINVAL: this kernel does not know the capability yet.
      plan.call('prctl', [plan.value(PR_CAPBSET_DROP, 'PR_CAPBSET_DROP'), plan.value(number, name), 0, 0, 0], {
        on: { EINVAL: next },
      });
      plan.place(next);
    });
  });
}

function setCapabilities({ plan }: ProcessContext, sets: CapabilitySets): void {
  const step = { sentence: 'set the capabilities', pointer: '/process/capabilities', hint: EPERM_HINT };
  plan.step(step, () => {
    const header = Buffer.alloc(8);
    header.writeUInt32LE(LINUX_CAPABILITY_VERSION_3, 0);
    const data = Buffer.alloc(24);
    [sets.effective, sets.permitted, sets.inheritable].forEach((bits, index) => {
      data.writeUInt32LE(Number(bits & 0xffffffffn), index * 4);
      data.writeUInt32LE(Number(bits >> 32n), 12 + index * 4);
    });
    const text = `{effective=0x${sets.effective.toString(16)}, permitted=0x${sets.permitted.toString(16)}, inheritable=0x${sets.inheritable.toString(16)}}`;
    plan.call('capset', [plan.constant(header, '{version=3}'), plan.constant(data, text)]);
  });
}

function raiseAmbient({ plan }: ProcessContext, sets: CapabilitySets): void {
  const ambient = plan.value(PR_CAP_AMBIENT, 'PR_CAP_AMBIENT');
  plan.step({ sentence: 'clear the ambient capabilities', pointer: '/process/capabilities/ambient' }, () => {
    plan.call('prctl', [ambient, plan.value(PR_CAP_AMBIENT_CLEAR_ALL, 'PR_CAP_AMBIENT_CLEAR_ALL'), 0, 0, 0]);
  });
  const raisable = sets.ambient & sets.permitted & sets.inheritable;
  CAPABILITIES.forEach((name, number) => {
    if ((raisable & (1n << BigInt(number))) === 0n) return;
    const raise = {
      sentence: `raise ${name} in the ambient set`,
      pointer: '/process/capabilities/ambient',
    };
    plan.step(raise, () => {
      plan.call('prctl', [
        ambient,
        plan.value(PR_CAP_AMBIENT_RAISE, 'PR_CAP_AMBIENT_RAISE'),
        plan.value(number, name),
        0,
        0,
      ]);
    });
  });
}
