// What the validators compiled by ajv look like to TypeScript.

/** One complaint of a validator. `message` is there in the full variant only. */
export interface SchemaError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/** True if the value fits the schema; otherwise `errors` says why, until the next call. */
export interface Validate {
  (value: unknown): boolean;
  errors?: readonly SchemaError[] | null;
}
