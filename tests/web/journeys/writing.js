/** Nothing that was written is lost, and nothing is posted twice. */
'use strict'
const assert = require('assert')
const { until } = require('../../interop/lib/check')
const { step } = require('../lib/step')

module.exports = async (world) => {
  const node = await world.node('ana')
  const ana = await world.browser()
  const page = ana.page
  await ana.enter(node, 'Ana')
  const field = page.getByLabel('Your post')

  await step('a draft survives a closed tab', async () => {
    await field.fill('Half a thought')
    await page.reload()
    await page.getByRole('heading', { name: 'Home' }).waitFor()
    assert.strictEqual(await field.inputValue(), 'Half a thought')
  })
  await step('the counter appears for the last thousand, and too much cannot be posted', async () => {
    await field.fill('x'.repeat(6500))
    await page.getByText('700 characters left').waitFor()
    await field.fill('x'.repeat(7300))
    await page.getByText('100 characters too many').waitFor()
    assert.strictEqual(await page.getByRole('button', { name: 'Post', exact: true }).getAttribute('aria-disabled'), 'true')
  })
  await step('the longest text the counter allows is taken by the node', async () => {
    await field.fill('\u00e9"'.repeat(2400))
    await page.getByRole('button', { name: 'Post', exact: true }).click()
    await page.locator('article').first().waitFor()
  })
  await step('a warning hides the post until it is opened', async () => {
    await field.fill('The butler did it')
    await page.getByRole('button', { name: 'Put a warning in front' }).click()
    await page.getByLabel('Warning', { exact: true }).fill('Plot')
    await page.getByRole('button', { name: 'Post', exact: true }).click()
    const warning = page.getByRole('button', { name: 'Warning: Plot' })
    await warning.waitFor()
    assert.strictEqual(await page.getByText('The butler did it').count(), 0)
    await warning.click()
    await page.getByText('The butler did it').waitFor()
  })
  await step('a name is completed and becomes a mention', async () => {
    const friend = await world.node('bea')
    await friend.api('POST', 'profile', { name: 'Bea Holm' })
    await node.api('POST', 'follow', { text: friend.address })
    await until('her name is here', async () => (await node.api('GET', 'suggest?q=be')).people.length > 0)
    await field.click()
    await page.keyboard.type('Hello @Be')
    await page.getByRole('option', { name: /Bea Holm/ }).waitFor()
    await page.keyboard.press('Enter')
    assert.match(await field.inputValue(), /^Hello \[@Bea Holm\]\(@.{44}\.ed25519\) $/)
    await page.getByRole('button', { name: 'Discard this draft' }).click()
  })
  await step('when the node is gone the page says so, keeps the text, and goes on when it is back', async () => {
    await field.fill('Written while the node was away')
    await node.stop()
    await page.getByText('Your node is out of reach').waitFor()
    await page.getByRole('button', { name: 'Post', exact: true }).click()
    await page.getByRole('alert').filter({ hasText: 'Your text is kept here' }).waitFor()
    await ana.shot('writing-away')
    assert.strictEqual(await field.inputValue(), 'Written while the node was away')
    await node.start()
    await page.getByText('Your node is out of reach').waitFor({ state: 'detached', timeout: 40000 })
  })
  await step('the same submission sent twice is one post', async () => {
    const body = { text: 'Only once', nonce: 'the-same-nonce' }
    const [one, two] = [await node.api('POST', 'post', body), await node.api('POST', 'post', body)]
    assert.deepStrictEqual(one, two)
  })
  await step('a profile is changed in Settings and shows everywhere', async () => {
    const other = page
    await other.goto(node.home + '/settings/profile')
    await other.getByLabel('Name').fill('Ana of the hill')
    await other.getByLabel('About you').fill('Bees and **choir**')
    await other.getByRole('button', { name: 'Save profile' }).click()
    await until('the name in the navigation', async () => (await other.locator('.nav-name').innerText()).includes('Ana of the hill'))
  })
}
