// The words of a mount's `options` (config.md, "Linux mount options"), and what the kernel is told for each.

import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_RELATIME,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from './mount-constants.ts';

type Meaning =
  | { readonly kind: 'attribute'; readonly set: number; readonly clear: number; readonly recursive?: true }
  | { readonly kind: 'bind'; readonly recursive: boolean }
  | { readonly kind: 'propagation'; readonly flag: number; readonly recursive: boolean }
  /** A flag of the file system (its super block), by the kernel's name for it; '' says the opposite of `without`. */
  | { readonly kind: 'superblock'; readonly flag: string; readonly without?: string }
  | { readonly kind: 'idmap'; readonly recursive: boolean }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'extension' };

const attribute = (set: number, clear = 0): Meaning => ({ kind: 'attribute', set, clear });
const atime = (set: number): Meaning => ({ kind: 'attribute', set, clear: MOUNT_ATTR__ATIME });

const ATTRIBUTES: Readonly<Record<string, Meaning>> = {
  ro: attribute(MOUNT_ATTR_RDONLY),
  rw: attribute(0, MOUNT_ATTR_RDONLY),
  nosuid: attribute(MOUNT_ATTR_NOSUID),
  suid: attribute(0, MOUNT_ATTR_NOSUID),
  nodev: attribute(MOUNT_ATTR_NODEV),
  dev: attribute(0, MOUNT_ATTR_NODEV),
  noexec: attribute(MOUNT_ATTR_NOEXEC),
  exec: attribute(0, MOUNT_ATTR_NOEXEC),
  nosymfollow: attribute(MOUNT_ATTR_NOSYMFOLLOW),
  symfollow: attribute(0, MOUNT_ATTR_NOSYMFOLLOW),
  diratime: attribute(0, MOUNT_ATTR_NODIRATIME),
  nodiratime: attribute(MOUNT_ATTR_NODIRATIME),
  relatime: atime(MOUNT_ATTR_RELATIME),
  // Without it the kernel's choice is relatime again, since Linux 2.6.30 (mount(2)).
  norelatime: atime(MOUNT_ATTR_RELATIME),
  noatime: atime(MOUNT_ATTR_NOATIME),
  atime: atime(MOUNT_ATTR_RELATIME),
  strictatime: atime(MOUNT_ATTR_STRICTATIME),
  nostrictatime: atime(MOUNT_ATTR_RELATIME),
};

const OTHERS: Readonly<Record<string, Meaning>> = {
  bind: { kind: 'bind', recursive: false },
  rbind: { kind: 'bind', recursive: true },
  private: { kind: 'propagation', flag: MS_PRIVATE, recursive: false },
  rprivate: { kind: 'propagation', flag: MS_PRIVATE, recursive: true },
  shared: { kind: 'propagation', flag: MS_SHARED, recursive: false },
  rshared: { kind: 'propagation', flag: MS_SHARED, recursive: true },
  slave: { kind: 'propagation', flag: MS_SLAVE, recursive: false },
  rslave: { kind: 'propagation', flag: MS_SLAVE, recursive: true },
  unbindable: { kind: 'propagation', flag: MS_UNBINDABLE, recursive: false },
  runbindable: { kind: 'propagation', flag: MS_UNBINDABLE, recursive: true },
  sync: { kind: 'superblock', flag: 'sync' },
  async: { kind: 'superblock', flag: '', without: 'sync' },
  dirsync: { kind: 'superblock', flag: 'dirsync' },
  lazytime: { kind: 'superblock', flag: 'lazytime' },
  nolazytime: { kind: 'superblock', flag: '', without: 'lazytime' },
  mand: { kind: 'superblock', flag: 'mand' },
  nomand: { kind: 'superblock', flag: '', without: 'mand' },
  iversion: { kind: 'superblock', flag: 'iversion' },
  noiversion: { kind: 'superblock', flag: '', without: 'iversion' },
  silent: { kind: 'nothing' },
  loud: { kind: 'nothing' },
  defaults: { kind: 'nothing' },
  remount: { kind: 'nothing' },
  acl: { kind: 'superblock', flag: 'acl' },
  noacl: { kind: 'superblock', flag: 'noacl', without: 'acl' },
  tmpcopyup: { kind: 'extension' },
  idmap: { kind: 'idmap', recursive: false },
  ridmap: { kind: 'idmap', recursive: true },
};

/** Not by the name alone: every object has a `constructor`, and a config may have that word among its options. */
function entry(table: Readonly<Record<string, Meaning>>, word: string): Meaning | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}

