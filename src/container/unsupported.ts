// What a config can ask for and this version does not do. It is refused by name: nothing is silently ignored.

import { type Problem, RuntError } from '../error.ts';
import { parseMountOptions } from '../linux/mount-options.ts';
import type { Config } from '../spec/generated/types.ts';

function problem(field: string, pointer: string): Problem {
  return { code: 'unsupported', message: `${field} is not supported yet by this version of runt`, pointer };
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** Every field of the config that can't be honoured. */
export function unsupportedFields(config: Config): Problem[] {
  const found: Problem[] = [];
  const refuse = (value: unknown, path: string): void => {
    if (!isEmpty(value)) found.push(problem(path, `/${path.replaceAll('.', '/')}`));
  };
  const { linux } = config;
  refuse(linux?.netDevices, 'linux.netDevices');
  (config.mounts ?? []).forEach((mount, index) => {
    const at = `/mounts/${index}`;
    if (!isEmpty(mount.uidMappings)) found.push(problem('an id-mapped mount', `${at}/uidMappings`));
    if (!isEmpty(mount.gidMappings)) found.push(problem('an id-mapped mount', `${at}/gidMappings`));
    const { extensions } = parseMountOptions(mount.options ?? []);
    for (const word of extensions) {
      const copiesUp = word === 'tmpcopyup';
      if (copiesUp && mount.type === 'tmpfs') continue;
      const what = `the mount option ${word}${copiesUp ? ' of another mount than a tmpfs' : ''}`;
      found.push(problem(what, `${at}/options/${(mount.options ?? []).indexOf(word)}`));
    }
  });
  return found;
}

/** Throws `unsupported`: names all fields, the first in the message. */
export function refuseUnsupported(config: Config): void {
  const [first, ...others] = unsupportedFields(config);
  if (first === undefined) return;
  const details = others.map(({ message, pointer }) => `${message} [${pointer}]`);
  throw new RuntError({ ...first, ...(details.length === 0 ? {} : { details }) });
}
