import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { configWith, MINIMAL, places } from './fixtures.ts';
import { parseConfig } from './load.ts';
import { renderFindings, validateText } from './validate.ts';

const check = (document: unknown) => validateText(JSON.stringify(document, null, 2));
const plain = { colour: false, file: 'config.json' } as const;

test('nothing is found in a valid config', async () => {
  assert.deepEqual(await check(MINIMAL), []);
  assert.equal(renderFindings([], 'text', plain), '');
});

test('a mistyped word of a list is an error that names the words and the one that was meant', async () => {
  const findings = await check(configWith({ linux: { namespaces: [{ type: 'mount' }, { type: 'networ' }] } }));
  assert.equal(
    renderFindings(findings, 'text', plain),
    'config.json:18:17: error: /linux/namespaces/1/type: expected one of "mount", "pid", "network", "uts", "ipc", "user", "cgroup", "time"; found "networ"; did you mean "network"?\n',
  );
});

test('an unknown property is a warning, with the name that was meant where one is near', async () => {
  const findings = await check(
    configWith({ hostnam: 'x', com: 1, linux: { namespaces: [{ type: 'mount' }], maskedPath: [] } }),
  );
  assert.deepEqual(
    findings.map(({ pointer, severity, suggestion }) => [pointer, severity, suggestion]),
    [
      ['/linux/maskedPath', 'warning', 'maskedPaths'],
      ['/hostnam', 'warning', 'hostname'],
      ['/com', 'warning', undefined],
    ],
  );
});

test('all errors are found at once, each once, in the order of the text', async () => {
  const findings = await check({
    process: { cwd: 5, args: 'sh' },
    root: {},
    hooks: { poststop: [{ path: '/x', timeout: 0 }] },
    mounts: null,
  });
  assert.deepEqual(places(findings), [
    'error ',
    'error /process/cwd',
    'error /process/args',
    'error /root',
    'error /hooks/poststop/0/timeout',
    'error /mounts',
  ]);
  assert.deepEqual(
    findings.map(({ message }) => message),
    [
      'the property "ociVersion" is missing',
      'expected a string; found 5',
      'expected an array; found "sh"',
      'the property "path" is missing',
      'expected at least 1; found 0',
      'expected an array; found null',
    ],
  );
});

