/** Reading: long lists that are let go and come back, the pill, the line in two browsers, bookmarks, tags, long posts and warnings. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const { Author } = require('../../interop/lib/author')
const { check, until } = require('../../interop/lib/check')
const { step } = require('../lib/step')

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
      return (await articles()).length === 160
    }, { every: 20 })
    const seen = await articles()
    for (let i = 1; i < seen.length; i++) assert.strictEqual(seen[i], seen[i - 1] - 1, 'in order')
    return `${seen[0]} to ${seen.at(-1)}`
  })
  await check('Back from a conversation returns to the same post at the same place, with the focus', async () => {
    const was = await first(page)
    await page.locator(`article[data-id="${was.id}"] header a.time`).evaluate((one) => { one.focus({ preventScroll: true }); one.click() })
    await page.getByRole('heading', { name: 'Conversation' }).waitFor()
    await page.goBack()
    await page.locator(`article[data-id="${was.id}"]`).waitFor()
    await page.waitForFunction((id) => document.activeElement?.closest('article')?.dataset.id === id, was.id)
    const now = await first(page)
    assert.ok(now.id === was.id && Math.abs(now.top - was.top) <= 2, JSON.stringify({ was, now }))
  })
  await check('the Home key goes to the newest at once', async () => {
    await page.keyboard.press('Home')
    await page.locator('article').filter({ hasText: `Entry ${POSTS} of` }).waitFor()
  })
  assert.deepStrictEqual(ana.complaints, [])
}

module.exports = async (world) => {
  await diary(world)
}
