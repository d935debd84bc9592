import { type UpdateOptions, updateContainer } from '../../container/update.ts';
import { fail, RuntError } from '../../error.ts';
import { type LoadedResources, loadResources } from '../../spec/load-resources.ts';
import { readDocument } from '../../spec/read.ts';
import { stateRoot, thisCaller } from '../root.ts';
import type { Invocation } from '../table.ts';
import { UPDATE_LIMITS, UPDATE_SCHEMAS } from '../update-options.ts';

export async function update({ options, globals, positionals, log }: Invocation): Promise<number> {
  const given = (name: string): string => options.text(name) ?? '';
  const schemas = schemasOf(given);
  const file = given('resources');
  const { warnings, ...loaded } = await (file === '' ? fromOptions(given) : fromFile(file));
  for (const { pointer, message } of warnings) log.warning(`${nameOf(file)}: ${pointer}: ${message}`);
  try {
    updateContainer({
      root: stateRoot(globals.text('root'), thisCaller()).path,
      id: positionals[0] ?? '',
      ...loaded,
      ...(schemas === undefined ? {} : { schemas }),
      log,
    });
  } catch (error) {
    throw withPlace(error, file);
  }
  return 0;
}

function schemasOf(given: (name: string) => string): UpdateOptions['schemas'] {
  const schemas: Record<string, string> = {};
  for (const { option, field, start } of UPDATE_SCHEMAS) {
    const text = given(option);
    if (text === '') continue;
    if (!text.startsWith(start) || text.includes('\n')) refuse(option, text, `one line that begins with ${start}`);
    schemas[field] = text;
  }
  return Object.keys(schemas).length === 0 ? undefined : schemas;
}

function fromFile(file: string): Promise<LoadedResources> {
  return loadResources(readDocument(file, true), nameOf(file));
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file;
}

/** As the document that --resources would read: so the schema and the rules hold for it, and no digit is lost. An empty option is none. */
function fromOptions(given: (name: string) => string): Promise<LoadedResources> {
  const sections = new Map<string, string[]>();
  for (const { option, field, reading } of UPDATE_LIMITS) {
    const text = given(option);
    if (text === '') continue;
    const [section, name] = field;
    const value =
      reading === 'text' ? JSON.stringify(text) : reading === 'size' ? size(option, text) : integer(option, text);
    const members = sections.get(section) ?? [];
    members.push(`"${name}":${value}`);
    sections.set(section, members);
  }
  const document = [...sections].map(([section, members]) => `"${section}":{${members.join(',')}}`);
  return loadResources(`{${document.join(',')}}`, 'the options');
}

function integer(option: string, text: string): string {
  if (!/^[+-]?\d+$/.test(text)) return refuse(option, text, 'a whole number');
  return String(BigInt(text.replace('+', '')));
}

const SIZE = /^(\d+)(?:\.(\d+))? ?([kmgtp])?i?b?$/i;

/** As in runc (go-units): suffixes are powers of 1024, with or without "B" or "iB"; -1 is no limit. */
function size(option: string, text: string): string {
  if (text === '-1') return text;
  const [, whole, fraction = '', suffix = ''] = SIZE.exec(text) ?? [];
  if (whole === undefined) return refuse(option, text, 'a size like 1048576, 512k or 50M');
  const unit = 1024n ** BigInt('kmgtp'.indexOf(suffix.toLowerCase()) + (suffix === '' ? 0 : 1));
  const scale = 10n ** BigInt(fraction.length);
  return String((BigInt(whole + fraction) * (suffix === '' ? 1n : unit)) / scale);
}

function refuse(option: string, text: string, wanted: string): never {
  return fail({ code: 'usage', message: `invalid value for ${option}: ${JSON.stringify(text)} is not ${wanted}` });
}

/** A problem's pointer is one into a config.json; here the place is an option, or in another document. */
function withPlace(error: unknown, file: string): unknown {
  if (!(error instanceof RuntError)) return error;
  const { pointer, ...problem } = error.problem;
  if (pointer?.startsWith(PREFIX) !== true) return error;
  const inner = pointer.slice(PREFIX.length);
  const option = UPDATE_LIMITS.find(({ field }) => `/${field.join('/')}` === inner)?.option;
  const place = file === '' && option !== undefined ? `--${option}` : `${nameOf(file)}: ${inner}`;
  return new RuntError({ ...problem, message: `${place}: ${problem.message}` }, error);
}

const PREFIX = '/linux/resources';
