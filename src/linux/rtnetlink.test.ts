import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import {
  type Address,
  addAddress,
  decodeReplies,
  getLink,
  listAddresses,
  listLinks,
  moveLink,
  setLinkUp,
} from './rtnetlink.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

test('requests are what the kernel reads: header, body, attributes with their padding', () => {
  assert.equal(
    hex(getLink('eth0')),
    `2c000000 1200 0100 00000000 00000000 ${'00'.repeat(16)} 0900 0300 6574683000 000000`.replace(/ /g, ''),
  );
  assert.equal(
    hex(setLinkUp(7)),
    '20000000100005000000000000000000 00000000070000000100000001000000'.replace(/ /g, ''),
  );
  assert.equal(hex(listLinks()).slice(8, 16), '12000103');
  assert.equal(hex(listAddresses()).slice(8, 16), '16000103');
});

test('a link is moved and named in one message', () => {
  const text = hex(moveLink(5, 9, 'net1'));
  assert.equal(text.slice(8, 16), '10000500');
  assert.ok(text.includes('090003006e65743100'));
  assert.ok(text.endsWith('08001c0009000000'));
});

const address: Address = {
  family: 2,
  prefixLength: 24,
  scope: 0,
  flags: 0x80 | 0x200,
  index: 5,
  attributes: [
    [1, Uint8Array.from([10, 0, 0, 1])],
    [2, Uint8Array.from([10, 0, 0, 1])],
  ],
};

/** A reply is laid out as a request of its kind. */
const asReply = (request: Uint8Array): Buffer => Buffer.from(request);

test('an address is read as it was written, but for flags that only the kernel sets', () => {
  const [reply] = decodeReplies(asReply(addAddress(8, address)));
  assert.deepEqual(reply, {
    kind: 'address',
    address: { ...address, index: 8, flags: 0x200 },
    interrupted: false,
  });
});

test('several replies of one datagram; a list that changed meanwhile is marked', () => {
  const link = asReply(setLinkUp(3));
  link.writeUInt16LE(0x10, 6);
  const done = bytesOf('14000000 0300 0200 00000000 00000000 00000000');
  const replies = decodeReplies(Buffer.concat([link, done]));
  assert.deepEqual(replies, [
    { kind: 'link', link: { index: 3, flags: 1, name: '' }, interrupted: true },
    { kind: 'end', errno: 0, interrupted: false },
  ]);
});

test('an error has its number and the words of the kernel', () => {
  const plain = bytesOf(`24000000 0200 0000 00000000 00000000 edffffff ${'00'.repeat(16)}`);
  assert.deepEqual(decodeReplies(plain), [{ kind: 'end', errno: 19, interrupted: false }]);
  const words = bytesOf(`2c000000 0200 0003 00000000 00000000 eaffffff ${'00'.repeat(16)} 0700 0100 6e6f00 00`);
  assert.deepEqual(decodeReplies(words), [{ kind: 'end', errno: 22, text: 'no', interrupted: false }]);
});

test('what is cut off, or has lengths that are not true, ends the reading', () => {
  const whole = asReply(addAddress(8, address));
  for (let length = 0; length < whole.length; length++) assert.deepEqual(decodeReplies(whole.subarray(0, length)), []);
  for (const length of [0, 3, 15, 0xffff]) {
    const wrong = Buffer.from(whole);
    wrong.writeUInt32LE(length, 0);
    assert.deepEqual(decodeReplies(wrong), []);
  }
  // An attribute that claims to be longer than the message, or shorter than its header.
  for (const length of [0, 3, 0xffff]) {
    const wrong = Buffer.from(whole);
    wrong.writeUInt16LE(length, 24);
    assert.equal(decodeReplies(wrong)[0]?.kind, 'address');
  }
});

test('CVE-2021-43784: an attribute that its 16-bit length can not tell is an error', () => {
  assert.throws(
    () => addAddress(1, { ...address, attributes: [[1, new Uint8Array(65_532)]] }),
    (error) => error instanceof RuntError,
  );
  assert.doesNotThrow(() => addAddress(1, { ...address, attributes: [[1, new Uint8Array(65_531)]] }));
});
