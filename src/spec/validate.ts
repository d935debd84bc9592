// What `runt validate` is made of, and the library's users ask for: all findings on a document.

import type { Finding } from './findings.ts';
import type { DocumentKind } from './schema.ts';

export type { Finding } from './findings.ts';
export { readDocument } from './read.ts';
export { renderFindings } from './render.ts';

/**
 * All findings on the text of a config (or of another document of the specification), in the order of the text; empty where
 * nothing is wrong. Never throws for what is in the text. Configs for other platforms than Linux are held to the rules that
 * they share. The machinery is loaded on the first call.
 */
export async function validateText(text: string, kind: DocumentKind = 'config'): Promise<Finding[]> {
  const { explain } = await import('./explain.ts');
  return explain(text, kind);
}
