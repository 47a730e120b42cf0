/**
 * The third evening: a device is added by a two-minute code, a draft begun on one is finished on the other, both post at the same moment, and the lost one is
 * signed out. Then a device that only reads, and a password. Which of the two is the phone changes, so each screen is seen in both sizes.
 */
'use strict'
const assert = require('assert')
const { check, until } = require('../../interop/lib/check')
const { DESK, PHONE } = require('../lib/browser')
const { step } = require('../lib/step')

const SHORT = /^[A-HJKMNP-Z2-9]{4}-[A-HJKMNP-Z2-9]{4}$/
const PASSWORD = 'correct horse battery'

/** One browser stays (`kept`), the other comes, gets lost, and comes again (`other`). */
class Pair {
  constructor(world, node, kept, sizes) {
    Object.assign(this, { world, node, kept, page: kept.page, name: sizes.other === PHONE ? 'phone' : 'desk', sizes })
  }

  /** A picture, nothing for axe, nothing that scrolls sideways, also on the narrowest screens. */
  async look(browser, name) {
    const size = browser === this.kept ? this.sizes.kept : this.sizes.other
    await browser.shot(`${name}-${size === PHONE ? 'phone' : 'desk'}-${this.sizes.scheme}`)
    assert.deepStrictEqual(await browser.axe(), [], name)
    const over = () => browser.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.ok((await over()) <= 0, name)
    if (size === PHONE) {
      await browser.page.setViewportSize({ width: 320, height: 640 })
      assert.ok((await over()) <= 0, `${name} at 320 px`)
      await browser.page.setViewportSize(size)
    }
  }

  devices() {
    return this.page.goto(this.node.home + '/settings/devices')
  }

  focus() {
    return this.page.evaluate(() => document.activeElement.className)
  }

  async code() {
    await this.page.getByRole('button', { name: /^Show (a|another) code$/ }).click()
    return this.page.locator('.big-code').innerText()
  }

  async type(text) {
    await this.other.page.getByLabel('Code or link').fill(text)
    await this.other.page.getByRole('button', { name: 'Open', exact: true }).click()
  }

  said(text) {
    return this.other.page.getByRole('alert').filter({ hasText: text }).waitFor()
  }

  row(name) {
    return this.page.locator('.device').filter({ hasText: name })
  }

  async change(name) {
    await this.page.getByRole('button', { name: `Change ${name}` }).click()
  }

  async isHome(browser = this.other) {
    await browser.page.getByRole('heading', { name: 'Home' }).waitFor()
  }

  async add() {
    const { page, node } = this
    this.other = await this.world.browser({ size: this.sizes.other, scheme: this.sizes.scheme })
    await step(`${this.name}: a code stands large on the one device, with its picture and the time it has left`, async () => {
      await this.devices()
      this.shown = await this.code()
      assert.match(this.shown, SHORT)
      await page.locator('svg.code').waitFor()
      assert.strictEqual(await this.focus(), 'another', 'whoever hears the page is where the code is')
      assert.match(await page.getByRole('timer').innerText(), /Works once, for (2:00|1:[0-5]\d)$/)
      await this.look(this.kept, 'devices-code')
    })
    await step(`${this.name}: the door says what is wrong with a code`, async () => {
      await this.other.page.goto(node.home + '/')
      await this.other.page.getByRole('heading', { name: 'Open the door' }).waitFor()
      for (const [text, said] of [['', 'Type the code first'], ['K0MX 3PAF', 'One of these letters is in no code'], ['let me in', 'No code in there'], ['AAAA-AAAA', 'That code does not open the door']]) {
        await this.type(text)
        await this.said(said)
      }
      await this.look(this.other, 'door-wrong')
    })
    await step(`${this.name}: typed in small letters and without its dash it opens the page`, async () => {
      await this.type(this.shown.toLowerCase().replace('-', ''))
      await this.isHome()
    })
    await step(`${this.name}: the first device says who came in`, async () => {
      await page.getByText('has come in.').waitFor()
      assert.strictEqual(await page.locator('.device').count(), 2)
      assert.strictEqual(await page.locator('.big-code').count(), 0)
      await this.look(this.kept, 'devices-came')
    })
    await step(`${this.name}: it gets a name of its own`, async () => {
      await page.locator('.device:not(:has-text("This device"))').getByRole('button').click()
      await page.getByLabel('Name', { exact: true }).fill('Ana’s other one')
      await this.look(this.kept, 'devices-change')
      await page.getByRole('button', { name: 'Rename' }).click()
      await this.row('Ana’s other one').waitFor()
      assert.ok((await node.api('GET', 'devices')).devices.some((one) => one.name === 'Ana’s other one'))
    })
    await step(`${this.name}: the code is used up`, async () => {
      const third = await this.world.browser({ size: this.sizes.other })
      await third.page.goto(`${node.home}/#${this.shown}`)
      await third.page.getByRole('alert').filter({ hasText: 'That code does not open the door' }).waitFor()
      assert.ok(!third.page.url().includes('#'))
      await third.close()
      this.world.things.splice(this.world.things.indexOf(third), 1)
    })
  }

