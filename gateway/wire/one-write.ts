/** Up to so many bytes, copying a head and a body into one string is cheaper than a vectored write. */
export const ONE_WRITE = 16 * 1024;
