// What the tests of prepared runs share: bundles that are run again and again, and whether an engine was needed.

import type { Config, Container, Options, Sandbox } from '../conformance/harness/index.ts';
import { enginesOf, needsExecutable, needsStrace, straced } from './support.ts';

export const skip = needsExecutable !== false ? needsExecutable : needsStrace;

export function bundleOf(box: Sandbox, script: string, edit?: (config: Config) => void): Container {
  const container = box.container((config) => {
    config.process.args = ['/bin/sh', '-c', script];
    edit?.(config);
  });
  return container;
}

/** Two runs, which leave nothing to an engine that the third would need. */
export function prepare(container: Container): void {
  for (let round = 0; round < 2; round++) container.run();
}

export function runAs(box: Sandbox, { bundle }: Container, id: string, options: Options = {}) {
  return box.command(['run', '--bundle', bundle, ...(options.flags ?? []), id], options);
}

export interface Traced {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
  /** argv[0] of the engines that were executed. */
  readonly engines: readonly string[];
}

export function traced(
  box: Sandbox,
  run: (options: Options) => ReturnType<Container['run']>,
  options: Options = {},
): Traced {
  const trace = straced(box, 'trace=execve,execveat');
  const prelude = [...(options.prelude === undefined ? [] : [options.prelude]), trace.prelude].join('\n');
  const { stdout, stderr, status } = run({ ...options, prelude });
  const engines = enginesOf(trace.lines());
  return { stdout, stderr, status, engines };
}
