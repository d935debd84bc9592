// Kernel parameters: only those that belong to a namespace of the container's own, else the host's would change
// (CVE-2022-0811 was a name that nobody checked).

import { pointer } from '../../json-pointer.ts';
import { sysctlPath } from '../../linux/sysctl.ts';
import { show, specLink } from '../findings.ts';
import type { LinuxNamespace, LinuxNamespaceType } from '../generated/types.ts';
import type { Rule } from './rule.ts';

const IPC: ReadonlySet<string> = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

/** The kind of namespace that a parameter belongs to; undefined: to the host. */
function owner(parts: readonly string[]): LinuxNamespaceType | undefined {
  const [first, second] = parts;
  if (first === 'net') return 'network';
  if (first === 'user' && parts.length > 1) return 'user';
  if (first === 'fs' && second === 'mqueue') return 'ipc';
  const dotted = parts.join('.');
  if (parts.length === 2 && IPC.has(dotted)) return 'ipc';
  return dotted === 'kernel.domainname' || dotted === 'kernel.hostname' ? 'uts' : undefined;
}

/** The runtime's own network namespace by its usual name: joining it is having none. */
const OWN_NETWORK = /^\/proc\/(?:self|thread-self|1)\/ns\/net$/;

export const sysctlRules: readonly Rule[] = [
  {
    name: 'sysctl',
    reads: ['/linux/sysctl', '/linux/namespaces'],
    spec: specLink('config-linux.md#sysctl'),
    linux: true,
    check: ({ linux }, report) => {
      for (const [name, value] of Object.entries(linux?.sysctl ?? {})) {
        const complain = (message: string, hint?: string): void =>
          report({ pointer: pointer('linux', 'sysctl', name), message, ...(hint === undefined ? {} : { hint }) });
        const parts = sysctlPath(name);
        if (parts === undefined) {
          complain(`${show(name)} is not the name of a kernel parameter`);
          continue;
        }
        const type = owner(parts);
        if (type === undefined) complain(`${show(name)} belongs to the host, not to a namespace`);
        else if (type === 'uts' && parts[1] === 'hostname')
          complain('the host name has a property of its own', 'use "hostname"');
        else if (!isOwn(type, linux?.namespaces ?? []))
          complain(
            `${show(name)} would change the host: there is no ${type} namespace`,
            `add {"type": "${type}"} to linux.namespaces`,
          );
        else if (value.includes('\n')) complain('the value is one line');
      }
    },
  },
];

function isOwn(type: LinuxNamespaceType, namespaces: readonly LinuxNamespace[]): boolean {
  const namespace = namespaces.find((candidate) => candidate.type === type);
  return namespace !== undefined && !(type === 'network' && OWN_NETWORK.test(namespace.path ?? ''));
}
