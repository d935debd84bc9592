// The names of systemd's units for a container: from linux.cgroupsPath and the id to a scope and its slice. Pure.

import { fail } from '../../error.ts';

const POINTER = '/linux/cgroupsPath';

export interface ScopeName {
  /** `runt-web.scope` */
  readonly unit: string;
  /** `system.slice` */
  readonly slice: string;
}

/** What systemd.unit(5) allows in a name; a backslash begins an escape. */
const UNIT_NAME = /^[A-Za-z0-9:_.\\@-]+$/;
/** UNIT_NAME_MAX of systemd, without the NUL. */
const LONGEST = 255;

/**
 * `slice:prefix:name`, as engines give it to runc: the scope `prefix-name.scope` in that slice. Where it is absent the scope is
 * `runt-ID.scope`. The slice is by default system.slice, or user.slice for the manager of a user. Throws `config`.
 */
export function scopeName(cgroupsPath: string | undefined, id: string, manager: 'system' | 'user'): ScopeName {
  const usual = manager === 'system' ? 'system.slice' : 'user.slice';
  if (cgroupsPath === undefined || cgroupsPath === '') {
    // Of the characters of an id, systemd does not know this one.
    return { unit: checkName(`runt-${id.replaceAll('+', '\\x2b')}.scope`, undefined), slice: usual };
  }
  const parts = cgroupsPath.split(':');
  const [slice = '', prefix = '', name = ''] = parts;
  if (parts.length !== 3 || name === '')
    fail({
      code: 'config',
      message: `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(cgroupsPath)} instead`,
      pointer: POINTER,
      hint: 'leave --systemd-cgroup out where it is a path',
    });
  if (name.endsWith('.slice'))
    fail({
      code: 'config',
      message: `cgroupsPath ${JSON.stringify(cgroupsPath)} names a slice: a container's processes are in a scope`,
      pointer: POINTER,
    });
  const chosen = slice === '' ? usual : slice;
  slicePath(chosen);
  return { unit: checkName(`${prefix}-${name}.scope`, POINTER), slice: chosen };
}

function checkName(unit: string, pointer: string | undefined): string {
  if (UNIT_NAME.test(unit) && unit.length <= LONGEST) return unit;
  return fail({
    code: 'config',
    message: `${JSON.stringify(unit)} can't be the name of a systemd unit`,
    ...(pointer === undefined ? {} : { pointer }),
    hint: `letters, digits and ":-_.\\@" are allowed, ${LONGEST} characters at most`,
  });
}

/** The cgroup of the scope of the system's manager, below a hierarchy's mount point. Throws `config`. */
export function scopePath(cgroupsPath: string | undefined, id: string): string {
  const { slice, unit } = scopeName(cgroupsPath, id, 'system');
  return `${slicePath(slice)}/${unit}`;
}

/**
 * The directory of a slice, below its manager's: `a-b.slice` lies in `a.slice` (systemd.slice(5)). Empty for the root slice, `-.slice`.
 * Throws `config`.
 */
export function slicePath(slice: string): string {
  if (slice === '-.slice') return '';
  const stem = slice.endsWith('.slice') ? slice.slice(0, -'.slice'.length) : '';
  const components = stem.split('-');
  if (components.includes('') || !UNIT_NAME.test(slice) || slice.length > LONGEST)
    fail({
      code: 'config',
      message: `invalid slice name ${JSON.stringify(slice)}`,
      pointer: POINTER,
      hint: 'it is like "machine.slice" or "kubepods-burstable.slice"',
    });
  return components.map((_, index) => `/${components.slice(0, index + 1).join('-')}.slice`).join('');
}

/** The object of a unit on the bus (the D-Bus API of systemd, "Object paths"): what is no letter or digit is written as `_` and two hex digits. */
export function unitObject(unit: string): string {
  const escaped = [...Buffer.from(unit)].map((byte, index) => {
    const character = String.fromCharCode(byte);
    const isPlain = /[A-Za-z]/.test(character) || (index > 0 && /[0-9]/.test(character));
    return isPlain ? character : `_${byte.toString(16).padStart(2, '0')}`;
  });
  return `/org/freedesktop/systemd1/unit/${escaped.join('')}`;
}
