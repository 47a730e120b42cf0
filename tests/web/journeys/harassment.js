/**
 * Evening 8 of the product: Ana blocks Dee. What she sees, keeps, passes on and what Dee can tell is stated first; Dee's words are then in no page, answer,
 * notification, search or live event on Ana's node, not even quoted in a friend's reply; and a private mute leaves no trace in Ana's feed.
 */
'use strict'
const assert = require('assert')
const { check, until } = require('../../interop/lib/check')
const { PHONE } = require('../lib/browser')
const { step } = require('../lib/step')

const CRUEL = 'Your little garden looks like a rubbish heap'
const LATER = 'Nobody should ever water those horrible tomatoes'
const WORDS = /rubbish heap|unkind words|horrible tomatoes/i
const pathOf = (id) => id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')

/** Everything Ana's node answers with, as one text. */
async function answers(node, ids) {
  const asked = ['boot?limit=100', 'timeline?tab=home&limit=100', 'timeline?tab=wide&limit=100', 'people', 'suggestions', 'network', 'me', 'activity', 'tags', 'bookmarks',
    'search?q=rubbish', 'search?q=unkind', 'search?q=horrible%20tomatoes', 'search?q=garden', 'suggest?q=d', 'suggest?tag=c',
    ...ids.people.flatMap((id) => ['', '/posts?limit=100', '/follows', '/followers'].map((rest) => `person/${pathOf(id)}${rest}`)),
    ...ids.posts.flatMap((id) => [`thread/${pathOf(id)}`, `message/${pathOf(id)}/raw`]), `posts?ids=${ids.posts.map(pathOf).join(',')}`]
  const texts = []
  for (const what of asked) texts.push(what + ' ' + JSON.stringify(await node.api('GET', what).catch((err) => err.message)))
  return texts
}

