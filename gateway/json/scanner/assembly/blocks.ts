// 64 bytes at a time: a bit for each. `relaxed_swizzle`, which the callers use, is one instruction, and alike on all machines for
// places below 16.

export function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = <u64>(<u32>i8x16.bitmask(a)) | ((<u64>(<u32>i8x16.bitmask(b))) << 16);
  return low | ((<u64>(<u32>i8x16.bitmask(c))) << 32) | ((<u64>(<u32>i8x16.bitmask(d))) << 48);
}

export function equal(bytes: v128, to: u32): v128 {
  return i8x16.eq(bytes, i8x16.splat(<i8>to));
}

export function below(bytes: v128, limit: u32): v128 {
  return i8x16.lt_u(bytes, i8x16.splat(<i8>limit));
}
