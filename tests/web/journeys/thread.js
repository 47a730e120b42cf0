/** A conversation: whom a reply answers, what is missing and why, asking for it, and replies that went their own way. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const { Author, keyOf } = require('../../interop/lib/author')
const { check, until } = require('../../interop/lib/check')
const { DESK, PHONE } = require('../lib/browser')
const { step } = require('../lib/step')

const pathOf = (id) => id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')
const post = async (node, text, more = {}) => (await node.api('POST', 'post', { text, ...more })).key
const mention = (who) => `[@${who.name}](${who.id})`

/** Dan is followed by Cy alone, and nobody's node is his: he is in no reach of Ana's. */
async function spread(world, ben, cy) {
  const root = await post(ben, 'Who brings the **bread** on Sunday?')
  await cy.stop()
  const dan = new Author()
  dan.publish({ type: 'about', about: dan.id, name: 'Dan' })
  const rye = keyOf(dan.publish({ type: 'post', text: 'I can bring rye bread', root, branch: [root] }))
  const file = path.join(world.dir, 'dan.jsonl')
  fs.writeFileSync(file, dan.values.map((value) => JSON.stringify(value) + '\n').join(''))
  cy.command('import', [file])
  await cy.start()
  await cy.api('POST', 'follow', { text: dan.id })
  await cy.api('POST', 'follow', { text: ben.id })
  await ben.api('POST', 'follow', { text: cy.id })
  await ben.api('POST', 'network/connect', { address: cy.address })
  await until('Ben has Dan', async () => ben.newest(dan.id).sequence === 2)
  return { root, dan, rye }
}

