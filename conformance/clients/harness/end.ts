// The beginning and the end of an engine's file: it starts, and in the end nothing of it is left.

import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { cgroupsOf, mountsOf } from '../../harness/leftovers.ts';
import { containerCgroups, processesOf, removeEmptyCgroups, stateOf } from './leftovers.ts';
import { scope } from './scope.ts';
import { waitFor } from './wait.ts';

/** Starts the engine, or says why there is none; a failure is one failed test, and no others follow. */
export async function begin<T>(unfit: string | undefined, start: () => Promise<T>): Promise<T | undefined> {
  const name = 'the engine starts, and makes the image';
  if (unfit !== undefined) {
    test(name, { skip: unfit }, () => undefined);
    return undefined;
  }
  try {
    const engine = await start();
    test(name, () => undefined);
    return engine;
  } catch (cause) {
    test(name, () => {
      throw cause;
    });
    return undefined;
  }
}

// runc 1.1 leaves the cgroups of a failed create in the hierarchies that have no controllers. Docker and containerd then ask for a delete, Podman does not.
const isRunc = /^runc version 1\.1\./.test(spawnSync(scope.runtime, ['--version'], { encoding: 'utf8' }).stdout ?? '');
const unexpected = (line: string) => !isRunc || !/^cgroup \/sys\/fs\/cgroup\/(systemd|unified)\//.test(line);

async function nothing(what: string, find: () => string[], deadline = 20_000): Promise<void> {
  let last: string[] = [];
  const probe = () => {
    last = find();
    return last.length === 0;
  };
  try {
    await waitFor(`no ${what}`, probe, deadline);
  } catch (cause) {
    throw new Error(`left behind:\n${last.join('\n')}`, { cause });
  }
}

export interface End {
  /** Takes all containers away. */
  readonly removeAll: () => Promise<unknown>;
  /** Ends the engine. */
  readonly stop: () => Promise<void>;
  /** Tells the engine's own processes, which are there until then, by their line. */
  readonly isEngine: RegExp;
}

export function end({ removeAll, stop, isEngine }: End): void {
  const { token } = scope;
  describe('the end', { concurrency: 1 }, () => {
    test('every container can be removed', async () => {
      await removeAll();
    });
    test('no process of a container, its monitor or its runtime is left', () =>
      nothing('processes', () => processesOf(token).filter((line) => !isEngine.test(line))));
    test('no cgroup of a container is left', () =>
      nothing('cgroups', () => containerCgroups(token).filter(unexpected)));
    test('the engine stops', stop);
    test('no process, no mount and no state of a runtime is left', () =>
      nothing('traces', () => [...processesOf(token), ...mountsOf(token), ...stateOf(token)]));
    test('no cgroup is left', () =>
      nothing('cgroups', () => {
        removeEmptyCgroups(token);
        return cgroupsOf(token).filter(unexpected);
      }));
  });
}
