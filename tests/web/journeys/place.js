/** The page below a path of a host that shows other things too: every address on it begins there, and nothing is asked outside. */
'use strict'
const assert = require('assert')
const { freePort } = require('../../interop/lib/world')
const { check, until } = require('../../interop/lib/check')
const { PHONE, postNow } = require('../lib/browser')
const pictures = require('../lib/pictures')
const { Proxy } = require('../lib/proxy')
const { step } = require('../lib/step')

const BELOW = '/house/kith'

module.exports = async (world) => {
  const proxy = new Proxy(BELOW)
  const port = await freePort()
  world.things.push(proxy)
  await proxy.start(port)
  const home = `http://localhost:${port}${BELOW}`
  const node = await world.node('ana', ['--public-url', home])
  proxy.to = node.httpPort
  const ana = await world.browser()
  const { page } = ana
  const isAt = (to) => until(`the address line is ${to}`, async () => new URL(page.url()).pathname === BELOW + to)

  await step('the link that the node prints leads there, and the first run ends there', async () => {
    assert.ok(node.link.startsWith(`${home}/#`), node.link)
    await ana.enter(node, 'Ana')
    await isAt('/')
  })
  await step('a post with a picture, and what others see of it', async () => {
    await page.getByLabel('Your post').fill('Greetings from below #garden')
    await pictures.choose(page, [{ name: 'garden.jpg', mimeType: 'image/jpeg', buffer: await pictures.drawn(page, { w: 640, h: 480 }) }])
    await page.locator('.attach-alt').fill('A garden')
    await postNow(page)
    const picture = page.locator('article img.here').first()
    await picture.waitFor()
    assert.ok((await picture.getAttribute('src')).startsWith(BELOW + '/blob/'))
  })
  await step('what comes arrives by itself: the socket is there as well', async () => {
    await node.api('POST', 'publish', { type: 'post', text: 'Written elsewhere' })
    await page.locator('article').filter({ hasText: 'Written elsewhere' }).waitFor()
  })
  await step('every page of the menu opens, and opens again when it is loaded afresh', async () => {
    for (const [name, to] of [['Activity', '/activity'], ['Private', '/private'], ['People', '/people'], ['Search', '/search'], ['Network', '/network'], ['Settings', '/settings'], ['Bookmarks', '/bookmarks'], ['Drafts', '/drafts'], ['Home', '/']]) {
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).first().click()
      await isAt(to)
      await page.getByRole('heading', { level: 1, name }).waitFor()
      await page.reload()
      await page.getByRole('heading', { level: 1, name }).waitFor()
      assert.strictEqual(await page.locator('[aria-current=page]').first().getAttribute('href'), BELOW + to)
    }
  })
  await step('a conversation, its author, its tag, and back', async () => {
    const post = page.locator('article').filter({ hasText: 'Greetings from below' })
    await post.locator('header a.time').click()
    await page.getByRole('heading', { name: 'Conversation' }).waitFor()
    assert.ok(new URL(page.url()).pathname.startsWith(BELOW + '/m/'))
    await page.getByRole('link', { name: '#garden' }).click()
    await isAt('/tag/garden')
    await page.goBack()
    await page.getByRole('heading', { name: 'Conversation' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await isAt('/settings')
  })
  await step('another language, whose words are a file of their own', async () => {
    await page.goto(home + '/settings/appearance')
    await page.getByRole('radio', { name: 'Deutsch' }).click()
    await page.getByRole('heading', { name: 'Darstellung' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Darstellung' }).waitFor()
    await page.getByRole('radio', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'Appearance' }).waitFor()
  })
  await step('what this browser remembers has the path in its name: two nodes can share a host', async () => {
    const names = await page.evaluate(() => Object.keys(localStorage))
    assert.ok(names.includes(`kith${BELOW}.token`))
    assert.deepStrictEqual(names.filter((name) => !name.startsWith(`kith${BELOW}.`)), [])
  })
  await step('a further browser comes in by a code', async () => {
    const phone = await world.browser({ size: PHONE })
    await phone.page.goto(home + '/')
    await phone.page.getByLabel('Code or link').fill((await node.api('POST', 'code', {})).link)
    await phone.page.getByRole('button', { name: 'Open', exact: true }).click()
    await phone.page.getByRole('heading', { name: 'Home' }).waitFor()
    assert.deepStrictEqual(phone.complaints.filter((one) => !/401 \(Unauthorized\)/.test(one)), [])
  })
  await check('nothing was asked outside of the path but the icon that browsers guess', () => {
    assert.deepStrictEqual(proxy.strays.filter((one) => one !== '/favicon.ico'), [])
    assert.deepStrictEqual(ana.asked.filter((url) => !url.startsWith(home + '/') && !/^(ws|blob):/.test(url)), [])
  })
  await check('nothing was complained about', () => assert.deepStrictEqual(ana.complaints, []))
}
