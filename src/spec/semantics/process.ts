// The process: what it runs, as whom, with which limits.

import { pointer } from '../../json-pointer.ts';
import { CAPABILITIES } from '../../linux/capabilities.ts';
import { RLIMITS } from '../../linux/rlimits.ts';
import { nearest } from '../../nearest.ts';
import { show, specLink, type Violation } from '../findings.ts';
import type { Config, Process } from '../generated/types.ts';
import type { Rule } from './rule.ts';

const linuxProcess = specLink('config.md#linux-process');
/** -1 as an unsigned number: chown(2) and setresuid(2) take it for "leave as it is". */
const NO_ID = 4294967295;
/** In nanoseconds: 2^DL_SCALE of the kernel (kernel/sched/deadline.c). */
const SHORTEST_RUNTIME = 1024;
const SETS = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const;

export const processRules: readonly Rule[] = [
  {
    name: 'process-args',
    reads: ['/process/args'],
    spec: specLink('config.md#process'),
    linux: true,
    check: ({ process }, report) => {
      if (process === undefined || (process.args?.length ?? 0) > 0) return;
      report({
        pointer: process.args === undefined ? '/process' : '/process/args',
        message: process.args === undefined ? 'the property "args" is missing' : 'there is no program in it',
        hint: 'name the program to run: "args": ["sh"]',
      });
    },
  },
  {
    name: 'process-for-windows',
    reads: ['/process/commandLine', '/process/user'],
    spec: specLink('config.md#process'),
    linux: true,
    check: ({ process }, report) => {
      const ignored = (pointer: string): void =>
        report({ pointer, severity: 'warning', message: 'it means something on Windows only, and is ignored' });
      if (process?.commandLine !== undefined) ignored('/process/commandLine');
      if (process?.user?.username !== undefined) ignored('/process/user/username');
    },
  },
  {
    name: 'process-cwd',
    reads: ['/process/cwd'],
    spec: specLink('config.md#process'),
    linux: true,
    check: ({ process }, report) => {
      if (process === undefined || process.cwd.startsWith('/')) return;
      report({
        pointer: '/process/cwd',
        message: `the working directory is an absolute path; found ${show(process.cwd)}`,
        hint: 'the root is "/"',
      });
    },
  },
  {
    name: 'process-env',
    reads: ['/process/env'],
    spec: specLink('config.md#process'),
    check: ({ process }, report) => {
      process?.env?.forEach((entry, index) => {
        if (entry.indexOf('=') > 0) return;
        // The value may be a secret: it is not shown.
        const message = 'the entry is not NAME=value, which most programs ignore';
        report({ pointer: pointer('process', 'env', index), severity: 'warning', message });
      });
    },
  },
  {
    name: 'rlimits',
    reads: ['/process/rlimits'],
    spec: specLink('config.md#posix-process'),
    linux: true,
    check: ({ process }, report) => {
      const seen = new Set<string>();
      process?.rlimits?.forEach(({ type, soft, hard }, index) => {
        const at = pointer('process', 'rlimits', index);
        if (!Object.hasOwn(RLIMITS, type)) {
          const guess = nearest(type, Object.keys(RLIMITS));
          report({
            pointer: `${at}/type`,
            message: `Linux has no limit ${show(type)}`,
            ...(guess === undefined ? {} : { hint: `did you mean "${guess}"?` }),
          });
        }
        if (seen.has(type)) report({ pointer: `${at}/type`, message: `${type} is limited twice` });
        seen.add(type);
        // As doubles: where they differ, they do so in the same direction as the exact numbers.
        if (soft > hard)
          report({ pointer: `${at}/soft`, message: `the soft limit ${soft} is above the hard limit ${hard}` });
      });
    },
  },
  {
    name: 'capability-names',
    reads: ['/process/capabilities'],
    spec: linuxProcess,
    linux: true,
    check: ({ process }, report) => {
      const known: ReadonlySet<string> = new Set(CAPABILITIES);
      for (const set of SETS)
        process?.capabilities?.[set]?.forEach((name, index) => {
          if (known.has(name)) return;
          const guess = nearest(name, CAPABILITIES);
          const message = `${show(name)} is no capability that runt knows; it is ignored`;
          report({
            pointer: pointer('process', 'capabilities', set, index),
            severity: 'warning',
            message,
            ...(guess === undefined ? {} : { hint: `did you mean "${guess}"?` }),
          });
        });
    },
  },
  {
    name: 'user-ids',
    reads: ['/process/user'],
    spec: specLink('config.md#posix-platform-user'),
    linux: true,
    check: ({ process }, report) => {
      const user = process?.user ?? {};
      const ids: readonly (readonly [string, number | undefined])[] = [
        ['uid', user.uid],
        ['gid', user.gid],
        ...(user.additionalGids ?? []).map((gid, index) => [`additionalGids/${index}`, gid] as const),
      ];
      for (const [name, id] of ids)
        if (id === NO_ID)
          report({ pointer: `/process/user/${name}`, message: `${NO_ID} is not an id: the kernel takes it for -1` });
      if ((user.umask ?? 0) > 0o777) {
        const message = `the mask ${user.umask} has bits beyond 0777, which the kernel drops`;
        report({
          pointer: '/process/user/umask',
          severity: 'warning',
          message,
          hint: 'it is a decimal number: 0022 is 18',
        });
      }
    },
  },
  {
    name: 'oom-score',
    reads: ['/process/oomScoreAdj'],
    spec: linuxProcess,
    linux: true,
    check: ({ process }, report) => {
      const score = process?.oomScoreAdj ?? 0;
      if (score < -1000 || score > 1000)
        report({ pointer: '/process/oomScoreAdj', message: `the score is from -1000 to 1000; found ${score}` });
    },
  },
  {
    name: 'io-priority',
    reads: ['/process/ioPriority'],
    spec: linuxProcess,
    linux: true,
    check: ({ process }, report) => {
      const priority = process?.ioPriority?.priority ?? 0;
      if (priority < 0 || priority > 7)
        report({ pointer: '/process/ioPriority/priority', message: `the priority is from 0 to 7; found ${priority}` });
    },
  },
  {
    name: 'scheduler',
    reads: ['/process/scheduler'],
    spec: linuxProcess,
    linux: true,
    check: ({ process }, report) => {
      const scheduler = process?.scheduler;
      if (scheduler === undefined) return;
      const { policy, nice = 0, priority = 0 } = scheduler;
      const at = '/process/scheduler';
      if (nice < -20 || nice > 19)
        report({ pointer: `${at}/nice`, message: `the nice value is from -20 to 19; found ${nice}` });
      if (policy === 'SCHED_FIFO' || policy === 'SCHED_RR') {
        if (priority < 1 || priority > 99)
          report({
            pointer: `${at}/priority`,
            message: `the priority of ${policy} is from 1 to 99; found ${priority}`,
          });
      } else if (priority !== 0)
        report({ pointer: `${at}/priority`, message: `${policy} has no priority: only SCHED_FIFO and SCHED_RR have` });
      if (policy === 'SCHED_DEADLINE') {
        const { runtime = 0, deadline = 0, period = 0 } = scheduler;
        if (runtime < SHORTEST_RUNTIME)
          report({
            pointer: `${at}/runtime`,
            message: `the kernel takes no runtime below ${SHORTEST_RUNTIME} ns; found ${runtime}`,
          });
        if (runtime > deadline)
          report({
            pointer: `${at}/deadline`,
            message: `the deadline is not before the runtime is over; found ${deadline}`,
          });
        if (period !== 0 && deadline > period)
          report({ pointer: `${at}/period`, message: `the period is not shorter than the deadline; found ${period}` });
        return;
      }
      for (const name of ['runtime', 'deadline', 'period'] as const)
        if ((scheduler[name] ?? 0) !== 0)
          report({ pointer: `${at}/${name}`, message: `${policy} has no ${name}: only SCHED_DEADLINE has` });
    },
  },
];

/** What the rules say of a process by itself; pointers begin at it. */
export function processViolations(process: Process): Violation[] {
  const violations: Violation[] = [];
  const config: Config = { ociVersion: '', process };
  for (const rule of processRules)
    rule.check(config, (violation) => {
      const inside = violation.pointer.slice('/process'.length);
      violations.push({ severity: 'error', spec: rule.spec, ...violation, pointer: inside });
    });
  return violations;
}
