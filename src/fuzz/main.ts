// npm run fuzz: as many configs as one likes through validate and plan. A thread does the work; this one reports, and tells a
// thread that hangs from one that is busy.

import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { configTexts } from './configs.ts';
import { holds, type Verdict } from './property.ts';

const HELP = `usage: npm run fuzz -- [--runs N] [--seed N]

Changes configs at random and holds what validate and plan make of them to what must hold (src/fuzz/property.ts).

  --runs N   how many configs; by default 100000
  --seed N   a number that the configs follow from; by default another one each time
`;
/** Runs between two reports; a part has a seed of its own, so that a failure can be repeated without those before it. */
const PART = 10_000;
/** Milliseconds after which a config that is not done counts as one that never will be. */
const SILENCE = 300_000;

interface Task {
  readonly runs: number;
  readonly seed: number;
  /** One number, which counts the configs: how a thread that works is told from one that hangs. */
  readonly progress?: Int32Array;
}
interface Report {
  readonly done: number;
  readonly counts: Readonly<Record<Verdict, number>>;
  /** What did not hold. */
  readonly failure?: string;
}

/** Throws what did not hold, with the smallest config that shows it. */
export async function fuzz({ runs, seed, progress = new Int32Array(1) }: Task): Promise<Record<Verdict, number>> {
  const counts: Record<Verdict, number> = { invalid: 0, refused: 0, planned: 0 };
  await fc.assert(
    fc.asyncProperty(configTexts(), async (text) => {
      counts[await holds(text)] += 1;
      Atomics.add(progress, 0, 1);
    }),
    { numRuns: runs, seed, includeErrorInReport: true },
  );
  return counts;
}

async function work({ runs, seed, progress = new Int32Array(1) }: Task): Promise<void> {
  for (let done = 0; done < runs; done += PART) {
    const part = { runs: Math.min(PART, runs - done), seed: seed + done, progress };
    try {
      parentPort?.postMessage({ done: done + part.runs, counts: await fuzz(part) } satisfies Report);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      // A config may have megabytes; the seed and the path bring it back.
      const failure = `seed ${part.seed}: ${what.slice(0, 2000)} …\n${/Got error: [^\n]*/.exec(what)?.[0] ?? ''}`;
      const counts = { invalid: 0, refused: 0, planned: 0 };
      parentPort?.postMessage({ done: done + part.runs, counts, failure } satisfies Report);
    }
  }
}

function count(text: string | undefined, usual: number): number {
  const value = Number(text ?? usual);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${text} is not a whole number\n${HELP}`);
  return value;
}

function main(): void {
  const { values } = parseArgs({
    options: { runs: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const runs = count(values.runs, 100_000);
  const seed = count(values.seed, Date.now() % 2 ** 31);
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { workerData: { runs, seed, progress } satisfies Task });
  const totals: Record<Verdict, number> = { invalid: 0, refused: 0, planned: 0 };
  let failures = 0;
  let seedNow = seed;
  let seen = -1;
  const watch = setInterval(() => {
    const now = Atomics.load(progress, 0);
    if (now === seen) {
      console.error(`nothing for ${SILENCE / 1000} s: config ${now} of those that begin with seed ${seedNow} hangs`);
      process.exit(1);
    }
    seen = now;
  }, SILENCE);
  worker.on('message', ({ done, counts, failure }: Report) => {
    seedNow = seed + done;
    for (const name of ['invalid', 'refused', 'planned'] as const) totals[name] += counts[name];
    if (failure !== undefined) {
      failures += 1;
      console.error(failure);
    }
    const { invalid, refused, planned } = totals;
    console.log(`${done} configs: ${invalid} invalid, ${refused} refused, ${planned} planned, ${failures} failures`);
  });
  worker.on('error', (error) => {
    console.error(error);
    process.exitCode = 1;
  });
  worker.on('exit', () => {
    clearInterval(watch);
    if (failures > 0) process.exitCode = 1;
  });
}

if (isMainThread) {
  if (process.argv[1] === import.meta.filename) main();
} else await work(workerData as Task);
