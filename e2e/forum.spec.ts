/** A forum: posts with titles and tags, each with its answers. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'
import type { Person } from './person.ts'

const posts = (person: Person) => person.page.getByRole('list', { name: /^Posts in/ }).getByRole('listitem')

async function publishes(person: Person, title: string, text: string, tags: string): Promise<void> {
  await person.page.getByRole('button', { name: 'New post' }).click()
  await person.page.getByLabel('Title').fill(title)
  await person.page.getByLabel('What it is about').fill(text)
  await person.page.getByLabel('Tags').fill(tags)
  await person.page.getByRole('button', { name: 'Publish' }).click()
  await expect(posts(person).filter({ hasText: title })).toBeVisible()
}

test('Alice opens a forum, Bob answers her post, and it comes to the top again', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob')
  await alice.startsSpaceWith('Allotment', bob)

  await alice.page.getByRole('button', { name: 'New channel', exact: true }).click()
  await alice.page.getByLabel('Name of the channel').fill('questions')
  await alice.page.getByRole('radio', { name: /Forum/ }).check()
  await expectAccessible(alice, 'a new forum')
  await alice.page.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(alice.page.getByText('No posts yet')).toBeVisible()
  await expectAccessible(alice, 'an empty forum')

  // What is begun survives a change of mind and a reload.
  await alice.page.getByRole('button', { name: 'New post' }).click()
  await alice.page.getByLabel('What it is about').fill('They eat everything.')
  await alice.page.keyboard.press('Escape')
  await alice.reload()
  await alice.page.getByRole('navigation', { name: 'Channels' }).getByRole('button', { name: 'questions', exact: true }).click()
  await alice.page.getByRole('button', { name: 'New post' }).click()
  await expect(alice.page.getByLabel('What it is about')).toHaveValue('They eat everything.')
  await alice.page.getByLabel('Title').fill('What helps against slugs?')
  await alice.page.getByLabel('Tags').fill('one, two, three, four, five, six')
  await expect(alice.page.getByText('Five tags at most: take some out.')).toBeVisible()
  await alice.page.getByLabel('Tags').fill('slugs, help')
  await expectAccessible(alice, 'a new post')
  await alice.page.getByRole('button', { name: 'Publish' }).click()
  await publishes(alice, 'When do we water?', 'Before nine, says the committee.', 'water')
  await expect(posts(alice)).toHaveText([/When do we water/, /What helps against slugs/])

  await bob.page.getByRole('navigation', { name: 'Channels' }).getByRole('button', { name: 'questions, 2 unread' }).click()
  await bob.page.getByRole('button', { name: 'slugs', exact: true }).click()
  await expect(posts(bob)).toHaveText([/What helps against slugs/])
  await expectAccessible(bob, 'a forum')
  await bob.page.getByRole('button', { name: /^What helps against slugs/ }).click()
  await expect(bob.page.getByRole('heading', { name: 'What helps against slugs?', level: 3 })).toBeVisible()
  await bob.write('Ducks')
  await expectAccessible(bob, 'a post')
  await expect(posts(alice)).toHaveText([/What helps against slugs.*1 answer, 1 unread/, /When do we water/])
  await alice.page.getByLabel('Sort').selectOption('Newest first')
  await expect(posts(alice)).toHaveText([/When do we water/, /What helps against slugs/])

  await alice.page.getByRole('button', { name: 'What to do with “When do we water?”' }).click()
  await alice.page.getByRole('menuitem', { name: 'Change the post' }).click()
  await alice.page.getByLabel('Title').fill('When may we water?')
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await bob.page.getByRole('button', { name: 'Back to #questions' }).click()
  await expect(posts(bob).filter({ hasText: 'When may we water?' })).toBeVisible()
  await alice.page.getByRole('button', { name: 'What to do with “What helps against slugs?”' }).click()
  await alice.page.getByRole('menuitem', { name: 'Delete the post' }).click()
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Delete the post' }).click()
  await expect(posts(bob)).toHaveText([/When may we water/])
})