module.exports = async (world) => {
  const [nodeA, nodeB, nodeD] = [await world.node('ana'), await world.node('ben'), await world.node('dee')]
  const ana = await world.browser()
  const page = ana.page
  const frames = []
  page.on('websocket', (socket) => socket.on('framereceived', (frame) => frames.push(String(frame.payload))))
  await ana.enter(nodeA, 'Ana')
  for (const [node, name] of [[nodeB, 'Ben'], [nodeD, 'Dee']]) await node.api('POST', 'profile', { name, bio: name === 'Dee' ? 'Unkind words are my trade' : 'Boats' })
  for (const [who, whom] of [[nodeA, nodeB], [nodeA, nodeD], [nodeB, nodeA], [nodeB, nodeD], [nodeD, nodeA], [nodeD, nodeB]]) await who.api('POST', 'follow', { text: whom.address })
  const cruel = await nodeD.api('POST', 'post', { text: `${CRUEL} #cruel` })
  const short = await nodeD.api('POST', 'post', { text: 'Unkind words' })
  const has = (node, key) => until('a message has arrived', () => node.api('GET', `message/${pathOf(key)}/raw?hidden=show`).then(() => true, () => false))
  for (const node of [nodeA, nodeB]) for (const key of [cruel.key, short.key]) await has(node, key)
  const posts = []
  const benSays = async (body) => {
    const { key } = await nodeB.api('POST', 'post', body)
    posts.push(key)
    await has(nodeA, key)
  }
  await benSays({ text: `> ${CRUEL}\n\nThat is not so.`, root: cruel.key, branch: [cruel.key] })
  await benSays({ text: `Ask [@dee](${nodeD.id}) why “${CRUEL.toLowerCase()}” was needed` })
  await benSays({ text: 'Somebody wrote "unkind words" today', root: short.key, branch: [short.key] })
  const seq = (await nodeA.newest()).sequence

  await step('before that, her words and what Ben quoted of them are there', async () => {
    await page.goto(nodeA.home + '/')
    await page.getByText('rubbish heap').first().waitFor()
    await page.goto(nodeA.home + '/p/' + pathOf(nodeD.id))
    await page.getByText('Follows').first().waitFor()
    await page.getByText('are my trade').waitFor()
    await ana.shot('people-profile')
  })

  await step('a name of my own stands everywhere instead of hers, and hers beside it', async () => {
    await page.getByRole('button', { name: 'More about Dee' }).click()
    await page.getByRole('menuitem', { name: 'Give a name of your own' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Trouble')
    await ana.shot('people-petname')
    assert.deepStrictEqual(await ana.axe(), [])
    await page.getByRole('button', { name: 'Use this name' }).click()
    await page.getByRole('heading', { level: 1, name: 'Trouble' }).waitFor()
    await page.getByText('calls themselves Dee').waitFor()
    await page.goto(nodeA.home + '/')
    await page.locator('article h2').getByText('Trouble').first().waitFor()
    await page.goto(nodeA.home + '/people')
    await page.locator('.row').getByText('Trouble').waitFor()
    await page.waitForTimeout(1000) // until the page hears of what other browsers do
    await nodeA.api('POST', 'petname', { id: nodeD.id, name: null })
    await page.locator('.row').getByText('Dee', { exact: true }).waitFor()
  })

  const before = nodeA.feed().map((message) => JSON.stringify(message)).join('\n')
  await step('a mute says what it does, hides everything, and ends at once', async () => {
    await page.goto(nodeA.home + '/p/' + pathOf(nodeD.id))
    await page.getByRole('button', { name: 'More about Dee' }).click()
    await page.getByRole('menuitem', { name: 'Mute Dee' }).click()
    const dialog = page.getByRole('dialog')
    for (const text of ['You see:', 'You keep and pass on:', 'Dee can tell: nothing']) await dialog.getByText(text).waitFor()
    await ana.shot('people-mute')
    assert.deepStrictEqual(await ana.axe(), [])
    await dialog.getByRole('button', { name: 'Mute Dee' }).click()
    await page.getByText('You muted Dee').waitFor()
    assert.deepStrictEqual(await ana.axe(), [])
    await page.goto(nodeA.home + '/')
    await page.locator('article').first().waitFor()
    assert.strictEqual(await page.locator('article').filter({ has: page.locator('h2', { hasText: 'Dee' }) }).count(), 0)
    const { key } = await nodeD.api('POST', 'post', { text: 'Written while muted' })
    await has(nodeA, key)
    assert.strictEqual((await nodeA.api('GET', `person/${pathOf(nodeD.id)}/posts`)).posts.length, 0)
    await page.goto(nodeA.home + '/people?show=mutes')
    await page.getByRole('button', { name: 'Unmute Dee' }).click()
    await page.getByText('You have muted nobody.').waitFor()
    await page.goto(nodeA.home + '/')
    await page.getByText('Written while muted').waitFor()
  })
  await step('the mute left no trace in my feed: not a byte of it changed', async () => {
    assert.strictEqual(nodeA.feed().map((message) => JSON.stringify(message)).join('\n'), before)
    assert.strictEqual((await nodeA.newest()).sequence, seq)
  })

  await step('the consequences of a block stand before the button', async () => {
    await page.goto(nodeA.home + '/')
    await page.locator('article').filter({ has: page.locator('h2', { hasText: 'Dee' }) }).first().getByRole('button', { name: 'More about this post' }).click()
    await page.getByRole('menuitem', { name: 'Block Dee' }).click()
    const dialog = page.getByRole('dialog')
    for (const text of ['You see:', 'You keep:', 'You pass on:', 'Dee can tell:']) await dialog.getByText(text).waitFor()
    await ana.shot('block')
    assert.deepStrictEqual(await ana.axe(), [])
    frames.length = 0
    await dialog.getByRole('button', { name: 'Block Dee' }).click()
    await page.getByText('Dee is blocked.').waitFor()
  })
  await step('her posts leave the page at once, and quotes of them say that they are hidden', async () => {
    await page.getByText('quote hidden: you blocked the author').first().waitFor()
    await until('her posts are gone', async () => (await page.locator('article').filter({ has: page.locator('h2', { hasText: 'Dee' }) }).count()) === 0)
    await page.getByText('someone you blocked', { exact: true }).first().waitFor()
    assert.doesNotMatch(await page.locator('main').innerText(), WORDS)
    await until('she is not around either', async () => (await page.locator('aside').getByText('Dee').count()) === 0)
    await ana.shot('block-hidden')
    assert.deepStrictEqual(await ana.axe(), [])
  })

  /* Words that Ana's node never saw, quoted by Ben after the block. */
  const later = await nodeD.api('POST', 'post', { text: LATER })
  await has(nodeB, later.key)
  await benSays({ text: `> ${LATER}\n\nWhat now?`, root: later.key, branch: [later.key] })
  await benSays({ text: `> ${LATER}\n\n[@Dee](${nodeD.id}) again` })

  await step('her words are in no answer and no live event, quoted or not', async () => {
    for (const text of await answers(nodeA, { people: [nodeB.id, nodeD.id], posts: [...posts, cruel.key, short.key] })) assert.doesNotMatch(text.replace(/^\S+ /, '').replace(/"words":\[[^\]]*\]/, ''), WORDS, text.slice(0, 200))
    assert.doesNotMatch(frames.join('\n'), WORDS)
    const found = await nodeA.api('GET', 'search?q=rubbish')
    assert.strictEqual(found.posts.length, 0)
  })
  await step('her words are on no page', async () => {
    for (const where of ['/', '/?tab=wide', '/people?show=blocks', '/p/' + pathOf(nodeB.id), '/p/' + pathOf(nodeB.id) + '?show=all', '/p/' + pathOf(nodeD.id), '/search?q=rubbish', '/activity', ...posts.map((id) => '/m/' + pathOf(id))]) {
      await page.goto(nodeA.home + where)
      await page.locator('main h1').waitFor()
      await page.waitForTimeout(400)
      assert.doesNotMatch(await page.locator('main').innerText(), WORDS, where)
      assert.doesNotMatch(await page.title(), WORDS, where)
    }
    await page.goto(nodeA.home + '/p/' + pathOf(nodeD.id))
    await page.getByText('You blocked Dee').waitFor()
    await ana.shot('people-blocked')
    assert.deepStrictEqual(await ana.axe(), [])
  })
  await step('the signed message asks before it shows them', async () => {
    await page.goto(nodeA.home + '/m/' + pathOf(posts[0]) + '/raw')
    await page.getByText('has words of someone you blocked').waitFor()
    assert.strictEqual(await page.getByText('rubbish heap').count(), 0)
    await page.getByRole('button', { name: 'Show it all the same' }).click()
    await page.locator('pre', { hasText: 'rubbish heap' }).waitFor()
  })
  await check('Dee is told by the feed alone: one contact message, and nothing else', () => {
    const after = nodeA.feed()
    assert.strictEqual(after.length, seq + 1)
    assert.strictEqual(after[seq].value.content.blocking, true)
  })
  await step('People lists the block, and unblocking states what it does', async () => {
    await page.goto(nodeA.home + '/people?show=blocks')
    await page.getByRole('button', { name: /^Unblock/ }).click()
    await page.getByRole('dialog').getByText('You see:').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Unblock' }).click()
    await page.getByText('You have blocked nobody.').waitFor()
    await page.goto(nodeA.home + '/p/' + pathOf(nodeD.id))
    await page.getByText('rubbish heap').first().waitFor()
  })

  await check('on a phone in the dark, the profile and its code', async () => {
    const phone = await world.browser({ size: PHONE, scheme: 'dark' })
    await phone.page.goto((await nodeA.api('POST', 'code')).link)
    await phone.page.getByRole('heading', { name: 'Home' }).waitFor()
    await phone.page.goto(nodeA.home + '/p/' + pathOf(nodeB.id))
    await phone.page.getByText('Boats').waitFor()
    await phone.shot('people-profile-phone')
    assert.deepStrictEqual(await phone.axe(), [])
    await phone.page.getByRole('button', { name: /^Key / }).click()
    await phone.page.getByRole('img', { name: 'The key as a code to scan' }).waitFor()
    await phone.shot('people-code')
    assert.deepStrictEqual(await phone.axe(), [])
    await phone.page.keyboard.press('Escape')
    await phone.page.goto(nodeA.home + '/p/' + pathOf(nodeA.id))
    await phone.page.getByRole('button', { name: 'Edit profile' }).click()
    await phone.page.getByLabel('About you').fill('Tomatoes, mostly')
    await phone.shot('people-edit')
    await phone.page.getByRole('button', { name: 'Save' }).click()
    await phone.page.getByText('Tomatoes, mostly').waitFor()
    await phone.page.goto(nodeA.home + '/people')
    await phone.page.locator('.row').first().waitFor()
    await phone.shot('people-phone')
    assert.deepStrictEqual(await phone.axe(), [])
  })
}
