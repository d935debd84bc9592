import { containerProcesses } from '../../container/processes.ts';
import { fail } from '../../error.ts';
import { print } from '../output.ts';
import { stateRoot, thisCaller } from '../root.ts';
import type { Invocation } from '../table.ts';

export async function ps({ options, globals, positionals }: Invocation): Promise<number> {
  const [id = '', ...given] = positionals;
  const pids = containerProcesses({ root: stateRoot(globals.text('root'), thisCaller()).path, id });
  if (options.text('format') === 'json') {
    print(`${JSON.stringify(pids)}\n`);
    return 0;
  }
  const { psTable } = await import('../ps-table.ts');
  print(psTable(await psOutput(given.length === 0 ? ['-ef'] : given), pids));
  return 0;
}

async function psOutput(args: readonly string[]): Promise<string> {
  const { capture } = await import('../../linux/capture.ts');
  const captured = capture('ps', args);
  const hint = 'ps --format json needs no ps';
  if (typeof captured === 'number') {
    fail({ code: 'host', message: 'run ps to list the processes', syscall: 'execve', errno: captured, hint });
  }
  const { status, stdout, stderr } = captured;
  if ('exited' in status && status.exited === 0) return stdout;
  const what = 'signal' in status ? `signal ${status.signal}` : `exit status ${status.exited}`;
  const said = stderr.trim();
  fail({ code: 'host', message: `ps ${args.join(' ')}: ${what}${said === '' ? '' : `: ${said}`}`, hint });
}
