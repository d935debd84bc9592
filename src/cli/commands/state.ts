import { containerState, stateText } from '../../container/state.ts';
import { print } from '../output.ts';
import { stateRoot, thisCaller } from '../root.ts';
import type { Invocation } from '../table.ts';

/** The state of the specification (runtime.md, "State"), with the further properties that runc prints. */
export async function state({ globals, positionals }: Invocation): Promise<number> {
  const found = await containerState({
    root: stateRoot(globals.text('root'), thisCaller()).path,
    id: positionals[0] ?? '',
  });
  print(stateText(found));
  return 0;
}
