// What a config can ask for and this version does not do. It is refused by name: nothing is silently ignored.

import { type Problem, RuntError } from '../error.ts';
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
  const { process, linux } = config;
  refuse(process?.apparmorProfile, 'process.apparmorProfile');
  refuse(process?.selinuxLabel, 'process.selinuxLabel');
  refuse(process?.scheduler, 'process.scheduler');
  refuse(process?.ioPriority, 'process.ioPriority');
  refuse(linux?.timeOffsets, 'linux.timeOffsets');
  refuse(linux?.mountLabel, 'linux.mountLabel');
  refuse(linux?.intelRdt, 'linux.intelRdt');
  refuse(linux?.memoryPolicy, 'linux.memoryPolicy');
  refuse(linux?.personality, 'linux.personality');
  (linux?.namespaces ?? []).forEach(({ type }, index) => {
    if (type === 'time') {
      found.push(problem(`a ${type} namespace`, `/linux/namespaces/${index}`));
    }
  });
  (config.mounts ?? []).forEach((mount, index) => {
    if (mount.type === 'tmpfs') return;
    const place = (mount.options ?? []).indexOf('tmpcopyup');
    if (place === -1) return;
    const what = 'the mount option tmpcopyup of another mount than a tmpfs';
    found.push(problem(what, `/mounts/${index}/options/${place}`));
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
