/** Who one is: a second device, the end of one that was lost, digits that people compare, and a space whose owner is gone. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'
import type { Person } from './person.ts'

async function opensDevices(person: Person): Promise<void> {
  await person.page.getByRole('button', { name: 'Settings', exact: true }).click()
  await person.page.getByRole('button', { name: /^Your devices/ }).click()
}

const digits = (person: Person) => person.page.getByRole('group', { name: 'Six digits' })

test('Alice’s phone becomes hers: six digits are the same on both, and her laptop signs it out again', async ({ person }) => {
  const laptop = person('Alice'), phone = person('Phone', { width: 360 })
  await laptop.start()
  await laptop.createSpace('Allotment')
  await laptop.write('Said before there was a phone')
  await laptop.everythingIsAtTheRelay()

  await phone.open()
  await phone.page.getByRole('button', { name: 'I use Thicket on another device' }).click()
  await expect(digits(phone)).toHaveText(/\d{3} \d{3}/)
  await expectAccessible(phone, 'a device that wants to be linked')
  const request = await phone.page.getByLabel('Code of the new device').inputValue()

  await opensDevices(laptop)
  await expect(laptop.page.getByRole('list', { name: 'Devices' }).getByRole('listitem')).toHaveText([/This device/])
  await laptop.page.getByRole('button', { name: 'Link another device' }).click()
  await expectAccessible(laptop, 'linking a device')
  await laptop.page.getByLabel('Code of the new device').fill(`${request.slice(0, -1)}`)
  await laptop.page.getByRole('button', { name: 'Next' }).click()
  await laptop.page.getByRole('button', { name: 'They are the same' }).click()
  await expect(laptop.page.getByRole('alert')).toHaveText(/not the code of a device/)
  await laptop.page.getByLabel('Code of the new device').fill(request)
  await laptop.page.getByRole('button', { name: 'Next' }).click()
  await expect(digits(laptop)).toHaveText(await digits(phone).textContent() ?? '')
  await expectAccessible(laptop, 'digits to be compared')
  await laptop.page.getByRole('button', { name: 'They are the same' }).click()
  const answer = await laptop.page.getByLabel('Answer for the new device').inputValue()
  await expectAccessible(laptop, 'the answer for the new device')

  await phone.page.getByLabel('Answer of the other device').fill(answer.slice(0, -5))
  await phone.page.getByRole('button', { name: 'Link this device' }).click()
  await expect(phone.page.getByRole('alert')).toHaveText(/damaged/)
  await phone.page.getByLabel('Answer of the other device').fill(answer)
  await phone.page.getByRole('button', { name: 'Link this device' }).click()
  await phone.isIn('Allotment')
  await phone.sees('Said before there was a phone')
  await phone.write('From the phone')
  await laptop.page.getByRole('button', { name: 'Done' }).click()
  await laptop.page.keyboard.press('Escape')
  await laptop.sees('From the phone')

  await opensDevices(laptop)
  await expect(laptop.page.getByRole('list', { name: 'Devices' }).getByRole('listitem')).toHaveText([/This device/, /Device/])
  await expectAccessible(laptop, 'the devices')
  await laptop.page.getByRole('button', { name: /^Sign out: Device/ }).click()
  await laptop.page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await expect(laptop.page.getByRole('list', { name: 'Devices' }).getByRole('listitem')).toHaveText([/This device/])
  await expect(phone.page.getByText('You are no longer a member of this space.')).toBeVisible()
})

test('the code goes from screen to screen by camera, and where the digits differ nothing is linked', async ({ person }) => {
  const phone = person('Phone')
  await phone.open()
  await phone.page.getByRole('button', { name: 'I use Thicket on another device' }).click()
  await expect(digits(phone)).toHaveText(/\d{3} \d{3}/)
  const laptop = person('Alice', { camera: await phone.page.getByLabel('Code of the new device').inputValue() })
  await laptop.start()
  await opensDevices(laptop)
  await laptop.page.getByRole('button', { name: 'Link another device' }).click()
  await laptop.page.getByRole('button', { name: 'Scan with the camera' }).click()
  await expect(digits(laptop)).toHaveText(await digits(phone).textContent() ?? '')
  await laptop.page.getByRole('button', { name: 'They are not' }).click()
  await expect(laptop.page.getByRole('alert')).toHaveText(/Nothing was linked/)
})

test('Alice and Bob see the same digits for each other, and all in the group the same for it', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob', { width: 1280 })
  await alice.startsSpaceWith('Allotment', bob)
  await expect(alice.member('Bob')).toBeVisible()

  await alice.doesWith('Bob', 'Identity and devices')
  await bob.doesWith('Alice', 'Identity and devices')
  const hers = alice.page.getByRole('group', { name: 'Digits that you and Bob see alike' })
  await expect(hers).toHaveText(/^(\d{5}\s*){12}$/)
  await expect(bob.page.getByRole('group', { name: 'Digits that you and Alice see alike' })).toHaveText(await hers.textContent() ?? '')
  await expectAccessible(alice, 'who Bob is')
  await expect(alice.page.getByRole('list', { name: 'Devices of Bob' }).getByRole('listitem')).toHaveCount(1)
  for (const one of [alice, bob]) {
    await one.page.keyboard.press('Escape')
    await one.opens('Check the keys')
  }
  const group = alice.page.getByRole('group', { name: 'Digits of the group' })
  await expect(group).toHaveText(/^(\d{5}\s*){6}$/)
  await expect(async () => expect(await bob.page.getByRole('group', { name: 'Digits of the group' }).textContent()).toBe(await group.textContent())).toPass()
  await expectAccessible(alice, 'the digits of the group')
})

test('Alice is lost: Bob and Carol, whom she chose, make Carol the owner', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob', { width: 1280 }), carol = person('Carol', { width: 1280 })
  await alice.startsSpaceWith('Allotment', bob, carol)
  for (const other of [bob, carol]) await expect(alice.member(other.name)).toBeVisible()
  await bob.opens('If the owner is lost')
  await expect(bob.page.getByText(/The owner has chosen nobody yet/)).toBeVisible()
  await bob.page.keyboard.press('Escape')

  await alice.opens('If the owner is lost')
  await alice.page.getByRole('checkbox', { name: 'Bob' }).check()
  await alice.page.getByRole('checkbox', { name: 'Carol' }).check()
  await expect(alice.page.getByLabel('How many of them it takes')).toHaveText(/2 of 2/)
  await expectAccessible(alice, 'choosing who may name a new owner')
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await expect(alice.page.getByRole('dialog')).toHaveCount(0)
  await alice.everythingIsAtTheRelay()
  await alice.leave()

  await bob.opens('If the owner is lost')
  await expect(bob.page.getByText(/It takes 2 of these people: (Bob and Carol|Carol and Bob)\./)).toBeVisible()
  await bob.page.getByLabel('New owner').selectOption('Carol')
  await bob.page.getByRole('button', { name: 'Sign for a new owner' }).click()
  const signature = await bob.page.getByLabel(/^Your signature/).inputValue()
  await expectAccessible(bob, 'a signature for a new owner')

  await carol.opens('If the owner is lost')
  await carol.page.getByLabel('New owner').selectOption('Carol')
  await carol.page.getByRole('button', { name: 'Recover the space' }).click()
  await expect(carol.page.getByRole('alert')).toHaveText(/1 of 2 signatures are here/)
  await carol.page.getByLabel('Signatures of the others, one in each line').fill(signature)
  await carol.page.getByRole('button', { name: 'Recover the space' }).click()
  await expect(carol.page.getByText('Carol is the owner now.')).toBeVisible()
  await expect(bob.member('Carol').getByRole('img', { name: 'Owner' })).toBeVisible()
})
