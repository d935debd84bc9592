// The log as the container's code sees it. Where the lines go and how they look is decided in cli/log.ts.

export interface Log {
  /** For whoever debugs runt itself: never the container's environment, which may hold secrets. */
  debug(message: string): void;
  info(message: string): void;
  /** Something a person should know of, while the operation goes on. */
  warning(message: string): void;
  /** The operation failed. Container engines show the last line of this level to their users. */
  error(message: string): void;
}

const nowhere = (): void => undefined;

/** For users of the library who don't want a log. */
export const silentLog: Log = { debug: nowhere, info: nowhere, warning: nowhere, error: nowhere };
