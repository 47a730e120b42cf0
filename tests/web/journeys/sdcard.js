/** Evening 4 of the product: the SD card dies, last night's backup is restored. Nothing is signed before it is known what exists, and what is lost is said. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const { check, until } = require('../../interop/lib/check')
const { postNow } = require('../lib/browser')
const { step } = require('../lib/step')

const inPath = (id) => id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')

module.exports = async (world) => {
  const [nodeA, nodeB] = [await world.node('ana'), await world.node('ben')]
  const ben = await world.browser()
  const page = ben.page
  const backup = path.join(world.dir, 'last-night.kith')
  const secret = path.join(world.dir, 'passphrase')
  fs.writeFileSync(secret, 'six words nobody would put together\n', { mode: 0o600 })
  await nodeA.api('POST', 'profile', { name: 'Ana' })
  await nodeA.api('POST', 'post', { text: 'Something by Ana' })
  await ben.enter(nodeB, 'Ben')
  await nodeA.api('POST', 'follow', { text: nodeB.address })
  await nodeB.api('POST', 'follow', { text: nodeA.address })
  const write = async (text) => {
    await page.getByLabel('Your post').fill(text)
    await postNow(page)
    await page.locator('article').filter({ hasText: text }).waitFor()
  }
  const headOf = async (node) => (await node.api('GET', 'boot?limit=1')).head
  let last = 0

  await step('a backup is made beside the running node', async () => {
    for (let i = 1; i <= 5; i++) await nodeB.api('POST', 'post', { text: `Before the backup ${i}` })
    await until('Ana has them', async () => (await nodeA.api('GET', 'person/' + inPath(nodeB.id))).person.sequence === (await headOf(nodeB)).sequence)
    await until('he has hers', async () => (await nodeB.api('GET', 'timeline?tab=home')).posts.some((one) => one.text === 'Something by Ana'))
    await until('he knows that she holds his feed', async () => (await nodeB.api('GET', 'safety')).holders.some((one) => one.sequence > 0))
    nodeB.command('backup', [backup, '--passphrase-file', secret])
    last = (await headOf(nodeB)).sequence
  })
  await step('five posts are newer, and two of them reach Ana', async () => {
    for (const text of ['The first newer post', 'The second newer post']) await write(text)
    await page.locator('article').filter({ hasText: 'The second newer post' }).locator('.receipt', { hasText: 'Ana has it' }).waitFor()
    await nodeA.stop()
    for (const text of ['The third: what I said about the gate', 'The fourth: and the bees', 'The fifth: and the choir']) await write(text)
    assert.strictEqual((await headOf(nodeB)).sequence, last + 5)
  })
  await step('the card dies, and the backup is restored', async () => {
    await nodeB.die()
    nodeB.command('restore', [backup, '--passphrase-file', secret])
    await nodeB.start()
    await page.goto(nodeB.link)
    await page.locator('.banner').waitFor()
  })
  await step('publishing is paused, and every screen says so', async () => {
    for (const at of ['/', '/?tab=wide', '/people', '/network', '/settings', '/settings/safety', '/p/' + inPath(nodeB.id), '/p/' + inPath(nodeA.id), '/welcome', '/recovery', '/nowhere']) {
      await page.goto(nodeB.home + at)
      await page.locator('.banner', { hasText: 'Publishing is paused.' }).waitFor()
      assert.strictEqual(await page.locator('.banner').getByRole('link', { name: 'See why' }).count(), at === '/recovery' ? 0 : 1, at)
    }
    await page.goto(nodeB.home + '/')
    await page.locator('.banner', { hasText: 'restored from a backup' }).waitFor()
    await ben.shot('sdcard-1-home')
  })
  await step('a post becomes a draft, and the words leave the composer only when the node has them', async () => {
    await page.getByLabel('Your post').fill('Written during the pause')
    await page.getByRole('button', { name: 'Keep as draft' }).first().click()
    await page.getByText(/^Kept as draft \d+\. Nothing was signed\.$/).waitFor()
    assert.strictEqual(await page.getByLabel('Your post').inputValue(), '')
    const { drafts } = await nodeB.api('GET', 'drafts')
    assert.deepStrictEqual(drafts.map((one) => one.content.text), ['Written during the pause'])
  })
  await step('like, follow, block, profile, reply: every button keeps a draft and signs nothing', async () => {
    const kept = async (act) => {
      const before = (await nodeB.api('GET', 'drafts')).drafts.length
      await act()
      await until('one more draft', async () => (await nodeB.api('GET', 'drafts')).drafts.length === before + 1)
    }
    const hers = page.locator('article').filter({ hasText: 'Something by Ana' })
    await kept(() => hers.getByRole('button', { name: 'Like: Keep as draft' }).click())
    await page.goto(nodeB.home + '/p/' + inPath(nodeA.id))
    await kept(async () => {
      await page.getByRole('button', { name: /^Following Ana/ }).click()
      await page.getByRole('dialog').getByText('Publishing is paused.').waitFor()
      await page.getByRole('dialog').getByRole('button', { name: 'Keep as draft' }).click()
    })
    await page.goto(nodeB.home + '/settings/profile')
    await kept(async () => {
      await page.getByLabel('Name').fill('Ben of the pause')
      await page.getByRole('button', { name: 'Keep as draft' }).click()
    })
    await page.goto(nodeB.home + '/people')
    await kept(async () => {
      await page.getByLabel('A key, an address, or both').fill('@' + Buffer.alloc(32, 7).toString('base64') + '.ed25519')
      await page.getByRole('button', { name: 'Keep as draft' }).click()
    })
    assert.strictEqual((await headOf(nodeB)).sequence, last)
  })
  await step('this browser remembers more than the node has, and Recovery says what is missing', async () => {
    await page.goto(nodeB.home + '/recovery')
    await page.getByText(`This node has your messages up to number ${last}.`).waitFor()
    await page.locator('.found', { hasText: `${last + 1} to ${last + 5}` }).waitFor()
    for (const text of ['The third: what I said about the gate', 'The fifth: and the choir']) await page.locator('.kept').filter({ hasText: text }).waitFor()
    await page.locator('.row', { hasText: 'Ana' }).getByText('Not heard from.').waitFor()
    await ben.shot('sdcard-2-before')
  })
  await step('two posts come back from Ana', async () => {
    await nodeA.start()
    await page.getByText('2 posts came back.').waitFor({ timeout: 60000 })
    await page.locator('.row', { hasText: 'Ana' }).getByText(`Agrees: has your messages up to ${last + 2}`).waitFor({ timeout: 60000 })
    await page.locator('.kept').filter({ hasText: 'The second newer post' }).waitFor({ state: 'detached' })
  })
  await step('three are honestly declared lost, with their words', async () => {
    await page.locator('.found', { hasText: `${last + 3} to ${last + 5} are lost: this browser has seen them, nobody asked so far has them.` }).waitFor()
    assert.deepStrictEqual(await page.locator('.kept', { hasText: 'Was number' }).locator('.kept-title b').allInnerTexts(), [3, 4, 5].map((n) => `Was number ${last + n}`))
    await ben.shot('sdcard-3-lost')
    assert.deepStrictEqual(await ben.axe(), [])
  })
  await step('during the pause nothing was signed: both have the same newest message', async () => {
    const theirs = (await nodeA.api('GET', 'person/' + inPath(nodeB.id))).person.sequence
    assert.deepStrictEqual([(await headOf(nodeB)).sequence, theirs], [last + 2, last + 2])
    assert.strictEqual((await nodeB.api('GET', 'status')).state, 'SUSPECT')
  })
  await step('the override states its price, and takes neither a click nor a number the node does not have', async () => {
    await page.getByRole('button', { name: 'Go on without waiting' }).click()
    await page.locator('.consequences', { hasText: `${last + 3} to ${last + 5} stay lost.` }).waitFor()
    const go = page.getByRole('button', { name: 'Publish again' })
    assert.strictEqual(await go.getAttribute('aria-disabled'), 'true')
    const field = page.getByLabel('The number of the last post you remember, or “I accept”')
    await field.fill(String(last + 5))
    await go.click()
    await page.getByRole('alert').filter({ hasText: `You remember number ${last + 5}` }).waitFor()
    await ben.shot('sdcard-4-override')
    await field.fill('I accept')
    await go.click()
  })
  await step('then Ben resumes', async () => {
    await page.getByRole('heading', { name: 'Your feed is in order' }).waitFor()
    await until('the node agrees', async () => (await nodeB.api('GET', 'status')).state === 'CLEAN')
    await ben.shot('sdcard-5-clean')
  })
  await step('a draft is posted again, lost words too, and the rest is discarded', async () => {
    const draft = page.locator('.kept').filter({ hasText: 'Written during the pause' })
    await draft.getByRole('button', { name: 'Post again' }).click()
    await draft.waitFor({ state: 'detached' })
    const lost = page.locator('.kept').filter({ hasText: 'The fourth: and the bees' })
    await lost.getByRole('button', { name: 'Post again' }).click()
    await lost.waitFor({ state: 'detached' })
    while ((await page.locator('.kept').count()) > 0) {
      const n = await page.locator('.kept').count()
      await page.locator('.kept').first().getByRole('button', { name: 'Discard', exact: true }).click()
      await page.locator('.kept').first().getByRole('button', { name: 'Discard', exact: true }).last().click()
      await until('one less', async () => (await page.locator('.kept').count()) < n)
    }
    assert.deepStrictEqual((await nodeB.api('GET', 'drafts')).drafts, [])
  })
  await step('Ana receives them, in one unbroken feed', async () => {
    await until('she has all', async () => (await nodeA.api('GET', 'person/' + inPath(nodeB.id))).person.sequence === last + 4)
    assert.deepStrictEqual([(await nodeA.api('GET', 'status')).store.forks, (await nodeB.api('GET', 'status')).store.forks], [0, 0])
  })
  await step('no number was signed twice', async () => {
    await page.goto(nodeB.home + '/')
    await page.locator('article').filter({ hasText: 'The fourth: and the bees' }).waitFor()
    assert.strictEqual(await page.locator('.banner', { hasText: /paused|[Dd]raft/ }).count(), 0)
    await nodeA.stop()
    await nodeB.stop()
    const [hers, his] = [nodeA.feed(nodeB.id), nodeB.feed()]
    assert.deepStrictEqual(hers, his)
    assert.deepStrictEqual(his.map((one) => one.value.sequence), his.map((_, i) => i + 1))
  })
  await check('nothing was complained about but what was refused on purpose', () =>
    assert.deepStrictEqual(ben.complaints.filter((one) => !/status of (4(09|01)|503)|ERR_CONNECTION|WebSocket/.test(one)), []))
}
