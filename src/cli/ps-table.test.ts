import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runtError } from '../cgroup/test-support.ts';
import { psTable } from './ps-table.ts';

const PROCPS = `UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 13:03 ?        00:00:01 /sbin/init
root         412       1  0 13:03 ?        00:00:00 sleep 300
daemon       415     412  0 13:03 ?        00:00:00 sh -c sleep 412
`;
const BUSYBOX = `PID   USER     TIME  COMMAND
    1 root      0:00 init
  412 root      0:00 sleep 300
`;

test('the head stays, and of the others the lines of the container’s processes', () => {
  assert.equal(
    psTable(PROCPS, [412]),
    PROCPS.split('\n')
      .filter((_, index) => index === 0 || index === 2)
      .join('\n')
      .concat('\n'),
  );
});

test('a container without processes has the head alone', () => {
  assert.equal(psTable(PROCPS, []), `${PROCPS.split('\n')[0]}\n`);
});

test('the pid is found where the head has it: busybox puts it first', () => {
  assert.equal(psTable(BUSYBOX, [412]), 'PID   USER     TIME  COMMAND\n  412 root      0:00 sleep 300\n');
});

test('a table without pids, and a line in which the pid can not be told, are refused', () => {
  assert.throws(() => psTable('CMD\nsleep\n', [1]), runtError('host', /^couldn't find PID field in ps output$/));
  assert.throws(() => psTable('CMD PID\nsleep x 412\n', [412]), runtError('host', /^unable to parse pid: "x"/));
});
