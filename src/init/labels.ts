// Security labels (config.md, "apparmorProfile", "selinuxLabel"; config-linux.md, "mountLabel"): what a process and its mounts get. How they are written is
// in steps/labels.ts, which is loaded only where a config asks for one.

import type { Argument } from './builder.ts';
import type { Slot } from './plan.ts';
import type { ProcessContext } from './steps/context.ts';

/** Those that the config asks for and the host gives. */
export interface Labels {
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
  readonly mountLabel?: string;
}

/** The steps that write them, for those that build plans. */
export interface LabelSteps {
  /** For a file system that the runtime makes. */
  readonly mountLabel: string | undefined;
  /** The session keyring that is joined next is labelled as the program. */
  keyring(context: ProcessContext, where: Where): void;
  /** The program gets its labels by its execve, as does every process that this one clones from here on by its own. */
  program(context: ProcessContext, where: Where): void;
  /** `fs`: of fsopen(2), not created yet. `data`: the options that it has already. */
  fileSystem(context: ProcessContext, fs: Argument, type: string, data: readonly string[]): void;
  /** The same as text of mount(2)'s; undefined: the file system gets no label, or has one. */
  mountOption(type: string, data: readonly string[]): string | undefined;
  /** `mount`: of fsmount(2), attached nowhere yet. */
  root(context: ProcessContext, mount: Slot, type: string): void;
}

/** Whether /proc is the host's there: what is fallen back on where no procfs may be mounted. */
export type Where = 'host' | 'container';
