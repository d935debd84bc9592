// Docker and Podman as the scenarios see them: one command line.

import {
  abbreviate,
  type CommandOptions,
  ended,
  ok,
  type Result,
  run,
  type Session,
  talkTo,
  underTerminal,
} from './command.ts';
import type { Scenario } from './scenario.ts';
import { waitFor } from './wait.ts';

export interface EngineSetup {
  readonly kind: 'docker' | 'podman';
  /** The client with the options that lead to this run's daemon or storage. */
  readonly client: readonly string[];
  /** Options of every `run` and `create`. */
  readonly runOptions: readonly string[];
  readonly image: string;
  /** An init for `--init`, or why there is none. */
  readonly init: { readonly missing?: string };
}

export interface Engine extends EngineSetup {
  /** A command of the client. */
  cli(args: readonly string[], options?: CommandOptions): Promise<Result>;
  /** `run --rm OPTIONS IMAGE PROGRAM`: the program in the foreground. */
  once(options: readonly string[], program: readonly string[], command?: CommandOptions): Promise<Result>;
  /** What the program wrote to stdout, without the line end; it has to end with 0. */
  output(options: readonly string[], program: readonly string[], command?: CommandOptions): Promise<string>;
  /** A shell script that has to end with 0; what it wrote to stdout. */
  shell(options: readonly string[], script: string): Promise<string>;
  /** `run --detach`: a container of the scenario, removed when that ends; its name. */
  detached(scenario: Scenario, options: readonly string[], program: readonly string[]): Promise<string>;
  /** A foreground `run` that is talked to, with or without a terminal of its own; `--rm`. */
  session(options: readonly string[], program: readonly string[], terminal: boolean): Session;
  exec(container: string, options: readonly string[], program: readonly string[]): Promise<Result>;
  /** `rm --force`, running or not, with anonymous volumes. */
  remove(containers: readonly string[]): Promise<Result>;
  /** `inspect --format`. */
  inspect(container: string, format: string): Promise<string>;
  /** `wait`: the exit status. */
  wait(container: string): Promise<number>;
  /** `logs`, when they match. */
  waitForLogs(container: string, pattern: RegExp): Promise<string>;
  waitForInspect(container: string, format: string, pattern: RegExp): Promise<string>;
}

export function makeEngine(setup: EngineSetup): Engine {
  const { client, runOptions, image } = setup;
  abbreviate(client, setup.kind);
  const cli: Engine['cli'] = (args, options) => run([...client, ...args], options);
  const runArgs = (options: readonly string[], program: readonly string[]) => [
    'run',
    ...runOptions,
    ...options,
    image,
    ...program,
  ];
  const output: Engine['output'] = async (options, program, command) =>
    ok(await cli(runArgs(['--rm', ...options], program), command)).stdout.trimEnd();
  // Podman would first ask, and wait for ten seconds.
  const atOnce = setup.kind === 'podman' ? ['--time', '0'] : [];
  const remove: Engine['remove'] = (containers) =>
    cli(['rm', '--force', '--volumes', ...atOnce, ...containers], { deadline: 240_000 });
  const inspect: Engine['inspect'] = async (container, format) =>
    ok(await cli(['inspect', '--format', format, container])).stdout.trim();
  return {
    ...setup,
    cli,
    once: (options, program, command) => cli(runArgs(['--rm', ...options], program), command),
    output,
    shell: (options, script) => output(options, ['sh', '-c', script]),
    detached: async (scenario, options, program) => {
      const name = scenario.name();
      scenario.afterwards(() => remove([name]));
      ok(await cli(runArgs(['--detach', '--name', name, ...options], program)));
      return name;
    },
    session: (options, program, terminal) => {
      const argv = [...client, ...runArgs(['--rm', ...options], program)];
      return terminal ? underTerminal(argv) : talkTo(argv);
    },
    exec: (container, options, program) => cli(['exec', ...options, container, ...program]),
    remove,
    inspect,
    wait: async (container) => Number(ok(await cli(['wait', container])).stdout.trim()),
    waitForLogs: (container, pattern) =>
      waitFor(`logs ${pattern} of ${container}`, async () => {
        const logs = ended(await cli(['logs', container]), 0);
        const text = logs.stdout + logs.stderr;
        return pattern.test(text) ? text : undefined;
      }),
    waitForInspect: (container, format, pattern) =>
      waitFor(`${format} ${pattern} of ${container}`, async () => {
        const text = await inspect(container, format);
        return pattern.test(text) ? text : undefined;
      }),
  };
}
