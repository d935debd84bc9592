// What a system call filter says beyond its words.

import { pointer } from '../../json-pointer.ts';
import { show, specLink } from '../findings.ts';
import type { Rule } from './rule.ts';

const WITH_NUMBER: ReadonlySet<string> = new Set(['SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE']);
const NOTIFY = 'SCMP_ACT_NOTIFY';
/** MAX_ERRNO of the kernel; a trace message has 16 bits (SECCOMP_RET_DATA). */
const HIGHEST_ERRNO = 4095;

export const seccompRules: readonly Rule[] = [
  {
    name: 'seccomp',
    reads: ['/linux/seccomp'],
    spec: specLink('config-linux.md#seccomp'),
    linux: true,
    check: ({ linux }, report) => {
      const seccomp = linux?.seccomp;
      if (seccomp === undefined) return;
      const at = '/linux/seccomp';
      const actions = [seccomp.defaultAction, ...(seccomp.syscalls ?? []).map(({ action }) => action)];
      const number = (where: string, action: string, value: number | undefined): void => {
        if (value === undefined) return;
        if (!WITH_NUMBER.has(action))
          report({
            pointer: where,
            message: `${action} has no errno`,
            hint: 'only SCMP_ACT_ERRNO and SCMP_ACT_TRACE have',
          });
        else if (value > (action === 'SCMP_ACT_ERRNO' ? HIGHEST_ERRNO : 0xffff))
          report({ pointer: where, message: `${value} is no errno` });
      };
      number(`${at}/defaultErrnoRet`, seccomp.defaultAction, seccomp.defaultErrnoRet);
      seccomp.syscalls?.forEach(({ action, errnoRet, args = [] }, index) => {
        number(pointer('linux', 'seccomp', 'syscalls', index, 'errnoRet'), action, errnoRet);
        args.forEach((argument, which) => {
          if (argument.index > 5)
            report({
              pointer: pointer('linux', 'seccomp', 'syscalls', index, 'args', which, 'index'),
              message: `a system call has arguments 0 to 5; found ${show(argument.index)}`,
            });
        });
      });
      if (seccomp.defaultAction === NOTIFY)
        report({
          pointer: `${at}/defaultAction`,
          message: `${NOTIFY} cannot be used as default action`,
          hint: 'the runtime itself has to write before the agent has the notification descriptor',
        });
      seccomp.syscalls?.forEach(({ action, names }, index) => {
        if (action === NOTIFY && names.includes('write'))
          report({
            pointer: pointer('linux', 'seccomp', 'syscalls', index, 'names', names.indexOf('write')),
            message: `${NOTIFY} cannot be used for the write syscall`,
            hint: 'the runtime itself has to write before the agent has the notification descriptor',
          });
      });
      const waits = seccomp.flags?.indexOf('SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV') ?? -1;
      if (waits >= 0 && !actions.includes(NOTIFY))
        report({
          pointer: `${at}/flags/${waits}`,
          message: `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is about notifications, and no rule has ${NOTIFY}`,
        });
      const listener = (seccomp.listenerPath ?? '') !== '';
      if ((seccomp.listenerMetadata ?? '') !== '' && !listener)
        report({ pointer: `${at}/listenerMetadata`, message: '"listenerMetadata" is given without "listenerPath"' });
      if (actions.includes(NOTIFY) && !listener)
        report({ pointer: at, message: `${NOTIFY} needs a "listenerPath" to send the notification descriptor to` });
    },
  },
];
