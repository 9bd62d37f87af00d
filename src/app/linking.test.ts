import { expect, test } from 'vitest'
import { sixDigits } from './linking.ts'

test('both devices show the same digits for a code, however it was carried, and others for another code', async () => {
  expect(await sixDigits('AQID')).toMatch(/^\d{3} \d{3}$/)
  expect(await sixDigits(' AQID\n')).toBe(await sixDigits('AQID'))
  expect(await sixDigits('AQIE')).not.toBe(await sixDigits('AQID'))
})
