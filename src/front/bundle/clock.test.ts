import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createPlanBuilder } from '../../init/builder.ts';
import { encodeImage } from '../../init/image.ts';
import { writeStartTime } from '../start-time.ts';
import { exit, type Front, ref, set } from '../words.ts';
import { formatTime, writeTime } from './clock.ts';

const STDOUT = 1;

/** What a program prints that is made of a front's steps; status 9: they have left it to the engine. */
function printed(write: (front: Front, to: ReturnType<Front['plan']['slot']>) => void): string | number | null {
  const plan = createPlanBuilder();
  const front: Front = { plan, engine: plan.label() };
  const text = plan.variable(64, '{text}');
  plan.step({ sentence: 'print' }, () => {
    plan.withSlot((to) => {
      set(front, to, text);
      write(front, to);
      plan.add(to, -plan.address(text));
      plan.call('write', [STDOUT, text, ref(front, to)]);
    });
    exit(front, 0);
    plan.place(front.engine);
    exit(front, 9);
  });
  const directory = mkdtempSync(join(tmpdir(), 'runt-clock-'));
  try {
    const file = join(directory, 'print');
    writeFileSync(file, encodeImage(plan.finish(front.engine), process.arch === 'arm64' ? 'arm64' : 'x64'), {
      mode: 0o755,
    });
    const { status, stdout } = spawnSync(file, { encoding: 'utf8' });
    return status === 0 ? stdout : status;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function formatted(seconds: number, nanoseconds: number, now: string): string | number | null {
  return printed((front, to) => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigInt64LE(BigInt(seconds), 0);
    bytes.writeBigInt64LE(BigInt(nanoseconds), 8);
    formatTime(front, front.plan.variable(bytes, '{time}', 8), to, Date.parse(now));
  });
}

test('a time is written as RFC 3339 has it, at the ends of days, months and years too', () => {
  for (const [text, nanoseconds] of [
    ['2026-11-01T00:00:00.000Z', 0],
    ['2026-11-30T23:59:59.999Z', 999_999_999],
    ['2026-12-01T00:00:00.001Z', 1_000_000],
    ['2027-01-01T09:08:07.010Z', 10_999_999],
    ['2028-02-29T12:34:56.789Z', 789_123_456],
  ] as const)
    assert.equal(formatted(Math.floor(Date.parse(text) / 1000), nanoseconds, '2026-11-25T12:00:00Z'), text);
});

test('a time before the month of its making, or long after it, is the engine’s', () => {
  for (const text of ['2026-10-31T23:59:59Z', '2029-11-01T00:00:00Z', '2040-01-01T00:00:00Z'])
    assert.equal(formatted(Date.parse(text) / 1000, 0, '2026-11-25T12:00:00Z'), 9, text);
});

test('the clock is that of the host', () => {
  const before = new Date().toISOString();
  const text = printed((front, to) => writeTime(front, to, Date.now()));
  assert.ok(typeof text === 'string' && before <= text && text <= new Date().toISOString(), `${text}`);
});

test('a process was started when the kernel says that it was', () => {
  const text = printed((front, to) => writeStartTime(front, `/proc/${process.pid}/stat`, to));
  const { stdout } = spawnSync('awk', ['{print $22}', `/proc/${process.pid}/stat`], { encoding: 'utf8' });
  assert.equal(text, stdout.trim());
});
