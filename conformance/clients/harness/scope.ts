// Where everything of one run is: a directory, whose name is in every path, socket, cgroup and process of it, so that all can be found again.

import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface Scope {
  readonly directory: string;
  /** The directory's name. */
  readonly token: string;
  /** The output of the commands. */
  readonly output: string;
  /** The runtime under test, an absolute path. */
  readonly runtime: string;
}

/** How the driver (main.ts) hands them to the process with the scenarios. */
export const DIRECTORY = 'OCI_CLIENTS_DIRECTORY';
export const RUNTIME = 'OCI_CLIENTS_RUNTIME';

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined)
    throw new Error(`${name} is not set: use conformance/clients/docker, containerd, kubernetes or podman`);
  return value;
}

function openScope(): Scope {
  const directory = variable(DIRECTORY);
  const output = join(directory, 'output');
  mkdirSync(output, { recursive: true });
  return { directory, token: basename(directory), output, runtime: variable(RUNTIME) };
}

export const scope: Scope = openScope();
