// Every container under a state directory.

import { RuntError } from '../error.ts';
import { type ContainerState, stateOf } from './state.ts';
import { listIds, readRecord } from './store.ts';

export type ListedContainer = ContainerState;

/** In the order of their ids. A container that another command removes meanwhile is left out. Throws `state`. */
export function listContainers({ root }: { readonly root: string }): ListedContainer[] {
  return listIds(root).flatMap((id) => {
    try {
      const record = readRecord(root, id);
      return record === 'unfinished' ? [] : [stateOf(record)];
    } catch (error) {
      if (error instanceof RuntError && error.problem.code === 'not-found') return [];
      throw error;
    }
  });
}
