// Where log lines go and how they look: the same lines as runc's (logrus), since containerd, Docker and Podman read them.
// Without --log they go to standard error. With it, the failure that ends the command goes to standard error too, as bare text.

import { closeSync, constants, openSync } from 'node:fs';
import { fail } from '../error.ts';
import type { Log } from '../log.ts';
import { writeFully } from './output.ts';

export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

/**
 * RFC 3339 to the second: `2026-01-31T09:30:00Z`. In UTC, where runc takes the local time zone: the same instant, and the
 * engine needs 3 ms to learn of a time zone.
 */
export function logTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** As Go's %q: what can't be printed is escaped, so that a line stays a line. */
function quote(text: string): string {
  const escaped = text.replace(/[\\"]|[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, (character) => {
    const short = SHORT_ESCAPES[character];
    if (short !== undefined) return short;
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
    // A lone half of a surrogate pair is what an invalid byte sequence was decoded to.
    if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}

/** logrus leaves a value bare where it has only these. */
const BARE = /^[A-Za-z0-9\-._/@^+]*$/;

function textLine(level: LogLevel, message: string, date: Date): string {
  return `time="${logTime(date)}" level=${level} msg=${BARE.test(message) ? message : quote(message)}\n`;
}

/** Go's encoder also escapes what HTML would take for markup, and the two line separators that JavaScript once did not allow. */
function jsonText(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

function jsonLine(level: LogLevel, message: string, date: Date): string {
  return `{"level":"${level}","msg":${jsonText(message)},"time":"${logTime(date)}"}\n`;
}

/** One line of the log, with its line feed. */
export function logLine(format: 'text' | 'json', level: LogLevel, message: string, date: Date): string {
  return format === 'json' ? jsonLine(level, message, date) : textLine(level, message, date);
}

export interface LogSettings {
  /** Absent: standard error. */
  readonly file?: string;
  readonly format: 'text' | 'json';
  /** Whether lines of level debug are written. */
  readonly debug: boolean;
}

export interface OpenLog extends Log {
  /**
   * Reports the failure that ends the command. `details` come before `message`; on standard error they are bare lines
   * (but where it carries the JSON log), in the log lines of their own, so that its last line is `message`.
   */
  fatal(message: string, details: readonly string[]): void;
  close(): void;
}

const STANDARD_ERROR = 2;

/** A bare line on standard error. Where that can't be written there is nobody left to tell; the exit status still says it. */
function tell(line: string): void {
  try {
    writeFully(STANDARD_ERROR, `${line}\n`);
  } catch {
    return;
  }
}

/** Opens the log: a file is appended to, and made where it is missing. Throws `host` where it can't be opened. */
export function openLog(settings: LogSettings): OpenLog {
  const { file, format } = settings;
  let fd = STANDARD_ERROR;
  if (file !== undefined) {
    try {
      // Node opens every file with O_CLOEXEC.
      fd = openSync(file, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o644);
    } catch (error) {
      const errno =
        error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? -error.errno : undefined;
      fail(
        {
          code: 'host',
          message: `open the log file ${file}`,
          syscall: 'open',
          ...(errno === undefined ? {} : { errno }),
        },
        error,
      );
    }
  }
  let complained = false;
  const write = (level: LogLevel, message: string): void => {
    try {
      writeFully(fd, logLine(format, level, message, new Date()));
    } catch (error) {
      // A full disk, a reader that has gone: no reason to stop in the middle of what the command does.
      if (fd === STANDARD_ERROR || complained) return;
      complained = true;
      const reason = error instanceof Error ? error.message : String(error);
      tell(`the log file ${file} can't be written: ${reason}`);
    }
  };
  return {
    debug: (message) => {
      if (settings.debug) write('debug', message);
    },
    info: (message) => write('info', message),
    warning: (message) => write('warning', message),
    error: (message) => write('error', message),
    fatal: (message, details) => {
      for (const detail of details) {
        if (fd !== STANDARD_ERROR || format === 'json') write('error', detail);
        if (fd !== STANDARD_ERROR || format === 'text') tell(detail);
      }
      write('error', message);
      if (fd !== STANDARD_ERROR) tell(message);
    },
    close: () => {
      if (fd !== STANDARD_ERROR) closeSync(fd);
    },
  };
}
