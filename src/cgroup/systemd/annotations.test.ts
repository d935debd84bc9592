import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../../error.ts';
import { annotationProperties } from './annotations.ts';
import { parseVariant } from './variant-text.ts';

const of = (name: string, value: string) => annotationProperties({ [`org.systemd.property.${name}`]: value });
const refused = (name: string, value: string, message: RegExp): void =>
  assert.throws(
    () => of(name, value),
    (error) =>
      error instanceof RuntError &&
      message.test(error.problem.message) &&
      error.problem.pointer === `/annotations/org.systemd.property.${name}`,
    `${name}=${value}`,
  );

test('a property has the value of its annotation; other annotations are none', () => {
  assert.deepEqual(of('TimeoutStopUSec', 'uint64 123456789'), [
    { name: 'TimeoutStopUSec', signature: 't', value: 123456789n },
  ]);
  assert.deepEqual(of('CollectMode', "'inactive-or-failed'"), [
    { name: 'CollectMode', signature: 's', value: 'inactive-or-failed' },
  ]);
  assert.deepEqual(of('DefaultDependencies', 'true'), [{ name: 'DefaultDependencies', signature: 'b', value: true }]);
  assert.deepEqual(of('After', '[\'a.service\', "b.service"]'), [
    { name: 'After', signature: 'as', value: ['a.service', 'b.service'] },
  ]);
  assert.deepEqual(annotationProperties({ 'org.systemd': 'x', other: 'y' }), []);
});

test('a property in seconds is given to systemd in microseconds', () => {
  for (const value of ['7', 'uint64 7', 'int32 7', '7.0', 'double 7'])
    assert.deepEqual(of('TimeoutStopSec', value), [{ name: 'TimeoutStopUSec', signature: 't', value: 7_000_000n }]);
  assert.equal(of('TimeoutStopSec', '0.5')[0]?.value, 500_000n);
  refused('TimeoutStopSec', "'7'", /a number of seconds is expected/);
  refused('TimeoutStopSec', '-1', /a number of seconds is expected/);
});

test('a name that is no property is refused', () => {
  for (const name of ['', 'ab', 'Time-out', 'Zeit1', 'Tïme']) refused(name, 'true', /name incorrect/);
});

test('a value that is none, or of another type, is refused', () => {
  for (const value of ['', 'sometimes', "'open", "['a'", "['a',]", 'uint64 -1', 'uint64 18446744073709551616'])
    refused('TimeoutStopUSec', value, /value parse error/);
  refused('TimeoutStopUSec', 'int32 5', /a uint64 is expected/);
  refused('TimeoutStopUSec', 'true', /a uint64 is expected/);
  refused('KillSignal', '3000000000', /an int32 is expected/);
  refused('CollectMode', 'inactive', /value parse error/);
});

// CVE-2024-3154: who may set an annotation must not get a hold on the host by it.
test('a property that reaches beyond the scope is refused', () => {
  const reaching = [
    'ExecStart',
    'ExecStopPost',
    'OnFailure',
    'OnSuccess',
    'Conflicts',
    'Requires',
    'Wants',
    'BindsTo',
    'PartOf',
  ];
  const reboots = ['SuccessAction', 'FailureAction', 'JobTimeoutAction', 'RebootArgument', 'StartLimitAction'];
  const ours = [
    'Slice',
    'PIDs',
    'Delegate',
    'Description',
    'DevicePolicy',
    'DeviceAllow',
    'BPFProgram',
    'User',
    'MemoryMax',
    'KillMode',
    'SendSIGKILL',
  ];
  for (const name of [...reaching, ...reboots, ...ours, 'constructor', 'hasOwnProperty'])
    refused(name, "'poweroff.target'", /may not be set by an annotation/);
});

test('the text form of GVariant', () => {
  assert.deepEqual(parseVariant("'it\\'s \\\\'"), { kind: 'string', value: "it's \\" });
  assert.deepEqual(parseVariant(' byte 0x10 '), { kind: 'integer', value: 16n, type: 'byte' });
  assert.deepEqual(parseVariant('-5'), { kind: 'integer', value: -5n });
  assert.deepEqual(parseVariant('@as []'), { kind: 'strings', value: [] });
  assert.deepEqual(parseVariant('1e3'), { kind: 'double', value: 1000 });
  for (const text of ["'a' 'b'", 'byte 256', '0x', '--1', "['a' 'b']", '(1,)', '{}', "<'a'>"])
    assert.equal(parseVariant(text), undefined, text);
});
