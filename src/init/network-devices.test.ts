import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../spec/generated/types.ts';
import { during, lines, planOf, run, sentences } from './test-support.ts';

const linux = { namespaces: [{ type: 'network' }, { type: 'mount' }] } as NonNullable<Config['linux']>;
const waiting = /^wait until the runtime has moved network devices/;
const withDevices = { linux: { ...linux, netDevices: { eth0: {} }, sysctl: { 'net.ipv4.conf.eth0.forwarding': '1' } } };

test('init waits for its devices before hooks, sysctls and mounts', () => {
  const { trace, end } = run(planOf(withDevices));
  assert.equal(end, 'executed');
  assert.deepEqual(lines(during(trace, waiting)), ['write(3, {network}, 8)', 'read(3, {answer}, 8)']);
  const order = [waiting, /attach the root/, /set the sysctl/].map((pattern) =>
    trace.findIndex(({ sentence }) => pattern.test(sentence)),
  );
  assert.ok(order.every((at, index) => at > (order[index - 1] ?? -1)));
});

test('it ends when the runtime is gone, and waits for nothing where there are no devices', () => {
  const { end } = run(planOf(withDevices), ({ name, sentence }) =>
    name === 'read' && waiting.test(sentence) ? 0 : undefined,
  );
  assert.equal(end, 'exited');
  assert.ok(!sentences(planOf({ linux: { ...linux, netDevices: {} } })).some((sentence) => waiting.test(sentence)));
});
