// npm run bench: runt, runc and crun on the same bundle, side by side: A B C A B C ..., so that whatever else the machine does
// in the meantime meets all of them. docs/benchmarks.md says how to read the figures.

import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeBundle } from './bundle.mjs';
import { describeMachine } from './machine.mjs';
import { row as docker } from './rows/docker.mjs';
import { row as exec } from './rows/exec.mjs';
import { row as firstExec } from './rows/first-exec.mjs';
import { row as firstRun } from './rows/first-run.mjs';
import { row as lifecycle } from './rows/lifecycle.mjs';
import { row as limit } from './rows/limit.mjs';
import { row as memory } from './rows/memory.mjs';
import { row as run } from './rows/run.mjs';
import { row as running } from './rows/running.mjs';
import { row as versionRow } from './rows/version.mjs';
import { findOnPath, makeRuntime, RuntimeFailure, version } from './runtime.mjs';
import { summarize } from './statistics.mjs';
import { renderMachine, renderTable } from './table.mjs';
import { checkTargets } from './targets.mjs';

const ROWS = [run, firstRun, lifecycle, exec, firstExec, running, docker, versionRow, memory, limit];
const HOME = fileURLToPath(new URL('..', import.meta.url));
const USAGE = `npm run bench -- [options]
  --runs N             measure each row N times (50)
  --warmups N          after N times that do not count (5)
  --quick              10 times after 2
  --row NAME           only this row, repeatable: ${ROWS.map(({ name }) => name).join(', ')}
  --runtime NAME=PATH  compare these, repeatable (runt=dist/runt, and runc and crun where they are found)
  --json FILE          where the figures are written (build/bench.json)
  --check              exit with 1 where runt misses what it must reach`;

/** A mistake in how the benchmark was called. */
class Usage extends Error {}

function count(value, name) {
  if (!/^\d+$/.test(value)) throw new Usage(`--${name} ${value}: a number is expected`);
  return Number(value);
}

function parse(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        runs: { type: 'string' },
        warmups: { type: 'string' },
        quick: { type: 'boolean', default: false },
        row: { type: 'string', multiple: true },
        runtime: { type: 'string', multiple: true },
        json: { type: 'string', default: join(HOME, 'build/bench.json') },
        check: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    throw new Usage(error.message);
  }
  const unknown = values.row?.find((name) => !ROWS.some((row) => row.name === name));
  if (unknown !== undefined) throw new Usage(`--row ${unknown}: there is no such row`);
  const runs = count(values.runs ?? (values.quick ? '10' : '50'), 'runs');
  if (runs === 0) throw new Usage('--runs 0: nothing would be measured');
  return {
    ...values,
    runs,
    warmups: count(values.warmups ?? (values.quick ? '2' : '5'), 'warmups'),
    rows: ROWS.filter((row) => values.row?.includes(row.name) ?? true),
  };
}

/** The runtimes by name. One that was asked for must work; runt always must. */
function chosenRuntimes(given) {
  if (given !== undefined) {
    const runtimes = given.map((text) => {
      const [, name, path] = /^([\w.-]+)=(.+)$/.exec(text) ?? [];
      if (name === undefined) throw new Usage(`--runtime ${text}: NAME=PATH is expected`);
      return { name, path: path.includes('/') ? resolve(path) : (findOnPath(path) ?? path), required: true };
    });
    const twice = runtimes.find(({ name }, index) => runtimes.findIndex((other) => other.name === name) !== index);
    if (twice !== undefined) throw new Usage(`--runtime ${twice.name}: the name is given twice`);
    return runtimes;
  }
  const others = ['runc', 'crun'].map((name) => ({ name, path: findOnPath(name), required: false }));
  return [
    { name: 'runt', path: join(HOME, 'dist/runt'), required: true },
    ...others.filter(({ path }) => path !== undefined),
  ];
}

/** State belongs on a tmpfs, as the runtimes keep it by default. */
function stateDirectory() {
  const TMPFS = 0x01021994;
  try {
    accessSync('/run', constants.W_OK);
    if (statfsSync('/run').type === TMPFS) return '/run';
  } catch {
    // No /run that can be written.
  }
  return tmpdir();
}

let interrupted;

/** Lets a signal be heard: nothing else here gives the event loop its turn. */
async function breathe() {
  await new Promise((done) => setImmediate(done));
  if (interrupted !== undefined) throw new Usage(`interrupted by ${interrupted}`);
}

