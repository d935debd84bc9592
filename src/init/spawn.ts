// From a plan to a process: the image in a sealed memory file, executed as the launcher.

import { fstatSync } from 'node:fs';
import { fail } from '../error.ts';
import { executableInMemory } from '../linux/memfd.ts';
import { spawn } from '../linux/spawn.ts';
import { syscall } from '../linux/syscall.ts';
import { encodeImage } from './image.ts';
import type { Plan } from './plan.ts';

export interface SpawnedLauncher {
  readonly pid: number;
  /** Device and inode of the image, as `executedFile` of linux/procfs.ts tells them. */
  readonly image: string;
}

/**
 * Starts the launcher; it inherits every descriptor that is not close-on-exec, and no environment. `directory` is used where memory files
 * can't be executed. Throws `system`.
 */
export function spawnLauncher(plan: Plan, directory: string): SpawnedLauncher {
  const image = encodeImage(plan, process.arch === 'arm64' ? 'arm64' : 'x64');
  const fd = executableInMemory('runt:init', image, directory);
  try {
    const { dev, ino } = fstatSync(fd);
    const pid = spawn({ path: `/proc/self/fd/${fd}`, args: ['runt', 'init'], env: [] });
    if (pid < 0) fail({ code: 'system', message: "execute init's image", syscall: 'execve', errno: -pid });
    return { pid, image: `${dev}:${ino}` };
  } finally {
    syscall('close', fd);
  }
}
