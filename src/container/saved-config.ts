// The config that a container was created from, kept in its state directory: the bundle may have changed since, or be gone.

import { readFileSync, writeFileSync } from 'node:fs';
import { fail } from '../error.ts';
import { CONFIG_FILE } from '../front/names.ts';
import { errnoOf } from '../linux/errno.ts';
import type { Config } from '../spec/generated/types.ts';
import { directoryOf } from './store.ts';

export interface SavedConfig {
  readonly text: string;
  readonly config: Config;
}

/** Written as it was read: nothing is made of it again. Throws `state`. */
export function saveConfig(root: string, id: string, text: string): void {
  const file = `${directoryOf(root, id)}/${CONFIG_FILE}`;
  try {
    writeFileSync(file, text, { mode: 0o600 });
  } catch (error) {
    stateFailure(`keep the config of container "${id}" in "${file}"`, error);
  }
}

/** It was found valid when it was written. Throws `state`. */
export function readSavedConfig(root: string, id: string): SavedConfig {
  const file = `${directoryOf(root, id)}/${CONFIG_FILE}`;
  try {
    const text = readFileSync(file, 'utf8');
    return { text, config: JSON.parse(text) as Config };
  } catch (error) {
    return stateFailure(`read the config of container "${id}" from "${file}"`, error);
  }
}

function stateFailure(message: string, error: unknown): never {
  const errno = errnoOf(error);
  return fail({ code: 'state', message, ...(errno === 0 ? {} : { errno }) }, error);
}
