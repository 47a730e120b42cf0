/** The settings, in groups: how the page looks and speaks, which browsers are signed in; and what the page says when its node is gone. */
'use strict'
const assert = require('assert')
const { check, until } = require('../../interop/lib/check')
const { PHONE } = require('../lib/browser')
const { step } = require('../lib/step')

const GROUPS = ['profile', 'appearance', 'privacy', 'devices', 'storage', 'network', 'safety', 'about']

module.exports = async (world) => {
  const node = await world.node('ana')
  const ana = await world.browser()
  const { page } = ana
  await ana.enter(node, 'Ana')
  const root = (name) => page.evaluate((what) => document.documentElement.getAttribute(what), name)

  await step('every group opens, and none needs to be scrolled sideways at 320 px', async () => {
    await page.setViewportSize({ width: 320, height: 700 })
    for (const group of GROUPS) {
      await page.goto(node.home + '/settings')
      await page.locator(`main a[href="/settings/${group}"]`).click()
      await page.locator('main h2').first().waitFor()
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      assert.ok(over <= 0, `${group}: ${over}`)
    }
    await page.setViewportSize({ width: 1280, height: 800 })
  })
  await step('colours and size of text are there before anything is drawn, also the next time', async () => {
    await page.goto(node.home + '/settings/appearance')
    await page.getByRole('radio', { name: 'Dark' }).check()
    await page.getByRole('radio', { name: 'Very large' }).check()
    await page.reload()
    await page.getByRole('heading', { name: 'Appearance' }).waitFor()
    assert.deepStrictEqual([await root('data-theme'), await root('data-size')], ['dark', 'huge'])
    await page.getByRole('radio', { name: 'As the device' }).check()
    await page.getByRole('radio', { name: 'Usual' }).check()
    assert.deepStrictEqual([await root('data-theme'), await root('data-size')], [null, null])
  })
  await step('the page speaks another language at once, and the next time from its first word', async () => {
    await page.getByRole('radio', { name: 'Deutsch' }).click()
    await page.getByRole('heading', { name: 'Darstellung' }).waitFor()
    assert.strictEqual(await root('lang'), 'de')
    await page.goto(node.home + '/')
    await page.getByRole('heading', { name: 'Start' }).waitFor()
    assert.strictEqual(await root('lang'), 'de')
    await page.goto(node.home + '/settings/appearance')
    await page.getByRole('radio', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'Appearance' }).waitFor()
  })
  await step('a browser that was let in is listed by its name, and signed out from here', async () => {
    const { code } = await node.api('POST', 'code', {})
    const other = await world.browser({ size: PHONE })
    await other.page.goto(`${node.home}/#${code}`)
    await other.page.getByRole('heading', { name: 'Home' }).waitFor()
    await page.goto(node.home + '/settings/devices')
    await page.getByText('This device', { exact: true }).first().waitFor()
    await page.locator('.device:not(:has-text("This device"))').getByRole('button', { name: /^Change / }).click()
    await page.getByRole('button', { name: 'Sign it out' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Sign it out' }).click()
    await until('it is gone from the list', async () => (await page.locator('.device').count()) === 1)
    await other.page.getByRole('heading', { name: 'Signed out' }).waitFor()
    assert.strictEqual((await node.api('GET', 'devices')).devices.length, 1)
  })
  await check('nothing was complained about', () => assert.deepStrictEqual(ana.complaints, []))

  await step('a node that is gone is said, and its return too; what was on the page stays', async () => {
    await page.goto(node.home + '/')
    await page.getByLabel('Your post').fill('half a thought')
    await node.stop()
    await page.getByText('Your node is out of reach.').waitFor()
    assert.strictEqual(await page.getByLabel('Your post').inputValue(), 'half a thought')
    await node.start()
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.getByText('Connected with your node again.').waitFor()
    await until('the banner goes', async () => (await page.getByText('Your node is out of reach.').count()) === 0)
  })
}
