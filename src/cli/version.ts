// What `runt --version` says. Constants, so that no file is read at run time.

/** The same as in package.json (a test compares them). */
export const VERSION = '0.1.0';

/** The version of the OCI runtime specification that runt follows; `ociVersion` of the states it prints. */
export const SPEC_VERSION = '1.3.0';

/** The commit it was built from: the bundler replaces this expression with a constant (`--define process.env.RUNT_COMMIT=…`). */
export const COMMIT: string = process.env.RUNT_COMMIT ?? 'unknown';

/** Container engines read the words after `version`, `commit:` and `spec:`. */
export function versionText(): string {
  const engine = process.versions.bun === undefined ? `node: ${process.versions.node}` : `bun: ${process.versions.bun}`;
  return `runt version ${VERSION}\ncommit: ${COMMIT}\nspec: ${SPEC_VERSION}\n${engine}\n`;
}
