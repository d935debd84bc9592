// Configs of all kinds that can run, from a number each.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Edit, Sandbox } from '../conformance/harness/index.ts';
import { directoryIn, seeded } from './support.ts';

/** An edit that turns the usual config into another one; the same number gives the same config. */
export function generatedConfig(seed: number, box: Sandbox): Edit {
  const random = seeded(seed);
  const often = (share = 0.5): boolean => random() < share;
  const one = <T>(...list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const some = <T>(...list: readonly T[]): T[] => list.filter(() => often());
  const source = directoryIn(box, `source-${seed}`);
  writeFileSync(join(source, 'file'), 'x');
  return (config) => {
    const { process, linux } = config;
    process.args = one(['/bin/true'], ['true'], ['/bin/sh', '-c', 'true']);
    process.cwd = one('/', '/tmp', '/made/for/it');
    process.env = ['PATH=/sbin:/bin', ...some('HOME=/tmp', 'A=b', 'TERM=xterm')];
    if (often()) process.user = { uid: one(0, 1000), gid: one(0, 1000), additionalGids: some(5, 6, 7) };
    if (often()) process.user.umask = one(0o22, 0o77, 0);
    const capabilities = some('CAP_KILL', 'CAP_CHOWN', 'CAP_NET_BIND_SERVICE', 'CAP_SETUID');
    process.capabilities = { bounding: capabilities, permitted: capabilities, effective: some(...capabilities) };
    if (often(0.3)) {
      process.capabilities.inheritable = capabilities;
      process.capabilities.ambient = some(...capabilities);
    }
    process.noNewPrivileges = often();
    process.rlimits = often() ? [{ type: 'RLIMIT_NOFILE', soft: 256, hard: 512 }] : [];
    if (often(0.3)) process.oomScoreAdj = 500;
    config.root.readonly = often();
    const types = ['mount', 'pid', ...some('network', 'ipc', 'uts', 'cgroup')];
    linux.namespaces = types.map((type) => ({ type }));
    delete config.hostname;
    if (types.includes('uts') && often()) config.hostname = 'generated';
    if (types.includes('uts') && often(0.3)) config.domainname = 'example';
    linux.sysctl = types.includes('network') && often() ? { 'net.ipv4.ip_forward': '1' } : {};
    config.mounts = config.mounts.filter(
      ({ destination }) => ['/proc', '/dev', '/dev/pts'].includes(destination) || often(0.7),
    );
    const more = [
      {
        destination: '/bound',
        type: 'bind',
        source,
        options: ['rbind', one('ro', 'rw', 'rro'), one('rprivate', 'rslave')],
      },
      { destination: '/bound-file', type: 'bind', source: join(source, 'file'), options: ['bind', 'nosuid'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'size=64k', 'mode=1777'] },
      {
        destination: '/deep/er/still',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['noexec', one('relatime', 'noatime')],
      },
      { destination: '/etc', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] },
    ];
    config.mounts.push(...some(...more));
    linux.maskedPaths = some('/proc/kcore', '/sys/firmware', '/proc/keys', '/not/there');
    linux.readonlyPaths = some('/proc/sys', '/proc/bus', '/proc/sysrq-trigger');
    if (often(0.4)) linux.rootfsPropagation = one('rprivate', 'rslave', 'private', 'shared');
    if (often(0.4)) {
      linux.devices = [
        { path: '/dev/mine', type: 'c', major: 1, minor: 3, fileMode: 0o640, uid: 1000, gid: 5 },
        { path: '/dev/pipe', type: 'p' },
      ];
    }
    if (often(0.4)) {
      const hook = { path: '/bin/true', args: ['true'], ...(often() ? { timeout: 30 } : {}) };
      config.hooks = { [one('createContainer', 'startContainer', 'createRuntime')]: [hook] };
    }
    if (often(0.4)) {
      const seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['kexec_load', 'mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
      };
      Object.assign(linux, { seccomp });
    }
    if (often(0.2)) {
      // What the namespace does not own can not be mounted in it, and it makes no devices but those of the host.
      linux.namespaces = ['mount', 'pid', 'ipc', 'network', 'uts', 'cgroup', 'user'].map((type) => ({ type }));
      delete linux.devices;
      linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
      linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
    }
  };
}