  async writeTogether() {
    const { page, node, other } = this
    const mark = this.name
    await step(`${mark}: a draft begun on one is finished on the other`, async () => {
      await page.goto(node.home + '/')
      await other.page.getByLabel('Your post').fill(`Begun on the ${mark}`)
      await until('it came over', async () => (await page.getByLabel('Your post').inputValue()) === `Begun on the ${mark}`)
      await page.getByLabel('Your post').fill(`Begun on the ${mark}, finished here`)
      await page.getByRole('button', { name: 'Post', exact: true }).last().click()
      await page.locator('.held [data-act=now]').last().click()
      await page.locator('article').filter({ hasText: `Begun on the ${mark}, finished here` }).first().waitFor()
      await until('nothing is left of it there', async () => (await other.page.getByLabel('Your post').inputValue()) === '')
    })
    await step(`${mark}: both post at the same moment, and the numbers are consecutive`, async () => {
      const before = node.newest().sequence
      /* Each in a place of its own: in one place it would be one draft. */
      const [mine, theirs] = [`At once, here (${mark})`, `At once, there (${mark})`]
      const thread = await page.locator('article').filter({ hasText: `Begun on the ${mark}, finished here` }).locator('header a.time').first().getAttribute('href')
      await other.page.goto(node.home + thread)
      await other.page.getByLabel('Your reply').fill(theirs)
      await page.getByLabel('Your post').fill(mine)
      await Promise.all([page.getByRole('button', { name: 'Post', exact: true }).last().click(), other.page.getByRole('button', { name: 'Reply', exact: true }).last().click()])
      await Promise.all([page, other.page].map((one) => one.locator('.held [data-act=now]').last().click()))
      await until('both are signed', () => node.newest().sequence >= before + 2)
      const last = node.feed().slice(-2).map(({ value }) => [value.sequence, value.content.text])
      assert.deepStrictEqual(last.map(([n]) => n), [before + 1, before + 2])
      assert.deepStrictEqual(last.map(([, text]) => text).sort(), [mine, theirs].sort())
    })
  }

