/** Reads what a relay answers, within a limit: a hostile one must not fill the memory. */

/** The whole body, or undefined when it is longer than allowed. */
export async function readAnswer(answer: Response, maxBytes: number): Promise<Uint8Array | undefined> {
  const out = new Uint8Array(maxBytes)
  let size = 0
  const reader = answer.body?.getReader()
  for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) {
    if (size + piece.value.length > maxBytes) { await reader?.cancel(); return undefined }
    out.set(piece.value, size)
    size += piece.value.length
  }
  return out.subarray(0, size)
}