test('every finding of the schema links to its section of the specification', async () => {
  const findings = await check(configWith({ linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOWED' } } }));
  assert.equal(findings[0]?.spec, 'https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config-linux.md#seccomp');
  assert.equal(findings[0]?.suggestion, 'SCMP_ACT_ALLOW');
});

test('a missing property that is there under a wrong name is pointed out', async () => {
  const [finding] = await check(configWith({ root: { pth: 'rootfs' } }));
  assert.equal(finding?.hint, 'is it the property "pth"?');
});

test('a name that occurs twice is an error at its second place', async () => {
  const findings = await validateText('{\n"ociVersion": "1.3.0",\n"root": {"path": "a"},\n"root": {"path": "b"}\n}');
  assert.deepEqual(
    findings.map(({ line, column, message }) => [line, column, message]),
    [[4, 1, 'the property is there twice, see line 3']],
  );
});

test('malformed JSON is shown with a mark, also in a line of any length', async () => {
  const findings = await validateText(`{"a": "${'x'.repeat(500)}" "b": 1, "c": "${'y'.repeat(500)}"}`);
  const [head, source, mark] = renderFindings(findings, 'text', plain).split('\n');
  assert.match(head ?? '', /^config\.json:1:510: error: not JSON: a comma is expected$/);
  assert.ok((source ?? '').length < 140);
  assert.equal((source ?? '').charAt((mark ?? '').length - 1), '"');
  assert.match(mark ?? '', /^ +\^$/);
});

test('a missing comma in one place does not hide that in another', async () => {
  const findings = await validateText('{\n"a": 1\n"b": 2\n"c": 3\n}');
  assert.deepEqual(
    findings.map(({ line }) => line),
    [3, 4],
  );
});

test('a byte order mark, an empty text and a text that ends too early are reported', async () => {
  for (const text of [
    '\uFEFF{}',
    '',
    '   ',
    '{"a": [1, 2',
    '"',
    '[1,]',
    '{"a": 01}',
    '// no\n{}',
    'nul',
    '{"a": "\t"}',
  ]) {
    const findings = await validateText(text);
    assert.equal(findings[0]?.severity, 'error', JSON.stringify(text));
  }
});

test('JSON output says whether the document is valid and holds the findings as data', async () => {
  const findings = await check({});
  assert.deepEqual(JSON.parse(renderFindings(findings, 'json', plain)), {
    file: 'config.json',
    valid: false,
    findings,
  });
  assert.equal(findings[0]?.message, 'the property "ociVersion" is missing');
  assert.match(renderFindings([], 'json', plain), /"valid": true/);
});

test('colour is used only where it is asked for, and text of the document can not steer the terminal', async () => {
  const findings = await check(configWith({ hostname: 5, 'a\u001b[31m\n': 1 }));
  const text = renderFindings(findings, 'text', plain);
  assert.ok(!text.includes('\u001b'));
  assert.equal(text.split('\n').length, findings.length + 1);
  assert.ok(renderFindings(findings, 'text', { ...plain, colour: true }).includes('\u001b[31merror:'));
});

test('a rule is silent about values that do not fit the schema', async () => {
  const findings = await check(
    configWith({ hostname: 'x', linux: { namespaces: [{ type: 'utss' }, { type: 'uts' }] } }),
  );
  assert.deepEqual(places(findings), ['error /linux/namespaces/0/type']);
});

test('configs for other platforms are held to the rules that they share', async () => {
  assert.deepEqual(await check({ ociVersion: '1.3.0', hostname: 'x', zos: { namespaces: [{ type: 'uts' }] } }), []);
  assert.deepEqual(places(await check({ ociVersion: 'x', zos: {} })), ['error /ociVersion']);
});

// ---- property: whatever happens to a config, it is judged and never crashes the judge.

/** A linear congruential generator: the same mutations on every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e300,
  18446744073709552000,
  '',
  '/',
  'x',
  [],
  {},
  [null],
  [[]],
  { path: 1 },
  '\0',
];

function mutate(value: unknown, pick: (below: number) => number): unknown {
  if (value === null || typeof value !== 'object' || pick(12) === 0) return VALUES[pick(VALUES.length)];
  const entries = Object.entries(value);
  const which = pick(entries.length + 1);
  const entry = entries[which];
  if (entry === undefined)
    return Array.isArray(value)
      ? [...value, VALUES[pick(VALUES.length)]]
      : { ...value, [['x', '__proto__', 'process', 'type'][pick(4)] ?? '']: VALUES[pick(VALUES.length)] };
  const [name, part] = entry;
  if (pick(6) === 0)
    return Array.isArray(value)
      ? value.filter((_, index) => index !== which)
      : Object.fromEntries(entries.filter(([key]) => key !== name));
  const changed = mutate(part, pick);
  return Array.isArray(value)
    ? value.map((old: unknown, index) => (index === which ? changed : old))
    : { ...value, [name]: changed };
}

const RICH = configWith({
  hostname: 'h',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/d', source: '/s', options: ['rbind', 'ro'] },
  ],
  hooks: { prestart: [{ path: '/a', args: ['a'], timeout: 1 }] },
  annotations: { a: 'b' },
  process: {
    cwd: '/',
    args: ['sh'],
    env: ['A=B'],
    user: { uid: 1, gid: 1, additionalGids: [1] },
    rlimits: [{ type: 'RLIMIT_CPU', soft: 1, hard: 2 }],
    capabilities: { bounding: ['CAP_KILL'] },
    scheduler: { policy: 'SCHED_FIFO', priority: 1 },
  },
  linux: {
    namespaces: [{ type: 'mount' }, { type: 'uts' }, { type: 'user' }, { type: 'network', path: '/x' }],
    uidMappings: [{ containerID: 0, hostID: 1, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: 1, size: 1 }],
    sysctl: { 'net.ipv4.ip_forward': '1' },
    devices: [{ type: 'c', path: '/dev/x', major: 1, minor: 2 }],
    resources: {
      devices: [{ allow: false, access: 'rwm' }],
      memory: { limit: 1, swap: 2 },
      cpu: { quota: 1, burst: 1 },
      rdma: { a: { hcaHandles: 1 } },
      unified: { 'memory.max': '1' },
    },
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { names: ['a'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] },
      ],
    },
  },
});

test('a config changed at random is accepted or refused, by the quick way as by the full report', async () => {
  const pick = random(20261124);
  let refused = 0;
  for (let round = 0; round < 1500; round++) {
    let document: unknown = RICH;
    for (let changes = pick(3); changes >= 0; changes--) document = mutate(document, pick);
    await judge(JSON.stringify(document));
  }
  assert.ok(refused > 200 && refused < 1500, `${refused} refused`);

  async function judge(text: string): Promise<void> {
    const { explain } = await import('./explain.ts');
    const errors = explain(text, 'config', 'linux').filter(({ severity }) => severity === 'error');
    renderFindings(errors, 'text', plain);
    try {
      parseConfig(text, 'f');
      assert.deepEqual(errors, [], text);
    } catch (error) {
      assert.ok(error instanceof RuntError, text);
      assert.notEqual(errors.length, 0, text);
      refused += 1;
    }
  }
});

test('text changed at random is judged and never crashes the judge', async () => {
  const pick = random(7);
  const text = JSON.stringify(RICH, null, 1);
  const noise = ['{', '}', '[', ']', ',', ':', '"', '\\', '\u0000', '1', '/', 'e', '\ud800', '\n'];
  for (let round = 0; round < 400; round++) {
    const at = pick(text.length);
    const findings = await validateText(`${text.slice(0, at)}${noise[pick(noise.length)]}${text.slice(at + pick(3))}`);
    renderFindings(findings, 'text', plain);
    for (const { line, column } of findings) assert.ok(line >= 1 && column >= 1);
  }
});
