import { fail } from '../../error.ts';
import { nearest } from '../../nearest.ts';
import { completionScript, SHELLS } from '../completion.ts';
import { print } from '../output.ts';
import type { Invocation } from '../table.ts';

export function completion({ positionals }: Invocation): number {
  const named = positionals[0] ?? '';
  const shell = SHELLS.find((known) => known === named);
  if (shell === undefined) {
    const meant = nearest(named, SHELLS);
    fail({
      code: 'usage',
      message: `no completion for the shell ${JSON.stringify(named)}`,
      hint: meant === undefined ? `there is one for ${SHELLS.join(', ')}` : `did you mean ${meant}?`,
    });
  }
  print(completionScript(shell));
  return 0;
}
