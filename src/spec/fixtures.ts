// What the tests of this folder share.

import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Finding, Violation } from './findings.ts';
import type { Config } from './generated/types.ts';

/** The smallest config that starts a container on Linux. */
export const MINIMAL: Config = {
  ociVersion: '1.3.0',
  process: { cwd: '/', args: ['sh'] },
  root: { path: 'rootfs' },
  linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] },
};

/** A copy of `MINIMAL` with other top-level properties. */
export function configWith(change: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...structuredClone(MINIMAL), ...change };
}

/** `error /linux/sysctl`, for comparison. */
export function places(findings: readonly (Finding | Violation)[]): string[] {
  return findings.map(({ severity, pointer }) => `${severity} ${pointer}`);
}

/** Files below the directory that is shared between checkouts; undefined (with the reason) where it is missing. */
export function sharedFiles(folder: string): { readonly files: readonly string[]; readonly skip: string | false } {
  const directory = resolve(process.env['RUNT_SHARED'] ?? '../shared', folder);
  if (!existsSync(directory)) return { files: [], skip: `${directory} is missing` };
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return { files: names.sort().map((name) => `${directory}/${name}`), skip: false };
}
