import { pauseContainer, resumeContainer } from '../../container/pause.ts';
import { stateRoot, thisCaller } from '../root.ts';
import type { Invocation } from '../table.ts';

export function pause({ globals, positionals }: Invocation): number {
  pauseContainer({ root: stateRoot(globals.text('root'), thisCaller()).path, id: positionals[0] ?? '' });
  return 0;
}

export function resume({ globals, positionals }: Invocation): number {
  resumeContainer({ root: stateRoot(globals.text('root'), thisCaller()).path, id: positionals[0] ?? '' });
  return 0;
}
