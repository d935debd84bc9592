import { execInContainer } from '../../container/exec.ts';
import type { ProcessChanges } from '../../container/exec-process.ts';
import { fail } from '../../error.ts';
import { PREPARING } from '../../front/run-protocol.ts';
import { resolvePath } from '../../linux/paths.ts';
import { stateRoot, thisCaller } from '../root.ts';
import type { Invocation, OptionValues } from '../table.ts';

/** The exit status is the program's, but where it is detached. */
export async function exec(invocation: Invocation): Promise<number> {
  const { options, globals, positionals, log } = invocation;
  const [id = '', ...args] = positionals;
  const path = (name: string): string | undefined => {
    const text = textOf(options, name);
    return text === undefined ? undefined : resolvePath(process.cwd(), text);
  };
  const pidFile = path('pid-file');
  const consoleSocket = path('console-socket');
  const pidfdSocket = path('pidfd-socket');
  const file = textOf(options, 'process');
  if (file !== undefined) refuseDescription(options, args);
  if (process.argv0 === PREPARING) {
    const { prepareExec } = await import('../../container/exec-preparation.ts');
    const changes = file === undefined ? undefined : resolvePath(process.cwd(), file);
    return await prepareExec(stateRoot(globals.text('root'), thisCaller()).path, id, changes);
  }
  return await execInContainer({
    root: stateRoot(globals.text('root'), thisCaller()).path,
    id,
    process: file === undefined ? changesOf(options, args) : file === '-' ? file : resolvePath(process.cwd(), file),
    detach: options.flag('detach'),
    ...(pidFile === undefined ? {} : { pidFile }),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
    preserveFds: options.count('preserve-fds'),
    cgroup: options.list('cgroup'),
    ignorePaused: options.flag('ignore-paused'),
    log,
  });
}

/** runc takes an empty text for none. */
function textOf(options: OptionValues, name: string): string | undefined {
  const text = options.text(name);
  return text === '' ? undefined : text;
}

/** What runc ignores beside --process: it would look as if it had an effect. */
function refuseDescription(options: OptionValues, args: readonly string[]): void {
  const names = ['cwd', 'env', 'user', 'additional-gids', 'cap', 'no-new-privs', 'apparmor', 'process-label'];
  const name = names.find((option) => options.given(option));
  if (name === undefined && args.length === 0) return;
  fail({
    code: 'usage',
    message: `--process describes the whole program: ${name === undefined ? 'a command' : `--${name}`} does not go with it`,
  });
}

function changesOf(options: OptionValues, args: readonly string[]): ProcessChanges {
  const cwd = textOf(options, 'cwd');
  const user = textOf(options, 'user');
  const apparmorProfile = textOf(options, 'apparmor');
  const selinuxLabel = textOf(options, 'process-label');
  return {
    args,
    env: options.list('env'),
    additionalGids: options.list('additional-gids'),
    capabilities: options.list('cap'),
    terminal: options.flag('tty'),
    ...(cwd === undefined ? {} : { cwd }),
    ...(user === undefined ? {} : { user }),
    ...(options.given('no-new-privs') ? { noNewPrivileges: options.flag('no-new-privs') } : {}),
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(selinuxLabel === undefined ? {} : { selinuxLabel }),
  };
}
