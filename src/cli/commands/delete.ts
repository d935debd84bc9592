import { deleteContainer } from '../../container/delete.ts';
import { stateRoot, thisCaller } from '../root.ts';
import type { Invocation } from '../table.ts';

export async function deleteCommand({ options, globals, positionals, log }: Invocation): Promise<number> {
  await deleteContainer({
    root: stateRoot(globals.text('root'), thisCaller()).path,
    id: positionals[0] ?? '',
    force: options.flag('force'),
    log,
  });
  return 0;
}
