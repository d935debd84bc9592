// A new file system, by the mount API of Linux 5.2: fsopen, fsconfig, fsmount.

import {
  attributeText,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
} from '../../linux/mount-constants.ts';
import { optionValue } from '../../linux/mount-options.ts';
import type { Argument } from '../builder.ts';
import type { Slot, Step } from '../plan.ts';
import type { StepContext } from './context.ts';
import { mountByText, needsMountText } from './mount-text.ts';

export interface FileSystem {
  readonly type: string;
  readonly source?: string;
  /** `key=value` or a flag, in order. */
  readonly data: readonly string[];
  /** What an option's failure is told as; by default as the whole mount's. */
  readonly optionStep?: (option: string) => Step;
  /** MOUNT_ATTR_*. */
  readonly attributes: number;
  readonly result: Slot;
}

/** A new, detached mount of a file system. */
export function makeFileSystem(context: StepContext, fileSystem: FileSystem): void {
  const { type, source, data, attributes, result, optionStep } = fileSystem;
  const { plan } = context;
  const { labels } = context.inputs;
  if (needsMountText(fileSystem)) {
    mountByText(context, fileSystem, (stage) =>
      makeFileSystem(context, { type: 'tmpfs', source: 'tmpfs', data: [], attributes: 0, result: stage }),
    );
    labels?.root(context, result, type);
    return;
  }
  plan.withSlot((fs) => {
    const of: Argument = plan.slotRef(fs);
    plan.call('fsopen', [type, plan.value(FSOPEN_CLOEXEC, 'FSOPEN_CLOEXEC')], { result: fs });
    const setString = plan.value(FSCONFIG_SET_STRING, 'FSCONFIG_SET_STRING');
    if (source !== undefined && source !== '') plan.call('fsconfig', [of, setString, 'source', source, 0]);
    for (const option of data) {
      const set = (): void => {
        const equals = option.indexOf('=');
        if (equals === -1)
          plan.call('fsconfig', [of, plan.value(FSCONFIG_SET_FLAG, 'FSCONFIG_SET_FLAG'), option, 0, 0]);
        else plan.call('fsconfig', [of, setString, option.slice(0, equals), optionValue(option, equals), 0]);
      };
      if (optionStep === undefined) set();
      else plan.step(optionStep(option), set);
    }
    labels?.fileSystem(context, of, type, data);
    plan.call('fsconfig', [of, plan.value(FSCONFIG_CMD_CREATE, 'FSCONFIG_CMD_CREATE'), 0, 0, 0]);
    const flags = plan.value(FSMOUNT_CLOEXEC, 'FSMOUNT_CLOEXEC');
    plan.call('fsmount', [of, flags, plan.value(attributes, attributeText(attributes))], { result });
    labels?.root(context, result, type);
  });
}
