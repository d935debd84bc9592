// A plan for a person to read, like an annotated strace, and for a program, as JSON. What is shown is what is executed: the
// same operations that image.ts encodes.

import { errnoName } from '../linux/errno.ts';
import type {
  CallOperation,
  Comparison,
  DataRef,
  Indirect,
  Label,
  OnErrno,
  Operand,
  Operation,
  Plan,
  SlotRef,
  Step,
  Width,
} from './plan.ts';

const COMPARISON_TEXT: Readonly<Record<Comparison, string>> = {
  equal: '==',
  notEqual: '!=',
  less: '<',
  greaterOrEqual: '>=',
};

/**
 * The listing of a plan: each step's sentence with the place in the config that caused it, and its numbered operations.
 * `$3` is a slot, `→ 17` goes on at operation 17, `! ENOENT → 17` does after that error; after any other error, init fails
 * with the step's sentence.
 */
export function explainPlan(plan: Plan): string {
  const width = Math.max(4, String(plan.operations.length).length + 1);
  const failureHandler = rowOf(plan, plan.failureHandler);
  const lines: string[] = [];
  if (plan.host !== undefined) {
    lines.push('', '── on the host ──');
    for (const { sentence, pointer } of plan.host)
      lines.push(pointer === undefined ? sentence : `${sentence}  [${pointer}]`);
  }
  let previous: Step | undefined;
  for (const [index, operation] of plan.operations.entries()) {
    for (const { title, at } of plan.sections ?? []) {
      if (at === index) lines.push('', `── ${title} ──`);
    }
    if (index === failureHandler) lines.push('', '── on failure ──');
    const { step } = operation;
    if (step !== undefined && step !== previous) {
      lines.push(step.pointer === undefined ? step.sentence : `${step.sentence}  [${step.pointer}]`);
      for (const line of step.details?.().lines ?? []) lines.push(`${' '.repeat(width + 2)}${line}`);
      previous = step;
    }
    lines.push(`${String(index).padStart(width)}  ${operationText(plan, operation)}`);
  }
  return `${lines.join('\n').replace(/^\n/, '')}\n`;
}

function operationText(plan: Plan, operation: Operation): string {
  switch (operation.kind) {
    case 'call':
      return callText(plan, operation);
    case 'jump':
      return `→ ${rowOf(plan, operation.to)}`;
    case 'branch': {
      const condition = `$${operation.slot} ${COMPARISON_TEXT[operation.compare]} ${comparedText(operation.value)}`;
      return `if ${condition} → ${rowOf(plan, operation.to)}`;
    }
    case 'load':
      return `$${operation.slot} = *${placeText(operation.from)}${widthText(operation.width)}`;
    case 'store':
      return `*${placeText(operation.to)} = $${operation.slot}${widthText(operation.width)}`;
    case 'add':
      return `$${operation.slot} += ${operandText(operation.operand)}`;
    case 'fail':
      return `fail with ${errnoName(operation.errno)}`;
    default:
      return operation satisfies never;
  }
}

function callText(plan: Plan, { name, args, result, on = [], ignoreErrors }: CallOperation): string {
  const call = `${name}(${args.map(operandText).join(', ')})`;
  const after = [
    ...on.map(({ errno, to }) => `${errnoName(errno)} → ${rowOf(plan, to)}`),
    ...(ignoreErrors === true ? ['errors are ignored'] : []),
  ];
  return `${call}${result === undefined ? '' : ` = $${result}`}${after.length === 0 ? '' : `  ! ${after.join(', ')}`}`;
}

function comparedText(value: bigint | SlotRef): string {
  return typeof value === 'bigint' ? value.toString() : `$${value.slot}`;
}

function placeText(place: DataRef | Indirect): string {
  return place.kind === 'data' ? place.text : `($${place.base}${place.offset === 0 ? '' : `+${place.offset}`})`;
}

function operandText(operand: Operand): string {
  return operand.kind === 'slot' ? `$${operand.slot}` : operand.text;
}

function widthText(width: Width): string {
  return width === 8 ? '' : `  (${width} byte${width === 1 ? '' : 's'})`;
}

/** An operand as JSON; `text` is how the listing shows it. */
export type OperandJson =
  | { readonly text: string; readonly slot: number }
  /** In decimal: it may need all of 64 bits, which a JSON number often can't hold. */
  | { readonly text: string; readonly value: string }
  | { readonly text: string; readonly data: 'constant' | 'variable'; readonly offset: number; readonly size: number };

