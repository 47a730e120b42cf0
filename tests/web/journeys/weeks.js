/** Evening 10 of the product: two weeks away, 400 new posts. Four times, on desk and phone, by day and by night; then while a first sync runs. */
'use strict'
const assert = require('assert')
const { Author } = require('../../interop/lib/author')
const { check, until } = require('../../interop/lib/check')
const { DESK, PHONE } = require('../lib/browser')
const { importInto, fill, latency, pathOf } = require('../lib/history')
const { step } = require('../lib/step')

const NEWS = 400
const FRIENDS = 5
const DAY = 24 * 3600 * 1000
const LONG = 20000

/** NEWS more posts, one friend after the other, in the two weeks before now. `round` 0: what was there before. */
function say(friends, round) {
  const count = round === 0 ? 40 : NEWS
  for (let i = 0; i < count; i++) {
    const friend = friends[i % FRIENDS]
    const at = Date.now() - 15 * DAY * (5 - round) + Math.floor((i * 14 * DAY) / count)
    if (friend.values.length === 0) friend.publish({ type: 'about', about: friend.id, name: friend.name }, at - 1)
    friend.publish({ type: 'post', text: `Round ${round}, news ${i + 1}.${i % 9 === 0 ? ' A longer one, about bees, bread and the sea. '.repeat(12) : ' Nothing much, #tea and a walk.'}` }, at)
  }
}

const focused = (page) => page.evaluate(() => document.activeElement?.closest('article')?.textContent?.match(/Round \d+, news \d+/)?.[0] ?? '')

async function evening(world, node, friends, round, sizeName, size, scheme) {
  const name = `${sizeName}, ${scheme}: `
  await node.stop()
  say(friends, round)
  importInto(world, node, friends)
  await node.start()
  const ana = await world.browser({ size, scheme })
  const page = ana.page
  const { unread } = await node.api('GET', 'boot?limit=1')
  await page.goto(`${node.home}/#${(await node.api('POST', 'code', {})).code}`)

  await step(`${name}the newest stands at once on top`, async () => {
    await page.locator('article').first().filter({ hasText: `Round ${round}, news ${NEWS}.` }).waitFor()
    await page.getByRole('heading', { name: 'Home' }).waitFor()
    assert.ok(unread.home >= 100, JSON.stringify(unread))
  })
  await step(`${name}j, k, Enter and r, with the focus to be seen`, async () => {
    const seen = async () => {
      const outline = await page.evaluate(() => { const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement); return outlineStyle === 'none' ? 0 : parseFloat(outlineWidth) })
      assert.ok(outline >= 2, `${outline} px`)
    }
    for (let i = 0; i < 30; i++) {
      await until(`the focus on post ${i + 1}`, async () => {
        if ((await focused(page)) !== `Round ${round}, news ${NEWS - i}`) await page.keyboard.press('j')
        return (await focused(page)) === `Round ${round}, news ${NEWS - i}`
      })
    }
    await seen()
    for (let i = 0; i < 10; i++) await page.keyboard.press('k')
    await until('ten back', async () => (await focused(page)) === `Round ${round}, news ${NEWS - 19}`)
    await seen()
    await ana.shot(`weeks-focus-${sizeName}-${scheme}`)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Conversation' }).waitFor()
    await page.locator('article.opened').waitFor()
    await page.keyboard.press('r')
    await until('the reply field has the focus', () => page.evaluate(() => document.activeElement?.tagName === 'TEXTAREA'))
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await page.getByRole('heading', { name: 'Home' }).waitFor()
    await until('the same post has the focus', async () => (await focused(page)) === `Round ${round}, news ${NEWS - 19}`)
  })
  await step(`${name}a line marks where I was, and everything above it is new`, async () => {
    const line = page.getByText('You were here')
    await until('the line', async () => {
      if (await line.count()) return true
      await page.evaluate(() => scrollBy(0, 2500))
      return false
    }, { ms: 120000, every: 20 })
    await line.first().scrollIntoViewIfNeeded()
    await ana.shot(`weeks-here-${sizeName}-${scheme}`)
    const order = await page.locator('main').innerText()
    const at = order.indexOf('You were here')
    assert.ok(order.slice(0, at).includes(`Round ${round}, news 1.`) && !order.slice(at).includes(`Round ${round}, news`), order.slice(Math.max(0, at - 200), at + 200))
    assert.deepStrictEqual(await ana.axe(), [])
  })
  await step(`${name}and back to the newest with one key`, async () => {
    await page.keyboard.press('Home')
    await page.locator('article').first().filter({ hasText: `Round ${round}, news ${NEWS}.` }).waitFor()
  })
  await check(`${name}nothing was complained about`, () => assert.deepStrictEqual(ana.complaints.filter((one) => !/401 \(Unauthorized\)/.test(one)), []))
  await ana.close()
  world.things.splice(world.things.indexOf(ana), 1)
}

