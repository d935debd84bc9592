// What belongs to the new network, uts and other namespaces: `lo`, names, sysctls.

import { fail } from '../../error.ts';
import { pointer } from '../../json-pointer.ts';
import {
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../../linux/mount-constants.ts';
import { sysctlPath } from '../../linux/sysctl.ts';
import { openAt, type StepContext } from './context.ts';
import { makeFileSystem } from './file-system.ts';

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP_RUNNING = 0x41;

/** A new network namespace has a loopback interface that is down. */
export function bringLoopbackUp({ plan, inputs }: StepContext): void {
  const created = inputs.namespaces.created.find(({ type }) => type === 'network');
  if (created === undefined) return;
  plan.step({ sentence: 'bring the network interface lo up', pointer: created.pointer }, () => {
    const request = Buffer.alloc(40);
    request.write('lo');
    request.writeUInt16LE(IFF_UP_RUNNING, 16);
    plan.withSlot((socket) => {
      plan.call(
        'socket',
        [plan.value(AF_INET, 'AF_INET'), plan.value(SOCK_DGRAM_CLOEXEC, 'SOCK_DGRAM|SOCK_CLOEXEC'), 0],
        {
          result: socket,
        },
      );
      plan.call('ioctl', [
        plan.slotRef(socket),
        plan.value(SIOCSIFFLAGS, 'SIOCSIFFLAGS'),
        plan.constant(request, '{lo, IFF_UP|IFF_RUNNING}'),
      ]);
    });
  });
}

export function setNames({ plan, config }: StepContext): void {
  const { hostname, domainname } = config;
  if (hostname !== undefined && hostname !== '') {
    plan.step({ sentence: `set the host name to ${hostname}`, pointer: '/hostname' }, () => {
      plan.call('sethostname', [hostname, Buffer.byteLength(hostname)]);
    });
  }
  if (domainname !== undefined && domainname !== '') {
    plan.step({ sentence: `set the domain name to ${domainname}`, pointer: '/domainname' }, () => {
      plan.call('setdomainname', [domainname, Buffer.byteLength(domainname)]);
    });
  }
}

/** Through a procfs of init's own that is mounted nowhere, so that nothing of the container can lie in the way (CVE-2025-52881). */
export function writeSysctls(context: StepContext): void {
  const { plan, config } = context;
  const settings = Object.entries(config.linux?.sysctl ?? {});
  if (settings.length === 0) return;
  plan.withSlot((proc) => {
    plan.step({ sentence: 'mount a private proc for sysctls', pointer: '/linux/sysctl' }, () => {
      makeFileSystem(context, { type: 'proc', source: 'proc', data: [], attributes: 0, result: proc });
    });
    for (const [key, value] of settings) {
      const path = sysctlPath(key);
      if (path === undefined) {
        fail({
          code: 'config',
          message: `${JSON.stringify(key)} is no name of a sysctl`,
          pointer: pointer('linux', 'sysctl', key),
        });
      }
      const step = {
        sentence: `set the sysctl ${key} to ${JSON.stringify(value)}`,
        pointer: pointer('linux', 'sysctl', key),
      };
      plan.step(step, () => {
        plan.withSlot((file) => {
          openAt(plan, plan.slotRef(proc), `sys/${path.join('/')}`, {
            flags: O_WRONLY,
            resolve: RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
            result: file,
          });
          plan.call('write', [plan.slotRef(file), value, Buffer.byteLength(value)]);
        });
      });
    }
  });
}
