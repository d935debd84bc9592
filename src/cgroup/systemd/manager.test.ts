import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../../error.ts';
import { koffi } from '../../linux/koffi.ts';
import { managerAddress, openManager } from './manager.ts';

function noLibrary(): string | false {
  try {
    koffi().load('libsystemd.so.0');
    return false;
  } catch {
    return 'needs libsystemd (package libsystemd0)';
  }
}

const addresses = (environment: Parameters<typeof managerAddress>[1]['environment'], uid = 1000) =>
  managerAddress('user', { uid, environment }).addresses;

test("root speaks to the system's bus, and without one to systemd itself, whatever the environment says", () => {
  const environment = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/tmp/x', XDG_RUNTIME_DIR: '/tmp' };
  assert.deepEqual(managerAddress('system', { uid: 0, environment }).addresses, [
    'unix:path=/run/dbus/system_bus_socket',
    'unix:path=/run/systemd/private',
  ]);
});

test('others speak to the bus of their session: as it is told, else in the runtime directory, else in the usual one', () => {
  assert.deepEqual(addresses({ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/a,guid=1', XDG_RUNTIME_DIR: '/b' }), [
    'unix:path=/a,guid=1',
  ]);
  assert.deepEqual(addresses({ XDG_RUNTIME_DIR: '/b' }), ['unix:path=/b/bus']);
  assert.deepEqual(addresses({}), ['unix:path=/run/user/1000/bus']);
  assert.deepEqual(addresses({ XDG_RUNTIME_DIR: '/a b,c;d' }), ['unix:path=/a%20b%2cc%3bd/bus']);
});

test('an address that would start a program or leave the host is refused', () => {
  for (const DBUS_SESSION_BUS_ADDRESS of [
    'unixexec:path=/bin/sh',
    'tcp:host=a,port=1',
    'unix:path=/a;unixexec:path=/b',
  ])
    assert.throws(() => addresses({ DBUS_SESSION_BUS_ADDRESS }), RuntError, DBUS_SESSION_BUS_ADDRESS);
});

test('a bus that is not there is an error that says what to do', { skip: noLibrary() }, () => {
  const isClear = (error: unknown): boolean =>
    error instanceof RuntError &&
    error.problem.code === 'host' &&
    error.problem.errno === 2 &&
    error.problem.message.includes('unix:path=/nowhere/bus') &&
    error.problem.hint !== undefined;
  assert.throws(() => openManager({ manager: 'user', addresses: ['unix:path=/nowhere/bus'] }), isClear);
});
