import { existsSync } from 'node:fs';
import { listContainers } from '../../container/list.ts';
import { fail } from '../../error.ts';
import { print } from '../output.ts';
import { stateRoot, thisCaller } from '../root.ts';
import type { Invocation } from '../table.ts';
import { textTable } from '../text-table.ts';

export async function list({ options, globals }: Invocation): Promise<number> {
  const given = globals.text('root');
  const root = stateRoot(given, thisCaller()).path;
  // As runc: the default is made by the first create, but a directory that somebody named is more likely misspelt than empty.
  if (given !== undefined && !existsSync(root))
    fail({ code: 'state', message: `the state directory ${root} does not exist`, hint: 'it is what --root names' });
  const containers = await listContainers({ root });
  if (options.flag('quiet')) {
    print(containers.map(({ id }) => `${id}\n`).join(''));
  } else if (options.text('format') === 'json') {
    print(`${JSON.stringify(containers)}\n`);
  } else {
    const rows = containers.map(({ id, pid, status, bundle, created, owner }) => [
      id,
      String(pid),
      status,
      bundle,
      created,
      owner,
    ]);
    print(textTable([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'], ...rows]));
  }
  return 0;
}
