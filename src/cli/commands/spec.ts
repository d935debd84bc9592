import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../error.ts';
import { ERRNO } from '../../linux/errno.ts';
import { defaultConfig, formatConfig } from '../../spec/default-config.ts';
import type { Invocation } from '../table.ts';

/** Writes config.json. Throws `config` where there is one already, or where it can't be written. */
export function spec({ options }: Invocation): number {
  const file = join(options.text('bundle') || '.', 'config.json');
  const text = formatConfig(defaultConfig({ rootless: options.flag('rootless') }));
  try {
    // wx: O_EXCL, which does not follow a symbolic link that leads nowhere either.
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    const errno =
      error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? -error.errno : undefined;
    fail(
      {
        code: 'config',
        message: `write ${file}`,
        syscall: 'open',
        ...(errno === undefined ? {} : { errno }),
        ...(errno === ERRNO.EEXIST ? { hint: 'remove it first' } : {}),
      },
      error,
    );
  }
  return 0;
}
