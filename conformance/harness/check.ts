// `check`: a test with a sandbox, that knows which runtimes are known to fail it.

import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { findBusybox } from './rootfs.ts';
import { type Kind, runtimeKind, runtimePath } from './runtime.ts';
import { openSandbox, type Sandbox } from './sandbox.ts';

export interface CheckOptions {
  /** Runtimes that are known to differ from the specification here, and how. `race: …` where they only do so at times. */
  readonly knownToFail?: Partial<Record<Kind, string>>;
  /** A reason not to run the test on this host. */
  readonly skip?: string | false | undefined;
}

// CONFORMANCE_KNOWN=try runs the tests that are known to fail, and complains about those that pass: a mark must be deserved.
const tryKnown = process.env['CONFORMANCE_KNOWN'] === 'try';

function hostReason(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root: it starts containers';
  if (findBusybox() === undefined) return 'needs a static busybox on the host (or its path in BUSYBOX)';
  return undefined;
}

const unfit = hostReason();

/** Skips everything, with the reason, without root. A missing runtime is a failure. */
export function check(name: string, ...rest: [CheckOptions, Body] | [Body]): void {
  const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest;
  const known = options.knownToFail?.[runtimeKind];
  const skip =
    unfit ?? (options.skip || undefined) ?? (known !== undefined && !tryKnown ? `${runtimeKind}: ${known}` : undefined);
  test(name, skip === undefined ? {} : { skip }, (context) => {
    if (!existsSync(runtimePath)) throw new Error(`no runtime at ${runtimePath}: build it, or name one in RUNTIME`);
    if (known === undefined) {
      inSandbox(body, context);
      return;
    }
    let failed = false;
    try {
      inSandbox(body, context);
    } catch (cause) {
      failed = true;
      const message = cause instanceof Error ? cause.message : String(cause);
      context.diagnostic(`fails as known (${known}): ${message.slice(0, 300)}`);
    }
    if (!failed && !known.startsWith('race: '))
      throw new Error(`passes, though it is marked as known to fail with ${runtimeKind}: ${known}`);
  });
}

type Body = (sandbox: Sandbox, context: TestContext) => void;

function inSandbox(body: Body, context: TestContext): void {
  const { sandbox, clean } = openSandbox();
  let failure: unknown;
  try {
    body(sandbox, context);
  } catch (cause) {
    failure = cause;
  }
  try {
    clean();
  } catch (cause) {
    // What was left is the consequence of a failed test, not news.
    if (failure === undefined) throw cause;
  }
  if (failure !== undefined) throw failure;
}
