// The data of a plan while it is built: bytes appended in order, each piece with its DataRef.

import { fail } from '../error.ts';
import type { DataRef } from './plan.ts';

export interface DataArea {
  /** Appends the bytes, or finds them where they are already: for data that nobody changes. */
  add(bytes: Uint8Array, text: string, align?: number): DataRef;
  /** Appends the bytes. */
  append(bytes: Uint8Array, text: string, align?: number): DataRef;
  /** Appends that many zeros. */
  reserve(size: number, text: string, align?: number): DataRef;
  /** Appends text in UTF-8 with a NUL behind it, or finds it. Throws `config` if it contains a NUL. */
  string(text: string): DataRef;
  size(): number;
  bytes(): Uint8Array;
}

/** Up to this size the content is looked up; larger pieces are hardly ever equal. */
const SHARED_SIZE = 64;

/**
 * An area of the plan's data, which will begin at `address`. Its first `start` bytes are zero and somebody else's.
 * `align` in its functions is of the address.
 */
export function createDataArea(segment: DataRef['segment'], address: number, start: number): DataArea {
  let buffer = Buffer.alloc(4096);
  let size = start;
  const strings = new Map<string, DataRef>();
  const pieces = new Map<string, number>();

  function reserve(length: number, text: string, align = 8): DataRef {
    const offset = Math.ceil((address + size) / align) * align - address;
    size = offset + length;
    if (size > buffer.length) {
      const larger = Buffer.alloc(Math.max(size, buffer.length * 2));
      larger.set(buffer);
      buffer = larger;
    }
    return { kind: 'data', segment, offset, size: length, text };
  }

  function append(bytes: Uint8Array, text: string, align?: number): DataRef {
    const ref = reserve(bytes.length, text, align);
    buffer.set(bytes, ref.offset);
    return ref;
  }

  function add(bytes: Uint8Array, text: string, align = 8): DataRef {
    if (bytes.length > SHARED_SIZE) return append(bytes, text, align);
    const before = size;
    const ref = append(bytes, text, align);
    const content = buffer.toString('latin1', ref.offset, size);
    const known = pieces.get(content);
    if (known !== undefined && (address + known) % align === 0) {
      buffer.fill(0, before, size);
      size = before;
      return { kind: 'data', segment, offset: known, size: bytes.length, text };
    }
    pieces.set(content, ref.offset);
    return ref;
  }

  function string(text: string): DataRef {
    const known = strings.get(text);
    if (known !== undefined) return known;
    const shown = JSON.stringify(text);
    if (text.includes('\0')) fail({ code: 'config', message: `the text ${shown} contains a NUL byte` });
    const ref = reserve(Buffer.byteLength(text) + 1, shown, 1);
    buffer.write(text, ref.offset);
    strings.set(text, ref);
    return ref;
  }

  return {
    add,
    append,
    reserve,
    string,
    size: () => size,
    bytes: () => new Uint8Array(buffer.buffer, buffer.byteOffset, size),
  };
}
