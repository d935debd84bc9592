// What must hold for every text that is given as a config: it is refused with an error of ours that leads to its place, or
// accepted, and then there is a plan that both machines can be given. Nothing else is thrown, and nothing takes long.

import { planConfig } from '../container/plan.ts';
import { type Problem, RuntError } from '../error.ts';
import { explainPlan, planToJson } from '../init/explain.ts';
import { encodeImage } from '../init/image.ts';
import type { Plan } from '../init/plan.ts';
import { segmentsOf } from '../json-pointer.ts';
import { explain } from '../spec/explain.ts';
import { type LoadedConfig, loadText } from '../spec/load.ts';
import { renderFindings } from '../spec/render.ts';
import { configPlaces } from '../spec/schema-tree.ts';

export type Verdict = 'invalid' | 'refused' | 'planned';

/** Milliseconds that one config may take: a hundred times what the largest take on a machine with nothing else to do. */
const TOO_LONG = 30_000;
const PLACES: ReadonlySet<string> = new Set(configPlaces().map(({ pattern }) => pattern));
const BUNDLE = '/nowhere/bundle';

/** Throws an Error that says what does not hold. */
export async function holds(text: string): Promise<Verdict> {
  const begin = performance.now();
  const verdict = await verdictOn(text);
  const took = performance.now() - begin;
  if (took > TOO_LONG) throw new Error(`it took ${Math.round(took)} ms`);
  return verdict;
}

async function verdictOn(text: string): Promise<Verdict> {
  // What takes most of the time is not done for every text; which ones, the text decides, so that a failure can be repeated.
  const turn = text.length % 4;
  const loaded = await loadedFrom(text);
  if (loaded instanceof RuntError) {
    expectCode(loaded.problem, ['config'], 'loading');
    if (turn < 2 && errorIn(text) === undefined)
      throw new Error(`create refuses what validate has no error for: ${loaded.message}`);
    return 'invalid';
  }
  if (turn === 0) {
    const error = errorIn(text);
    if (error !== undefined) throw new Error(`create accepts what validate has an error for: ${error}`);
  }
  const plan = await plannedFrom(loaded, turn === 1);
  if (plan instanceof RuntError) return 'refused';
  checkPlan(plan, loaded.config, turn === 2);
  return 'planned';
}

async function loadedFrom(text: string): Promise<LoadedConfig | RuntError> {
  try {
    return await loadText(text, 'config.json');
  } catch (error) {
    if (error instanceof RuntError) return error;
    throw error;
  }
}

async function plannedFrom(loaded: LoadedConfig, systemdCgroup: boolean): Promise<Plan | RuntError> {
  try {
    return await planConfig(loaded, { bundle: BUNDLE, id: 'box', systemdCgroup });
  } catch (error) {
    if (!(error instanceof RuntError)) throw error;
    expectCode(error.problem, ['config', 'unsupported', 'cgroup'], 'planning');
    // Whoever gets the error has to find what it is about.
    if (error.problem.pointer === undefined) throw new Error(`no field is named by: ${error.problem.message}`);
    requirePlace(loaded.config, error.problem.pointer, error.problem.message);
    return error;
  }
}

function expectCode({ code, message }: Problem, allowed: readonly Problem['code'][], when: string): void {
  if (!allowed.includes(code)) throw new Error(`${when} fails with the code ${code}: ${message}`);
}

/** The message of the first error that validate finds. */
function errorIn(text: string): string | undefined {
  const findings = explain(text, 'config', 'linux');
  for (const { line, column, message, severity } of findings) {
    if (line < 1 || column < 1 || message === '') throw new Error(`${severity} ${line}:${column} ${message}`);
  }
  renderFindings(findings, 'text', { colour: false, file: 'config.json' });
  return findings.find(({ severity }) => severity === 'error')?.message;
}

function checkPlan(plan: Plan, config: unknown, isPrinted: boolean): void {
  encodeImage(plan, 'x64');
  if (isPrinted) {
    encodeImage(plan, 'arm64');
    explainPlan(plan);
    JSON.stringify(planToJson(plan));
  }
  const checked = new Set<string>();
  for (const { step } of plan.operations) {
    if (step?.pointer === undefined || checked.has(step.pointer)) continue;
    checked.add(step.pointer);
    requirePlace(config, step.pointer, step.sentence);
  }
}

/** A property may be absent: what is meant then is its default. An item must be there. */
function requirePlace(config: unknown, pointer: string, what: string): void {
  const nowhere = (): never => {
    throw new Error(`${pointer} leads nowhere: ${what}`);
  };
  let value: unknown = config;
  let pattern = '';
  for (const part of segmentsOf(pointer)) {
    const holder: object = value !== null && typeof value === 'object' ? value : {};
    const isItem = PLACES.has(`${pattern}/*`);
    if (isItem && !Object.hasOwn(holder, part)) nowhere();
    pattern += isItem ? '/*' : `/${part}`;
    if (!PLACES.has(pattern)) nowhere();
    value = Object.hasOwn(holder, part) ? (holder as Record<string, unknown>)[part] : undefined;
  }
}
