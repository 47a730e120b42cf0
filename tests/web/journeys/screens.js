/**
 * Every screen and every state of it (empty, waiting, wrong, out of reach, paused), on desk and phone, by day and by night, and 320 px wide: nothing for axe,
 * nothing that scrolls sideways, no complaint. SCREENS=desk-light: only these.
 */
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
      if (process.env.SCREENS && process.env.SCREENS !== `${sizeName}-${scheme}`) continue
      const ben = await world.browser({ size, scheme })
      const page = ben.page
      const look = async (name) => {
        await check(`${name}, ${sizeName}, ${scheme}`, async () => {
          await ben.shot(`${name}-${sizeName}-${scheme}`)
          assert.deepStrictEqual(await ben.axe(), [])
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
          assert.ok(wide <= 0, `scrolls sideways by ${wide} px`)
          assert.strictEqual(await page.locator('h1').count(), 1)
          if (size === DESK || scheme === 'dark') return
          await page.setViewportSize({ width: 320, height: 640 })
          const narrow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
          await ben.shot(`${name}-320`)
          assert.deepStrictEqual(await ben.axe(), [])
          await page.setViewportSize(size)
          assert.ok(narrow <= 0, `at 320 px it scrolls sideways by ${narrow} px`)
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
      const [one, her] = [path(nodeB.id), path(nodeA.id)]
      const screens = {
        wide: '/?tab=wide', thread, raw: thread + '/raw', gap: '/m/' + path(gap), nowhere: '/m/' + 'A'.repeat(43), profile: '/p/' + her, replies: `/p/${her}?show=replies`, follows: `/p/${her}?show=follows`, followers: `/p/${her}?show=followers`,
        mine: '/p/' + one, stranger: '/p/' + 'B'.repeat(42) + 'A', people: '/people', followMe: '/people?show=followers', blocked: '/people?show=blocks', muted: '/people?show=mutes', activity: '/activity', bookmarks: '/bookmarks', drafts: '/drafts',
        search: '/search', found: '/search?q=header', nothing: '/search?q=xylophone', tag: '/tag/books', noTag: '/tag/nobody', network: '/network', settings: '/settings', safety: '/settings/safety', recovery: '/recovery', nopage: '/welcome',
        ...Object.fromEntries(['profile', 'appearance', 'privacy', 'devices', 'storage', 'network', 'about'].map((group) => [`settings-${group}`, `/settings/${group}`])),
      }
      const arrives = () => until('the screen is there', async () => (await page.locator('h1').count()) > 0 && (await page.locator('.bones, .bones-before').count()) === 0)
      for (const [name, to] of Object.entries(screens)) {
        await page.goto(nodeB.home + to)
        await arrives()
        await look(name === 'nopage' ? 'welcome' : name)
      }
      const lists = /\/api\/(timeline|person|people|activity|search|thread|bookmarks)/
      for (const [name, to] of Object.entries({ profile: screens.profile, thread, people: '/people', activity: '/activity', found: '/search?q=header' })) {
        let answer = () => {}
        const held = new Promise((resolve) => { answer = resolve })
        await page.route(lists, async (route) => { await held; await route.fulfill({ status: 500, json: { error: { code: 'disk', said: 'The disk did not answer.', lost: false } } }) })
        await page.goto(nodeB.home + to)
        await page.locator('.bones, .bones-before').first().waitFor()
        await look(`${name}-waiting`)
        answer()
        await page.getByText('The disk did not answer.').first().waitFor()
        await look(`${name}-wrong`)
        await page.unroute(lists)
      }
      /* Somebody remembers more of us than we do. */
      await nodeB.api('POST', 'safety/witness', { sequence: nodeB.newest().sequence + 5, key: '%' + Buffer.alloc(32, 5).toString('base64') + '.sha256' })
      for (const [name, to] of Object.entries({ home: '/', thread, settings: '/settings', recovery: '/recovery' })) {
        await page.goto(nodeB.home + to)
        await page.locator('.banner:not(.hint)').first().waitFor()
        await arrives()
        await look(`${name}-paused`)
      }
      await nodeB.api('POST', 'safety/resume', { accept: true })
      await page.goto(nodeB.home + '/')
      await page.locator('article').first().waitFor()
      await nodeB.stop()
      await until('it is out of reach', async () => (await page.locator('.dot-lost').count()) > 0)
      await look('home-out-of-reach')
      await nodeB.start()
      await check(`nothing was complained about, ${sizeName}, ${scheme}`, () =>
        assert.deepStrictEqual(ben.complaints.filter((one) => !/404 \(Not Found\)|500 \(Internal Server Error\)|503 \(Service Unavailable\)|ERR_CONNECTION_REFUSED|WebSocket/.test(one)), []))
      await ben.close()
      world.things.splice(world.things.indexOf(ben), 1)
    }
  }
}