  async lose() {
    const { page, node, other } = this
    const mark = this.name
    const heard = []
    await step(`${mark}: the lost one is signed out, and what that means is said first`, async () => {
      other.page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => heard.push(String(payload))))
      await other.page.goto(node.home + '/')
      await this.isHome()
      await until('it listens', () => heard.length > 0)
      await other.page.getByLabel('Your post').fill(`Half a thought on the ${mark}`)
      await until('the node has it', async () => (await node.api('GET', 'writing?name=home')).writing[0]?.body?.text === `Half a thought on the ${mark}`)
      await this.devices()
      await this.change('Ana’s other one')
      await page.getByRole('button', { name: 'Sign it out' }).click()
      await page.getByRole('heading', { name: 'Sign out Ana’s other one?' }).waitFor()
      await this.look(this.kept, 'devices-revoke')
    })
    await step(`${mark}: at once it shows nothing any more, and says that its drafts are safe`, async () => {
      const began = Date.now()
      await page.getByRole('dialog').getByRole('button', { name: 'Sign it out' }).click()
      await other.page.getByRole('heading', { name: 'Signed out' }).waitFor()
      const took = Date.now() - began
      await other.page.getByText('Your drafts are safe on your node.').waitFor()
      assert.strictEqual(await other.page.locator('article').count(), 0)
      assert.deepStrictEqual(await other.page.evaluate(() => Object.keys(localStorage).filter((key) => /token|draft/.test(key))), [])
      await this.look(other, 'door-bye')
      return `after ${took} ms (aim 2,000)`
    })
    await step(`${mark}: it receives nothing any more, and is not let in again`, async () => {
      assert.match(heard[heard.length - 1], /"bye"/)
      const n = heard.length
      await node.api('POST', 'publish', { type: 'post', text: `Not for the lost ${mark}` })
      await page.goto(node.home + '/')
      await page.locator('article').filter({ hasText: `Not for the lost ${mark}` }).waitFor()
      assert.strictEqual(heard.length, n)
      other.asked.length = 0
      await other.page.reload()
      await other.page.getByRole('heading', { name: 'Open the door' }).waitFor()
      assert.deepStrictEqual(other.asked.filter((url) => /\/api\/(?!session|boot)/.test(url)), [])
      assert.strictEqual((await node.api('GET', 'devices')).devices.length, 1)
    })
    await step(`${mark}: the draft is here`, async () => {
      assert.strictEqual(await page.getByLabel('Your post').inputValue(), `Half a thought on the ${mark}`)
      await page.getByRole('button', { name: 'Discard this draft' }).click()
    })
  }

  async readOnly() {
    const { page, node, other } = this
    const mark = this.name
    await step(`${mark}: it comes in again with a link, to read only`, async () => {
      await this.devices()
      await page.getByRole('switch', { name: 'The new device may only read' }).check()
      const code = await this.code()
      await other.page.goto(`${node.home}/#${code}`)
      await this.isHome()
      await page.getByText('has come in.').waitFor()
      assert.strictEqual(await page.locator('.device').filter({ hasText: 'May only read' }).count(), 1)
    })
    await step(`${mark}: it reads, and says at every place to write that it may not`, async () => {
      await other.page.locator('article').first().waitFor()
      await other.page.getByText('This device may only read.').first().waitFor()
      assert.strictEqual(await other.page.getByLabel('Your post').count(), 0)
      assert.strictEqual(await other.page.getByRole('button', { name: 'New post' }).count(), 0)
      await this.look(other, 'reader-home')
      const before = node.newest().sequence
      await other.page.locator('article [data-act=like]').first().click()
      await other.page.locator('.toast').filter({ hasText: 'This device may only read.' }).waitFor()
      await until('the heart is as it was', async () => (await other.page.locator('article .liked').count()) === 0)
      await other.page.goto(node.home + '/settings/devices')
      await other.page.getByText('This device may only read.').first().waitFor()
      assert.strictEqual(await other.page.getByRole('button', { name: /^(Change|Show a code)/ }).count(), 0)
      await this.look(other, 'reader-devices')
      assert.strictEqual(node.newest().sequence, before)
    })
    await step(`${mark}: it follows what happens all the same`, async () => {
      await other.page.goto(node.home + '/')
      await this.isHome()
      await other.page.locator('article').first().waitFor()
      await node.api('POST', 'publish', { type: 'post', text: `Seen by a reader, ${mark}` })
      await other.page.locator('article').filter({ hasText: `Seen by a reader, ${mark}` }).waitFor()
    })
    await step(`${mark}: when it is allowed to write again, it can`, async () => {
      await page.locator('.device').filter({ hasText: 'May only read' }).getByRole('button').click()
      await page.getByRole('switch', { name: 'May only read', exact: true }).uncheck()
      await until('the list says so', async () => (await page.locator('.badge.only').count()) === 0)
      await other.page.getByLabel('Your post').waitFor()
      /* And the other way, while its page is open. */
      await page.getByRole('switch', { name: 'May only read', exact: true }).check()
      await other.page.getByText('This device may only read.').first().waitFor()
      await page.getByRole('switch', { name: 'May only read', exact: true }).uncheck()
      await other.page.getByLabel('Your post').waitFor()
    })
  }

  async password() {
    const { page, node, other } = this
    const mark = this.name
    const save = () => page.getByRole('button', { name: 'Save password' }).click()
    await step(`${mark}: a password is set, and every other device is signed out`, async () => {
      await this.devices()
      await page.getByRole('button', { name: 'Set a password' }).click()
      await until('the field is ready', async () => (await page.evaluate(() => document.activeElement.autocomplete)) === 'new-password')
      await page.getByLabel('New password').fill('short')
      await save()
      await page.getByText('Too short').waitFor()
      await this.look(this.kept, 'devices-password')
      await page.getByLabel('New password').fill(PASSWORD)
      await save()
      await page.getByText('A password is set.').waitFor()
      await other.page.getByRole('heading', { name: 'Signed out' }).waitFor()
    })
    await step(`${mark}: the door takes it, and says when it is another`, async () => {
      const open = () => other.page.getByRole('button', { name: 'Open with the password' }).click()
      await other.page.getByLabel('Or your password').fill('something else')
      await open()
      await this.said('That is not the password.')
      await this.look(other, 'door-password')
      await other.page.getByLabel('Or your password').fill(PASSWORD)
      await open()
      await this.isHome()
    })
    await step(`${mark}: it is changed and removed by who knows it, and by nobody else`, async () => {
      await this.devices()
      await page.getByRole('button', { name: 'Remove it' }).click()
      await page.getByLabel('Password so far').fill('a wrong one here')
      await page.getByRole('button', { name: 'Remove it' }).click()
      await page.getByText('That is not the password.').waitFor()
      await page.getByLabel('Password so far').fill(PASSWORD)
      await page.getByRole('button', { name: 'Remove it' }).click()
      await page.getByText('No password is set').waitFor()
      assert.strictEqual((await node.api('GET', 'devices')).password, false)
    })
  }
}

