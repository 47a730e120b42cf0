/** Reading: long lists that are let go and come back, the pill, the line in two browsers, bookmarks, tags, long posts and warnings. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const { Author } = require('../../interop/lib/author')
const { check, until } = require('../../interop/lib/check')
const { PHONE } = require('../lib/browser')
const { step } = require('../lib/step')

const pathOf = (id) => id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')

const POSTS = Number(process.env.KITH_POSTS || 10000)
/* What the page may hold more of after ten times as many posts. */
const GROWTH = 1.25

/** A diary of POSTS in the directory of a node that is not running. */
function write(world, node) {
  const cleo = new Author()
  cleo.publish({ type: 'about', about: cleo.id, name: 'Cleo' })
  while (cleo.values.length <= POSTS) cleo.publish({ type: 'post', text: `Entry ${cleo.values.length} of the diary.${cleo.values.length % 7 ? '' : ' **Long** one. '.repeat(40)}` })
  const file = path.join(world.dir, 'cleo.jsonl')
  fs.writeFileSync(file, cleo.values.map((value) => JSON.stringify(value) + '\n').join(''))
  node.command('import', [file])
  return cleo
}

/** What the page holds, after the garbage is collected. */
async function weigh(page) {
  const tools = await page.context().newCDPSession(page)
  await tools.send('HeapProfiler.collectGarbage')
  await tools.send('Performance.enable')
  const { metrics } = await tools.send('Performance.getMetrics')
  await tools.detach()
  const of = (name) => metrics.find((one) => one.name === name).value
  return { heap: of('JSHeapUsedSize'), nodes: of('Nodes'), elements: await page.evaluate(() => document.querySelectorAll('*').length) }
}

/** Down to entry `n` as a wheel does it. */
const scrollTo = (page, n) => page.evaluate(async (entry) => {
  const last = () => Number(/Entry (\d+) /.exec([...document.querySelectorAll('main article')].at(-1).textContent)[1])
  while (last() > entry) {
    scrollBy(0, 900)
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)))
  }
}, n)

/** The post at the top of the screen, and where it stands. */
const first = (page) => page.evaluate(() => {
  const one = [...document.querySelectorAll('main article')].find((article) => article.getBoundingClientRect().bottom > 80)
  return { id: one.dataset.id, top: Math.round(one.getBoundingClientRect().top) }
})

async function diary(world) {
  const node = await world.node('ana')
  await node.stop()
  const cleo = write(world, node)
  await node.start()
  const ana = await world.browser()
  const page = ana.page
  await ana.enter(node, 'Ana')
  await node.api('POST', 'follow', { text: cleo.id })
  await page.goto(node.home + '/')
  await page.locator('article').first().waitFor()
  let early = null
  await step('ten thousand posts are scrolled, and the page holds no more than after one thousand', async () => {
    await scrollTo(page, POSTS - 1000)
    early = await weigh(page)
    await scrollTo(page, 1)
    const late = await weigh(page)
    const said = `heap ${(early.heap / 1e6).toFixed(1)} to ${(late.heap / 1e6).toFixed(1)} MB, ${early.elements} to ${late.elements} elements, ${early.nodes} to ${late.nodes} nodes`
    for (const what of ['heap', 'nodes', 'elements']) assert.ok(late[what] < early[what] * GROWTH, said)
    return said
  })
  await check('the way back up shows what was let go, in order and without a gap', async () => {
    const articles = () => page.evaluate(() => [...document.querySelectorAll('main article')].map((one) => Number(/Entry (\d+) /.exec(one.textContent)[1])))
    const top = () => page.evaluate(() => document.querySelector('main article').getBoundingClientRect().top)
    await page.evaluate(() => scrollBy(0, -30000))
    await until('eight pages', async () => {
      if ((await top()) < 0) await page.evaluate(() => scrollBy(0, -600))
      const now = await articles()
      return now.length === 160 && now.at(-1) > 1
    }, { every: 20 })
    const seen = await articles()
    for (let i = 1; i < seen.length; i++) assert.strictEqual(seen[i], seen[i - 1] - 1, 'in order')
    return `${seen[0]} to ${seen.at(-1)}`
  })
  await check('Back from a conversation returns to the same post at the same place, with the focus', async () => {
    let was = await first(page)
    await until('nothing moves', async () => {
      const before = was
      was = await first(page)
      return was.id === before.id && was.top === before.top
    }, { every: 300 })
    await page.locator(`article[data-id="${was.id}"] header a.time`).evaluate((one) => { one.focus({ preventScroll: true }); one.click() })
    await page.getByRole('heading', { name: 'Conversation' }).waitFor()
    await page.goBack()
    await page.locator(`article[data-id="${was.id}"]`).waitFor()
    await page.waitForFunction((id) => document.activeElement?.closest('article')?.dataset.id === id, was.id)
    await until('the same place', async () => Math.abs((await page.locator(`article[data-id="${was.id}"]`).evaluate((one) => one.getBoundingClientRect().top)) - was.top) <= 2)
  })
  await check('the Home key goes to the newest at once', async () => {
    await page.keyboard.press('Home')
    await page.locator('article').filter({ hasText: `Entry ${POSTS} of` }).waitFor()
  })
  assert.deepStrictEqual(ana.complaints, [])
}

