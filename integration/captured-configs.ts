// Configs that engines gave to their runtimes, made to run here.

import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Container, hasAppArmor, hasSelinux, type Sandbox } from '../conformance/harness/index.ts';

export type Json = Record<string, unknown>;

/** What this kind of machine does not let anybody do: raise limits, lower scores, grant a capability that it has not itself. */
const NOT_HERE = ['process.rlimits', 'process.oomScoreAdj'];
/** Nobody here listens at a console socket. */
const NOT_ATTENDED = ['process.terminal', 'process.consoleSize'];
/** Labels that this host can't give; where it can, a profile has to be loaded as well. */
const NO_LABELS = [
  ...(hasAppArmor ? [] : ['process.apparmorProfile']),
  ...(hasSelinux ? [] : ['process.selinuxLabel', 'linux.mountLabel']),
];

export function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}

function remove(config: Json, path: string): void {
  const parts = path.split('.');
  const last = parts.pop() ?? '';
  let at: Json = config;
  for (const part of parts) at = object(at[part]);
  delete at[last];
}

/** The bounding set of this process: no container can have more. */
function available(): (name: string) => boolean {
  const mask = BigInt(`0x${/^CapBnd:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  const header = existsSync('/usr/include/linux/capability.h')
    ? readFileSync('/usr/include/linux/capability.h', 'utf8')
    : '';
  const numbers = new Map(
    [...header.matchAll(/^#define (CAP_\w+)\s+(\d+)$/gm)].map(([, name = '', number = '']) => [name, Number(number)]),
  );
  // Without the header: what Debian's machines in the cloud lack.
  return (name) => {
    const number = numbers.get(name);
    return number === undefined ? name !== 'CAP_SYS_RESOURCE' : (mask & (1n << BigInt(number))) !== 0n;
  };
}

/** The config as it is, but for what this host can't do and for what lay on the machine that it comes from. */
export function adapt(config: Json, box: Sandbox, place: { rootfs: string; id: string }): void {
  for (const path of [...NO_LABELS, ...NOT_HERE, ...NOT_ATTENDED]) remove(config, path);
  const linux = object(config['linux']);
  linux['namespaces'] = list(linux['namespaces']).map(({ type, path }) =>
    typeof path === 'string' && existsSync(path) ? { type, path } : { type },
  );
  linux['cgroupsPath'] = `/${place.id}`;
  config['root'] = { ...object(config['root']), path: place.rootfs };
  delete config['hooks'];
  config['mounts'] = list(config['mounts']).map((mount, index) => {
    const options = Array.isArray(mount['options']) ? mount['options'] : [];
    const isBind = mount['type'] === 'bind' || options.includes('bind') || options.includes('rbind');
    return { ...mount, options, ...(isBind ? { source: substitute(box, mount, index) } : {}) };
  });
  const process = object(config['process']);
  process['args'] = ['/bin/true'];
  const isAvailable = available();
  for (const [set, names] of Object.entries(object(process['capabilities']))) {
    if (Array.isArray(names)) object(process['capabilities'])[set] = names.filter((name) => isAvailable(String(name)));
  }
}

/** With a user namespace the image is the mapped root's, as engines unpack it: only so can mount points be made in it. */
export function giveToRoot({ bundle, rootfs }: Container): void {
  const linux = object(object(JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')))['linux']);
  const [uid, gid] = ['uidMappings', 'gidMappings'].map((name) => list(linux[name])[0]?.['hostID']);
  if (typeof uid !== 'number' || typeof gid !== 'number') return;
  const give = (path: string): void => {
    chownSync(path, uid, gid);
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) give(join(path, entry.name));
    }
  };
  give(rootfs);
}

/** A file for a file, a directory for a directory, as far as the place in the container tells. */
function substitute(box: Sandbox, mount: Json, index: number): string {
  const given = String(mount['source']);
  if (given.startsWith('/dev/') && existsSync(given)) return given;
  const isFile = existsSync(given)
    ? !statSync(given).isDirectory()
    : /\/(resolv\.conf|hostname|hosts|\.containerenv|docker-init|catatonit|init)$|\.\w+$/.test(
        String(mount['destination']),
      );
  const path = join(box.directory, `source-${index}`);
  if (isFile) writeFileSync(path, '');
  else mkdirSync(path, { recursive: true });
  return path;
}
