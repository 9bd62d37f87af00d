/** Usable by everybody: axe finds nothing serious, on a wide screen and a phone, in the dark and in the light; and no mouse is needed. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'

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
      expect(await alice.page.evaluate(() => document.documentElement.scrollWidth), 'no sideways scroll').toBeLessThanOrEqual(width)
    })
  }
}
