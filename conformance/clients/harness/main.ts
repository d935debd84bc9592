// The driver: runs the scenarios of each engine in a process of its own, prints them as TAP, counts, and sweeps up whatever became of it.
//   main.js RUNTIME ENGINE...

import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sweep } from './leftovers.ts';

/** Milliseconds that the scenarios of an engine may take. */
const DEADLINE = 900_000;
const engines = ['docker', 'containerd', 'kubernetes', 'podman'];

interface Outcome {
  readonly type: 'passed' | 'failed' | 'skipped' | 'note';
  readonly name: string;
  readonly text: string;
}

let child: ChildProcess | undefined;
let interrupted = false;

function readOutcomes(path: string): Outcome[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Outcome).filter(({ type }) => type !== 'note');
}

/** The logs of the engine's daemons, for those who ask: CLIENTS_LOGS=DIRECTORY. */
function keepLogs(engine: string, directory: string): void {
  const target = process.env['CLIENTS_LOGS'];
  if (target === undefined) return;
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(directory).filter((entry) => entry.endsWith('.log'))) {
    copyFileSync(join(directory, name), join(target, `${engine}-${name}`));
  }
}

async function runEngine(engine: string, runtime: string): Promise<Outcome[]> {
  // Short: the paths of Unix sockets below it have 108 bytes at most.
  const directory = mkdtempSync(join(tmpdir(), 'oci-clients-'));
  // Users of user namespaces pass through it on the way to their root file systems.
  chmodSync(directory, 0o711);
  const token = directory.slice(directory.lastIndexOf('/') + 1);
  const report = join(directory, 'report.jsonl');
  const here = fileURLToPath(new URL('.', import.meta.url));
  const reporter = new URL('../../../../scripts/test-reporter.mjs', import.meta.url).href;
  const env: NodeJS.ProcessEnv = { ...process.env, OCI_CLIENTS_DIRECTORY: directory, OCI_CLIENTS_RUNTIME: runtime };
  delete env['NODE_TEST_CONTEXT'];
  console.log(`# ${engine} with ${runtime}`);
  try {
    child = spawn(
      process.execPath,
      [
        '--enable-source-maps',
        '--test-reporter=tap',
        '--test-reporter-destination=stdout',
        `--test-reporter=${reporter}`,
        `--test-reporter-destination=${report}`,
        join(here, '..', `${engine}.js`),
      ],
      { stdio: ['ignore', 'inherit', 'inherit'], env },
    );
    const timer = setTimeout(() => child?.kill('SIGKILL'), DEADLINE);
    const bad = await new Promise<string | undefined>((settle) => {
      child?.once('error', (error) => settle(error.message));
      child?.once('exit', (code, signal) =>
        settle(code === 0 ? undefined : `it ended with ${signal ?? `status ${code}`}`),
      );
    });
    clearTimeout(timer);
    const outcomes = readOutcomes(report);
    if (!outcomes.some(({ type }) => type === 'failed') && (bad !== undefined || outcomes.length === 0)) {
      outcomes.push({ type: 'failed', name: `${engine}: all scenarios are run`, text: bad ?? 'none was' });
    }
    return outcomes.map((outcome) => ({ ...outcome, name: `${engine}: ${outcome.name}` }));
  } finally {
    keepLogs(engine, directory);
    sweep(token);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What went wrong, and the line of the scenario that says so: the TAP above has the whole stack. */
function summary(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const message = lines.filter((line) => !/^\s+at /.test(line)).slice(0, 8);
  const place = lines.find((line) => /^\s+at .*\/scenarios\//.test(line));
  return [...message, ...(place === undefined ? [] : [place])].join('\n');
}

function count(outcomes: readonly Outcome[], type: Outcome['type']): number {
  return outcomes.filter((outcome) => outcome.type === type).length;
}

const [runtime, ...chosen] = process.argv.slice(2);
const unknown = chosen.filter((name) => !engines.includes(name));
if (runtime === undefined || chosen.length === 0 || unknown.length > 0) {
  console.error(`usage: main.js RUNTIME ENGINE...; engines are ${engines.join(', ')}`);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    child?.kill('SIGTERM');
  });
}

const all: Outcome[] = [];
for (const engine of chosen) {
  const begin = performance.now();
  const outcomes = interrupted ? [] : await runEngine(engine, resolve(runtime));
  console.log(`# ${engine}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  all.push(...outcomes);
}
const reasons = new Map<string, number>();
for (const { type, text } of all) if (type === 'skipped') reasons.set(text, (reasons.get(text) ?? 0) + 1);
for (const [reason, times] of reasons) console.log(`# skipped: ${times} × ${reason}`);
for (const { type, name, text } of all) {
  if (type === 'failed') console.log(`# FAILED ${name}\n${summary(text).replaceAll(/^/gm, '#   ')}`);
}
if (interrupted) console.log('# interrupted');
console.log(['passed', 'failed', 'skipped'].map((type) => `${count(all, type as Outcome['type'])} ${type}`).join(', '));
process.exitCode = interrupted || count(all, 'failed') > 0 ? 1 : 0;
