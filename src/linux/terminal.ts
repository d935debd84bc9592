// Terminals: ioctl_tty(2), termios(3) as the kernel has it.

import { syscall } from './syscall.ts';

const TCGETS = 0x5401;
export const TCSETS = 0x5402;
const TIOCGPGRP = 0x540f;
const TIOCGWINSZ = 0x5413;
export const TIOCSWINSZ = 0x5414;
/** sizeof(struct termios) of the kernel: four words of flags, c_line, 19 control characters. */
const TERMIOS_SIZE = 36;
const OUTPUT_FLAGS = 4;
const CONTROL_FLAGS = 8;
const LOCAL_FLAGS = 12;
const CHARACTERS = 17;
const VEOF = 4;
const VTIME = 5;
const VMIN = 6;

const OPOST = 0o1;
const ONLCR = 0o4;
const ICANON = 0o2;
/** IGNBRK, BRKINT, PARMRK, ISTRIP, INLCR, IGNCR, ICRNL, IXON. */
const INPUT_OFF = 0o2753;
/** ECHO, ECHONL, ICANON, ISIG, IEXTEN. */
const LOCAL_OFF = 0o100113;
/** CSIZE, PARENB. */
const CONTROL_OFF = 0o460;
const CS8 = 0o60;

/** The attributes of the terminal; undefined where the descriptor is none. */
export function terminalAttributes(fd: number): Buffer | undefined {
  const attributes = Buffer.alloc(TERMIOS_SIZE);
  return syscall('ioctl', fd, TCGETS, attributes) === 0 ? attributes : undefined;
}

/** 0 or -errno. */
export function setTerminalAttributes(fd: number, attributes: Uint8Array): number {
  return syscall('ioctl', fd, TCSETS, attributes);
}

/**
 * As cfmakeraw(3), but what is written is still processed: the container's terminal sends bare newlines, and the caller's makes of
 * them what it always does.
 */
export function rawAttributes(of: Buffer): Buffer {
  const raw = Buffer.from(of);
  raw.writeUInt32LE((raw.readUInt32LE(0) & ~INPUT_OFF) >>> 0, 0);
  raw.writeUInt32LE((raw.readUInt32LE(OUTPUT_FLAGS) | OPOST) >>> 0, OUTPUT_FLAGS);
  raw.writeUInt32LE(((raw.readUInt32LE(CONTROL_FLAGS) & ~CONTROL_OFF) | CS8) >>> 0, CONTROL_FLAGS);
  raw.writeUInt32LE((raw.readUInt32LE(LOCAL_FLAGS) & ~LOCAL_OFF) >>> 0, LOCAL_FLAGS);
  raw[CHARACTERS + VMIN] = 1;
  raw[CHARACTERS + VTIME] = 0;
  return raw;
}

/** Newlines pass as they are written: for a master whose output goes to another terminal, which makes of them what it needs. */
export function passNewlinesOn(master: number): void {
  const attributes = terminalAttributes(master);
  if (attributes === undefined) return;
  attributes.writeUInt32LE((attributes.readUInt32LE(OUTPUT_FLAGS) & ~ONLCR) >>> 0, OUTPUT_FLAGS);
  setTerminalAttributes(master, attributes);
}

/** The character that means the end of the input, where the terminal reads lines; else undefined. */
export function endOfInput(fd: number): number | undefined {
  const attributes = terminalAttributes(fd);
  if (attributes === undefined || (attributes.readUInt32LE(LOCAL_FLAGS) & ICANON) === 0) return undefined;
  return attributes[CHARACTERS + VEOF];
}

/** struct winsize: rows, columns, and pixels, which nobody knows. */
export function windowSizeBytes(rows: number, columns: number): Uint8Array {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  return size;
}

/** Gives `to` the window size of `from`, where that has one. */
export function copyWindowSize(from: number, to: number): void {
  const size = Buffer.alloc(8);
  if (syscall('ioctl', from, TIOCGWINSZ, size) < 0 || size.readUInt32LE(0) === 0) return;
  syscall('ioctl', to, TIOCSWINSZ, size);
}

/** Whether changing the terminal would stop us (SIGTTOU): it is our controlling terminal, and we are in the background. */
export function isInBackground(fd: number): boolean {
  const group = Buffer.alloc(4);
  if (syscall('ioctl', fd, TIOCGPGRP, group) < 0) return false;
  return group.readInt32LE(0) !== syscall('getpgid', 0);
}
