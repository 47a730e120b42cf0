/** Every screen, on desk and phone, by day and by night: nothing serious for axe, nothing that scrolls sideways, no complaint. */
'use strict'
const assert = require('assert')
const { check, until } = require('../../interop/lib/check')
const { DESK, PHONE } = require('../lib/browser')

const texts = [
  'Small thing I learned today: you can pipe the log through `sort -u` and it is *still* faster than the fancy tool.\n\n```\nkith feed --json @… | cut -c1-80 | sort -u | wc -l   # one long line of code\n```',
  'Choir moved to Thursday. Bring tea.\nhttps://example.org/choir/thursdays?room=blue_(upstairs)',
  '# Workshop notes\n\n1. Solder the header first\n2. Then the screen\n3. Then discover the header is upside down\n4. Go to 1',
  'Finished reading the packet-switching book. Three notes:\n\n- latency is a *design* choice\n- nobody agreed on addressing until they had to\n- the chapter on store-and-forward is basically about us\n\nWould lend it out. #books',
  '| day | bees |\n|---|---:|\n| Monday | 12 |\n| Tuesday | 9 |\n\n> and counting',
  'מה שלום כולם? שלום מהצד השני, `code` ועוד מילים',
  'Long walk. ' + 'Along the river, past the mill, over the hill and down to the sea again. '.repeat(40),
]

async function fill(world) {
  const [nodeA, nodeB] = [await world.node('ana'), await world.node('ben')]
  const ana = await world.browser()
  await ana.enter(nodeA, 'Ana Lindqvist')
  await nodeA.api('POST', 'profile', { bio: 'Beekeeper, allotment **7**. Choir on Thursdays.' })
  for (const text of texts) await nodeA.api('POST', 'publish', { type: 'post', text })
  await nodeA.api('POST', 'publish', { type: 'post', text: 'The cake was eaten by the dog', contentWarning: 'Food' })
  const missing = '%' + Buffer.alloc(32, 9).toString('base64') + '.sha256'
  const { key } = await nodeA.api('POST', 'publish', { type: 'post', text: 'An answer to something you cannot see', root: missing, branch: [missing] })
  await nodeA.api('POST', 'follow', { text: nodeB.address })
  await ana.close()
  world.things.splice(world.things.indexOf(ana), 1)
  return { nodeA, nodeB, gap: key }
}

module.exports = async (world) => {
  const { nodeA, nodeB, gap } = await fill(world)
  const path = (id) => id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')
  let isFirst = true
  for (const [sizeName, size] of [['desk', DESK], ['phone', PHONE]]) {
    for (const scheme of ['light', 'dark']) {
      const ben = await world.browser({ size, scheme })
      const page = ben.page
      const look = async (name) => {
        await check(`${name}, ${sizeName}, ${scheme}`, async () => {
          await ben.shot(`${name}-${sizeName}-${scheme}`)
          assert.deepStrictEqual(await ben.axe(), [])
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
          assert.ok(wide <= 0, `scrolls sideways by ${wide} px`)
          assert.strictEqual(await page.locator('h1').count(), 1)
        })
      }
      if (isFirst) {
        await ben.enter(nodeB, 'Ben')
        await page.locator('.empty').waitFor()
        await look('empty')
        await page.getByLabel('A key, an address, or both').fill(nodeA.address)
        await page.getByRole('button', { name: 'Follow', exact: true }).click()
        await page.locator('article').first().waitFor()
        const root = await page.locator('article').filter({ hasText: 'Workshop notes' }).getAttribute('data-id')
        for (const text of ['The header is *always* upside down.', 'Speak for yourself.']) await nodeB.api('POST', 'post', { text, root, branch: [root] })
        await nodeB.api('POST', 'like', { id: root, on: true })
        isFirst = false
      } else {
        await page.goto(nodeB.home + '/')
        await page.getByRole('heading', { name: 'Open the door' }).waitFor()
        await look('door')
        ben.complaints.length = 0
        await page.goto(`${nodeB.home}/#${(await nodeB.api('POST', 'code', {})).code}`)
        await page.locator('article').first().waitFor()
      }
      await page.goto(nodeB.home + '/')
      await page.locator('article').filter({ hasText: 'Workshop notes' }).waitFor()
      await look('home')
      await page.getByLabel('Your post').fill('Hello **Ana**, hello @An')
      await page.keyboard.press('End')
      await look('writing')
      await page.getByRole('button', { name: 'Discard this draft' }).click()
      const thread = await page.locator('article').filter({ hasText: 'Workshop notes' }).locator('header a.time').getAttribute('href')
      const screens = {
        wide: '/?tab=wide', thread, raw: thread + '/raw', gap: '/m/' + path(gap), nowhere: '/m/' + 'A'.repeat(43), profile: '/p/' + path(nodeA.id),
        follows: `/p/${path(nodeA.id)}?show=follows`, mine: '/p/' + path(nodeB.id), stranger: '/p/' + 'B'.repeat(42) + 'A', people: '/people', blocked: '/people?show=blocks', network: '/network', settings: '/settings', safety: '/settings/safety', recovery: '/recovery', nopage: '/welcome',
      }
      for (const [name, to] of Object.entries(screens)) {
        await page.goto(nodeB.home + to)
        await until('the screen is there', async () => (await page.locator('h1').count()) > 0 && (await page.locator('.bones, .bones-before').count()) === 0)
        await look(name === 'nopage' ? 'welcome' : name)
      }
      await check(`nothing was complained about, ${sizeName}, ${scheme}`, () =>
        assert.deepStrictEqual(ben.complaints.filter((one) => !/404 \(Not Found\)/.test(one)), []))
      await ben.close()
      world.things.splice(world.things.indexOf(ben), 1)
    }
  }
}
