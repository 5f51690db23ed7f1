// Globals of Node that TypeScript's own libraries declare only for browsers.

declare namespace WebAssembly {
  class Memory {
    readonly buffer: ArrayBuffer;
    constructor(size: { readonly initial: number });
    grow(pages: number): number;
  }
  type Module = { readonly module: unique symbol };
  const Module: new (bytes: Uint8Array) => Module;
  class Instance {
    readonly exports: Readonly<Record<string, unknown>>;
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>);
  }
  class LinkError extends Error {}
  function validate(bytes: Uint8Array): boolean;
  function compile(bytes: Uint8Array): Promise<Module>;
}
