// What is written down of a container before anything of it is made.

import { readFileSync } from 'node:fs';
import type { CgroupRecord } from '../cgroup/record.ts';
import { resolvePath } from '../linux/paths.ts';
import { processStat } from '../linux/procfs.ts';
import type { Config } from '../spec/generated/types.ts';
import type { ContainerRecord } from './store.ts';

export function firstRecord(
  { id, bundle, noNewKeyring }: { readonly id: string; readonly bundle: string; readonly noNewKeyring: boolean },
  config: Config,
  cgroups: CgroupRecord,
): ContainerRecord {
  return {
    version: 1,
    id,
    bundle,
    rootfs: resolvePath(bundle, config.root?.path ?? ''),
    ociVersion: config.ociVersion,
    annotations: config.annotations ?? {},
    created: new Date().toISOString(),
    owner: ownerName(),
    creator: { pid: process.pid, startTime: processStat(process.pid)?.startTime ?? 0 },
    ready: false,
    cgroups,
    ...(config.linux?.resources === undefined ? {} : { resources: config.linux.resources }),
    hasProcess: hasProgram(config),
    newKeyring: !noNewKeyring,
    ownPidNamespace: hasOwnPidNamespace(config),
    poststart: config.hooks?.poststart ?? [],
    poststop: config.hooks?.poststop ?? [],
    startSteps: [],
  };
}

/** There is something to start. */
export function hasProgram({ process }: Config): boolean {
  return process?.args !== undefined && process.args.length > 0;
}

/** Its processes end with its init. */
export function hasOwnPidNamespace(config: Config): boolean {
  return (config.linux?.namespaces ?? []).some(({ type, path }) => type === 'pid' && (path ?? '') === '');
}

function ownerName(): string {
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return 'root';
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((entry) => entry.split(':')[2] === String(uid));
    return line?.split(':')[0] ?? String(uid);
  } catch {
    return String(uid);
  }
}
