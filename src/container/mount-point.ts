// Mount points that the image hides behind links to nothing: /etc/resolv.conf of many images is one.

import { cleanPath, IN_ROOT } from '../init/steps/context.ts';
import { O_CLOEXEC, O_NOFOLLOW, O_PATH, OPEN_HOW_SIZE, openHow } from '../linux/mount-constants.ts';
import { syscall } from '../linux/syscall.ts';

const ENOENT = 2;
/** As many as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

function open(root: number, path: string, flags: number): number {
  return syscall('openat2', root, path, openHow(flags | O_PATH | O_CLOEXEC, IN_ROOT), OPEN_HOW_SIZE);
}

/**
 * The path with links that lead to nothing replaced by where they lead, inside the root. Init makes that place, and still opens it in
 * the root: the answer is a name, nothing relies on it.
 */
export function resolveDanglingLinks(root: number, path: string): string {
  const found = open(root, path, 0);
  if (found >= 0) syscall('close', found);
  if (found !== -ENOENT) return path;
  let current = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const next = followFirstLink(root, current);
    if (next === undefined) return current;
    current = next;
  }
  return path;
}

/** The path with its first component that is a link followed; undefined: there is none. */
function followFirstLink(root: number, path: string): string | undefined {
  const parts = path.split('/').slice(1);
  for (let index = 0; index < parts.length; index++) {
    const prefix = `/${parts.slice(0, index + 1).join('/')}`;
    const fd = open(root, prefix, O_NOFOLLOW);
    if (fd < 0) return undefined;
    const target = Buffer.alloc(4096);
    const length = syscall('readlinkat', fd, '', target, target.length);
    syscall('close', fd);
    if (length < 0) continue;
    const text = target.toString('utf8', 0, length);
    const rest = parts.slice(index + 1).join('/');
    const base = text.startsWith('/') ? '' : `/${parts.slice(0, index).join('/')}`;
    return cleanPath(`${base}/${text}/${rest}`);
  }
  return undefined;
}
