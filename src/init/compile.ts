// The compiler: a config, and what the host knows, become the plan of init. Pure.

import { createPlanBuilder } from './builder.ts';
import type { InitInputs } from './inputs.ts';
import type { Plan } from './plan.ts';
import { makePathsReadOnly, maskPaths } from './steps/confined-paths.ts';
import { descriptor, type LaunchContext, type StepContext } from './steps/context.ts';
import { makeDevices } from './steps/devices.ts';
import { runHooks, waitForRuntimeHooks } from './steps/hooks.ts';
import { becomeUser, makeWorkingDirectory } from './steps/identity.ts';
import { keptWhenReady } from './steps/kept-descriptors.ts';
import { bringLoopbackUp, setNames, writeSysctls } from './steps/kernel-settings.ts';
import { failureHandler, launch } from './steps/launcher.ts';
import { makeMountsReadOnly, mountAll } from './steps/mounts.ts';
import { waitForNetworkDevices } from './steps/network-devices.ts';
import { limitOpenFiles, needsMoreFiles } from './steps/open-files.ts';
import { execute, findProgram, reportReady, waitForStart } from './steps/program.ts';
import { attachRoot, enterRoot, hasOwnMounts, makeRootReadOnly, openRoot } from './steps/root.ts';
import { beginSession } from './steps/session.ts';
import { openTerminal } from './steps/terminal.ts';
import { showProcess } from './steps/user-namespace.ts';

/**
 * Everything that init does, from the launcher to the program's execve. Throws RuntErrors (`unsupported`, `config`) for what
 * can't be expressed.
 */
export function compileInit(inputs: InitInputs): Plan {
  const plan = createPlanBuilder();
  const launcher: LaunchContext = { plan, inputs, config: inputs.config, report: plan.slot('report') };
  launch(launcher);
  const root = hasOwnMounts(inputs) ? descriptor(plan, inputs.root.tree) : openRoot(plan, inputs);
  const context: StepContext = { ...launcher, root };
  beginSession(context);
  bringLoopbackUp(context);
  if (inputs.config.linux?.netDevices !== undefined) waitForNetworkDevices(context);
  attachRoot(context);
  mountAll(context);
  makeDevices(context);
  waitForRuntimeHooks(context);
  runHooks(context, 'createContainer');
  makeWorkingDirectory(context);
  if (inputs.terminal !== undefined) {
    openTerminal({ plan, root, console: hasOwnMounts(inputs) }, inputs.terminal);
  }
  makeMountsReadOnly(context);
  maskPaths(context);
  makePathsReadOnly(context);
  makeRootReadOnly(context);
  // In a user namespace a proc can be mounted only while a whole one is in sight (mount_too_revealing in fs/namespace.c).
  if (inputs.userNamespace !== undefined) writeSysctls(context);
  inputs.labels?.program(context, hasOwnMounts(inputs) ? 'host' : 'container');
  enterRoot(context);
  setNames(context);
  if (inputs.userNamespace === undefined) writeSysctls(context);
  if (needsMoreFiles(inputs)) limitOpenFiles(plan, inputs);
  becomeUser(context, keptWhenReady(inputs));
  showProcess(context);
  findProgram(context);
  reportReady(context);
  waitForStart(context);
  execute(context);
  return plan.finish(failureHandler(context));
}
