/** A copied directory, both copies post, and a friend brings it to light: nothing more is signed, and every screen says where the feed parts. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const { until } = require('../../interop/lib/check')
const { DESK, PHONE } = require('../lib/browser')
const { step } = require('../lib/step')

const inPath = (id) => id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')

module.exports = async (world) => {
  const [nodeA, nodeB] = [await world.node('ana'), await world.node('ben')]
  const copy = await world.node('copy')
  await nodeA.api('POST', 'profile', { name: 'Ana' })
  await nodeB.api('POST', 'profile', { name: 'Ben' })
  await nodeB.api('POST', 'follow', { text: nodeA.address })
  await nodeA.api('POST', 'follow', { text: nodeB.address })
  const heardOf = async () => (await nodeA.api('GET', 'person/' + inPath(nodeB.id))).person.sequence
  let last = 0

  await step('the directory is copied, and the copy is paused', async () => {
    for (let i = 1; i <= 3; i++) await nodeB.api('POST', 'post', { text: `Common ground ${i}` })
    last = (await nodeB.api('GET', 'boot?limit=1')).head.sequence
    await until('Ana has them', async () => (await heardOf()) === last)
    await nodeA.stop()
    await nodeB.stop()
    await copy.stop()
    fs.rmSync(copy.dir, { recursive: true })
    fs.cpSync(nodeB.dir, copy.dir, { recursive: true, filter: (from) => !/\.sock$/.test(from) })
    await copy.start()
    assert.strictEqual((await copy.api('GET', 'status')).state, 'SUSPECT')
  })
  await step('its owner insists; now both copies post, and Ana hears the first one', async () => {
    await copy.api('POST', 'safety/resume', { accept: true })
    assert.strictEqual((await copy.api('POST', 'post', { text: 'Written on the copy' })).sequence, last + 1)
    await copy.stop()
    await nodeB.start()
    assert.strictEqual((await nodeB.api('POST', 'post', { text: 'Written on the first machine' })).sequence, last + 1)
    await nodeA.start()
    await until('Ana has it', async () => (await heardOf()) === last + 1)
    await nodeB.stop()
  })

  const ben = await world.browser()
  const page = ben.page
  await step('the copy meets Ana: every screen tells, in red, where the feed has split', async () => {
    await copy.start()
    await until('it is found out', async () => (await copy.api('GET', 'status')).state === 'FORKED', { ms: 90000 })
    await page.goto(copy.link)
    await page.locator('.banner.stop').waitFor()
    for (const at of ['/', '/people', '/network', '/settings', '/settings/safety', '/welcome', '/recovery']) {
      await page.goto(copy.home + at)
      await page.locator('.banner.stop', { hasText: `Your feed has split at number ${last + 1}.` }).waitFor()
    }
  })
  await step('both posts stand side by side, with who holds which', async () => {
    await page.getByRole('heading', { name: `Number ${last + 1} exists twice` }).waitFor()
    await page.locator('.branch', { hasText: 'On this node' }).getByText('Written on the copy').waitFor()
    const other = page.locator('.branch', { hasText: 'Elsewhere' })
    await other.getByText('Written on the first machine').waitFor()
    await other.getByText('Held by Ana').waitFor({ timeout: 60000 })
    await page.getByText('The two histories cannot be joined.').waitFor()
    assert.strictEqual(await page.getByRole('button', { name: 'Go on without waiting' }).count(), 0)
  })
  await step('it is readable by day and by night, on desk and phone', async () => {
    for (const [name, size] of [['desk', DESK], ['phone', PHONE]]) {
      for (const scheme of ['light', 'dark']) {
        await page.setViewportSize(size)
        await page.emulateMedia({ colorScheme: scheme })
        await ben.shot(`fork-${name}-${scheme}`)
        assert.deepStrictEqual(await ben.axe(), [])
      }
    }
  })
  await step('nothing can be signed, also not by insisting', async () => {
    await assert.rejects(copy.api('POST', 'safety/resume', { accept: true }), /409/)
    await assert.rejects(copy.api('POST', 'post', { text: 'A third thing' }), /409.*"draft":/)
    assert.strictEqual((await copy.api('GET', 'boot?limit=1')).head.sequence, last + 1)
  })
}
