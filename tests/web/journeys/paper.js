/** Evening 5 of the product: only the paper words are left. The feed returns from a friend, with progress, and nothing is signed before. */
'use strict'
const assert = require('assert')
const { until } = require('../../interop/lib/check')
const { step } = require('../lib/step')

const inPath = (id) => id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')

module.exports = async (world) => {
  const [nodeA, old] = [await world.node('ana'), await world.node('ben')]
  await nodeA.api('POST', 'profile', { name: 'Ana' })
  let words = []
  let last = 0

  await step('Ben writes the words down at the beginning, and the practice holds him to it', async () => {
    const first = await world.browser()
    const page = first.page
    await page.goto(old.link)
    await page.getByLabel('What should friends call you?').fill('Ben')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('heading', { name: '24 words' }).waitFor()
    assert.strictEqual(await page.locator('.words').count(), 0, 'not before somebody asks')
    await page.getByRole('button', { name: 'Show the words' }).click()
    await page.locator('.words li').first().waitFor()
    words = await page.locator('.words li').allInnerTexts()
    assert.strictEqual(words.length, 24)
    await first.shot('paper-1-words')
    await page.getByRole('button', { name: 'I wrote them down' }).click()
    const fields = page.locator('.field')
    assert.strictEqual(await fields.count(), 3)
    assert.strictEqual(await page.locator('.words').count(), 0, 'the words are gone while they are asked')
    for (let i = 0; i < 3; i++) await fields.nth(i).locator('input').fill('zebra')
    await page.getByRole('button', { name: 'Check' }).click()
    await page.getByRole('alert').filter({ hasText: 'not what was shown' }).waitFor()
    for (let i = 0; i < 3; i++) {
      const n = Number(/\d+/.exec(await fields.nth(i).locator('span').innerText())[0])
      await fields.nth(i).locator('input').fill(words[n - 1])
    }
    await first.shot('paper-2-practice')
    await page.getByRole('button', { name: 'Check' }).click()
    await page.getByRole('heading', { name: 'Someone to follow' }).waitFor()
    await page.goto(old.home + '/settings/safety')
    await page.getByText('You have written them down.').waitFor()
    await first.close()
    world.things.splice(world.things.indexOf(first), 1)
  })
  await step('his feed is with Ana', async () => {
    await old.api('POST', 'follow', { text: nodeA.address })
    await nodeA.api('POST', 'follow', { text: old.address })
    for (let i = 1; i <= 40; i++) await old.api('POST', 'post', { text: `Entry ${i} of the diary` })
    last = (await old.api('GET', 'boot?limit=1')).head.sequence
    await until('Ana has it', async () => (await nodeA.api('GET', 'person/' + inPath(old.id))).person.sequence === last)
  })
  await step('everything is gone but the paper; Ana is away', async () => {
    await nodeA.stop()
    await old.die()
  })

  const fresh = await world.node('fresh')
  const ben = await world.browser()
  const page = ben.page
  await step('a fresh node asks for a name, or takes the words', async () => {
    await page.goto(fresh.link)
    await page.getByRole('button', { name: 'I have 24 words' }).click()
    const field = page.getByLabel('Your 24 words')
    await field.fill(words.slice(0, 23).join(' '))
    await page.getByText('23 words so far').waitFor()
    assert.strictEqual(await page.getByRole('button', { name: 'Bring me back' }).getAttribute('aria-disabled'), 'true')
    await field.fill([...words.slice(0, 23), words[23] === 'zebra' ? 'zoo' : 'zebra'].join(' '))
    await page.getByRole('button', { name: 'Bring me back' }).click()
    await page.getByRole('alert').waitFor()
    await field.fill(words.map((word, i) => `${i + 1}. ${word}`).join('\n'))
    await ben.shot('paper-3-words')
    await page.getByRole('button', { name: 'Bring me back' }).click()
  })
  await step('the node starts again as Ben, paused, and says so', async () => {
    await page.getByRole('heading', { name: 'Publishing is paused' }).waitFor({ timeout: 60000 })
    await page.getByText('This node has nothing of your feed yet.').waitFor()
    assert.strictEqual((await fresh.api('GET', 'boot?limit=1')).me.id, old.id)
    assert.strictEqual(new URL(page.url()).pathname, '/recovery')
    await ben.shot('paper-4-alone')
  })
  await step('with Ana offline it waits: her key is asked for, nothing is signed', async () => {
    await page.getByLabel('A friend’s key, address, or both').fill(nodeA.address)
    await page.getByRole('button', { name: 'Ask', exact: true }).click()
    await page.locator('.row').filter({ hasText: nodeA.id.slice(1, 5) }).waitFor()
    await page.goto(fresh.home + '/')
    await page.getByLabel('Your post').fill('I am back')
    await page.getByRole('button', { name: 'Keep as draft' }).first().click()
    await page.getByText(/^Kept as draft \d+\. Nothing was signed\.$/).waitFor()
    const { head, status } = await fresh.api('GET', 'boot?limit=1')
    assert.deepStrictEqual([head, status.state], [null, 'SUSPECT'])
  })
  await step('Ana is back: the feed returns, and Recovery counts it', async () => {
    await page.goto(fresh.home + '/recovery')
    await nodeA.start()
    await page.getByText(`This node has your messages up to number ${last}.`).waitFor({ timeout: 90000 })
    await page.getByText(`${last} messages came back.`).waitFor()
    await page.locator('.row', { hasText: 'Ana' }).getByText(`Agrees: has your messages up to ${last}`).waitFor({ timeout: 60000 })
    await ben.shot('paper-5-back')
    assert.deepStrictEqual(await ben.axe(), [])
  })
  await step('still nothing is signed until he gives his word', async () => {
    const { head, status } = await fresh.api('GET', 'boot?limit=1')
    assert.deepStrictEqual([head.sequence, status.state], [last, 'SUSPECT'])
    await page.getByRole('button', { name: 'Go on without waiting' }).click()
    await page.getByLabel('The number of the last post you remember, or “I accept”').fill(String(last))
    await page.getByRole('button', { name: 'Publish again' }).click()
    await page.getByRole('heading', { name: 'Your feed is in order' }).waitFor()
  })
  await step('he posts what he kept, and Ana reads it in the old feed', async () => {
    const draft = page.locator('.kept').filter({ hasText: 'I am back' })
    await draft.getByRole('button', { name: 'Post again' }).click()
    await draft.waitFor({ state: 'detached' })
    await until('Ana has it', async () => (await nodeA.api('GET', 'person/' + inPath(old.id))).person.sequence === last + 1)
    assert.strictEqual((await nodeA.api('GET', 'status')).store.forks, 0)
    await page.goto(fresh.home + '/')
    await page.locator('article').filter({ hasText: 'Entry 40 of the diary' }).first().waitFor()
  })
}