export interface OperationJson {
  readonly index: number;
  readonly kind: Operation['kind'];
  /** As in the listing. */
  readonly text: string;
  readonly section?: string;
  readonly sentence?: string;
  readonly pointer?: string;
  readonly hint?: string;
  /** Of the first operation of a step: what the listing shows below its sentence. */
  readonly details?: object;
  /** call */
  readonly call?: string;
  readonly arguments?: readonly OperandJson[];
  readonly result?: number;
  readonly ignoreErrors?: boolean;
  readonly on?: readonly { readonly errno: string; readonly to: number }[];
  /** jump, branch */
  readonly to?: number;
  /** branch, load, store, add */
  readonly slot?: number;
  /** branch */
  readonly compare?: Comparison;
  readonly value?: string;
  /** load, store; add: what is added */
  readonly data?: OperandJson;
  readonly width?: Width;
  /** fail */
  readonly errno?: string;
}

export interface PlanJson {
  /** What the runtime does on the host before init is started. */
  readonly host?: Plan['host'];
  readonly operations: readonly OperationJson[];
  /** Index of the operation where a failure goes on. */
  readonly failureHandler: number;
  readonly slots: number;
  /** Bytes of read-only and of writable data. */
  readonly constantSize: number;
  readonly variableSize: number;
}

/** A plan as a value for JSON.stringify. */
export function planToJson(plan: Plan): PlanJson {
  let section: string | undefined;
  let previous: Step | undefined;
  const operations = plan.operations.map((operation, index): OperationJson => {
    section = plan.sections?.findLast(({ at }) => at === index)?.title ?? section;
    const json: OperationJson = {
      index,
      kind: operation.kind,
      text: operationText(plan, operation),
      ...(section === undefined ? {} : { section }),
      ...stepJson(operation.step, operation.step !== previous),
      ...details(plan, operation),
    };
    previous = operation.step;
    return json;
  });
  return {
    ...(plan.host === undefined ? {} : { host: plan.host }),
    operations,
    failureHandler: rowOf(plan, plan.failureHandler),
    slots: plan.slots,
    constantSize: plan.constant.length,
    variableSize: plan.variable.length,
  };
}

function stepJson(step: Step | undefined, isFirst: boolean): Partial<OperationJson> {
  if (step === undefined) return {};
  const { details: more, ...rest } = step;
  return more === undefined || !isFirst ? rest : { ...rest, details: more().data };
}

function details(plan: Plan, operation: Operation): Partial<OperationJson> {
  switch (operation.kind) {
    case 'call':
      return {
        call: operation.name,
        arguments: operation.args.map(operandJson),
        ...(operation.result === undefined ? {} : { result: operation.result }),
        ...(operation.ignoreErrors === undefined ? {} : { ignoreErrors: operation.ignoreErrors }),
        ...(operation.on === undefined ? {} : { on: operation.on.map((handled) => handledJson(plan, handled)) }),
      };
    case 'jump':
      return { to: rowOf(plan, operation.to) };
    case 'branch': {
      const { slot, compare, value } = operation;
      return { slot, compare, value: comparedText(value), to: rowOf(plan, operation.to) };
    }
    case 'load':
      return { slot: operation.slot, data: placeJson(operation.from), width: operation.width };
    case 'store':
      return { slot: operation.slot, data: placeJson(operation.to), width: operation.width };
    case 'add':
      return { slot: operation.slot, data: operandJson(operation.operand) };
    case 'fail':
      return { errno: errnoName(operation.errno) };
    default:
      return operation satisfies never;
  }
}

function handledJson(plan: Plan, { errno, to }: OnErrno): { errno: string; to: number } {
  return { errno: errnoName(errno), to: rowOf(plan, to) };
}

function placeJson(place: DataRef | Indirect): OperandJson {
  return place.kind === 'data' ? operandJson(place) : { text: placeText(place), slot: place.base };
}

function operandJson(operand: Operand): OperandJson {
  const text = operandText(operand);
  if (operand.kind === 'slot') return { text, slot: operand.slot };
  if (operand.kind === 'immediate') return { text, value: operand.value.toString() };
  return { text, data: operand.segment, offset: operand.offset, size: operand.size };
}

function rowOf(plan: Plan, label: Label): number {
  return plan.labels[label] ?? -1;
}
