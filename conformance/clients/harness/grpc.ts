// One request, one answer, over gRPC (grpc/grpc, doc/PROTOCOL-HTTP2.md) on a Unix socket, with the messages of cri.proto.

import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { PbfReader, PbfWriter } from 'pbf';
import { compile } from 'pbf/compile';
import { parse } from 'protocol-buffers-schema';

type Message = Record<string, unknown>;
type Codec = Record<string, ((message: unknown, pbf: PbfWriter) => void) & ((pbf: PbfReader) => Message)>;

const FILE = new URL('../../../../conformance/clients/harness/cri.proto', import.meta.url);
const codec = compile(parse(readFileSync(FILE, 'utf8'))) as Codec;

/** Compressed or not, and four bytes of length. */
const PREFIX = 5;

/** Milliseconds that a call may take. */
const DEADLINE = 90_000;

/** What the server answers instead of a message. */
export class CallFailed extends Error {}

export interface Caller {
  /** `CreateContainer`, with the fields of its request. Throws CallFailed. */
  call(service: string, method: string, request: Message): Promise<Message>;
  close(): void;
}

export function openCaller(address: string): Caller {
  let session: ClientHttp2Session | undefined;
  // A daemon that was restarted listens anew.
  const opened = (): ClientHttp2Session => {
    if (session === undefined || session.closed || session.destroyed) {
      session = connect('http://localhost', { createConnection: () => connectSocket(address) });
      // Each request tells its own failure.
      session.on('error', () => undefined);
    }
    return session;
  };
  return {
    call: (service, method, request) => call(opened(), service, method, request),
    close: () => session?.destroy(),
  };
}

function call(session: ClientHttp2Session, service: string, method: string, request: Message): Promise<Message> {
  const writer = new PbfWriter();
  codec[`write${method}Request`]?.(request, writer);
  const body = writer.finish();
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32BE(body.length, 1);
  return new Promise((resolve, reject) => {
    const failed = (why: string) => reject(new CallFailed(`${method}: ${why}`));
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: `/${service}/${method}`,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
    });
    const parts: Buffer[] = [];
    let status: Record<string, unknown> = {};
    // Without a message the status is in the headers.
    for (const event of ['response', 'trailers'] as const)
      stream.on(event, (headers) => {
        status = { ...status, ...headers };
      });
    stream.setTimeout(DEADLINE, () => stream.destroy(new Error(`no answer within ${DEADLINE / 1000} s`)));
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', (error) => failed(String(error)));
    stream.on('end', () => {
      if (status['grpc-status'] !== '0') failed(decodeURIComponent(String(status['grpc-message'] ?? 'no status')));
      else resolve(codec[`read${method}Response`]?.(new PbfReader(Buffer.concat(parts).subarray(PREFIX))) ?? {});
    });
    stream.end(Buffer.concat([prefix, body]));
  });
}
