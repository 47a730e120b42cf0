/** What the first screen costs: bytes, requests, elements. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const zlib = require('zlib')
const { check } = require('../../interop/lib/check')

const built = path.join(__dirname, '..', '..', '..', 'build', 'web')
const gzipped = (file) => zlib.gzipSync(fs.readFileSync(file), { level: 9 }).length

module.exports = async (world) => {
  const node = await world.node('ana')
  const ana = await world.browser()
  await ana.enter(node, 'Ana')
  for (let i = 0; i < 20; i++) await node.api('POST', 'publish', { type: 'post', text: `Post ${i} with *some* words, a \`tool\` and https://example.org/${i}` })
  const page = await ana.context.newPage()
  const asked = []
  page.on('request', (request) => asked.push(new URL(request.url()).pathname))
  await page.goto(node.home + '/', { waitUntil: 'networkidle' })
  await page.locator('article').first().waitFor()
  const below = (names) => names.filter((one) => one.startsWith('/w/')).map((one) => path.join(built, one.replace(/^\/w\/[^/]+\//, '')))
  const files = below(asked)
  const sum = (end, of = files) => of.filter((file) => file.endsWith(end)).reduce((all, file) => all + gzipped(file), 0)
  /* What index.html names is what runs before the first post; the rest comes after it. */
  const named = below(await page.evaluate(() => [...document.querySelectorAll('script[src], link[rel=modulepreload]')].map((one) => one.getAttribute('src') || one.getAttribute('href'))))

  await check('scripts before the first post: at most 80 kB', () => {
    assert.ok(named.length > 2 && sum('.js', named) > 30000)
    assert.ok(sum('.js', named) <= 80000, `${sum('.js', named)}`)
    return `${sum('.js', named)} bytes, ${sum('.js')} with what follows`
  })
  await check('style sheets: at most 8 kB', () => { assert.ok(sum('.css') <= 8000, `${sum('.css')}`); return `${sum('.css')} bytes` })
  await check('first load: at most 30 requests', () => { assert.ok(asked.length <= 30, `${asked.length}: ${asked.join(' ')}`); return `${asked.length}` })
  await check('a warm load fetches no script and no style again', async () => {
    await page.reload({ waitUntil: 'networkidle' })
    const fetched = await page.evaluate(() => performance.getEntriesByType('resource').filter((one) => one.name.includes('/w/') && one.transferSize > 0).map((one) => one.name))
    assert.deepStrictEqual(fetched, [])
  })
  await check('twenty posts: at most 1,200 elements', async () => {
    const n = await page.evaluate(() => document.querySelectorAll('*').length)
    assert.ok(n <= 1200, `${n}`)
    return `${n}`
  })
  await check('all scripts together: at most 120 kB', () => {
    const all = (dir) => fs.readdirSync(dir, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? all(path.join(dir, one.name)) : [path.join(dir, one.name)]))
    const n = all(built).filter((file) => file.endsWith('.js')).reduce((bytes, file) => bytes + gzipped(file), 0)
    assert.ok(n <= 120000, `${n}`)
    return `${n} bytes`
  })
}