/** Once a day the secrets are exchanged; the page does it by itself, and goes on. */
async function turns(node, kept) {
  const { page } = kept
  await step('once a day the secrets of a session become others, and nobody notices', async () => {
    const token = () => page.evaluate(() => localStorage.getItem('kith.token'))
    const before = await token()
    const { devices } = await node.api('GET', 'devices')
    await page.evaluate(() => localStorage.setItem('kith.turned', String(Date.now() - 25 * 3600 * 1000)))
    await page.goto(node.home + '/')
    await until('it has another', async () => (await token()) !== before)
    await page.reload()
    await page.locator('article').first().waitFor()
    assert.deepStrictEqual((await node.api('GET', 'devices')).devices.map(({ id }) => id).sort(), devices.map(({ id }) => id).sort())
  })
}

async function tooMany(world, node) {
  const stranger = await world.browser({ size: PHONE })
  const { page } = stranger
  await step('whoever tries too often is told to wait, and for how long', async () => {
    await page.goto(node.home + '/')
    for (let n = 0; n < 8 && (await page.getByText('Too many tries from here.').count()) === 0; n++) {
      await page.getByLabel('Code or link').fill(`ABCD-EFG${n + 2}`)
      const [answer] = await Promise.all([page.waitForResponse((one) => one.request().method() === 'POST'), page.getByRole('button', { name: 'Open', exact: true }).click()])
      assert.ok([401, 429].includes(answer.status()))
      await page.getByRole('alert').waitFor()
    }
    assert.match(await page.getByRole('alert').innerText(), /The door stays shut for \d+ minutes?;/)
    await stranger.shot('door-many')
    assert.deepStrictEqual(await stranger.axe(), [])
  })
}

module.exports = async (world) => {
  for (const sizes of [{ kept: DESK, other: PHONE, scheme: 'light' }, { kept: PHONE, other: DESK, scheme: 'dark' }]) {
    const node = await world.node(sizes.kept === DESK ? 'ana' : 'bea')
    const kept = await world.browser({ size: sizes.kept, scheme: sizes.scheme })
    await kept.enter(node, 'Ana')
    const pair = new Pair(world, node, kept, sizes)
    await pair.add()
    await pair.writeTogether()
    await pair.lose()
    await pair.readOnly()
    await pair.password()
    await turns(node, kept)
    await check(`${pair.name}: nothing was complained about but what was refused`, () =>
      assert.deepStrictEqual([...kept.complaints, ...pair.other.complaints].filter((one) => !/40[13] |422 |WebSocket/.test(one)), []))
    await tooMany(world, node)
  }
}
