// What an engine knows of a bundle that it has run before, so that the front runs it again without an engine: the same config.json, the same
// place, the same host. It becomes a front of its own (plan.ts), which holds each fact against what there is, and then
// carries out a `create` that is decided to the last detail. What differs from one container to the next is its id, its pids, times and inodes.

import type { PasswdFile } from '../exec-record.ts';

/** Differs each time that the host is started. */
export const BOOT_FILE = '/proc/sys/kernel/random/boot_id';

/** The descriptor by which the front hands itself over: the engine lies beside it. */
export const FRONT_FD = 1022;

/** An id of up to 63 characters and a NUL: so much room is left for it wherever it stands. */
export const ID_ROOM = 64;

/** Numbers of the launcher's descriptors, beyond those that the front itself gets. */
export const NUMBER = { channel: 200, root: 201, order: 202, answer: 203, cgroups: 204 } as const;

/** What is known only when the container is made. `inode3`: of the fourth control group. */
export type Value = 'id' | 'creator' | 'creatorTime' | 'created' | 'pid' | 'startTime' | 'image' | `inode${number}`;

/** A text, and in it values. */
export type Template = readonly (string | { readonly value: Value })[];

export interface BundleCgroup {
  readonly version: 1 | 2;
  /** Without the id, where it ends with that. */
  readonly path: string;
  readonly endsWithId: boolean;
  /** It is the one that freezes the container. */
  readonly freezes: boolean;
  /** Files of it that must say this, or nothing is known of the container in it. */
  readonly expected: readonly { readonly file: string; readonly text: string }[];
  /** It gets what the one above it has (cpuset): paths of the files there, and their names. */
  readonly inherited: readonly { readonly from: string; readonly file: string }[];
  /** One write(2) for each value. */
  readonly writes: readonly { readonly file: string; readonly values: readonly string[] }[];
  /** v2: the instructions of the program that decides about devices. */
  readonly deviceFilter?: Uint8Array;
}

export interface Bundle {
  /** Absolute. */
  readonly directory: string;
  /** config.json, byte by byte. */
  readonly config: Uint8Array;
  /** BOOT_FILE: another kernel may do otherwise. */
  readonly boot: Uint8Array;
  /** Of the caller. */
  readonly namespaces: readonly { readonly path: string; readonly inode: number }[];
  /** /proc/self/cgroup of the caller. */
  readonly memberships: Uint8Array;
  readonly kcore: boolean;
  /** Absolute, without links. */
  readonly root: string;
  /** In the root: whether they are there without a link on the way, or not at all. */
  readonly mountPoints: readonly { readonly path: string; readonly exists: boolean }[];
  /** Of bind mounts, on the host. */
  readonly sources: readonly { readonly path: string; readonly isDirectory: boolean }[];
  /** Absent: HOME does not depend on it. `none`: there is none. */
  readonly passwd?: PasswdFile | 'none';
  readonly cgroups: readonly BundleCgroup[];
  /** The launcher's and init's, with room for the id at these offsets. */
  readonly image: Uint8Array;
  readonly idsInImage: readonly number[];
  /** Of memory files: major and minor number. */
  readonly memoryDevice: { readonly major: number; readonly minor: number };
  /** state.json before anything is made, and when init waits. */
  readonly begun: Template;
  readonly created: Template;
  /** FLAG bits of the front's record. */
  readonly flags: bigint;
  /** Milliseconds since 1970: months are known from there on. */
  readonly now: number;
}
