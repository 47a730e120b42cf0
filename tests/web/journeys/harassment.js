/** Blocking: what it does is said before the button, and then it is done. */
'use strict'
const assert = require('assert')
const { until } = require('../../interop/lib/check')
const { step } = require('../lib/step')

module.exports = async (world) => {
  const [nodeA, nodeD] = [await world.node('ana'), await world.node('dee')]
  const ana = await world.browser()
  const dee = await world.browser()
  await dee.enter(nodeD, 'Dee')
  await nodeD.api('POST', 'post', { text: 'Unkind words' })
  await ana.enter(nodeA, 'Ana')
  const page = ana.page
  await page.goto(nodeA.home + '/people')
  await page.getByLabel('A key, an address, or both').fill(nodeD.address)
  await page.getByRole('button', { name: 'Follow', exact: true }).click()
  await until('four steps are done', async () => (await page.locator('.step-ok').count()) === 4)
  await page.goto(nodeA.home + '/')
  await page.getByText('Unkind words').waitFor()

  await step('the consequences stand before the button', async () => {
    await page.getByRole('button', { name: 'More about this post' }).first().click()
    await page.getByRole('menuitem', { name: 'Block Dee' }).click()
    const dialog = page.getByRole('dialog')
    for (const text of ['To you:', 'To Dee:', 'To copies:']) await dialog.getByText(text).waitFor()
    await ana.shot('block')
    assert.deepStrictEqual(await ana.axe(), [])
    await dialog.getByRole('button', { name: 'Block Dee' }).click()
    await page.getByText('Dee is blocked.').waitFor()
  })
  await step('her words are on no page afterwards', async () => {
    await page.goto(nodeA.home + '/')
    await page.locator('.empty, article').first().waitFor()
    assert.strictEqual(await page.getByText('Unkind words').count(), 0)
    await page.goto(nodeA.home + '/p/' + nodeD.id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_'))
    await page.getByText('You blocked').waitFor()
    assert.strictEqual(await page.getByText('Unkind words').count(), 0)
  })
  await step('People lists the block, and unblocking states what it does', async () => {
    await page.goto(nodeA.home + '/people?show=blocks')
    await page.getByRole('button', { name: /^Unblock/ }).click()
    await page.getByRole('dialog').getByText('To you:').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Unblock' }).click()
    await page.getByText('You have blocked nobody.').waitFor()
  })
}
