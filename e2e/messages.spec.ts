/** What people do with messages once they are written; and that what is begun isn't lost. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'
import type { Person } from './person.ts'

async function together(person: (name: string) => Person): Promise<[Person, Person]> {
  const alice = person('Alice'), bob = person('Bob')
  await alice.startsSpaceWith('Allotment', bob)
  return [alice, bob]
}

test('Bob answers, reacts, changes his mind and takes it back; Alice sees it all', async ({ person }) => {
  const [alice, bob] = await together(person)
  await alice.write('Who has the spade?')
  await bob.sees('Who has the spade?')

  await bob.chooses('Who has the spade?', 'Reply')
  await bob.write('I do')
  await expect(alice.message('I do').getByRole('button', { name: /In reply to Alice/ })).toContainText('Who has the spade?')

  // The answer quotes it: the first is the question itself.
  await bob.chooses('Who has the spade?', 'React with 👍')
  await expect(alice.message('Who has the spade?').first().getByRole('button', { name: '👍 Bob' })).toBeVisible()
  await alice.message('Who has the spade?').first().getByRole('button', { name: '👍 Bob' }).click()
  await expect(bob.message('Who has the spade?').first().getByRole('button', { name: /👍 Alice and Bob|👍 Bob and Alice/ })).toHaveText(/2/)

  await bob.composer().press('ArrowUp')
  await bob.page.getByRole('textbox', { name: 'Edit' }).fill('Carol does')
  await bob.page.keyboard.press('Enter')
  await expect(alice.message('Carol does')).toContainText('(edited)')

  await bob.chooses('Carol does', 'Delete')
  await bob.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(alice.message('This message was deleted.')).toBeVisible()
  await expect(alice.message('Carol does')).toHaveCount(0)
})

test('Alice pins what others should find, and Bob goes there', async ({ person }) => {
  const [alice, bob] = await together(person)
  await alice.write('The key is under the pot')
  await alice.chooses('The key is under the pot', 'Pin')
  await expect(bob.message('The key is under the pot')).toContainText('Pinned')
  await expectAccessible(alice, 'a pinned message')
  await bob.page.getByRole('button', { name: 'Pinned messages' }).click()
  await expectAccessible(bob, 'the pins')
  await bob.page.getByRole('dialog').getByRole('button', { name: 'Go to this message' }).click()
  await expect(bob.message('The key is under the pot')).toBeInViewport()
  await alice.chooses('The key is under the pot', 'Unpin')
  await expect(bob.message('The key is under the pot')).not.toContainText('Pinned')
})

test('everything without a mouse: to the message, its menu, an emoji, and back', async ({ person }) => {
  const alice = person('Alice')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('First')
  await alice.write('Second')
  await expect(alice.composer()).toBeFocused()
  const { keyboard } = alice.page
  await keyboard.press('Shift+Tab')
  await expect(alice.message('Second')).toBeFocused()
  await keyboard.press('ArrowUp')
  await expect(alice.message('First')).toBeFocused()
  await keyboard.press('Shift+F10')
  await expect(alice.page.getByRole('menu')).toBeVisible()
  await expectAccessible(alice, 'the menu of a message')
  await keyboard.press('a')
  await keyboard.press('Enter')
  await expect(alice.page.getByRole('combobox', { name: 'Search emoji' })).toBeFocused()
  await expectAccessible(alice, 'the emoji')
  await keyboard.type('seedl')
  await keyboard.press('Enter')
  await expect(alice.message('First').getByRole('button', { name: '🌱 Alice' })).toHaveAttribute('aria-pressed', 'true')
  await expect(alice.message('First')).toBeFocused()
  await keyboard.press('Escape')
  await expect(alice.composer()).toBeFocused()
})

test('what Alice has begun to write is there after she went elsewhere, and after a reload', async ({ person }) => {
  const alice = person('Alice')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.createChannel('shed')
  await alice.composer().fill('The roof is')
  await alice.page.keyboard.press('Alt+ArrowUp')
  await expect(alice.composer()).toHaveValue('')
  // The engine does one thing after the other: once this is on its way, what came before is on disk.
  await alice.write('Back in a minute')
  await expect(alice.messageState('Back in a minute')).toHaveText(/relay/i)
  await alice.page.keyboard.press('Alt+ArrowDown')
  await expect(alice.composer()).toHaveValue('The roof is')
  await alice.reload()
  await alice.openChannel('shed')
  await expect(alice.composer()).toHaveValue('The roof is')
  await alice.composer().press('Enter')
  await alice.sees('The roof is')
  await alice.reload()
  await alice.openChannel('shed')
  await alice.sees('The roof is')
  await expect(alice.composer()).toHaveValue('')
})

test('not a letter is lost when the page goes in the middle of a word, in a channel or in a thread', async ({ person }) => {
  const alice = person('Alice')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('What shall we plant?')
  await alice.composer().pressSequentially('By the way, the roof')
  await alice.reload()
  await expect(alice.composer()).toHaveValue('By the way, the roof')

  await alice.chooses('What shall we plant?', 'Open the thread')
  await expect(alice.composer()).toHaveValue('')
  await alice.composer().pressSequentially('Runner bea')
  await alice.page.getByRole('button', { name: 'Back to #general' }).click()
  await expect(alice.composer()).toHaveValue('By the way, the roof')
  await alice.reload()
  await expect(alice.composer()).toHaveValue('By the way, the roof')
  await alice.chooses('What shall we plant?', 'Open the thread')
  await expect(alice.composer()).toHaveValue('Runner bea')
})

test('the relay takes nothing more: Alice is told why her message stays here, tries again, and Bob has it', async ({ person }) => {
  const [alice, bob] = await together(person)
  await bob.leave()
  await alice.everythingIsAtTheRelay()
  alice.tap.refusal = 'relay-full'
  await alice.write('The slugs are back')
  await expect(alice.messageState('The slugs are back')).toHaveText('Not sent: The relay is full. Ask whoever runs it for more room, or use another relay.')
  await expectAccessible(alice, 'a message that was not sent')
  await alice.message('The slugs are back').getByRole('button', { name: 'Try again' }).click()
  await expect(alice.messageState('The slugs are back')).toHaveText(/^Not sent/)
  alice.tap.refusal = undefined
  await alice.message('The slugs are back').getByRole('button', { name: 'Try again' }).click()
  await expect(alice.messageState('The slugs are back')).toHaveText('At the relay')
  await bob.open()
  await bob.sees('The slugs are back')
})

test('Alice writes to Bob by name: he sees that she is writing, and that he is meant', async ({ person }) => {
  const [alice, bob] = await together(person)
  await expect(alice.member('Bob')).toBeVisible()
  // A signal may get lost while they are still connecting: nothing is kept of it, and the next letters bring another.
  await expect(async () => {
    await alice.composer().pressSequentially('Oh!')
    await expect(bob.page.getByText('Alice is typing…')).toBeVisible({ timeout: 3000 })
  }).toPass()
  await alice.composer().fill('Good news, @bo')
  await expect(alice.page.getByRole('listbox', { name: 'What you may mean' }).getByRole('option', { name: 'Bob' })).toBeVisible()
  await expectAccessible(alice, 'a name to be chosen')
  await alice.createChannel('shed')
  await bob.openChannel('shed')
  await alice.openChannel('general')
  await alice.composer().press('End')
  await alice.composer().press('Enter')
  await expect(alice.composer()).toHaveValue('Good news, @Bob ')
  await alice.composer().press('Enter')
  await expect(bob.page.getByRole('button', { name: 'general, 1 unread, 1 mention' })).toBeVisible()
  await expect(bob.page).toHaveTitle('(1) Allotment')
  await bob.openChannel('general')
  await bob.sees('Good news, @Bob')
  await expectAccessible(bob, 'a message that means him')
  await expect(bob.page).toHaveTitle('Allotment')
})

test('Alice and Bob talk below a message, and the channel stays short', async ({ person }) => {
  const [alice, bob] = await together(person)
  await alice.write('What shall we plant?')
  await bob.sees('What shall we plant?')
  await bob.chooses('What shall we plant?', 'Open the thread')
  await bob.write('Beans')
  await alice.message('What shall we plant?').getByRole('button', { name: /1 message in its thread/ }).click()
  await expect(alice.page.getByRole('log', { name: 'Messages in this thread' })).toContainText('What shall we plant?')
  await alice.sees('Beans')
  await alice.write('And peas')
  await bob.sees('And peas')
  await expectAccessible(bob, 'a thread')
  await bob.page.getByRole('button', { name: 'Back to #general' }).click()
  await expect(bob.message('What shall we plant?').getByRole('button', { name: /2 messages in its thread/ })).toBeVisible()
  await expect(bob.message('And peas')).toHaveCount(0)
})

test('Mallory calls herself Alice, with a letter of another alphabet: everybody sees that there are two', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), mallory = person('Аlice'), bob = person('Bob', { width: 360 })
  await alice.startsSpaceWith('Allotment', mallory, bob)
  await alice.write('Meet at noon')
  await mallory.write('Give me your keys')
  await bob.write('Which of you?')
  for (const text of ['Meet at noon', 'Give me your keys']) await expect(bob.message(text).getByText(/#[0-9a-f]{6}$/)).toBeVisible()
  await expect(bob.message('Which of you?').getByText(/#[0-9a-f]{6}/)).toHaveCount(0)
  await expect(alice.page.getByRole('complementary').getByText(/#[0-9a-f]{6}$/)).toHaveCount(1)
  await expectAccessible(bob, 'people whose names look the same')
})
