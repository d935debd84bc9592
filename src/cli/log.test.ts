import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { logLine, logTime, openLog } from './log.ts';

function inTemporaryDirectory(work: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'runt-log-'));
  try {
    work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const noon = new Date('2026-01-31T12:00:00Z');
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)/;

/** What is not simply copied into a line. */
const HARD = [
  'plain',
  'two words',
  'a"quote',
  'back\\slash',
  'tab\there',
  'line\nfeed',
  'bell\x07',
  'escape\x1b[0m',
  'delete\x7f',
  '<b>&amp;</b>',
  'grüße',
  '日本',
  'emoji😀',
  'nbsp\u00a0',
  'separator\u2028',
];

test('lines are the same as those of runc, for hard characters too', (t) => {
  if (spawnSync('runc', ['--version']).error !== undefined) return t.skip('runc is not installed');
  for (const format of ['text', 'json'] as const) {
    for (const hard of HARD) {
      // runc names the log file that it could not open, in a line on standard error.
      const { stderr } = spawnSync('runc', ['--log-format', format, '--log', `/nonexistent/${hard}`, 'list'], {
        encoding: 'utf8',
      });
      const message = `open /nonexistent/${hard}: no such file or directory`;
      const expected = stderr.replace(TIME, 'TIME');
      assert.equal(
        logLine(format, 'error', message, noon).replace(TIME, 'TIME'),
        expected,
        `${format} ${JSON.stringify(hard)}`,
      );
    }
  }
});

test('a JSON line has level, msg and time, in this order', () => {
  assert.match(
    logLine('json', 'error', 'container does not exist', noon),
    /^\{"level":"error","msg":"container does not exist","time":"2026-01-31T12:00:00Z"\}\n$/,
  );
});

test('a text line quotes a message unless it is one bare word', () => {
  assert.match(logLine('text', 'warning', 'two words', noon), /^time="[^"]+" level=warning msg="two words"\n$/);
  assert.match(logLine('text', 'debug', 'a-b.c/d_e@f^g+1', noon), / level=debug msg=a-b\.c\/d_e@f\^g\+1\n$/);
});

test('a line stays one line', () => {
  for (const format of ['text', 'json'] as const) {
    assert.equal(logLine(format, 'error', 'one\ntwo\r\u2028three', noon).match(/[\n\r\u2028]/g)?.length, 1);
  }
});

test('the time is in UTC, to the second', () => {
  assert.equal(logTime(new Date('2026-01-31T13:00:00.987+01:00')), '2026-01-31T12:00:00Z');
});

test('a log file is appended to', () => {
  inTemporaryDirectory((directory) => {
    const file = join(directory, 'log');
    writeFileSync(file, 'before\n');
    for (const message of ['one', 'two']) {
      const log = openLog({ file, format: 'json', debug: false });
      log.info(message);
      log.close();
    }
    const lines = readFileSync(file, 'utf8').split('\n');
    assert.equal(lines[0], 'before');
    assert.deepEqual(
      lines.slice(1, 3).map((line) => JSON.parse(line).msg),
      ['one', 'two'],
    );
  });
});

test('lines of level debug are written only where debug is on', () => {
  inTemporaryDirectory((directory) => {
    for (const debug of [false, true]) {
      const file = join(directory, String(debug));
      const log = openLog({ file, format: 'text', debug });
      log.debug('hidden');
      log.warning('shown');
      log.close();
      assert.equal(readFileSync(file, 'utf8').includes('hidden'), debug);
      assert.ok(readFileSync(file, 'utf8').includes('level=warning msg=shown'));
    }
  });
});

test('a log file that can not be opened is an error that names it and the reason', () => {
  assert.throws(
    () => openLog({ file: '/nonexistent/log', format: 'text', debug: false }),
    (error) => {
      assert.ok(error instanceof RuntError);
      assert.deepEqual(error.problem, {
        code: 'host',
        message: 'open the log file /nonexistent/log',
        syscall: 'open',
        errno: 2,
      });
      return true;
    },
  );
});
