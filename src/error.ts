// What went wrong, as data. Thrown as a RuntError, rendered in one place (cli/render.ts); nobody matches on the text.

/** Stable names that tools may match on. */
export type ErrorCode =
  | 'usage' // the command line is wrong
  | 'config' // config.json can't be read, is not JSON, or breaks a rule of the specification
  | 'unsupported' // the config asks for something that runt does not do (yet): refused by name
  | 'id' // the container id is not one
  | 'exists' // a container with this id exists
  | 'not-found' // no container with this id
  | 'status' // the operation is not allowed in the container's state
  | 'hook' // a hook failed
  | 'init' // a step of the container's init failed
  | 'exec' // execve of the user's program failed
  | 'cgroup' // a control group can't be made, entered, changed or removed
  | 'state' // the state directory can't be used
  | 'host' // the host lacks something runt needs
  | 'system'; // any other system call that failed

export interface Problem {
  readonly code: ErrorCode;
  /** What was being done, to what: "mount /proc/sys read-only". Lower case, no full stop. A whole sentence where there is no system call. */
  readonly message: string;
  /** The system call that failed. */
  readonly syscall?: string;
  /** Its errno, a positive number. */
  readonly errno?: number;
  /** JSON pointer into config.json (RFC 6901) to the value that asked for it. */
  readonly pointer?: string;
  /** The document that the pointer is for, where it is not config.json. */
  readonly document?: string;
  /** What the reader can do about it. */
  readonly hint?: string;
  /** Lines that go before the last line, for a person: the schema's findings, a hook's stderr. */
  readonly details?: readonly string[];
}

/** The only kind of error that runt throws on purpose; anything else that is thrown is a defect of runt. */
export class RuntError extends Error {
  override readonly name = 'RuntError';
  readonly problem: Problem;
  constructor(problem: Problem, cause?: unknown) {
    super(problem.message, cause === undefined ? undefined : { cause });
    this.problem = problem;
  }
}

/** Throws; for use in expressions. */
export function fail(problem: Problem, cause?: unknown): never {
  throw new RuntError(problem, cause);
}
