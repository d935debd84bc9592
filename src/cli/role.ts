import { RESUMED, type Role, SUPERVISED } from '../front/run-protocol.ts';

/** The front tells its engine by the program's name. */
export function roleOf(name: string): Role {
  if (name === SUPERVISED) return 'supervised';
  return name === RESUMED ? 'resumed' : 'alone';
}
