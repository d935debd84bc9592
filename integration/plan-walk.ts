// A plan is carried out again, on paper, with what the kernel answered: the next call that the plan has must be the next one
// that the process has made, with the same arguments as far as both can be read, and what it returned decides where the plan
// goes on.

import type { OperandJson, OperationJson, PlanJson } from '../src/init/explain.ts';
import type { TracedCall } from './trace.ts';

/** How many gaps there are to close between the descriptors that are kept depends on their numbers. */
const UNCOUNTED = 'close_range';

export interface Walk {
  readonly calls: number;
  /** Arguments that were the same on both sides; the others are structures, or show no value. */
  readonly compared: number;
  readonly uncompared: number;
}

interface Position {
  readonly at: number;
  readonly call: number;
  /** Values of slots; what came from memory is not known. */
  readonly slots: ReadonlyMap<number, bigint>;
  readonly compared: number;
  readonly uncompared: number;
  /** What a descriptor that the runtime has prepared was in the end. */
  readonly descriptors: ReadonlyMap<string, bigint>;
}

/** The id that a plan is made for where it is only shown. */
const PLANNED_ID = 'container';

/** Throws where the calls of init are not those of the plan, and says which is the first that is not. `id`: the container's. */
export function walkPlan(given: PlanJson, all: readonly TracedCall[], id: string): Walk {
  // Where the config has the id the plan has it, too; elsewhere it has its own.
  const plan: PlanJson = JSON.parse(JSON.stringify(given).replaceAll(id, PLANNED_ID));
  const calls = all
    .filter(({ name }) => name !== UNCOUNTED)
    .map((call) => ({ ...call, args: call.args.map((text) => text.replaceAll(id, PLANNED_ID)) }));
  const birth = plan.operations.findIndex(({ call }) => call === 'clone3');
  const child = plan.operations[birth]?.result;
  const open: Position[] = [
    {
      at: birth + 1,
      call: 0,
      slots: new Map(child === undefined ? [] : [[child, 0n]]),
      compared: 0,
      uncompared: 0,
      descriptors: new Map(),
    },
  ];
  let furthest = { call: -1, why: 'the plan has no clone3' };
  const blocked = (call: number, why: string): void => {
    if (call > furthest.call) furthest = { call, why };
  };
  for (let steps = 0; steps < 1_000_000; steps++) {
    const here = open.pop();
    if (here === undefined) break;
    if (here.call === calls.length) return { calls: here.call, compared: here.compared, uncompared: here.uncompared };
    const operation = plan.operations[here.at];
    if (operation === undefined) blocked(here.call, 'the plan has ended');
    else open.push(...following(plan, operation, here, calls, blocked));
  }
  const call = calls[furthest.call];
  throw new Error(`call ${furthest.call} of init, ${call?.name}(${call?.args.join(', ')}): ${furthest.why}`);
}

/** Where the plan may go on; two places after a branch whose condition is not known, none where the calls differ. */
function following(
  plan: PlanJson,
  operation: OperationJson,
  here: Position,
  calls: readonly TracedCall[],
  blocked: (call: number, why: string) => void,
): readonly Position[] {
  const next = { ...here, at: here.at + 1 };
  const { kind, slot = -1, to = -1 } = operation;
  switch (kind) {
    case 'jump':
      return [{ ...here, at: to }];
    case 'branch': {
      const holds = comparison(operation, here.slots);
      if (holds === undefined) return [next, { ...here, at: to }];
      return [holds ? { ...here, at: to } : next];
    }
    case 'load':
      return [withSlot(next, slot, undefined)];
    case 'store':
      return [next];
    case 'add': {
      const [value, added] = [here.slots.get(slot), known(operation.data, here.slots)];
      return [withSlot(next, slot, value === undefined || added === undefined ? undefined : value + added)];
    }
    case 'fail':
      return [{ ...here, at: plan.failureHandler }];
    case 'call':
      return operation.call === UNCOUNTED ? [next] : called(plan, operation, here, calls[here.call], blocked);
    default:
      return kind satisfies never;
  }
}

