// A new file system as a detached mount of the runtime's own: fsopen(2), fsconfig(2), fsmount(2) of Linux 5.2.

import {
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
} from './mount-constants.ts';
import { optionValue } from './mount-options.ts';
import { type Doing, mustSyscall, syscall } from './syscall.ts';

export interface NewMount {
  readonly type: string;
  readonly source: string;
  /** `key=value` or a flag, in order. */
  readonly data: readonly string[];
  /** MOUNT_ATTR_*. */
  readonly attributes: number;
  readonly doing: Doing;
  /** What the failure of an option, by its place in `data`, is told as. */
  readonly optionDoing: (index: number) => Doing;
}

/** Whether the caller may mount in the mount namespace that it is in. */
export function mayMount(): boolean {
  const fs = syscall('fsopen', 'tmpfs', FSOPEN_CLOEXEC);
  if (fs >= 0) syscall('close', fs);
  return fs >= 0;
}

/** Its root, close-on-exec; when the last descriptor of it is closed it is gone. Throws `system`. */
export function newMount({ type, source, data, attributes, doing, optionDoing }: NewMount): number {
  const fs = mustSyscall(doing, 'fsopen', type, FSOPEN_CLOEXEC);
  try {
    if (source !== '') mustSyscall(doing, 'fsconfig', fs, FSCONFIG_SET_STRING, 'source', source, 0);
    data.forEach((option, index) => {
      const equals = option.indexOf('=');
      const [key, value] = equals === -1 ? [option, null] : [option.slice(0, equals), optionValue(option, equals)];
      const command = value === null ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
      mustSyscall(optionDoing(index), 'fsconfig', fs, command, key, value, 0);
    });
    mustSyscall(doing, 'fsconfig', fs, FSCONFIG_CMD_CREATE, null, null, 0);
    return mustSyscall(doing, 'fsmount', fs, FSMOUNT_CLOEXEC, attributes);
  } finally {
    syscall('close', fs);
  }
}
