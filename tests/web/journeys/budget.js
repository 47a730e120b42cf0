/**
 * What the page costs (ui-design, section 7). Bytes, requests and elements are judged; times are printed beside their aims, because they belong to the
 * machine that runs this.
 */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const zlib = require('zlib')
const { Author } = require('../../interop/lib/author')
const { check, until } = require('../../interop/lib/check')
const { PHONE } = require('../lib/browser')
const { fill, importInto, latency, pathOf } = require('../lib/history')

const built = path.join(__dirname, '..', '..', '..', 'build', 'web')
const gzipped = (file) => zlib.gzipSync(fs.readFileSync(file), { level: 9 }).length
const HISTORY = 20000

/** What one load of the page costs: over the wire, in time of the main thread, and until the first post. `slower`: how much slower than this machine. */
async function load(page, go, slower = 1) {
  const cdp = await page.context().newCDPSession(page)
  const got = { requests: 0, bytes: 0, scripts: 0, asked: [] }
  const isScript = new Set()
  const addresses = new Map()
  await cdp.send('Network.enable')
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' })
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: slower })
  const onAnswer = ({ requestId, type, response }) => {
    addresses.set(requestId, new URL(response.url).pathname)
    if (type === 'Script' || type === 'Stylesheet') isScript.add(requestId)
  }
  const onEnd = ({ requestId, encodedDataLength }) => {
    if (encodedDataLength > 0) { /* not out of the browser's own memory */
      got.requests++
      got.asked.push(addresses.get(requestId))
    }
    got.bytes += encodedDataLength
    if (isScript.has(requestId)) got.scripts += encodedDataLength
  }
  cdp.on('Network.responseReceived', onAnswer)
  cdp.on('Network.loadingFinished', onEnd)
  await go()
  await page.locator('article').first().waitFor()
  await page.waitForLoadState('networkidle')
  const { metrics } = await cdp.send('Performance.getMetrics')
  got.cpu = 1000 * metrics.find(({ name }) => name === 'TaskDuration').value
  Object.assign(got, await page.evaluate(() => globalThis.seen))
  await cdp.send('HeapProfiler.collectGarbage')
  got.heap = (await cdp.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'JSHeapUsedSize').value
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 1 })
  await cdp.detach()
  return got
}

/** Noted inside the page from its beginning: when the first post stood there, what moved, and what blocked. */
const note = () => {
  globalThis.seen = { first: 0, moved: 0, longest: 0 }
  new MutationObserver((_, self) => {
    if (document.querySelector('article')) {
      self.disconnect()
      requestAnimationFrame(() => setTimeout(() => { globalThis.seen.first = performance.now() }, 0))
    }
  }).observe(document, { childList: true, subtree: true })
  new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) globalThis.seen.moved += one.value }).observe({ type: 'layout-shift', buffered: true })
  new PerformanceObserver((list) => { for (const one of list.getEntries()) globalThis.seen.longest = Math.max(globalThis.seen.longest, one.duration) }).observe({ type: 'longtask', buffered: true })
}

/** Home with twenty posts, in a browser that has never been here but for its session. */
async function first(node, ana) {
  const page = await ana.context.newPage()
  await page.addInitScript(note)
  const cdp = await ana.context.newCDPSession(page)
  await cdp.send('Network.enable')
  await cdp.send('Network.clearBrowserCache')
  await cdp.detach()
  const asked = []
  page.on('request', (request) => asked.push(new URL(request.url()).pathname))
  return { page, asked }
}

