import { createContainer } from '../../container/create.ts';
import type { Invocation } from '../table.ts';
import { createOptions } from './create-options.ts';

export async function create(invocation: Invocation): Promise<number> {
  await createContainer(createOptions(invocation));
  return 0;
}
