/** Evening 1 of the product: install, follow a friend by key and address, read, reply, see who has it. */
'use strict'
const assert = require('assert')
const { check, until, withPrefix } = require('../../interop/lib/check')
const { DESK, PHONE } = require('../lib/browser')
const { postNow } = require('../lib/browser')
const { step } = require('../lib/step')

/** Ana sits at the desk, Ben has this browser. */
async function evening(world, look, how) {
  const [nodeA, nodeB] = [await world.node(`ana-${look}`), await world.node(`ben-${look}`)]
  const ana = await world.browser()
  const ben = await world.browser(how)
  await ana.enter(nodeA, 'Ana')
  for (let i = 1; i <= 30; i++) {
    await nodeA.api('POST', 'publish', { type: 'post', text: `Earlier note number ${i}` })
  }

  await step('a post is written, previewed and shown at once, on my node', async () => {
    const page = ana.page
    await page.getByLabel('Your post').fill('Tea at **ours** on Thursday?')
    await page.getByRole('button', { name: 'Show how it will look' }).click()
    await page.locator('.preview strong', { hasText: 'ours' }).waitFor()
    await postNow(page)
    const post = page.locator('article').first()
    await post.locator('strong', { hasText: 'ours' }).waitFor()
    await post.locator('.receipt', { hasText: 'On your node' }).waitFor()
  })

  const page = ben.page
  await step('the printed link opens the door, and its code leaves the address line', async () => {
    await page.goto(nodeB.link)
    await page.getByLabel('What should friends call you?').fill('Ben')
    assert.strictEqual(new URL(page.url()).hash, '')
    await ben.shot(`evening-1-name-${look}`)
    await page.getByRole('button', { name: 'Next' }).click()
  })
  await step('I see my name and my key', async () => {
    assert.strictEqual(await page.getByLabel('Your key').inputValue(), nodeB.id)
    await page.getByText('Ben', { exact: true }).waitFor()
    await ben.shot(`evening-2-key-${look}`)
    await page.getByRole('button', { name: 'Next' }).click()
  })
  await step('the backup words of the key are offered, and may wait', async () => {
    await page.getByRole('heading', { name: '24 words' }).waitFor()
    await page.getByRole('button', { name: 'Later' }).click()
  })
  await step('a slip is answered with what a key looks like', async () => {
    await page.getByLabel('A key, an address, or both').fill('hello')
    await page.getByRole('button', { name: 'Follow', exact: true }).click()
    await page.getByRole('alert').filter({ hasText: 'No key in there' }).waitFor()
  })
  await step('key and address pasted in one box: every step ticks, and the friend has a name', async () => {
    await page.getByLabel('A key, an address, or both').fill(`${nodeA.id} 127.0.0.1:${nodeA.port}`)
    await page.getByRole('button', { name: 'Follow', exact: true }).click()
    await until('four steps are done', async () => (await page.locator('.step-ok').count()) === 4)
    await page.locator('.steps-who').getByText('Ana').waitFor()
    await ben.shot(`evening-3-steps-${look}`)
  })
  await step('home shows her newest post first', async () => {
    await page.getByRole('button', { name: 'Go to Home' }).click()
    await page.locator('article').first().locator('strong', { hasText: 'ours' }).waitFor()
    await page.locator('article').filter({ hasText: 'Earlier note number 30' }).first().waitFor()
    await ben.shot(`evening-4-home-${look}`)
  })
  await step('older posts come when asked for', async () => {
    await until('all her posts', async () => {
      await page.locator('.end').scrollIntoViewIfNeeded()
      return (await page.locator('article').count()) >= 31
    })
    await page.evaluate(() => scrollTo(0, 0))
  })

  await step('she follows back with his bare key, and sees that they follow each other', async () => {
    await ana.page.goto(nodeA.home + '/people')
    await ana.page.getByLabel('A key, an address, or both').fill(nodeB.id)
    await ana.page.getByRole('button', { name: 'Follow', exact: true }).click()
    await until('four steps are done', async () => (await ana.page.locator('.step-ok').count()) === 4)
    await ana.page.getByRole('link', { name: 'Follow you' }).click()
    await ana.page.locator('.row', { hasText: 'Ben' }).getByText('You follow each other').waitFor()
    await ana.page.goto(nodeA.home + '/')
    await ana.page.locator('article').filter({ hasText: 'Tea at ours' }).locator('header a.time').click()
    await ana.page.getByRole('heading', { name: 'Conversation' }).waitFor()
  })
  await step('a reply says it is on my node, and then that Ana has it', async () => {
    await page.locator('article').first().locator('header a.time').click()
    await page.getByRole('heading', { name: 'Conversation' }).waitFor()
    await page.getByLabel('Your reply').fill('Gladly. I bring cake.')
    await postNow(page, 'Reply')
    const reply = page.locator('article').filter({ hasText: 'I bring cake' })
    await reply.locator('.receipt').waitFor()
    await reply.locator('.receipt', { hasText: 'Ana has it' }).waitFor()
    await ben.shot(`evening-5-reply-${look}`)
  })
  await step('Ana sees the reply without reloading', async () => {
    await ana.page.locator('article').filter({ hasText: 'I bring cake' }).waitFor()
    await ana.shot(`evening-6-ana-${look}`)
  })
  await step('and is told of it in Activity', async () => {
    const news = await ana.context.newPage()
    await news.goto(nodeA.home + '/activity')
    await news.getByText('I bring cake').first().waitFor()
    await news.close()
  })
  await step('a like shows at its target, with the name', async () => {
    await ana.page.locator('article').filter({ hasText: 'I bring cake' }).getByRole('button', { name: 'Like', exact: true }).click()
    await page.locator('article').filter({ hasText: 'I bring cake' }).locator('header a.time').click()
    await page.locator('article.opened .likers', { hasText: 'Liked by Ana' }).waitFor()
    await page.locator('article.opened').getByRole('button', { name: 'Like', exact: true }).click()
    await page.locator('article.opened .likers', { hasText: 'Liked by you and Ana' }).waitFor()
    await page.reload()
    await page.locator('article.opened .likers', { hasText: 'Liked by you and Ana' }).waitFor()
  })
  await step('a new post waits behind a pill that names its author, and shows when asked', async () => {
    await page.goto(nodeB.home + '/')
    await page.locator('article').first().waitFor()
    const before = await page.locator('article').first().getAttribute('data-id')
    await nodeA.api('POST', 'post', { text: 'And a second thing' })
    await page.locator('.pill', { hasText: '1 new: Ana' }).waitFor()
    assert.strictEqual(await page.locator('article').first().getAttribute('data-id'), before, 'nothing moved')
    await ben.shot(`evening-7-pill-${look}`)
    await page.locator('.pill').click()
    await page.locator('article').first().filter({ hasText: 'And a second thing' }).waitFor()
  })
  await step('the node state counts the connection, and Network tells more', async () => {
    await page.getByRole('link', { name: '1 connected' }).first().waitFor()
    await page.goto(nodeB.home + '/network')
    await page.locator('.row.peer', { hasText: 'Ana' }).getByText('Up to date').waitFor()
  })
  await check('nothing was complained about in either browser', () => assert.deepStrictEqual([...ana.complaints, ...ben.complaints], []))
}

module.exports = async (world) => {
  for (const [size, of] of Object.entries({ desk: DESK, phone: PHONE })) {
    for (const scheme of ['light', 'dark']) {
      await withPrefix(`evening: ${size}, ${scheme}: `, () => evening(world, `${size}-${scheme}`, { size: of, scheme }))
      for (const thing of world.things.splice(0).reverse()) await thing.close()
    }
  }
}