function meaningOf(word: string): Meaning | undefined {
  const own = entry(ATTRIBUTES, word) ?? entry(OTHERS, word);
  if (own !== undefined) return own;
  // rro, rnosuid, …: the same attribute on every mount below.
  const plain = word.startsWith('r') ? entry(ATTRIBUTES, word.slice(1)) : undefined;
  return plain?.kind === 'attribute' ? { ...plain, recursive: true } : undefined;
}

/** Every option that runt knows, for `runt features`. What is not here is passed to the file system as its own data. */
export function knownMountOptions(): string[] {
  return [
    ...Object.keys(ATTRIBUTES),
    ...Object.keys(OTHERS),
    ...Object.keys(ATTRIBUTES).map((word) => `r${word}`),
  ].sort();
}

/** Bytes of an option's value that fsconfig(2) takes at most. */
export const LONGEST_OPTION = 255;

const CONTEXT = /^(fs|def|root)?context=/;

/** Whether it is an option of SELinux, which any file system takes (mount(8)). */
export function hasContext(option: string): boolean {
  return CONTEXT.test(option);
}

/**
 * The value of `key=value`, as fsconfig(2) takes it: a label may be in quotes, since its commas would part mount(2)'s text, which fsconfig(2)
 * would take for a part of it. `equals`: where the value begins, less one.
 */
export function optionValue(option: string, equals: number): string {
  const value = option.slice(equals + 1);
  const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
  return isQuoted && hasContext(option) ? value.slice(1, -1) : value;
}

export interface AttributeChange {
  readonly set: number;
  readonly clear: number;
}
export interface MountOptions {
  /** undefined: not a bind mount, as far as the options say. */
  readonly bind: { readonly recursive: boolean } | undefined;
  /** Attributes of the mount itself. */
  readonly attributes: AttributeChange;
  /** Attributes of the mount and all below it; undefined: none asked for. */
  readonly recursiveAttributes: AttributeChange | undefined;
  /** In their order. */
  readonly propagation: readonly { readonly flag: number; readonly recursive: boolean }[];
  /** Flags of the file system, then its own options, as in the config. */
  readonly superblock: readonly string[];
  /** Whether the mount is to have ids of its own (idmap), or all below it, too (ridmap); undefined: no option says so. */
  readonly idmap: { readonly recursive: boolean } | undefined;
  /** Options that no kernel knows: tmpcopyup. */
  readonly extensions: readonly string[];
}

function apply(change: AttributeChange, meaning: { set: number; clear: number }): AttributeChange {
  return {
    set: (change.set & ~meaning.clear) | meaning.set,
    // What is set must not be cleared any more, but for the access time, whose bits are a number (mount_setattr(2)).
    clear: (change.clear & ~(meaning.set & ~MOUNT_ATTR__ATIME)) | meaning.clear,
  };
}

/** Several steps ask for the options of the same mount. */
const parsed = new WeakMap<readonly string[], MountOptions>();

/** Reads a mount's options; a later word overrides an earlier one. Pure; unknown words are data of the file system. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  let known = parsed.get(options);
  if (known === undefined) {
    known = parse(options);
    parsed.set(options, known);
  }
  return known;
}

function parse(options: readonly string[]): MountOptions {
  let bind: { recursive: boolean } | undefined;
  let idmap: { recursive: boolean } | undefined;
  let attributes: AttributeChange = { set: 0, clear: 0 };
  let recursiveAttributes: AttributeChange | undefined;
  const propagation: { flag: number; recursive: boolean }[] = [];
  const superblock: string[] = [];
  const extensions: string[] = [];
  for (const word of options) {
    const meaning = meaningOf(word);
    if (meaning === undefined) superblock.push(word);
    else if (meaning.kind === 'bind') bind = { recursive: meaning.recursive };
    else if (meaning.kind === 'propagation') propagation.push({ flag: meaning.flag, recursive: meaning.recursive });
    else if (meaning.kind === 'idmap') idmap = { recursive: meaning.recursive };
    else if (meaning.kind === 'extension') extensions.push(word);
    else if (meaning.kind === 'superblock') {
      const { without } = meaning;
      if (without !== undefined && superblock.includes(without)) superblock.splice(superblock.indexOf(without), 1);
      if (meaning.flag !== '') superblock.push(meaning.flag);
    } else if (meaning.kind === 'attribute') {
      if (meaning.recursive === true) recursiveAttributes = apply(recursiveAttributes ?? { set: 0, clear: 0 }, meaning);
      else attributes = apply(attributes, meaning);
    }
  }
  return { bind, attributes, recursiveAttributes, propagation, superblock, idmap, extensions };
}
