// sd-bus of libsystemd (sd-bus(3)): a connection to a D-Bus, method calls, waiting for a signal. Loaded only for --systemd-cgroup.
// Everything is bounded: a call or a wait has a time-out, and nothing goes on in the background.

import { fail } from '../error.ts';
import { errnoName } from './errno.ts';
import { koffi } from './koffi.ts';
import { append, type Bind, type BusValue, binder, read, stringAt, typesIn } from './sd-bus-message.ts';
import { cString } from './syscall.ts';

export type { BusValue, BusVariant } from './sd-bus-message.ts';

export interface MethodCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature: string;
  readonly body: readonly BusValue[];
}

export interface BusFailure {
  /** Of the D-Bus error, such as `org.freedesktop.systemd1.UnitExists`; empty where libsystemd itself failed. */
  readonly name: string;
  readonly message: string;
  /** Positive. */
  readonly errno: number;
}

/** What came back: the first value of the answer, as `reply` says, or the failure. */
export type Reply = { readonly value: string | number } | { readonly failure: BusFailure };

export interface SignalMatch {
  readonly interface: string;
  readonly member: string;
  readonly signature: string;
}

export interface Bus {
  /** Calls and waits for the answer, at most `timeout` milliseconds. `reply`: the signature to read from it (see `read`); none by default. */
  call(call: MethodCall, timeout: number, reply?: string): Reply;
  /**
   * Waits at most `timeout` milliseconds for a signal whose values `accept` takes; false: in vain. Signals that came while a call
   * waited for its answer count.
   */
  waitForSignal(
    match: SignalMatch,
    accept: (values: readonly (string | number)[]) => boolean,
    timeout: number,
  ): boolean;
  close(): void;
}

let library: Bind | undefined;

function libsystemd(): Bind {
  if (library !== undefined) return library;
  try {
    library = binder(koffi().load('libsystemd.so.0'));
    return library;
  } catch (error) {
    return fail(
      {
        code: 'host',
        message: `load libsystemd.so.0: ${error instanceof Error ? error.message : String(error)}`,
        hint: 'install libsystemd (Debian: libsystemd0), or leave --systemd-cgroup out',
      },
      error,
    );
  }
}

/** `direct`: the other end is no message broker but the service itself. Returns -errno where nobody listens there. Throws `host`. */
export function connect(address: string, direct: boolean): Bus | number {
  const bind = libsystemd();
  const place = Buffer.alloc(8);
  const where = koffi().address;
  let result = bind('int sd_bus_new(int64)')(where(place));
  if (result < 0) return result;
  const bus = place.readBigUInt64LE(0);
  const text = cString(address);
  result = bind('int sd_bus_set_address(int64, int64)')(bus, where(text));
  if (result >= 0 && !direct) result = bind('int sd_bus_set_bus_client(int64, int)')(bus, 1);
  if (result >= 0) result = bind('int sd_bus_start(int64)')(bus);
  const close = (): void => void bind('int64 sd_bus_close_unref(int64)')(bus);
  if (result < 0) {
    close();
    return result;
  }
  return {
    call: (call, timeout, reply) => callMethod(bind, bus, call, timeout, reply),
    waitForSignal: (match, accept, timeout) => waitForSignal(bind, bus, match, accept, timeout),
    close,
  };
}

function callMethod(bind: Bind, bus: bigint, call: MethodCall, timeout: number, reply: string | undefined): Reply {
  const { address } = koffi();
  const place = Buffer.alloc(8);
  const texts = [call.destination, call.path, call.interface, call.member].map(cString);
  const make = bind('int sd_bus_message_new_method_call(int64, int64, int64, int64, int64, int64)');
  let result = make(bus, address(place), ...texts.map(address));
  if (result < 0) return { failure: plainFailure(result) };
  const message = place.readBigUInt64LE(0);
  const unref = bind('int64 sd_bus_message_unref(int64)');
  // struct sd_bus_error: name, message, int.
  const error = Buffer.alloc(24);
  try {
    typesIn(call.signature).forEach((type, index) => {
      if (result >= 0) result = append(bind, message, type, call.body[index] ?? 0);
    });
    if (result < 0) return { failure: plainFailure(result) };
    place.fill(0);
    const send = bind('int sd_bus_call(int64, int64, uint64, int64, int64)');
    result = send(bus, message, BigInt(timeout) * 1000n, address(error), address(place));
    if (result < 0) return { failure: failureIn(error, result) };
    const answer = place.readBigUInt64LE(0);
    try {
      const value = reply === undefined ? '' : read(bind, answer, reply);
      return typeof value === 'number' && value < 0 ? { failure: plainFailure(value) } : { value };
    } finally {
      unref(answer);
    }
  } finally {
    bind('void sd_bus_error_free(int64)')(address(error));
    unref(message);
  }
}

function plainFailure(result: number): BusFailure {
  return { name: '', message: errnoName(-result), errno: -result };
}

function failureIn(error: Buffer, result: number): BusFailure {
  const [name, message] = [error.readBigUInt64LE(0), error.readBigUInt64LE(8)];
  if (name === 0n) return plainFailure(result);
  return { name: stringAt(name), message: message === 0n ? '' : stringAt(message), errno: -result };
}

const EINTR = -4;

function waitForSignal(
  bind: Bind,
  bus: bigint,
  { interface: from, member, signature }: SignalMatch,
  accept: (values: readonly (string | number)[]) => boolean,
  timeout: number,
): boolean {
  const { address } = koffi();
  const place = Buffer.alloc(8);
  const [fromText, memberText] = [cString(from), cString(member)];
  const deadline = Date.now() + timeout;
  for (;;) {
    place.fill(0);
    const result = bind('int sd_bus_process(int64, int64)')(bus, address(place));
    if (result < 0) fail({ code: 'host', message: `hear from the D-Bus`, syscall: 'sd_bus_process', errno: -result });
    const message = place.readBigUInt64LE(0);
    if (message !== 0n) {
      const isIt = bind('int sd_bus_message_is_signal(int64, int64, int64)');
      const isSignal = isIt(message, address(fromText), address(memberText)) > 0;
      const values = isSignal ? typesIn(signature).map((type) => read(bind, message, type)) : [];
      bind('int64 sd_bus_message_unref(int64)')(message);
      if (isSignal && accept(values)) return true;
    }
    if (result > 0) continue;
    const left = deadline - Date.now();
    if (left <= 0) return false;
    const waited = bind('int sd_bus_wait(int64, uint64)')(bus, BigInt(left) * 1000n);
    if (waited < 0 && waited !== EINTR)
      fail({ code: 'host', message: 'wait for the D-Bus', syscall: 'sd_bus_wait', errno: -waited });
  }
}
