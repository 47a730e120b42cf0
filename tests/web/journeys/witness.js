/** A machine that is set back to an earlier day, fence and all, knows nothing of it. The browser does. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const { until } = require('../../interop/lib/check')
const { postNow } = require('../lib/browser')
const { step } = require('../lib/step')

module.exports = async (world) => {
  const node = await world.node('ana')
  const ana = await world.browser()
  const page = ana.page
  await ana.enter(node, 'Ana')
  const write = async (text) => {
    await page.getByLabel('Your post').fill(text)
    await postNow(page)
    await page.locator('article').filter({ hasText: text }).waitFor()
  }
  const stateOf = async () => (await node.api('GET', 'status')).state
  const earlier = node.dir + '-earlier'
  const setBack = async () => {
    await node.stop()
    fs.rmSync(node.dir, { recursive: true })
    fs.cpSync(earlier, node.dir, { recursive: true })
    await node.start()
  }
  await write('Kept by the snapshot')
  const last = (await node.api('GET', 'boot?limit=1')).head.sequence
  await node.stop()
  fs.cpSync(node.dir, earlier, { recursive: true, filter: (from) => !/\.sock$/.test(from) })
  await node.start()
  await page.goto(node.home + '/')
  await page.locator('article').first().waitFor()
  await write('Newer than the snapshot')

  await step('the page tells the node at once, when both were only away for a while', async () => {
    await setBack()
    assert.strictEqual(await stateOf(), 'CLEAN', 'by itself it does not know')
    await page.locator('.banner', { hasText: 'A browser has seen newer messages of yours.' }).waitFor({ timeout: 45000 })
    assert.strictEqual(await stateOf(), 'SUSPECT')
    await ana.shot('witness-1')
  })
  await step('so does a page that is opened afresh, before anything can be signed', async () => {
    await page.goto('about:blank')
    await setBack()
    assert.strictEqual(await stateOf(), 'CLEAN')
    await page.goto(node.home + '/')
    await page.locator('.banner', { hasText: 'Publishing is paused.' }).waitFor()
    await page.getByRole('button', { name: 'New post' }).first().click()
    await page.getByLabel('Your post').fill('Too early')
    await page.getByRole('button', { name: 'Keep as draft' }).first().click()
    await page.getByText(/^Kept as draft \d+\./).waitFor()
    assert.strictEqual((await node.api('GET', 'boot?limit=1')).head.sequence, last)
  })
  await step('its words are offered again, and after the owner\'s word it does not insist', async () => {
    await page.goto(node.home + '/recovery')
    await page.locator('.found', { hasText: `${last + 1}: not here yet, but this browser has seen` }).waitFor()
    await page.locator('.kept').filter({ hasText: 'Newer than the snapshot' }).waitFor()
    await page.getByRole('button', { name: 'Go on without waiting' }).click()
    await page.getByLabel('The number of the last post you remember, or “I accept”').fill('i accept')
    await page.getByRole('button', { name: 'Publish again' }).click()
    await page.getByRole('heading', { name: 'Your feed is in order' }).waitFor()
    const lost = page.locator('.kept').filter({ hasText: 'Newer than the snapshot' })
    await lost.getByRole('button', { name: 'Post again' }).click()
    await lost.waitFor({ state: 'detached' })
    await page.goto(node.home + '/')
    await page.locator('article').filter({ hasText: 'Newer than the snapshot' }).waitFor()
    await until('still in order', async () => (await stateOf()) === 'CLEAN')
    assert.strictEqual((await node.api('GET', 'boot?limit=1')).head.sequence, last + 1)
  })
  await step('another browser that remembers the lost history pauses once more, and says what it has seen', async () => {
    assert.strictEqual(await page.locator('.banner', { hasText: 'paused' }).count(), 0)
    await page.evaluate((at) => {
      const name = Object.keys(localStorage).find((one) => one.startsWith('kith.head.'))
      localStorage.setItem(name, JSON.stringify(at))
    }, { sequence: last + 5, key: '%' + Buffer.alloc(32, 5).toString('base64') + '.sha256' })
    await page.reload()
    await page.locator('.banner', { hasText: 'Publishing is paused.' }).waitFor()
    await page.goto(node.home + '/recovery')
    await page.locator('.found', { hasText: `${last + 2} to ${last + 5}` }).waitFor()
  })
}
