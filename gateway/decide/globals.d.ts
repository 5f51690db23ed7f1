// Globals of Node that TypeScript's own libraries declare only for browsers.

declare namespace WebAssembly {
  class Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  type Module = { readonly module: unique symbol };
  const Module: new (bytes: Uint8Array) => Module;
  class Instance {
    readonly exports: Readonly<Record<string, unknown>>;
  }
  class LinkError extends Error {}
}