async function bytes(node, ana) {
  const { page, asked } = await first(node, ana)
  const cold = await load(page, () => page.goto(node.home + '/'))
  const below = (names) => names.filter((one) => one.startsWith('/w/')).map((one) => path.join(built, one.replace(/^\/w\/[^/]+\//, '')))
  const sum = (end, of) => of.filter((file) => file.endsWith(end)).reduce((all, file) => all + gzipped(file), 0)
  const files = below(asked)
  /* What index.html names is what runs before the first post; the rest comes after it. */
  const named = below(await page.evaluate(() => [...document.querySelectorAll('script[src], link[rel=modulepreload]')].map((one) => one.getAttribute('src') || one.getAttribute('href'))))

  await check('scripts before the first post: at most 80 kB', () => {
    assert.ok(named.length > 2)
    assert.ok(sum('.js', named) <= 80000, `${sum('.js', named)}`)
    return `${sum('.js', named)} bytes, ${sum('.js', files)} with what follows`
  })
  await check('style sheets: at most 9 kB', () => { assert.ok(sum('.css', files) <= 9000, `${sum('.css', files)}`); return `${sum('.css', files)} bytes` })
  await check('first load: at most 30 requests', () => { assert.ok(asked.length <= 30, `${asked.length}: ${asked.join(' ')}`); return `${asked.length} requests, ${cold.bytes} bytes over the wire with headers` })
  await check('twenty posts: at most 1,200 elements', async () => {
    const n = await page.evaluate(() => document.querySelectorAll('*').length)
    assert.ok((await page.locator('article').count()) >= 20)
    assert.ok(n <= 1200, `${n}`)
    return `${n}`
  })
  await check('twenty posts: main thread, heap and what moved', () => {
    assert.ok(cold.first > 0 && cold.cpu > 0)
    return `CPU ${cold.cpu.toFixed(0)} ms (aim 250), heap ${(cold.heap / 1e6).toFixed(1)} MB (aim 6), CLS ${cold.moved.toFixed(3)} (aim 0.02)`
  })
  await check('a warm load: at most 3 requests, no script and no style', async () => {
    /* What was read is told a second later; that is no part of a load. */
    await until('the node knows what was read', async () => (await node.api('GET', 'boot')).marks.home)
    const warm = await load(page, () => page.reload())
    assert.strictEqual(warm.scripts, 0)
    assert.ok(warm.requests <= 3, warm.asked.join(' '))
    return `${warm.requests} requests, ${warm.bytes} bytes`
  })
  await page.close()
  await check('all scripts together: at most 147 kB, and one file of at most 22 kB for another language', () => {
    const sizes = fs.readdirSync(built).filter((name) => name.endsWith('.js')).map((name) => ({ isLanguage: /^[a-z]{2}-/.test(name), size: gzipped(path.join(built, name)) }))
    const n = sizes.reduce((sum, { isLanguage, size }) => sum + (isLanguage ? 0 : size), 0)
    const largest = Math.max(...sizes.map(({ isLanguage, size }) => (isLanguage ? size : 0)))
    assert.ok(n <= 147000 && largest <= 22000, `${n} and ${largest}`)
    return `${n} and ${largest} bytes`
  })
}

async function slow(node, ana) {
  for (const kind of ['cold', 'warm']) {
    await check(`a phone four times slower than this machine, ${kind}`, async () => {
      const { page } = kind === 'cold' ? await first(node, ana) : { page: await ana.context.newPage() }
      if (kind === 'warm') await page.addInitScript(note)
      const got = await load(page, () => page.goto(node.home + '/'), 4)
      await page.close()
      assert.ok(got.first > 0)
      return `first post after ${got.first.toFixed(0)} ms, longest task ${got.longest.toFixed(0)} ms (aim 200), CLS ${got.moved.toFixed(3)} (aim 0.02)`
    })
  }
}

/** Somebody with a long history was just followed. */
async function syncing(world, node, ana) {
  const other = await world.node('ben')
  await other.stop()
  const cleo = new Author()
  fill(cleo, 'Cleo', HISTORY, (n) => `Day ${n} at sea`)
  importInto(world, other, [cleo])
  await other.start()
  await other.api('POST', 'follow', { text: cleo.id })
  await other.api('POST', 'follow', { text: node.id })
  await node.api('POST', 'follow', { text: cleo.id })
  const page = await ana.context.newPage()
  await page.goto(node.home + '/')
  await page.locator('article').first().waitFor()
  const held = async () => (await node.api('GET', 'person/' + pathOf(cleo.id))).person.sequence
  await check('from tap to picture while a first sync runs', async () => {
    await node.api('POST', 'network/connect', { address: other.address })
    await until('it has begun', async () => (await held()) > 0)
    const from = await held()
    await latency.begin(page)
    await page.locator('article').first().getByRole('button', { name: 'Like' }).tap()
    await page.locator('article .liked').first().waitFor()
    await page.locator('article header a.time').nth(1).tap()
    await page.getByRole('heading', { name: 'Conversation' }).waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'Home' }).waitFor()
    const worst = await latency.end(page)
    return `at the most ${Math.round(worst)} ms (aim 100); ${from} to ${await held()} of ${HISTORY} messages came meanwhile`
  })
}

module.exports = async (world) => {
  const node = await world.node('ana')
  const ana = await world.browser({ size: PHONE })
  await ana.enter(node, 'Ana')
  for (let i = 0; i < 20; i++) await node.api('POST', 'publish', { type: 'post', text: `Post ${i} with *some* words, a \`tool\` and https://example.org/${i}` })
  await bytes(node, ana)
  await slow(node, ana)
  await syncing(world, node, ana)
}
