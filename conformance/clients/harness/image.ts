// The image of the containers, made from the host's static busybox: no registry, no network.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBase, makeRootfs } from '../../harness/rootfs.ts';
import { ok, run } from './command.ts';
import { scope } from './scope.ts';

/** A tar of the root file system, for `import` of Docker and Podman. Returns its path. */
export async function makeRootfsTar(): Promise<string> {
  const rootfs = join(scope.directory, 'rootfs');
  const path = join(scope.directory, 'rootfs.tar');
  if (existsSync(path)) return path;
  makeRootfs(rootfs, makeBase(scope.directory));
  mkdirSync(join(rootfs, 'data'));
  writeFileSync(join(rootfs, 'data/from-image'), 'from the image\n');
  // Neither can be executed: no permission, no known format behind it.
  writeFileSync(join(rootfs, 'bin/not-executable'), '#!/bin/sh\necho never\n', { mode: 0o644 });
  ok(await run(['tar', '-C', rootfs, '--numeric-owner', '--owner=0', '--group=0', '-cf', path, '.']));
  return path;
}

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');

/** An OCI image archive under the given name, for `ctr image import`, with its program. Returns its path. */
export async function makeImageArchive(
  name: string,
  rootfsTar: string,
  program: readonly string[] = ['/bin/sh'],
): Promise<string> {
  const layout = join(scope.directory, 'layout');
  const blobs = join(layout, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const blob = (content: unknown, mediaType: string) => {
    const text = JSON.stringify(content);
    const digest = sha256(text);
    writeFileSync(join(blobs, digest), text);
    return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(text) };
  };
  const layerDigest = sha256(readFileSync(rootfsTar));
  const size = statSync(rootfsTar).size;
  renameSync(rootfsTar, join(blobs, layerDigest));
  const config = blob(
    {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Env: ['PATH=/bin'], Cmd: program },
      rootfs: { type: 'layers', diff_ids: [`sha256:${layerDigest}`] },
    },
    'application/vnd.oci.image.config.v1+json',
  );
  const layers = [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: `sha256:${layerDigest}`, size }];
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = blob({ schemaVersion: 2, mediaType, config, layers }, mediaType);
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': 'latest' };
  writeFileSync(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  const path = join(scope.directory, 'image.tar');
  ok(await run(['tar', '-C', layout, '-cf', path, '.']));
  return path;
}
