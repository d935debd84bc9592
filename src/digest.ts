// SHA-256, by whatever the engine has at hand: loading node:crypto costs Bun two milliseconds, and it has a digest of its own.

interface Hasher {
  update(text: string): Hasher;
  digest(encoding: 'hex'): string;
}
const { Bun } = globalThis as { readonly Bun?: { readonly CryptoHasher: new (algorithm: 'sha256') => Hasher } };

/** A function from a text to its digest, in hexadecimal digits. */
export async function loadSha256(): Promise<(text: string) => string> {
  if (Bun !== undefined) {
    const { CryptoHasher } = Bun;
    return (text) => new CryptoHasher('sha256').update(text).digest('hex');
  }
  const { createHash } = await import('node:crypto');
  return (text) => createHash('sha256').update(text).digest('hex');
}
