/** Evening 1 once more with somebody else's software: the friend runs ssb-server 16. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const { check, until } = require('../../interop/lib/check')
const { postNow } = require('../lib/browser')
const { step } = require('../lib/step')
const { Peer } = require('../../interop/lib/peer')

module.exports = async (world) => {
  const node = await world.node('ben')
  const dir = path.join(world.dir, 'friend')
  fs.mkdirSync(dir)
  const friend = new Peer({ stack: 'classic', dir, networkKey: world.networkKey, hops: 2 })
  world.things.push({ close: () => friend.stop() })
  await friend.start()
  await friend.publish({ type: 'about', about: friend.id, name: 'Dominic' })
  let root
  for (let i = 1; i <= 5; i++) root = await friend.publish({ type: 'post', text: `From the *boat*, day ${i}` })
  await friend.follow(node.id)

  const ben = await world.browser()
  const page = ben.page
  await ben.enter(node, 'Ben')
  await step('following ssb-server by multiserver address ticks every step', async () => {
    await page.getByLabel('A key, an address, or both').fill(friend.address)
    await page.getByRole('button', { name: 'Follow', exact: true }).click()
    await until('four steps are done', async () => (await page.locator('.step-ok').count()) === 4 || (await page.locator('article').count()) > 0)
    await page.locator('article').filter({ hasText: 'day 5' }).waitFor()
    await page.locator('article h2', { hasText: 'Dominic' }).first().waitFor()
    await ben.shot('classic-home')
  })
  let reply
  await step('my reply reaches it with root and branch, and it has a receipt', async () => {
    await page.locator('article').filter({ hasText: 'day 5' }).locator('header a.time').click()
    await page.getByLabel('Your reply').fill('How is the weather?')
    await postNow(page, 'Reply')
    await page.locator('article').filter({ hasText: 'weather' }).waitFor()
    reply = await until('the reply is in its database', async () => (await friend.dump(node.id)).find((one) => one.value.content.text === 'How is the weather?'))
    assert.strictEqual(reply.value.content.root, root.key)
    assert.deepStrictEqual([].concat(reply.value.content.branch), [root.key])
    await page.locator('article .receipt', { hasText: 'Dominic has it' }).waitFor()
  })
  await step('its answer appears in the open conversation without reloading', async () => {
    await friend.publish({ type: 'post', text: 'Wet. <b>Very</b> wet.', root: root.key, branch: reply.key })
    await page.locator('article').filter({ hasText: 'Wet. <b>Very</b> wet.' }).waitFor()
    await ben.shot('classic-thread')
  })
  await step('its like shows', async () => {
    await friend.publish({ type: 'vote', vote: { link: reply.key, value: 1, expression: 'Like' } })
    await page.locator('article').filter({ hasText: 'weather' }).locator('header a.time').click()
    await page.locator('article.opened .likers', { hasText: 'Dominic' }).waitFor()
  })
  await check('nothing was complained about', () => assert.deepStrictEqual(ben.complaints, []))
}
