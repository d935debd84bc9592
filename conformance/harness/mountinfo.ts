// /proc/PID/mountinfo as data (proc_pid_mountinfo(5)).

export interface MountEntry {
  readonly root: string;
  readonly target: string;
  /** Per-mount options: ro, nosuid, relatime … */
  readonly options: readonly string[];
  /** Propagation: `shared:N`, `master:N`, `unbindable`; nothing when private. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  /** The file system's own options: mode=755, size=64k … */
  readonly superOptions: readonly string[];
}

export function parseMountinfo(text: string): MountEntry[] {
  return text
    .split('\n')
    .filter((line) => / - /.test(line))
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ');
      const [, , , root = '', target = '', options = '', ...propagation] = left.split(' ');
      const [type = '', source = '', superOptions = ''] = right.split(' ');
      return {
        root,
        target,
        options: options.split(','),
        propagation: propagation.filter((word) => word !== ''),
        type,
        source,
        superOptions: superOptions.split(','),
      };
    });
}

/** The topmost mount on this path. Throws when there is none. */
export function mountAt(table: readonly MountEntry[], target: string): MountEntry {
  const entry = table.filter((candidate) => candidate.target === target).at(-1);
  if (entry === undefined) throw new Error(`nothing is mounted on ${target}`);
  return entry;
}
