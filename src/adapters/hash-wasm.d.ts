/** One hash of the package by itself, which has no types of its own. */
declare module 'hash-wasm/dist/sha256.umd.min.js' {
  const own: Pick<typeof import('hash-wasm'), 'createSHA256'>
  export default own
}
