/** A node that answers, and is not ready: it was updated and brings its data into a new form, or it just starts. What the page says meanwhile, and that it goes on. */
'use strict'
const assert = require('assert')
const { check, until } = require('../../interop/lib/check')
const { DESK, PHONE } = require('../lib/browser')
const { step } = require('../lib/step')

const API = /\/api\/(?!live)/
const OF = 1000

/** From now on everything that is asked of the node is answered so, until `end`. */
async function starts(page, done) {
  const at = { done }
  await page.route(API, (route) => route.fulfill({ status: 503, headers: { 'Retry-After': '1' }, json: { error: { code: 'starting', said: 'The node is starting.', lost: false, do: null, done: at.done, of: OF } } }))
  return { so: (n) => { at.done = n }, end: () => page.unroute(API) }
}

async function from(world, node, size, scheme) {
  const name = `${size === PHONE ? 'phone' : 'desk'}, ${scheme}`
  const ana = await world.browser({ size, scheme })
  const { page } = ana
  await page.goto(`${node.home}/#${(await node.api('POST', 'code', {})).code}`)
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  await page.getByLabel('Your post').fill(`half a thought, ${name}`)

  const node503 = await starts(page, 300)
  await step(`a page that is opened then says so, and how far it is; ${name}`, async () => {
    await page.reload()
    await page.getByRole('heading', { name: 'Your node is starting' }).waitFor()
    await page.getByText('30 % done').waitFor()
    assert.deepStrictEqual(await page.locator('progress').evaluate((bar) => [bar.value, bar.max]), [300, OF])
    assert.match(await page.title(), /^Your node is starting/)
    assert.deepStrictEqual(await ana.axe(), [])
    await ana.shot(`starting-${size === PHONE ? 'phone' : 'desk'}-${scheme}`)
    node503.so(650)
    await page.getByText('65 % done').waitFor()
  })
  await step(`it goes on by itself when the node is ready, signed in as before; ${name}`, async () => {
    await node503.end()
    await page.getByRole('heading', { name: 'Home' }).waitFor()
    await until('what was being written is there', async () => (await page.getByLabel('Your post').inputValue()) === `half a thought, ${name}`)
  })
  await page.getByLabel('Your post').fill('')
  await until('it is put away', async () => !(await node.api('GET', 'writing?name=home')).writing[0]?.body)
  await ana.close()
  world.things.splice(world.things.indexOf(ana), 1)
}

module.exports = async (world) => {
  const node = await world.node('ana')
  const first = await world.browser()
  await first.enter(node, 'Ana')
  for (const size of [DESK, PHONE]) for (const scheme of ['light', 'dark']) await from(world, node, size, scheme)

  await step('a link that is opened too early is not spent on it', async () => {
    const early = await world.browser({ size: PHONE })
    const node503 = await starts(early.page, 0)
    await early.page.goto(`${node.home}/#${(await node.api('POST', 'code', {})).code}`)
    await early.page.getByRole('heading', { name: 'Your node is starting' }).waitFor()
    await early.page.getByText('The node is starting.').waitFor()
    await node503.end()
    await early.page.getByRole('heading', { name: 'Home' }).waitFor()
    assert.ok(!early.page.url().includes('#'))
  })

  const { page } = first
  await step('what is on the screen stays when the node goes away and starts again', async () => {
    await page.goto(node.home + '/')
    await page.getByLabel('Your post').fill('a second thought')
    const node503 = await starts(page, 0)
    await node.stop()
    await page.getByText('Your node is starting again.').waitFor()
    assert.strictEqual(await page.getByLabel('Your post').inputValue(), 'a second thought')
    await node503.end()
    await node.start()
    await page.getByText('Connected with your node again.').waitFor()
    await until('the banner goes', async () => (await page.getByText('Your node is starting again.').count()) === 0)
    assert.strictEqual(await page.getByLabel('Your post').inputValue(), 'a second thought')
  })
  await check('nothing else was complained about', () => assert.deepStrictEqual(first.complaints.filter((one) => !/503 \(Service|ERR_CONNECTION_REFUSED|WebSocket/.test(one)), []))
}