/** One row: every runtime in turn, again and again. By name: {measures: {name: values}} or {error}. */
async function measureRow(row, runtimes, options, context) {
  const warmups = row.warmups ?? options.warmups;
  const runs = options.quick ? Math.min(row.runs ?? options.runs, options.runs) : (row.runs ?? options.runs);
  const found = new Map(runtimes.map(({ name }) => [name, { values: row.measures.map(() => []) }]));
  for (let round = 0; round < warmups + runs; round++) {
    for (const runtime of runtimes) {
      const result = found.get(runtime.name);
      if (result.error !== undefined) continue;
      await breathe();
      try {
        const measured = row.measure(runtime, context);
        if (round < warmups) continue;
        for (const [index, measure] of row.measures.entries()) result.values[index].push(measured[measure]);
      } catch (error) {
        if (!(error instanceof RuntimeFailure)) throw error;
        await breathe();
        result.error = error.message;
        runtime.cleanUp();
      }
    }
  }
  return Object.fromEntries(
    [...found].map(([name, result]) => [name, summarizeResult(row, result, found.get('runc'))]),
  );
}

function summarizeResult(row, { error, values }, runc) {
  if (error !== undefined) return { error };
  const measures = row.measures.map((measure, index) => {
    const summary = summarize(values[index]);
    if (runc === undefined || runc.error !== undefined) return [measure, summary];
    return [measure, { ...summary, ofRunc: summary.median / summarize(runc.values[index]).median }];
  });
  return { measures: Object.fromEntries(measures) };
}

async function bench(options) {
  if (process.getuid() !== 0) throw new Usage('containers are made by root: run it with sudo');
  const chosen = chosenRuntimes(options.runtime).map((runtime) => {
    try {
      return { ...runtime, version: version(runtime.path) };
    } catch (error) {
      throw new Usage(`${runtime.name} (${runtime.path}): ${error.message}`);
    }
  });
  const scratch = mkdtempSync(join(tmpdir(), 'runt-bench-'));
  const stateRoot = mkdtempSync(join(stateDirectory(), 'runt-bench-'));
  const runtimes = [];
  try {
    const bundle = makeBundle(join(scratch, 'bundle'));
    const lastingBundle = makeBundle(join(scratch, 'lasting'), undefined, '/pause');
    for (const runtime of chosen) runtimes.push(makeRuntime({ ...runtime, stateRoot, scratch }));
    const machine = describeMachine(join(bundle, 'rootfs/true'));
    console.log(renderMachine(machine, chosen));
    const results = {};
    for (const row of options.rows) {
      if (process.stderr.isTTY) process.stderr.write(`measuring ${row.name} ...\r`);
      const context = { bundle, lastingBundle, scratch, runtimes, quick: options.quick };
      results[row.name] = await measureRow(row, runtimes, options, context);
      console.log(`\n${renderTable([row], names(chosen), results)}`);
    }
    return { machine, runtimes: chosen, results };
  } finally {
    for (const row of options.rows) row.close?.();
    for (const runtime of runtimes) runtime.close();
    rmSync(scratch, { recursive: true, force: true });
    rmSync(stateRoot, { recursive: true, force: true });
  }
}

const names = (runtimes) => runtimes.map(({ name }) => name);

function writeJson(options, { machine, runtimes, results }) {
  const { runs, warmups, rows } = options;
  const units = Object.fromEntries(rows.map(({ name, unit }) => [name, unit]));
  const document = { date: new Date().toISOString(), machine, runtimes, runs, warmups, units, results };
  mkdirSync(dirname(resolve(options.json)), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(document, null, 2)}\n`);
  console.log(`\nwritten to ${options.json}`);
}

/** The exit status. */
function verdict(options, { runtimes, results }) {
  const broken = runtimes.filter(
    ({ name, required }) => required && Object.values(results).some((row) => isFailure(row[name]?.error)),
  );
  for (const { name } of broken) console.error(`${name} failed`);
  if (!options.check) return broken.length === 0 ? 0 : 1;
  const targets = checkTargets(options.rows, results);
  console.log('');
  for (const { reached, text } of targets) console.log(`${reached ? 'reached' : 'MISSED '}  ${text}`);
  return broken.length === 0 && targets.every(({ reached }) => reached) ? 0 : 1;
}

/** What can't be measured on this host is nobody's failure. */
const isFailure = (error) => error !== undefined && !error.startsWith('n/a');

async function main() {
  const options = parse(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  if (options.runtime === undefined && !existsSync(join(HOME, 'dist/runt')))
    throw new Usage('dist/runt is missing: npm run build makes it');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => (interrupted = signal));
  const outcome = await bench(options);
  writeJson(options, outcome);
  return verdict(options, outcome);
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Usage)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
