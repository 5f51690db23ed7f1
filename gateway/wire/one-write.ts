/** Up to this many bytes, copying head and body into one string is cheaper than a vectored write. */
export const ONE_WRITE = 16 * 1024;
