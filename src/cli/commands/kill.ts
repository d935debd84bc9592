import { killContainer } from '../../container/kill.ts';
import { parseSignal } from '../../linux/signals.ts';
import { stateRoot, thisCaller } from '../root.ts';
import type { Invocation } from '../table.ts';

export async function kill({ options, globals, positionals }: Invocation): Promise<number> {
  await killContainer({
    root: stateRoot(globals.text('root'), thisCaller()).path,
    id: positionals[0] ?? '',
    // runc takes an empty signal for none.
    signal: parseSignal(positionals[1] || 'SIGTERM'),
    all: options.flag('all'),
  });
  return 0;
}