module.exports = async (world) => {
  const [ana, ben, cy] = [await world.node('ana'), await world.node('ben'), await world.node('cy')]
  await ben.api('POST', 'profile', { name: 'Ben' })
  await cy.api('POST', 'profile', { name: 'Cy' })
  const { root, dan, rye } = await spread(world, ben, cy)
  const butter = await post(cy, `${mention({ name: 'Dan', id: dan.id })} then I bring butter`, { root, branch: [rye] })
  const jam = await post(ben, 'And I bring jam', { root, branch: [root] })
  const both = await post(cy, 'So we have all of it', { root, branch: [butter, jam] })
  for (const text of ['Salted?', 'Always', 'Good']) await post(cy, text, { root: butter, fork: root, branch: [butter] })

  const eye = await world.browser()
  const page = eye.page
  await eye.enter(ana, 'Ana')
  await ana.api('POST', 'follow', { text: ben.id })
  await ana.api('POST', 'network/connect', { address: ben.address })
  await until('Ana has all that is in her reach', async () => Number((await ana.api('GET', 'person/' + pathOf(cy.id))).person.sequence) === Number(cy.newest().sequence))

  const gap = page.locator('article.gap')
  const said = page.locator('.gap .came')
  await step('the conversation says how much of it is here, and why the rest is not', async () => {
    await page.goto(ana.home + '/m/' + pathOf(root))
    await page.getByText('4 of 5 messages here.').waitFor()
    await page.getByText('not among the friends of your friends').waitFor()
    assert.strictEqual(await gap.count(), 1)
    assert.strictEqual(await page.getByText('rye bread').count(), 0)
    assert.deepStrictEqual(await eye.axe(), [])
  })
  await check('the gap stands where the message belongs', async () => {
    const ids = await page.locator('.thread > article').evaluateAll((all) => all.map((one) => one.dataset.id))
    assert.deepStrictEqual(ids.slice(0, 1), [root])
    assert.ok(ids.indexOf(rye) < ids.indexOf(butter) && ids.indexOf(rye) > 0)
    assert.strictEqual(ids.indexOf(both), ids.length - 1)
  })
  await check('a reply says whom it answers, and one to several says all', async () => {
    const last = page.locator(`article[data-id="${both}"] .context`)
    assert.match(await last.innerText(), /Ben/)
    assert.match(await page.locator(`article[data-id="${butter}"] .context`).innerText(), /a message that is not here/)
  })
  for (const [sizeName, size] of [['desk', DESK], ['phone', PHONE]]) {
    for (const scheme of ['light', 'dark']) {
      await check(`a conversation with a gap, ${sizeName}, ${scheme}`, async () => {
        const other = await world.browser({ size, scheme })
        await other.page.goto(ana.home + '/#' + (await ana.api('POST', 'code', {})).code)
        await other.page.getByRole('heading', { level: 1 }).waitFor()
        await other.page.goto(ana.home + '/m/' + pathOf(root))
        await other.page.locator('article.gap').waitFor()
        await other.shot(`thread-${sizeName}-${scheme}`)
        assert.deepStrictEqual(await other.axe(), [])
        await other.page.goto(ana.home + '/m/' + pathOf(butter) + '?own')
        await other.page.getByText('Always').waitFor()
        await other.shot(`thread-own-${sizeName}-${scheme}`)
        assert.deepStrictEqual(await other.axe(), [])
        await other.close()
      })
    }
  }
  await step('replies to a reply are one line there, and a conversation of their own behind it', async () => {
    assert.strictEqual(await page.getByText('Salted?').count(), 0)
    await page.getByRole('link', { name: '3 replies in a conversation of their own' }).click()
    await page.getByText('Always').waitFor()
    assert.strictEqual(await page.getByText('all of it').count(), 0)
    await page.getByText('This began as a reply to').waitFor()
    await page.getByRole('link', { name: 'The whole conversation' }).click()
    await page.getByText('all of it').waitFor()
    assert.ok(await page.locator(`article.opened[data-id="${butter}"]`).count())
    await page.goBack()
    await page.getByText('Always').waitFor()
    await page.goBack()
    await page.getByText('4 of 5 messages here.').waitFor()
  })
  await step('asked while nobody is connected, it says so', async () => {
    await ana.api('POST', 'network/disconnect', {})
    await until('nobody', async () => (await ana.api('GET', 'status')).peers.connected === 0)
    await gap.getByRole('button', { name: 'Ask everyone connected' }).click()
    await said.getByText('Nobody is connected just now').waitFor()
    return said.innerText()
  })
  await step('asked of somebody who has it, it fills in place, and nothing moves', async () => {
    await ana.api('POST', 'network/connect', { address: ben.address })
    await page.locator(`article[data-id="${butter}"]`).scrollIntoViewIfNeeded()
    await gap.getByRole('button', { name: 'Ask everyone connected' }).click()
    await page.locator(`article[data-id="${rye}"]:not(.gap)`).getByText('rye bread').waitFor()
    assert.strictEqual(await gap.count(), 0)
    assert.strictEqual(await page.getByText('messages here').count(), 0)
    assert.doesNotMatch(await page.locator(`article[data-id="${butter}"] .context`).innerText(), /not here/)
  })
  await check('it is in its conversation alone', async () => {
    const person = (await ana.api('GET', 'person/' + pathOf(dan.id))).person
    assert.strictEqual(person.sequence, 0)
    const { posts } = await ana.api('GET', 'timeline?tab=wide&limit=100')
    assert.ok(posts.every((one) => one.id !== rye))
    assert.strictEqual((await ana.api('GET', 'message/' + pathOf(rye) + '/raw')).ahead, true)
  })
  await check('the same on the command line', async () => {
    const said = ana.command('thread', [root])
    assert.match(said, /I can bring rye bread/)
    assert.match(said, /3 in a conversation of their own/)
    assert.match(said, /5 of 5 messages here/)
    assert.strictEqual(JSON.parse(ana.command('thread', ['--own', butter, '--json'])).above, root)
    assert.strictEqual(JSON.parse(ana.command('fetch', [rye, '--json'])).found, true)
    assert.throws(() => ana.command('fetch', ['%' + 'A'.repeat(43) + '=.sha256']), (error) => error.status === 1 && /^asked 1, nobody has it yet/.test(error.stdout))
  })
  await check('a reply is written under the post it answers, says whom, and answers it', async () => {
    const under = page.locator(`article[data-id="${rye}"]`)
    await under.focus()
    await page.keyboard.press('r')
    const box = page.getByLabel(/^Reply to/)
    await box.fill('Rye is good')
    assert.strictEqual(await page.getByLabel('Your reply').count(), 0)
    await box.press('Control+Enter')
    await page.locator('article').filter({ hasText: 'Rye is good' }).waitFor()
    const mine = await until('it is signed', async () => {
      const { posts } = await ana.api('GET', 'thread/' + pathOf(root))
      return posts.find((one) => one.text === 'Rye is good')
    }, { ms: 30000 })
    assert.deepStrictEqual(mine.branch, [rye])
    assert.strictEqual(mine.root, root)
  })
  await check('what comes while one reads moves nothing, and a pill says that it is there', async () => {
    await page.setViewportSize({ width: 1280, height: 420 })
    await page.goto(ana.home + '/m/' + pathOf(root))
    await page.locator(`article[data-id="${both}"]`).waitFor()
    await page.evaluate(() => scrollTo(0, 0))
    const at = () => page.locator(`article[data-id="${root}"]`).evaluate((one) => one.getBoundingClientRect().top)
    const before = await at()
    const more = await post(ben, 'I found plates too', { root })
    const pill = page.getByRole('button', { name: '1 new reply' })
    await pill.waitFor()
    assert.strictEqual(await at(), before)
    await eye.shot('thread-pill')
    await pill.click()
    await page.locator(`article[data-id="${more}"]:focus`).waitFor()
    assert.strictEqual(await pill.count(), 0)
    await page.setViewportSize(DESK)
  })
  await check('a post of which nothing is here is asked for by itself', async () => {
    await page.goto(ana.home + '/m/' + 'A'.repeat(42) + 'A')
    await page.getByText('This post has not reached you yet.').waitFor()
    await page.locator('.came').getByText('Asked 1 friend. Nobody has it yet.').waitFor()
    assert.deepStrictEqual(await eye.axe(), [])
  })
  await check('blocked: taken back, and the gap names nobody', async () => {
    await ana.api('POST', 'relation', { id: dan.id, is: 'block' })
    await page.goto(ana.home + '/m/' + pathOf(root))
    await gap.waitFor()
    assert.strictEqual(await page.getByText('rye bread').count(), 0)
    assert.strictEqual(await gap.getByText('You blocked who wrote it.').count(), 1)
    assert.strictEqual(await gap.getByRole('button').count(), 0)
  })
  assert.deepStrictEqual(eye.complaints.filter((one) => !/404/.test(one)), [])
}
