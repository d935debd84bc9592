// What a limit becomes: a value in a file of the container's cgroup. Data; apply.ts writes it.

import { fail } from '../../error.ts';
import { pointer, type Segment } from '../../json-pointer.ts';
import type { LinuxResources } from '../../spec/generated/types.ts';

export interface ResourceWrite {
  /** As the kernel calls it: `memory`, `blkio` (v1) or `io` (v2), `hugetlb`. */
  readonly controller: string;
  /** Whose file it is: that of the controller's v1 hierarchy, or of the v2 cgroup. */
  readonly version: 1 | 2;
  readonly file: string;
  readonly value: string;
  /** JSON pointer of the field that asks for it. */
  readonly pointer: string;
  /** Used where `file` is not there. */
  readonly otherwise?: { readonly file: string; readonly value: string };
  /** No error where the file is not there: it would say what holds anyway. */
  readonly mayBeMissing?: true;
  /**
   * Neighbours of the same group depend on one another (memory and memory with swap, period and quota): which may be written first depends on
   * the values that are there. What the kernel refuses in the first round is tried again after the others.
   */
  readonly group?: string;
  /** The file has a line for each key (a device, an interface): the first word of `value`. What follows the key where nothing is set. */
  readonly unset?: string;
  /** The kernel brings the value into its range without a word: it is read back, and must be the same. */
  readonly verify?: true;
}

export interface WriteContext {
  /** Whose the controller is on this host; undefined: it is not there. `io` is asked for by its v1 name, `blkio`. */
  readonly versionOf: (controller: string) => 1 | 2 | undefined;
  /** The host has cgroup v2 alone: what is not there can't be mounted either. */
  readonly isUnified: boolean;
  /** A running container's: "false" and "off" are written too, since the opposite may have been in force. */
  readonly isUpdate?: boolean;
  /** The integer at a JSON pointer as it is written in the document: doubles are exact up to 2^53 only. */
  readonly exactInteger?: (pointer: string) => bigint | undefined;
}

/** What the functions for each controller share. */
export interface Writer extends WriteContext {
  readonly resources: LinuxResources;
  /** Adds a write of a controller that is there. */
  add(write: ResourceWrite): void;
  /** The version of a controller. Throws `cgroup` where it is not there: `what` is "memory", "pids", … */
  require(controller: string, field: string): 1 | 2;
  /** A number of the document as the kernel is to read it. */
  integer(value: number, field: string): string;
}

/** Pointer to a field below linux.resources. */
export function resourcePointer(...path: readonly Segment[]): string {
  return pointer('linux', 'resources', ...path);
}

/** What v2 can't express is refused by name, as crun does: runc would leave it out without a word. */
export function refuseOnV2(name: string, field: string): never {
  return fail({
    code: 'unsupported',
    message: `${name} does not exist in cgroup v2`,
    pointer: field,
    hint: 'leave it out on this host',
  });
}
