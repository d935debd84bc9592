// The end of `create` and all of `start`: init reports that it is ready, waits, and becomes the user's program.

import { ERRNO } from '../../linux/errno.ts';
import { AT_FDCWD } from '../../linux/mount-constants.ts';
import { environmentOf } from '../environment.ts';
import { MESSAGE } from '../messages.ts';
import type { Slot } from '../plan.ts';
import { descriptor, numberBytes, type ProcessContext, type StepContext, send } from './context.ts';
import { checkExecutable, overridesPermissions, requireExecutable } from './executable.ts';
import { runHooks, waitForGo } from './hooks.ts';
import { closeOthers, keptWhenReady } from './kept-descriptors.ts';
import { filterPlace, installFilter, markDescriptors } from './seccomp.ts';

/** The step that separates `create` from `start`. */
export const WAIT_FOR_START = 'wait for start';
const F_OK = 0;
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Ready: `create` writes the state and answers; without an answer (it was killed) nothing is left behind. */
export function reportReady(context: StepContext): void {
  const { plan, inputs } = context;
  plan.section('ready');
  const channel = descriptor(plan, inputs.channel);
  // Under a filter they are closed already (steps/seccomp.ts).
  if (filterPlace(inputs) !== 'before ready') {
    plan.step({ sentence: 'close all that preparing has opened' }, () => closeOthers(plan, keptWhenReady(inputs)));
  }
  plan.step({ sentence: 'report that init is ready, and wait until the state is written' }, () => {
    send(context, 'ready', MESSAGE.ready);
    waitForGo(context, channel);
    plan.call('close', [channel]);
  });
}

export function waitForStart(context: StepContext): void {
  const { plan, inputs, report } = context;
  plan.section('start');
  const order = descriptor(plan, inputs.start.order);
  plan.step({ sentence: WAIT_FOR_START }, () => {
    // Until then nobody hears a failure; init holds both ends, so there is no end of file.
    plan.call('read', [order, plan.variable(8, '{order}'), 1]);
    plan.call('close', [order]);
    plan.load(report, plan.constant(numberBytes(inputs.start.answer.fd), `{${inputs.start.answer.fd}}`));
  });
}

export function execute(context: StepContext): void {
  const { plan, inputs } = context;
  const place = filterPlace(inputs);
  if (place === 'before the hooks') {
    markDescriptors(context);
    if (inputs.seccomp !== undefined) installFilter(plan, inputs.seccomp);
  }
  runHooks(context, 'startContainer', place === 'before the hooks' || place === 'before ready');
  executeProgram(context);
}

/** The user's program takes the place of the process. */
export function executeProgram(context: ProcessContext): void {
  const { plan, config, inputs } = context;
  const place = filterPlace(inputs);
  const { process } = config;
  const [file] = process?.args ?? [];
  if (process === undefined || file === undefined) {
    plan.step({ sentence: 'start: the config has no process to execute', pointer: '/process' }, () =>
      plan.fail(ERRNO.EINVAL),
    );
    return;
  }
  const environment = environmentOf(inputs);
  const argv = plan.pointers([...(process.args ?? []).map((text) => plan.string(text)), null], '[process.args]');
  const envp = plan.pointers([...environment.map((text) => plan.string(text)), null], '[process.env]');

  plan.step({ sentence: 'tell the runtime that the program is next' }, () =>
    send(context, 'executing', MESSAGE.executing),
  );
  if (place === 'none' || place === 'before execve') markDescriptors(context);
  const run = (path: string): void => {
    if (place === 'before execve' && inputs.seccomp !== undefined) installFilter(plan, inputs.seccomp);
    plan.step({ sentence: `exec ${path}`, pointer: '/process/args/0' }, () => plan.call('execve', [path, argv, envp]));
  };

  if (file.includes('/')) {
    plan.step({ sentence: `exec: ${JSON.stringify(file)}: stat ${file}`, pointer: '/process/args/0' }, () => {
      plan.call('faccessat', [plan.value(AT_FDCWD, 'AT_FDCWD'), file, plan.value(F_OK, 'F_OK')]);
    });
    run(file);
    return;
  }
  searchPath(context, file, searchedDirectories(environment), run);
}

/**
 * What is missing is told by `create`, as by runc and crun: Podman takes the exit status 127 from there. What happens to the program after that,
 * and what only the kernel finds out, `start` tells.
 */
export function findProgram(context: StepContext): void {
  const { plan, config, inputs } = context;
  const file = config.process?.args?.[0];
  if (file === undefined) return;
  const overrides = overridesPermissions(inputs);
  if (file.includes('/')) {
    plan.step({ sentence: `exec: ${JSON.stringify(file)}: stat ${file}`, pointer: '/process/args/0' }, () =>
      requireExecutable(plan, file, overrides),
    );
    return;
  }
  const found = plan.label();
  const denied = plan.slot('a file that may not be executed');
  const zero = plan.constant(Buffer.alloc(8), '{0}');
  plan.load(denied, zero);
  plan.step({ sentence: `look for ${file}`, pointer: '/process/args/0' }, () => {
    for (const directory of searchedDirectories(environmentOf(inputs))) {
      const next = plan.label();
      plan.withSlot((result) => {
        checkExecutable(plan, `${directory}/${file}`, overrides, result);
        plan.branch(result, 'equal', 0, found);
        plan.branch(result, 'notEqual', -ERRNO.EACCES, next);
      });
      plan.add(denied, 1);
      plan.place(next);
    }
  });
  reportNotFound(plan, file, denied);
  plan.place(found);
}

/** PATH as execvp(3) reads it, from the environment that the program will have; the last one counts. */
export function searchedDirectories(environment: readonly string[]): string[] {
  const path = environment.findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH;
  return path.split(':').map((directory) => (directory === '' ? '.' : directory));
}

function searchPath(
  { plan, inputs }: ProcessContext,
  file: string,
  directories: readonly string[],
  run: (path: string) => void,
): void {
  const denied = plan.slot('a file that may not be executed');
  const zero = plan.constant(Buffer.alloc(8), '{0}');
  const one = plan.constant(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), '{1}');
  plan.load(denied, zero);
  for (const directory of directories) {
    const path = `${directory}/${file}`;
    const absent = plan.label();
    const next = plan.label();
    plan.step({ sentence: `look for ${path}`, pointer: '/process/args/0' }, () => {
      plan.withSlot((result) => {
        checkExecutable(plan, path, overridesPermissions(inputs), result);
        plan.branch(result, 'notEqual', 0, absent);
        run(path);
        plan.place(absent);
        plan.branch(result, 'notEqual', -ERRNO.EACCES, next);
      });
    });
    plan.load(denied, one);
    plan.place(next);
  }
  reportNotFound(plan, file, denied);
}

function reportNotFound(plan: ProcessContext['plan'], file: string, denied: Slot): void {
  const absent = plan.label();
  plan.branch(denied, 'equal', 0, absent);
  plan.step({ sentence: `exec: ${JSON.stringify(file)}`, pointer: '/process/args/0' }, () => plan.fail(ERRNO.EACCES));
  plan.place(absent);
  const step = {
    sentence: `exec: ${JSON.stringify(file)}: executable file not found in $PATH`,
    pointer: '/process/args/0',
  };
  plan.step(step, () => plan.fail(ERRNO.ENOENT));
  plan.free(denied);
}
