/** Somebody answers, mentions, likes and follows: the count, the screen, the other browser, the notification. */
'use strict'
const assert = require('assert')
const { check, until } = require('../../interop/lib/check')
const { DESK, PHONE } = require('../lib/browser')
const { step } = require('../lib/step')

const path = (id) => id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')

/** Notifications as the page asks for them, kept instead of shown; and whether the page looks as if it were in front. */
const listen = (page) => page.addInitScript(() => {
  const page = /** @type {any} */ (window)
  page.told = []
  page.Notification = class {
    constructor(said, { body, tag }) {
      page.told.push({ said, body, tag, click: () => this.onclick() })
    }
    close() {}
    static get permission() { return localStorage.getItem('allowed') || 'default' }
    static async requestPermission() {
      localStorage.setItem('allowed', 'granted')
      return 'granted'
    }
  }
  document.hasFocus = () => !page.isAway
})

module.exports = async (world) => {
  const [nodeA, nodeB] = [await world.node('ana'), await world.node('ben')]
  const ana = await world.browser({ size: DESK })
  const phone = await world.browser({ size: PHONE, scheme: 'dark' })
  const page = ana.page
  await listen(page)
  await ana.enter(nodeA, 'Ana')
  await nodeB.api('POST', 'profile', { name: 'Ben' })
  const { link } = await nodeA.api('POST', 'code', {})
  await phone.page.goto(link)
  await phone.page.getByRole('heading', { name: 'Home' }).waitFor()
  const arrived = (id) => until('it has arrived', async () => (await nodeA.api('GET', `posts?ids=${path(id)}`)).posts.length === 1)
  const says = async (content) => (await nodeB.api('POST', 'publish', content)).key
  const answers = (text, more = {}) => says({ type: 'post', text, root: mine, branch: mine, ...more })
  const likes = (value) => says({ type: 'vote', vote: { link: mine, value, expression: 'Like' } })
  const at = (where) => new URL(page.url()).pathname === where
  const mine = (await nodeA.api('POST', 'post', { text: 'Tea at **ours** on Sunday?' })).key

  await step('an empty screen says what will be there', async () => {
    await page.goto(nodeA.home + '/activity')
    await page.getByText('When someone answers you, it shows here.').waitFor()
    assert.deepStrictEqual(await ana.axe(), [])
    await ana.shot('activity-empty')
  })
  await step('what others do is counted in the menu, the title and the icon, in both browsers, without a reload', async () => {
    await page.goto(nodeA.home + '/')
    await nodeA.api('POST', 'follow', { text: `${nodeB.id} 127.0.0.1:${nodeB.port}` })
    await nodeB.api('POST', 'follow', { text: `${nodeA.id} 127.0.0.1:${nodeA.port}` })
    await until('Ben has the post', async () => (await nodeB.api('GET', `posts?ids=${path(mine)}`)).posts.length === 1)
    await likes(1)
    await arrived(await answers('Sunday suits us.'))
    for (const each of [page, phone.page]) await until('the count is in the title', async () => (await each.title()).startsWith('(3) '))
    assert.match(String(await page.locator('link[rel=icon]').getAttribute('href')), /icon-new\.svg$/)
    await page.getByRole('link', { name: /Activity.*3 new/ }).waitFor()
  })
  await step('the screen shows each once, the newest first, marked as new, and all of it is seen then, in both browsers', async () => {
    await page.getByRole('link', { name: /^Activity/ }).click()
    await page.getByRole('heading', { name: 'Activity' }).waitFor()
    await page.locator('article').nth(2).waitFor()
    assert.deepStrictEqual(await page.locator('article h2').allInnerTexts().then((all) => all.map((one) => one.replace(/[\u2068\u2069]/g, ''))), ['Ben', 'Ben liked your post', 'Ben follows you'])
    assert.strictEqual(await page.getByText('New', { exact: true }).count(), 3)
    for (const each of [page, phone.page]) await until('nothing is new any more', async () => !(await each.title()).startsWith('('))
    assert.match(String(await page.locator('link[rel=icon]').getAttribute('href')), /icon\.svg$/)
    assert.deepStrictEqual(await ana.axe(), [])
    await ana.shot('activity')
  })
  await step('a phone at night has the same, and nothing on it is new', async () => {
    await phone.page.goto(nodeA.home + '/activity')
    await phone.page.locator('article').nth(2).waitFor()
    assert.strictEqual(await phone.page.getByText('New', { exact: true }).count(), 0)
    assert.deepStrictEqual(await phone.axe(), [])
    assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
    await phone.shot('activity-phone')
  })
  await step('what comes meanwhile waits behind a pill, and . shows it', async () => {
    await arrived(await answers('And Kai comes too.'))
    await page.getByRole('button', { name: '1 new' }).waitFor()
    assert.strictEqual(await page.locator('article').count(), 3)
    await page.keyboard.press('.')
    await page.locator('article').first().filter({ hasText: 'And Kai comes too.' }).waitFor()
    await page.getByRole('button', { name: '1 new' }).waitFor({ state: 'detached' })
  })
  await step('j, k and Enter lead to the post, and back', async () => {
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await until('the like has the focus', () => page.evaluate(() => document.activeElement?.textContent?.includes('liked your post') === true))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Conversation' }).waitFor()
    assert.ok(at(`/m/${path(mine)}`))
    await page.keyboard.press('Escape')
    await page.locator('article').nth(3).waitFor()
    await until('the like has the focus again', () => page.evaluate(() => document.activeElement?.textContent?.includes('liked your post') === true))
  })
  await step('tabs show one kind', async () => {
    await page.getByRole('navigation', { name: 'What to show' }).getByRole('link', { name: 'Likes' }).click()
    await until('only the like is there', async () => (await page.locator('article').count()) === 1)
    await page.getByRole('navigation', { name: 'What to show' }).getByRole('link', { name: 'Mentions' }).click()
    await page.getByText('Nobody has mentioned you yet.').waitFor()
    await page.getByRole('navigation', { name: 'What to show' }).getByRole('link', { name: 'All' }).click()
    await page.locator('article').nth(3).waitFor()
  })
  await step('a like that is taken back is gone', async () => {
    await likes(0)
    await until('the node knows', async () => (await nodeA.api('GET', 'activity?kind=like')).items.length === 0)
    await page.reload()
    await page.locator('article').nth(2).waitFor()
    assert.strictEqual(await page.getByText('liked your post').count(), 0)
  })
  await step('notifications are offered, asked for, and not shown while the page is in front', async () => {
    await page.getByRole('button', { name: 'Turn on' }).click()
    await page.getByText('This browser tells you from now on.').waitFor()
    assert.deepStrictEqual(await page.evaluate(() => /** @type {any} */ (window).told.map((one) => one.said)), ['This is how kith tells you'])
    await arrived(await answers('In front of you'))
    await page.getByRole('button', { name: '1 new' }).waitFor()
    assert.strictEqual(await page.evaluate(() => /** @type {any} */ (window).told.length), 1)
  })
  await step('away from it one comes for each item, without the words behind a warning, and a click opens the post', async () => {
    await page.keyboard.press('.')
    await page.getByRole('button', { name: '1 new' }).waitFor({ state: 'detached' })
    await page.goto(nodeA.home + '/')
    await page.evaluate(() => { /** @type {any} */ (window).isAway = true })
    await likes(1)
    await until('the like is told', () => page.evaluate(() => /** @type {any} */ (window).told.length === 1))
    const hidden = await answers('these words are hidden', { contentWarning: 'spoiler' })
    await until('the answer is told', () => page.evaluate(() => /** @type {any} */ (window).told.length === 2))
    const told = await page.evaluate(() => /** @type {any} */ (window).told)
    assert.deepStrictEqual(told.map((one) => [one.said, one.body]), [['Ben liked your post', 'Tea at ours on Sunday?'], ['Ben answered you', 'The words stand behind a warning.']])
    assert.notStrictEqual(told[0].tag, told[1].tag)
    await page.evaluate(() => /** @type {any} */ (window).told[1].click())
    await until('the post is open', async () => at(`/m/${path(hidden)}`))
  })
  await step('kinds that are switched off neither count nor show', async () => {
    await page.goto(nodeA.home + '/activity')
    await page.getByRole('button', { name: 'What counts here' }).click()
    await page.getByRole('switch', { name: 'Likes of your posts' }).click() /* it turns when the node has it */
    await until('the node keeps it', async () => (await nodeA.api('GET', 'settings')).activity.like === false)
    assert.deepStrictEqual(await ana.axe(), [])
    await page.keyboard.press('Escape')
    await until('no like is on the screen', async () => (await page.getByText('liked your post').count()) === 0)
  })
  await check('a muted person disappears from it', async () => {
    await nodeA.api('POST', 'mute', { id: nodeB.id, on: true })
    await page.reload()
    await page.getByText('When someone answers you, it shows here.').waitFor()
    assert.deepStrictEqual(JSON.parse(nodeA.command('activity', ['--json'])).items, [])
  })
  await check('nothing went wrong in the browsers', async () => {
    assert.deepStrictEqual([...ana.complaints, ...phone.complaints], [])
  })
}
