import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadSha256 } from '../digest.ts';
import { silentLog } from '../log.ts';
import type { Seccomp } from '../spec/generated/types.ts';
import { type FilterCache, filterCache, type KeptFilter, keepFilter, readFilter } from './seccomp-cache.ts';

const digest = await loadSha256();
const PROFILE: Seccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
};
const FILTER: KeptFilter = {
  program: Uint8Array.from({ length: 24 }, (_, at) => at),
  flags: 4,
  notifies: false,
  notices: ['one'],
};
const needsRoot = process.geteuid?.() === 0 ? false : 'giving a directory away needs root';

function rootIn(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'runt-seccomp-'));
  t.after(() => rmSync(root, { recursive: true }));
  return root;
}

function cacheIn(root: string, profile: Seccomp = PROFILE, machine = 'x64', compiler = 'c1'): FilterCache {
  const cache = filterCache(root, profile, machine, digest, compiler);
  assert.ok(cache !== undefined);
  return cache;
}

/** What is read back, its program as numbers. */
function read(cache: FilterCache) {
  const filter = readFilter(cache, silentLog);
  return filter === undefined ? undefined : { ...filter, program: [...filter.program] };
}

/** A cache with the filter in it. */
function filled(t: TestContext) {
  const root = rootIn(t);
  const cache = cacheIn(root);
  keepFilter(cache, FILTER, silentLog);
  assert.deepEqual(read(cache), { ...FILTER, program: [...FILTER.program] });
  return { root, cache, file: join(cache.directory, cache.key) };
}

test('a filter that was kept is found again, by the same profile, machine and compiler only', (t) => {
  const { root } = filled(t);
  assert.ok(read(cacheIn(root)) !== undefined);
  assert.equal(read(cacheIn(root, { ...PROFILE, defaultAction: 'SCMP_ACT_LOG' })), undefined);
  assert.equal(read(cacheIn(root, PROFILE, 'arm64')), undefined);
  assert.equal(read(cacheIn(root, PROFILE, 'x64', 'c2')), undefined);
});

test('nothing is kept by an unknown compiler, nor of a profile whose integers JSON.parse has rounded', () => {
  assert.equal(filterCache('/r', PROFILE, 'x64', digest, undefined), undefined);
  const args = [{ index: 0, value: 2 ** 60, op: 'SCMP_CMP_EQ' as const }];
  const rounded: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', args }],
  };
  assert.equal(filterCache('/r', rounded, 'x64', digest, 'c1'), undefined);
});

test('a file that is damaged, cut off, another profile’s, or empty is not believed', (t) => {
  const { root, cache, file } = filled(t);
  const whole = readFileSync(file, 'utf8');
  const other = cacheIn(root, { ...PROFILE, defaultAction: 'SCMP_ACT_LOG' });
  writeFileSync(join(other.directory, other.key), whole);
  assert.equal(read(other), undefined);
  for (const text of [whole.replace('"flags":4', '"flags":0'), whole.slice(0, -1), `${whole} `, '', '\n']) {
    writeFileSync(file, text);
    assert.equal(read(cache), undefined, text);
  }
  writeFileSync(file, whole);
  assert.ok(read(cache) !== undefined);
  truncateSync(file, 300 * 1024);
  assert.equal(read(cache), undefined);
});

test('a program of no whole instructions, or of too many, is not believed', (t) => {
  for (const length of [0, 12, 4097 * 8]) {
    const cache = cacheIn(rootIn(t));
    keepFilter(cache, { ...FILTER, program: new Uint8Array(length) }, silentLog);
    assert.equal(read(cache), undefined, String(length));
  }
});

test('a directory that others can write to or look into is not used', (t) => {
  const { cache } = filled(t);
  for (const mode of [0o755, 0o770, 0o702]) {
    chmodSync(cache.directory, mode);
    assert.equal(read(cache), undefined, mode.toString(8));
  }
  const before = readdirSync(cache.directory);
  keepFilter({ ...cache, key: 'f'.repeat(64) }, FILTER, silentLog);
  assert.deepEqual(readdirSync(cache.directory), before);
});

test('a directory or a file of another user is not used', { skip: needsRoot }, (t) => {
  const { cache, file } = filled(t);
  chownSync(file, 1000, 1000);
  assert.equal(read(cache), undefined);
  chownSync(file, 0, 0);
  assert.ok(read(cache) !== undefined);
  chownSync(cache.directory, 1000, 1000);
  assert.equal(read(cache), undefined);
});

test('no link is followed, neither of the directory nor of a file', (t) => {
  const { cache, file } = filled(t);
  const elsewhere = rootIn(t);
  symlinkSync(cache.directory, join(elsewhere, '.seccomp'));
  assert.equal(read(cacheIn(elsewhere)), undefined);
  const copy = join(elsewhere, 'copy');
  writeFileSync(copy, readFileSync(file));
  rmSync(file);
  symlinkSync(copy, file);
  assert.equal(read(cache), undefined);
});

test('at most 64 are kept: the oldest go, with what a killed runtime has left half-written', (t) => {
  const { cache } = filled(t);
  writeFileSync(join(cache.directory, '.77.half'), 'x');
  utimesSync(join(cache.directory, '.77.half'), 1, 1);
  utimesSync(join(cache.directory, cache.key), 2, 2);
  const keys = Array.from({ length: 64 }, (_, at) => at.toString(16).padStart(64, '0'));
  for (const key of keys) keepFilter({ ...cache, key }, FILTER, silentLog);
  assert.deepEqual(readdirSync(cache.directory).sort(), keys);
});

test('where nothing can be kept nothing happens, and the log says why', (t) => {
  const root = rootIn(t);
  writeFileSync(join(root, '.seccomp'), '');
  const said: string[] = [];
  const log = { ...silentLog, debug: (message: string) => void said.push(message) };
  keepFilter(cacheIn(root), FILTER, log);
  assert.equal(readFilter(cacheIn(root), log), undefined);
  keepFilter(cacheIn('/nowhere/at/all'), FILTER, log);
  assert.match(said.join('\n'), /is not kept: ENOENT/);
  assert.deepEqual(readdirSync(root), ['.seccomp']);
});
