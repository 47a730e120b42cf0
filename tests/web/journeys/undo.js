/** Evening 7, regret: undo within ten seconds leaves a draft and no signature; what cannot be unsaid is said plainly before. */
'use strict'
const assert = require('assert')
const { sleep, until } = require('../../interop/lib/check')
const { DESK, PHONE } = require('../lib/browser')
const { step } = require('../lib/step')

module.exports = async (world) => {
  for (const [size, scheme, name] of [[DESK, 'light', 'desk'], [PHONE, 'dark', 'phone']]) {
    const node = await world.node('ana-' + name)
    const ana = await world.browser({ size, scheme })
    const page = ana.page
    await ana.enter(node, 'Ana')
    const field = page.getByLabel('Your post')
    const posts = () => node.feed().filter((one) => one.value.content.type === 'post')
    const post = () => page.getByRole('button', { name: 'Post', exact: true }).click()

    await step(`${name}: who will see it, and that it cannot be unsaid, stands there before`, async () => {
      await field.fill('Something I will regret')
      await page.getByText('Anyone may read this, and friends keep copies. You can take it back for ten seconds; then nobody can.').waitFor()
    })
    await step(`${name}: undo brings the text back, and nothing is ever signed`, async () => {
      await post()
      await page.locator('.held', { hasText: 'Something I will regret' }).getByText('Signing in', { exact: false }).first().waitFor()
      await ana.shot(`undo-${name}`)
      assert.deepStrictEqual(await ana.axe(), [])
      await page.getByRole('button', { name: 'Undo' }).click()
      await until('the text is back', async () => (await field.inputValue()) === 'Something I will regret')
      await page.getByText('Taken back. Nothing was signed.').waitFor()
      await sleep(11000)
      assert.strictEqual(posts().length, 0)
      assert.strictEqual((await node.api('GET', 'outbox')).outbox.length, 0)
      assert.strictEqual((await node.api('GET', 'writing')).writing[0].body.text, 'Something I will regret')
    })
    await step(`${name}: without it the node signs by itself, and the post says where it is`, async () => {
      await field.fill('Something I stand by')
      await post()
      await page.locator('.held').waitFor()
      await page.locator('article:not(.held)', { hasText: 'Something I stand by' }).locator('.receipt', { hasText: 'On your node' }).waitFor({ timeout: 20000 })
      await page.locator('.held').waitFor({ state: 'detached' })
      assert.strictEqual(posts().length, 1)
    })
    await step(`${name}: a closed tab and a node that was killed change nothing: signed once, after the start`, async () => {
      await field.fill('Closed at once')
      await post()
      await page.locator('.held').waitFor()
      await page.goto('about:blank')
      node.child.kill('SIGKILL')
      await node.exited
      await node.start()
      await until('it is signed', async () => (await node.api('GET', 'outbox')).outbox.length === 0, { ms: 40000 })
      assert.deepStrictEqual(posts().map((one) => one.value.content.text), ['Something I stand by', 'Closed at once'])
    })
    await step(`${name}: off the page: kith outbox lists it, kith undo takes it back`, async () => {
      await page.goto(node.home + '/')
      await field.fill('From the page')
      await post()
      await page.locator('.held').waitFor()
      assert.match(node.command('outbox'), /From the page/)
      const undone = JSON.parse(node.command('undo', ['--json']))
      assert.strictEqual(undone.body.text, 'From the page')
      await page.locator('.held').waitFor({ state: 'detached' })
      await until('it is back in the composer', async () => (await field.inputValue()) === 'From the page')
      assert.strictEqual(JSON.parse(node.command('outbox', ['--json'])).outbox.length, 0)
    })
    await step(`${name}: what was begun meanwhile stays, and what was taken back stands beside it`, async () => {
      await post()
      await page.locator('.held').waitFor()
      await field.fill('The next thing')
      await until('the node has it', async () => (await node.api('GET', 'writing?name=home')).writing[0].body?.text === 'The next thing')
      await page.getByRole('button', { name: 'Undo' }).click()
      await page.getByRole('heading', { name: 'Drafts' }).waitFor()
      await page.getByText('From the page').waitFor()
      await page.getByText('The next thing').waitFor()
      await ana.shot(`undo-beside-${name}`)
    })
    await node.stop()
  }
}
