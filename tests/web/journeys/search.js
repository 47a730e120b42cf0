/** Finding: people, tags, words and parts of words, in any writing, while typing. */
'use strict'
const assert = require('assert')
const { until } = require('../../interop/lib/check')
const { step } = require('../lib/step')

module.exports = async (world) => {
  const node = await world.node('ana')
  const ana = await world.browser()
  const page = ana.page
  await ana.enter(node, 'Ana')
  const say = (text) => node.api('POST', 'publish', { type: 'post', text })
  for (let i = 1; i <= 25; i++) await say(`Kindergarten ${i}`)
  await say('Tea in the #garden, <mark>no</mark>')
  await say('東京都に行く')
  const field = page.getByRole('searchbox')
  const posts = page.locator('.results article')
  const ask = async (text) => {
    await field.fill(text)
    await until(`the address has ${text}`, async () => new URL(page.url()).searchParams.get('q') === text)
  }

  await step('/ opens the search and its field has the focus', async () => {
    await page.goto(node.home + '/')
    await page.locator('article').first().waitFor()
    await page.keyboard.press('/')
    await field.waitFor()
    await until('the field has the focus', () => field.evaluate((one) => one === document.activeElement))
  })
  await step('a part of a word finds posts and marks it, and more come further down', async () => {
    await page.keyboard.type('derga')
    await posts.first().waitFor()
    assert.strictEqual(await posts.first().locator('mark').first().textContent(), 'derga')
    assert.strictEqual(await page.locator('.results [role=status]').first().textContent(), '20 posts and more')
    await posts.last().scrollIntoViewIfNeeded()
    await until('all are there', async () => (await posts.count()) === 25)
  })
  await step('what is written in a post stays text', async () => {
    await ask('tea')
    await until('the post is there', async () => (await posts.count()) === 1)
    assert.strictEqual(await posts.locator('mark').count(), 1)
  })
  await step('any writing', async () => {
    await ask('京都')
    await until('the post is there', async () => (await posts.count()) === 1)
    assert.strictEqual(await posts.locator('mark').textContent(), '京都')
  })
  await step('people and tags stand above the posts', async () => {
    await ask('ana')
    await page.locator('.hits .rows').getByText('Ana').waitFor()
    await ask('gard')
    await page.locator('.hits .chip').first().waitFor()
  })
  await step('operators narrow it down, and one that cannot be understood is said', async () => {
    await ask('from:me tag:garden')
    await until('one post', async () => (await posts.count()) === 1)
    await ask('tea before:soon')
    await page.getByText('before:soon is no date').waitFor()
  })
  await step('nothing found is said', async () => {
    await ask('zebra')
    await page.getByText('Nothing on this node.').waitFor()
    await page.getByText('Searching looks only at what we hold.').waitFor()
  })
  await step('the address leads to the same, and Back returns to it', async () => {
    await page.goto(`${node.home}/search?q=tea`)
    await posts.first().waitFor()
    await posts.first().locator('a.time').click()
    await page.getByRole('heading', { name: 'Conversation' }).waitFor()
    await page.goBack()
    await posts.first().waitFor()
    assert.strictEqual(await field.inputValue(), 'tea')
  })
  await step('a pasted id leads to its page', async () => {
    await ask((await node.api('GET', 'me')).id)
    await field.press('Enter')
    await until('the person is opened', () => new URL(page.url()).pathname.startsWith('/p/'))
  })
}
