/** Usable by everybody: axe finds nothing serious, on a wide screen and a phone, in the dark and in the light; and no mouse is needed. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'
import type { Person } from './person.ts'

const pressed = (keys: string) => (person: Person): Promise<void> => person.page.keyboard.press(keys)
const OPENED: readonly (readonly [where: string, open: (person: Person) => Promise<void>])[] = [
  ['the connection', person => person.connectionChip().click()],
  ['going elsewhere', pressed('Control+k')],
  ['the shortcuts', pressed('Control+/')],
  ['the search', pressed('Control+f')],
]

for (const colorScheme of ['dark', 'light'] as const) {
  for (const width of [1100, 360]) {
    test(`axe finds nothing serious, ${colorScheme}, ${width} px wide`, async ({ person }) => {
      const alice = person('Alice', { colorScheme, width })
      await alice.open()
      await expectAccessible(alice, 'first start')
      await alice.introduce()
      await expectAccessible(alice, 'no space yet')
      await alice.createSpace('Allotment')
      await alice.write('A message to look at')
      await expectAccessible(alice, 'a conversation')
      await alice.openInvite()
      await expectAccessible(alice, 'an invite')
      await alice.page.keyboard.press('Escape')
      // The rest once in the dark and once in the light is enough.
      if ((colorScheme === 'dark') === (width === 360)) for (const [where, open] of OPENED) {
        await open(alice)
        await expectAccessible(alice, where)
        await alice.page.keyboard.press('Escape')
      }
      expect(await alice.page.evaluate(() => document.documentElement.scrollWidth), 'no sideways scroll').toBeLessThanOrEqual(width)
    })
  }
}
