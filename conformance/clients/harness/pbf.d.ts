// Types that these packages come without, as far as they are used here.

declare module 'pbf/compile' {
  export function compile(schema: unknown): unknown;
}

declare module 'protocol-buffers-schema' {
  export function parse(text: string): unknown;
}
