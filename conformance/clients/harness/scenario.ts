// A scenario: a test that has its own containers, which are gone when it ends.

import { describe, test } from 'node:test';

export interface Scenario {
  /** A name that no other scenario uses. */
  name(): string;
  /** To be done when the scenario has ended, however it did; the last comes first. */
  afterwards(undo: () => Promise<unknown>): void;
  note(text: string): void;
}

export interface ScenarioOptions {
  /** A reason why this host, engine or runtime can't be asked for it. */
  readonly skip?: string | undefined;
}

/** So many scenarios run at once. */
const JOBS = Math.max(1, Number(process.env['CLIENTS_JOBS'] ?? 3) || 3);
/** Milliseconds that a scenario may take. */
const DEADLINE = 300_000;
/** CLIENTS_ONLY is a regular expression: scenarios with another name are skipped. */
const only = process.env['CLIENTS_ONLY'] === undefined ? undefined : new RegExp(process.env['CLIENTS_ONLY'], 'i');

let counter = 0;

/** Scenarios of one subject; they run at the same time. */
export function group(subject: string, define: () => void, options: { serial?: boolean } = {}): void {
  describe(subject, { concurrency: options.serial === true ? 1 : JOBS }, define);
}

type Body = (scenario: Scenario) => Promise<void>;

export function scenario(name: string, ...rest: [ScenarioOptions, Body] | [Body]): void {
  const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest;
  const skip = only !== undefined && !only.test(name) ? 'not chosen by CLIENTS_ONLY' : options.skip;
  test(name, { timeout: DEADLINE, ...(skip === undefined ? {} : { skip }) }, async (context) => {
    const undos: (() => Promise<unknown>)[] = [];
    try {
      await body({
        name: () => {
          counter += 1;
          return `s${counter}`;
        },
        afterwards: (undo) => void undos.push(undo),
        note: (text) => context.diagnostic(text),
      });
    } finally {
      for (const undo of undos.reverse()) await undo();
    }
  });
}