function called(
  plan: PlanJson,
  operation: OperationJson,
  here: Position,
  made: TracedCall | undefined,
  blocked: (call: number, why: string) => void,
): readonly Position[] {
  if (made === undefined) return [];
  const announced = `operation ${operation.index} of the plan is ${operation.text}`;
  if (made.name !== operation.call) {
    blocked(here.call, announced);
    return [];
  }
  let { compared, uncompared } = here;
  const descriptors = new Map(here.descriptors);
  for (const [index, operand] of (operation.arguments ?? []).entries()) {
    const same = isSame(operand, made.args[index], here.slots, descriptors);
    if (same === false) {
      blocked(here.call, `${announced}, whose argument ${index} is another`);
      return [];
    }
    if (same === undefined) uncompared += 1;
    else compared += 1;
  }
  const next = { ...here, call: here.call + 1, compared, uncompared, descriptors };
  const result = made.result ?? 0n;
  const after =
    operation.result === undefined
      ? next
      : withSlot(next, operation.result, made.error === undefined ? result : undefined);
  if (made.error === undefined) return [{ ...after, at: here.at + 1 }];
  const handled = operation.on?.find(({ errno }) => errno === made.error);
  if (handled !== undefined) return [{ ...after, at: handled.to }];
  return [{ ...after, at: operation.ignoreErrors === true ? here.at + 1 : plan.failureHandler }];
}

function withSlot(position: Position, slot: number, value: bigint | undefined): Position {
  const slots = new Map(position.slots);
  if (value === undefined) slots.delete(slot);
  else slots.set(slot, value);
  return { ...position, slots };
}

function comparison({ slot = -1, compare, value = '' }: OperationJson, slots: Position['slots']): boolean | undefined {
  const left = slots.get(slot);
  const right = value.startsWith('$') ? slots.get(Number(value.slice(1))) : BigInt(value);
  if (left === undefined || right === undefined) return undefined;
  switch (compare) {
    case 'equal':
      return left === right;
    case 'notEqual':
      return left !== right;
    case 'less':
      return left < right;
    default:
      return left >= right;
  }
}

function known(operand: OperandJson | undefined, slots: Position['slots']): bigint | undefined {
  if (operand === undefined) return undefined;
  if ('slot' in operand) return slots.get(operand.slot);
  return 'value' in operand ? BigInt(operand.value) : undefined;
}

/** undefined: one of both does not show a value. */
function isSame(
  operand: OperandJson,
  shown: string | undefined,
  slots: Position['slots'],
  descriptors: Map<string, bigint>,
): boolean | undefined {
  // strace leaves out what the call does not take.
  if (shown === undefined) return undefined;
  if ('data' in operand) {
    if (!/^"[^"\\]*"$/.test(operand.text) || !/^"[^"\\]*"$/.test(shown)) return undefined;
    return operand.text === shown;
  }
  const made = numberOf(shown);
  if (made === undefined) return undefined;
  // Of the plan's own counting: what it was for real has to be the same each time.
  const prepared = /^\d+(<.*>)$/s.exec(operand.text)?.[1];
  if (prepared !== undefined) {
    const before = descriptors.get(prepared);
    descriptors.set(prepared, made);
    return before === undefined ? undefined : before === made;
  }
  const announced = known(operand, slots);
  if (announced === undefined) return undefined;
  // The kernel takes most arguments as 32 bits.
  return BigInt.asUintN(32, announced) === BigInt.asUintN(32, made);
}

function numberOf(text: string): bigint | undefined {
  if (text === 'NULL') return 0n;
  if (/^0[0-7]+$/.test(text)) return BigInt(`0o${text.slice(1)}`);
  if (/^-\d+$/.test(text)) return -BigInt(text.slice(1));
  return /^(?:0x[0-9a-f]+|\d+)$/.test(text) ? BigInt(text) : undefined;
}