/** Another browser of the same person. */
async function again(world, node, size) {
  const browser = await world.browser({ size })
  const { link } = await node.api('POST', 'code', {})
  await browser.page.goto(link)
  await browser.page.getByRole('heading', { name: 'Home' }).waitFor()
  return browser
}

const texts = (page) => page.evaluate(() => [...document.querySelectorAll('main article .text')].map((one) => one.textContent))

async function friends(world) {
  const [nodeA, nodeB] = [await world.node('ana2'), await world.node('ben2')]
  const desk = await world.browser()
  const page = desk.page
  await desk.enter(nodeA, 'Ana')
  await nodeB.api('POST', 'profile', { name: 'Ben' })
  await nodeA.api('POST', 'follow', { text: nodeB.id })
  await nodeB.api('POST', 'follow', { text: nodeA.id })
  const say = async (text, more = {}) => (await nodeB.api('POST', 'post', { text, ...more })).key
  for (let i = 1; i <= 3; i++) await say(`Old news ${i} of the #harbour`)
  await nodeA.api('POST', 'network/connect', { address: nodeB.address })
  await page.goto(nodeA.home + '/')
  await page.locator('article').filter({ hasText: 'Old news 3' }).waitFor()
  /* What was on the screen is told a second later. */
  await until('the node knows what was read', async () => (await nodeA.api('GET', 'boot')).marks.home)
  await page.goto(nodeA.home + '/bookmarks')
  await page.getByText('Nothing kept yet').waitFor()

  await say('Fresh news 1')
  await say('Fresh news 2')
  await until('two are unread', async () => (await nodeA.api('GET', 'boot')).unread.home === 2)
  const phone = await again(world, nodeA, PHONE)
  await step('where I was stands above what I read in another browser, and both go on from there', async () => {
    const line = phone.page.locator('article', { has: phone.page.locator('.here-line') })
    await line.waitFor()
    assert.match(await line.locator('.text').textContent(), /Old news 3/)
    assert.deepStrictEqual(await phone.axe(), [])
    await phone.shot('reading-line-phone')
    await until('nothing is unread', async () => (await nodeA.api('GET', 'boot')).unread.home === 0)
    await page.goto(nodeA.home + '/')
    await page.locator('article').filter({ hasText: 'Fresh news 2' }).waitFor()
    assert.strictEqual(await page.locator('.here-line').count(), 0, 'nothing new since')
  })
  await step('new posts wait behind the pill in both lists, and show when asked', async () => {
    await phone.page.getByRole('link', { name: 'Wider circle' }).click()
    await phone.page.locator('article').filter({ hasText: 'Fresh news 2' }).waitFor()
    const before = [await texts(page), await texts(phone.page)]
    await say('Later news')
    for (const one of [page, phone.page]) await one.locator('.pill', { hasText: '1 new: Ben' }).waitFor()
    assert.deepStrictEqual([await texts(page), await texts(phone.page)], before, 'nothing moved')
    for (const one of [page, phone.page]) {
      await one.locator('.pill').click()
      await one.locator('article').first().filter({ hasText: 'Later news' }).waitFor()
      await one.locator('.here-line').waitFor()
    }
  })
  await step('a post is kept with b, listed, and let go of in another browser', async () => {
    await page.locator('article').first().focus()
    await page.keyboard.press('b')
    await page.locator('article:focus [data-act=keep][aria-pressed=true]').waitFor()
    await phone.page.goto(nodeA.home + '/bookmarks')
    await phone.page.locator('article').filter({ hasText: 'Later news' }).getByRole('button', { name: 'Keep' }).click()
    await until('nothing is kept', async () => (await nodeA.api('GET', 'bookmarks')).posts.length === 0)
    await nodeA.api('POST', 'bookmark', { id: (await nodeA.api('GET', 'timeline')).posts[0].id, on: true })
    await page.goto(nodeA.home + '/bookmarks')
    await page.locator('article').filter({ hasText: 'Later news' }).waitFor()
    assert.deepStrictEqual(await desk.axe(), [])
    await desk.shot('reading-bookmarks')
    assert.match(nodeA.command('bookmark', ['list']), /Later news/)
  })
  await step('a hashtag leads to everything with it, however it is written', async () => {
    await say('All about the Harbours')
    await nodeB.api('POST', 'publish', { type: 'post', text: 'In a channel', channel: 'HARBOUR' })
    await page.goto(nodeA.home + '/')
    await page.locator('article').filter({ hasText: 'Old news 1' }).getByRole('link', { name: '#harbour' }).click()
    await page.getByRole('heading', { name: '#harbour' }).waitFor()
    await page.locator('article').filter({ hasText: 'In a channel' }).waitFor()
    assert.strictEqual(new URL(page.url()).pathname, '/tag/harbour')
    assert.strictEqual(await page.locator('article').count(), 4)
    assert.deepStrictEqual(await desk.axe(), [])
    await page.goto(nodeA.home + '/tag/nothing')
    await page.getByText('Nothing about #nothing').waitFor()
  })
  await step('a long post folds and unfolds, a warning opens and shuts, and both say so', async () => {
    await say('A long story. '.repeat(200) + 'The end.')
    await say('Eight legs', { cw: 'spiders' })
    await page.goto(nodeA.home + '/')
    const long = page.locator('article').filter({ hasText: 'A long story' })
    await long.waitFor()
    const height = async () => (await long.boundingBox()).height
    const folded = await height()
    await long.getByRole('button', { name: 'Read all' }).click()
    await long.getByRole('button', { name: 'Show less', expanded: true }).waitFor()
    assert.ok((await height()) > folded + 200, 'it is shown to its end')
    await long.getByRole('button', { name: 'Show less' }).click()
    await until('as it was', async () => (await height()) === folded)
    const warned = page.locator('article').filter({ hasText: 'spiders' })
    assert.strictEqual(await warned.locator('.text').count(), 0)
    await warned.focus()
    await page.keyboard.press('x')
    await warned.getByText('Eight legs').waitFor()
    await warned.getByRole('button', { name: 'spiders', expanded: true }).waitFor()
    await desk.shot('reading-fold')
  })
  await step('who likes a post is named when asked', async () => {
    const id = (await nodeB.api('GET', 'timeline')).posts[0].id
    await nodeB.api('POST', 'like', { id, on: true })
    await page.goto(nodeA.home + '/m/' + pathOf(id))
    await page.getByRole('button', { name: 'Liked by Ben' }).click()
    await page.getByRole('dialog').getByRole('link', { name: 'Ben' }).waitFor()
    await page.keyboard.press('Escape')
  })
  await step('what was signed is explained, field by field, and can be copied', async () => {
    await page.getByRole('button', { name: 'More about this post' }).click()
    await page.getByRole('menuitem', { name: 'Signed message' }).click()
    await page.getByRole('heading', { name: 'Signed message' }).waitFor()
    for (const field of ['author', 'sequence', 'previous', 'content', 'signature']) await page.locator('dt', { hasText: field }).first().waitFor()
    assert.ok(JSON.parse(await page.locator('pre.raw').textContent()).signature)
    assert.deepStrictEqual(await desk.axe(), [])
    await desk.shot('reading-raw')
  })
  await check('text from right to left stands on the right, and nothing is wider than a small screen', async () => {
    await say('مرحبا بالعالم، هذا منشور طويل بعض الشيء لنرى كيف يبدو')
    const narrow = await again(world, nodeA, { width: 320, height: 700 })
    await narrow.page.locator('article').filter({ hasText: 'مرحبا' }).waitFor()
    const look = await narrow.page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      dir: getComputedStyle([...document.querySelectorAll('main article .text')].find((one) => one.textContent.includes('مرحبا'))).direction,
    }))
    assert.deepStrictEqual(look, { wide: 320, dir: 'rtl' })
    await narrow.shot('reading-narrow')
  })
  await check('endless scroll can be a button', async () => {
    for (let i = 0; i < 25; i++) await say(`Filler ${i}`)
    await page.evaluate(() => localStorage.setItem('kith.endless', 'off'))
    await page.goto(nodeA.home + '/')
    await page.locator('article').nth(19).waitFor()
    await page.keyboard.press('End')
    await page.waitForTimeout(300)
    assert.strictEqual(await page.locator('article').count(), 20)
    await page.getByRole('button', { name: 'Older posts' }).click()
    await page.locator('article').nth(25).waitFor()
  })
  assert.deepStrictEqual([...desk.complaints, ...phone.complaints], [])
}

module.exports = async (world) => {
  await friends(world)
  await diary(world)
}
