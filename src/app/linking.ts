/**
 * The six digits that both devices show for a linking code, so that people see whether it is the same. They are made slowly on purpose: who wants to put a code of
 * their own in its place would have to make a million of them that slowly, within the hour in which an answer is good.
 */
const ROUNDS = 400_000
const SALT = new TextEncoder().encode('thicket linking digits')

/** "482 913". */
export async function sixDigits(request: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(request.trim()), 'PBKDF2', false, ['deriveBits'])
  const bits = new DataView(await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: SALT, iterations: ROUNDS }, key, 64))
  const digits = String(bits.getBigUint64(0) % 1_000_000n).padStart(6, '0')
  return `${digits.slice(0, 3)} ${digits.slice(3)}`
}
