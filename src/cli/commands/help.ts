import { fail } from '../../error.ts';
import { nearest } from '../../nearest.ts';
import { COMMAND_NAMES, findCommand } from '../commands.ts';
import { commandHelp, generalHelp } from '../help.ts';
import { print } from '../output.ts';
import type { Invocation } from '../table.ts';

export function help({ positionals }: Invocation): number {
  const name = positionals[0];
  if (name === undefined) {
    print(generalHelp());
    return 0;
  }
  const command = findCommand(name);
  if (command === undefined) {
    const meant = nearest(name, COMMAND_NAMES);
    fail({
      code: 'usage',
      message: `runt has no command ${JSON.stringify(name)}`,
      hint: meant === undefined ? 'see runt --help' : `did you mean ${meant}?`,
    });
  }
  print(commandHelp(command));
  return 0;
}
