/** Somebody with a long history is followed: their newest posts are on the page at once, and the history comes behind them. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const { Author } = require('../../interop/lib/author')
const { check, until } = require('../../interop/lib/check')
const { DESK, PHONE, postNow } = require('../lib/browser')
const { step } = require('../lib/step')

const MESSAGES = 20000
const SHOWN = 50

const pathOf = (id) => id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')

/** A feed of MESSAGES, in the directory of a node that is not running. */
function write(world, node) {
  const cleo = new Author()
  cleo.publish({ type: 'about', about: cleo.id, name: 'Cleo', description: 'Has been here for **years**.' })
  while (cleo.values.length < MESSAGES) cleo.publish({ type: 'post', text: `Day ${cleo.values.length + 1} at sea` })
  const file = path.join(world.dir, 'cleo.jsonl')
  fs.writeFileSync(file, cleo.values.map((value) => JSON.stringify(value) + '\n').join(''))
  node.command('import', [file])
  return cleo
}

module.exports = async (world) => {
  const [nodeA, nodeB] = [await world.node('ana'), await world.node('ben')]
  await nodeA.stop()
  const cleo = write(world, nodeA)
  await nodeA.start()
  const ben = await world.browser()
  const page = ben.page
  const profile = nodeB.home + '/p/' + pathOf(cleo.id)
  await ben.enter(nodeB, 'Ben')
  for (const node of [nodeA, nodeB]) await node.api('POST', 'follow', { text: cleo.id })
  await nodeA.api('POST', 'follow', { text: nodeB.id })
  await page.goto(profile)
  await page.getByText('has arrived yet').waitFor()

  const arriving = page.getByText('Earlier posts are arriving')
  const person = async () => (await nodeB.api('GET', 'person/' + pathOf(cleo.id))).person
  await step('her name and newest posts are on the open page while her history is still to come', async () => {
    const began = Date.now()
    await nodeB.api('POST', 'network/connect', { address: nodeA.address })
    await until('something is ahead', async () => (await person()).ahead, { every: 5 })
    /* The other side holds its breath, so that there is time to look. */
    nodeA.child.kill('SIGSTOP')
    await page.locator('article').filter({ hasText: `Day ${MESSAGES} at sea` }).waitFor()
    const took = Date.now() - began
    await page.getByText('Has been here for').waitFor()
    await page.locator('.profile-name', { hasText: 'Cleo' }).waitFor()
    return `${took} ms after connecting`
  })
  await check('the page says so, in numbers, and with how much there is', async () => {
    const { ahead, sequence } = await person()
    assert.deepStrictEqual(ahead, { first: MESSAGES - SHOWN + 1, newest: MESSAGES })
    assert.ok(sequence < ahead.first, `${sequence}`)
    await page.getByText(`Showing ${(ahead.first).toLocaleString('en')} to ${(ahead.newest).toLocaleString('en')}. Earlier posts are arriving`).waitFor()
    assert.deepStrictEqual(await ben.axe(), [])
    return `${sequence} of her history here`
  })
  await check('only her history counts for commands and peers', async () => {
    const { sequence } = await person()
    assert.ok(Number(nodeB.newest(cleo.id).sequence) < MESSAGES - SHOWN)
    assert.ok(nodeB.feed(cleo.id).every((one) => one.value.sequence <= MESSAGES - SHOWN))
    assert.ok(sequence < MESSAGES - SHOWN)
  })
  await check('what was signed can be looked at, and says that more is to come', async () => {
    const key = (await nodeB.api('GET', 'person/' + pathOf(cleo.id) + '/posts?limit=1')).posts[0].id
    const look = await ben.context.newPage()
    await look.goto(nodeB.home + '/m/' + pathOf(key) + '/raw')
    await look.getByText('earlier messages are still arriving').waitFor()
    assert.deepStrictEqual(JSON.parse(await look.locator('pre').textContent()), cleo.values[MESSAGES - 1])
    await look.close()
  })
  await check('more of what is ahead comes when asked for, and no further', async () => {
    await until('all of it', async () => {
      await page.getByRole('button', { name: 'Older posts' }).click()
      return page.locator('article').filter({ hasText: `Day ${MESSAGES - SHOWN + 1} at sea` }).count()
    })
  })
  await check('it can be liked and answered', async () => {
    const first = page.locator('article').filter({ hasText: `Day ${MESSAGES} at sea` })
    await first.getByRole('button', { name: 'Like', exact: true }).click()
    await page.locator('article .liked').waitFor()
    await first.locator('header a.time').click()
    await page.getByLabel('Your reply').fill('Welcome ashore')
    await postNow(page, 'Reply')
    await page.locator('article').filter({ hasText: 'Welcome ashore' }).waitFor()
    await page.goto(profile)
    await arriving.waitFor()
  })
  await check('what is still being checked says so, and no longer when it was', async () => {
    const posts = '**/api/person/*/posts*'
    await page.route(posts, async (route) => {
      const answer = await route.fetch()
      const body = await answer.json()
      await route.fulfill({ response: answer, json: { ...body, posts: body.posts.map((post) => ({ ...post, checking: post.ahead })) } })
    })
    await page.goto(profile)
    await page.locator('article', { hasText: 'being checked' }).first().waitFor()
    await ben.shot('ahead-checking')
    assert.deepStrictEqual(await ben.axe(), [])
    await page.unroute(posts)
    await page.goto(profile)
    await page.locator('article').first().waitFor()
    assert.strictEqual(await page.getByText('being checked').count(), 0)
  })
  await check('the list of peers says the same to who hears it', async () => {
    await page.locator('.rail li').filter({ hasText: 'Posts are arriving' }).waitFor()
    assert.match(nodeB.command('peers'), /\d+ messages to come/)
  })
  for (const [sizeName, size] of [['desk', DESK], ['phone', PHONE]]) {
    for (const scheme of ['light', 'dark']) {
      await check(`the profile, ${sizeName}, ${scheme}`, async () => {
        const eye = await world.browser({ size, scheme })
        await eye.page.goto(nodeB.home + '/#' + (await nodeB.api('POST', 'code', {})).code)
        await eye.page.getByRole('heading', { level: 1 }).waitFor()
        await eye.page.goto(profile)
        await eye.page.getByText('Earlier posts are arriving').waitFor()
        await eye.page.locator('article').first().waitFor()
        await eye.shot(`ahead-${sizeName}-${scheme}`)
        assert.deepStrictEqual(await eye.axe(), [])
        const wide = await eye.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        assert.ok(wide <= 0, `scrolls sideways by ${wide} px`)
        await eye.close()
        world.things.splice(world.things.indexOf(eye), 1)
      })
    }
  }
  await check('with nobody connected it promises less', async () => {
    await nodeB.api('POST', 'network/disconnect', {})
    await page.getByText('Earlier posts come with the next connection').waitFor()
    assert.strictEqual((await nodeB.api('GET', 'network')).peers[0].why.said, 'Disconnected by you.')
    nodeA.child.kill('SIGCONT')
    await until('connected again', async () => (await nodeB.api('POST', 'network/connect', { address: nodeA.address })).id)
  })
  await step('when the history has come, the label and the marks are gone without a reload', async () => {
    await until('her whole feed', async () => (await person()).sequence === MESSAGES, { ms: 120000 })
    await arriving.waitFor({ state: 'detached' })
    assert.strictEqual(await page.getByText('being checked').count(), 0)
    assert.strictEqual((await person()).ahead, null)
    await page.locator('article').filter({ hasText: `Day ${MESSAGES} at sea` }).locator('.liked').waitFor()
    assert.strictEqual(await page.locator('article').filter({ hasText: `Day ${MESSAGES} at sea` }).count(), 1)
    await ben.shot('ahead-came')
  })
  await check('no complaint', () => assert.deepStrictEqual(ben.complaints, []))
}
