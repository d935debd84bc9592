import { startContainer } from '../../container/start.ts';
import { stateRoot, thisCaller } from '../root.ts';
import type { Invocation } from '../table.ts';

export async function start({ globals, positionals, log }: Invocation): Promise<number> {
  await startContainer({ root: stateRoot(globals.text('root'), thisCaller()).path, id: positionals[0] ?? '', log });
  return 0;
}