/** Somebody new with a long feed is followed; the page goes on answering while it comes. */
async function whileSyncing(world, node) {
  const other = await world.node('ben')
  await other.stop()
  const cleo = new Author()
  fill(cleo, 'Cleo', LONG, (n) => `Day ${n} at sea, with #bees`)
  importInto(world, other, [cleo])
  await other.start()
  const ana = await world.browser()
  const page = ana.page
  await page.goto(`${node.home}/#${(await node.api('POST', 'code', {})).code}`)
  await page.locator('article').first().waitFor()
  await other.api('POST', 'follow', { text: cleo.id })
  await other.api('POST', 'follow', { text: node.id })
  await node.api('POST', 'follow', { text: cleo.id })
  const held = async () => (await node.api('GET', 'person/' + pathOf(cleo.id))).person.sequence
  await node.api('POST', 'network/connect', { address: other.address })
  await step('while a first sync runs, the page answers keys, opens a conversation and searches', async () => {
    await until('the sync has begun', async () => (await held()) > 0)
    const from = await held()
    await latency.begin(page)
    for (let i = 0; i < 10; i++) await page.keyboard.press('j')
    await page.keyboard.press('l')
    await page.locator('article .liked').first().waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Conversation' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('heading', { name: 'Home' }).waitFor()
    const worst = await latency.end(page)
    const searches = []
    for (const q of ['bees', 'tea', 'walk', 'bread', 'from:Friend', '%23tea']) {
      const began = Date.now()
      await node.api('GET', `search?q=${q}`)
      searches.push(Date.now() - began)
    }
    const to = await held()
    return `${from} to ${to} of ${LONG} came meanwhile; key to picture at the most ${Math.round(worst)} ms (aim 200), search at the most ${Math.max(...searches)} ms (aim 300)`
  })
  await step('and all of it comes', async () => { await until('the whole feed', async () => (await held()) === LONG, { ms: 120000 }) })
}

module.exports = async (world) => {
  const node = await world.node('ana')
  const friends = Array.from({ length: FRIENDS }, (_, i) => Object.assign(new Author(), { name: `Friend ${i + 1}` }))
  const first = await world.browser()
  await first.enter(node, 'Ana')
  for (const friend of friends) await node.api('POST', 'follow', { text: friend.id })
  await node.stop()
  say(friends, 0)
  importInto(world, node, friends)
  await node.start()
  await first.page.goto(`${node.home}/#${(await node.api('POST', 'code', {})).code}`)
  await first.page.locator('article').first().filter({ hasText: 'Round 0, news 40.' }).waitFor()
  await until('it is read', async () => (await node.api('GET', 'boot?limit=1')).marks.home !== null)
  await first.close()
  world.things.splice(world.things.indexOf(first), 1)
  let round = 0
  for (const [sizeName, size] of [['desk', DESK], ['phone', PHONE]]) {
    for (const scheme of ['light', 'dark']) await evening(world, node, friends, ++round, sizeName, size, scheme)
  }
  await whileSyncing(world, node)
}
