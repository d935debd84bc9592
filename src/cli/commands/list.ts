import { listContainers } from '../../container/list.ts';
import { print } from '../output.ts';
import { stateRoot, thisCaller } from '../root.ts';
import type { Invocation } from '../table.ts';
import { textTable } from '../text-table.ts';

export async function list({ options, globals }: Invocation): Promise<number> {
  const root = stateRoot(globals.text('root'), thisCaller()).path;
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
