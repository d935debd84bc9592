// The options that create and run share.

import type { CreateOptions } from '../../container/create.ts';
import { fail } from '../../error.ts';
import { resolvePath } from '../../linux/paths.ts';
import { prepareUserRoot, stateRoot, thisCaller } from '../root.ts';
import type { Invocation } from '../table.ts';

function refuse(what: string): never {
  fail({ code: 'unsupported', message: `not supported yet by this version of runt: ${what}` });
}

/** Paths are made absolute here: nothing below depends on the working directory. */
export function createOptions({ options, globals, positionals, log }: Invocation): CreateOptions {
  if (globals.flag('systemd-cgroup')) refuse('--systemd-cgroup');
  const root = stateRoot(globals.text('root'), thisCaller());
  if (root.perUser) prepareUserRoot(root.path);
  // runc takes an empty path for none.
  const path = (name: string): string | undefined => {
    const text = options.text(name);
    return text === undefined || text === '' ? undefined : resolvePath(process.cwd(), text);
  };
  const pidFile = path('pid-file');
  const consoleSocket = path('console-socket');
  const pidfdSocket = path('pidfd-socket');
  return {
    root: root.path,
    id: positionals[0] ?? '',
    bundle: path('bundle') ?? process.cwd(),
    noPivot: options.flag('no-pivot'),
    noNewKeyring: options.flag('no-new-keyring'),
    preserveFds: options.count('preserve-fds'),
    systemdCgroup: false,
    rootless: (globals.text('rootless') ?? 'auto') as CreateOptions['rootless'],
    log,
    ...(pidFile === undefined ? {} : { pidFile }),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
  };
}
