/**
 * Evening 6 of the product: a private conversation of three with a photo, and a fourth node that carries all of it and can find nothing of it: no text, no name,
 * no byte of the picture.
 */
'use strict'
const assert = require('assert')
const crypto = require('crypto')
const fs = require('fs')
const path = require('path')
const { check, until, withPrefix } = require('../../interop/lib/check')
const { DESK, PHONE } = require('../lib/browser')
const { pathOf } = require('../lib/history')
const pictures = require('../lib/pictures')
const { step } = require('../lib/step')

const WORDS = 'The surprise is on Saturday under the walnut tree'
const ALT = 'A lantern beside the walnut tree'
const ANSWER = 'I bring the accordion to the clearing'
const LATER = 'Tell nobody of the seventh chair'

const letter = (page, text) => page.locator('.letter:not(.held)', { hasText: text })
const field = (page) => page.locator('.letters-foot textarea:not(.attach-alt)')
const sendNow = async (page) => {
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.locator('.held [data-act=now]').last().click()
}

/** Every file below a directory, and every way to write what must not be in it. */
function searched(dir, needles) {
  const found = []
  let bytes = 0
  for (const name of fs.readdirSync(dir, { recursive: true })) {
    const file = path.join(dir, String(name))
    if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) continue
    const all = fs.readFileSync(file)
    bytes += all.length
    for (const [what, needle] of needles) if (all.includes(needle)) found.push(`${what} in ${name}`)
  }
  return { found, bytes }
}
const spelled = (what, text) => {
  const bytes = Buffer.from(text)
  /* In base64 a text stands in three ways, after where it begins. */
  const shifted = [0, 1, 2].map((n) => Buffer.concat([Buffer.alloc(n), bytes]).toString('base64').slice(n ? 4 : 0, -4))
  return [[what, bytes], [`${what}, in UTF-16`, Buffer.from(text, 'utf16le')], [`${what}, in hex`, Buffer.from(bytes.toString('hex'))], ...shifted.map((one) => [`${what}, in base64`, Buffer.from(one)])]
}

async function evening(world, look, { size, scheme }) {
  const [nodeA, nodeB, nodeC, nodeD] = await Promise.all(['ana', 'ben', 'cy', 'dee'].map((name) => world.node(`${name}-${look}`)))
  const ana = await world.browser({ size, scheme })
  const ben = await world.browser({ size: size === DESK ? PHONE : DESK, scheme })
  const { page } = ana
  await ana.enter(nodeA, 'Ana')
  await ben.enter(nodeB, 'Ben')
  await nodeC.api('POST', 'profile', { name: 'Cy' })
  const all = [nodeA, nodeB, nodeC]
  for (const one of all) for (const other of [...all, nodeD]) if (one !== other) await one.api('POST', 'follow', { text: other.address })
  for (const one of all) await nodeD.api('POST', 'follow', { text: one.address })
  await until('Ana knows the names', async () => (await nodeA.api('GET', 'suggest?q=cy')).people.length === 1 && (await nodeA.api('GET', 'suggest?q=ben')).people.length === 1)
  const photo = pictures.withNotes(await pictures.drawn(page, { w: 1400, h: 1000, isNoisy: true }), 6)
  assert.ok(photo.includes('GPS 52.5200N'))

  await step('Ana writes to two by their names; the room that is left is said before a word is written', async () => {
    await page.goto(nodeA.home + '/private')
    await page.getByText('Write to up to six people. Only they can read it.').waitFor()
    await page.getByText('You and up to 6 others. Nobody can be added later.').waitFor()
    for (const name of ['Ben', 'Cy']) {
      await page.getByRole('combobox', { name: 'To' }).fill(name)
      await page.getByRole('option', { name: new RegExp(name) }).first().click()
    }
    await page.getByText('Room for 4 more').waitFor()
    await ana.shot(`confidence-1-to-${look}`)
    assert.deepStrictEqual(await ana.axe(), [])
    await page.getByRole('button', { name: /^Write to/ }).click()
    await field(page).waitFor()
  })
  await step('the page says who can read it, and that others see that she wrote, not to whom', async () => {
    await page.getByText('Others can see that you wrote, not what, nor to whom.').waitFor()
    await page.getByRole('button', { name: '3 can read: who?' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('3 people can read this').waitFor()
    for (const node of all) await dialog.getByText(node.id.slice(1, 5)).first().waitFor()
    await ana.shot(`confidence-2-readers-${look}`)
    assert.deepStrictEqual(await ana.axe(), [])
    await page.keyboard.press('Escape')
  })

  let link
  await step('the photo is drawn anew: its place is gone, and the page says so', async () => {
    await field(page).click()
    await pictures.choose(page, [{ name: 'walnut.jpg', mimeType: 'image/jpeg', buffer: photo }])
    await page.locator('.attach-alt').waitFor()
    await until('it has arrived', async () => (await page.locator('.attach progress').count()) === 0)
    await page.getByText('place, camera and other hidden details are gone').waitFor()
    await page.locator('.attach-alt').fill(ALT)
    await field(page).fill(WORDS)
    await ana.shot(`confidence-3-writing-${look}`)
    assert.deepStrictEqual(await ana.axe(), [])
    await sendNow(page)
    await letter(page, WORDS).waitFor()
    await until('the photo is drawn', () => letter(page, WORDS).evaluate((at) => at.querySelector('.picture img')?.naturalWidth > 0))
    await ana.shot(`confidence-4-sent-${look}`)
    const { conversations } = await nodeA.api('GET', 'private')
    const { posts } = await nodeA.api('GET', `private/${conversations[0].id}`)
    const [, id, unbox] = /\((&[^?)]+)\?unbox=([^)]+)\)/.exec(posts.find((post) => post.text.includes(WORDS)).text)
    link = { id, unbox }
  })
  const opened = async (browser, { id, unbox }, home) => {
    const key = unbox.replace(/\.boxs$/, '').replace(/\+/g, '-').replace(/\//g, '_')
    return (await browser.context.request.get(`${home}/blob/${pathOf(id)}?unbox=${key}.boxs`)).body()
  }

  await step('Ben sees words and photo, and without its place', async () => {
    await ben.page.goto(nodeB.home + '/private')
    await ben.page.locator('.letter-row', { hasText: 'Cy' }).click()
    await letter(ben.page, WORDS).waitFor()
    await until('the photo is drawn', () => letter(ben.page, WORDS).evaluate((at) => at.querySelector('.picture img')?.naturalWidth > 0), { ms: 60000 })
    await letter(ben.page, WORDS).getByRole('button', { name: `Open picture: ${ALT}` }).waitFor()
    await ben.shot(`confidence-5-ben-${look}`)
    assert.deepStrictEqual(await ben.axe(), [])
    const bytes = await opened(ben, link, nodeB.home)
    assert.ok(bytes.length > 1000)
    for (const hidden of ['GPS', '52.5200', 'SECRET', 'Exif', 'EXIF', 'XMP ']) assert.ok(!bytes.includes(hidden), hidden)
  })
  await step('an answer and a like stay among the three', async () => {
    await field(ben.page).fill(ANSWER)
    await sendNow(ben.page)
    await letter(page, ANSWER).waitFor({ timeout: 60000 })
    await letter(ben.page, WORDS).focus()
    await ben.page.keyboard.press('l')
    await page.locator('.letter-likes', { hasText: 'Ben' }).waitFor({ timeout: 60000 })
    await until('Cy has all of it', async () => {
      const [one] = (await nodeC.api('GET', 'private')).conversations
      return one && JSON.stringify(await nodeC.api('GET', `private/${one.id}`)).includes(ANSWER)
    }, { ms: 60000 })
    for (const node of all) assert.doesNotMatch(node.feed().map((message) => JSON.stringify(message)).join('\n'), /walnut|accordion|"vote"/)
  })
  await step('what is not sent yet goes on being hers: a draft, and in no browser', async () => {
    await field(page).fill(LATER)
    const { conversations } = await nodeA.api('GET', 'private')
    await until('the node has it', async () => JSON.stringify(await nodeA.api('GET', `writing?name=p-${conversations[0].id}`)).includes(LATER))
    assert.doesNotMatch(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.title + location.href), /seventh chair|walnut/)
    await field(page).fill('')
  })
  await step('the limit shows while nothing is lost: a seventh other cannot be chosen', async () => {
    await page.goto(nodeA.home + '/private')
    const to = page.getByRole('combobox', { name: 'To' })
    for (let i = 0; i < 6; i++) {
      await to.fill('@' + Buffer.alloc(32, i + 3).toString('base64') + '.ed25519')
      await page.getByRole('option').first().waitFor()
      await page.keyboard.press('Enter')
    }
    await page.getByText('You and six others: a private message cannot have more readers.').waitFor()
    await ana.shot(`confidence-6-full-${look}`)
  })
  await step('search on her node finds it, in private words alone', async () => {
    await page.goto(nodeA.home + '/private')
    await page.getByRole('button', { name: 'Search private words' }).click()
    await page.getByRole('searchbox').fill('walnut')
    await page.locator('article', { hasText: 'surprise' }).first().waitFor()
    await ana.shot(`confidence-7-search-${look}`)
    assert.deepStrictEqual(await ana.axe(), [])
    assert.deepStrictEqual((await nodeA.api('GET', 'search?q=walnut')).posts, [])
  })
  await step('public pages never show it, on any of the nodes', async () => {
    for (const [browser, node] of [[ana, nodeA], [ben, nodeB]]) {
      for (const where of ['/', '/?tab=wide', '/activity', '/bookmarks', '/search?q=walnut', ...all.map(({ id }) => `/p/${pathOf(id)}?show=all`), `/p/${pathOf(nodeA.id)}?show=pictures`]) {
        await browser.page.goto(node.home + where)
        await until('the screen is there', async () => (await browser.page.locator('h1').count()) > 0 && (await browser.page.locator('.bones, .bones-before').count()) === 0)
        assert.doesNotMatch(await browser.page.locator('main').innerText(), /surprise|accordion|lantern/, where)
      }
    }
  })

  const needles = []
  await step('Dee carries every message of the three, and the sealed photo', async () => {
    for (const node of all) await until('all of it', async () => (nodeD.newest(node.id) || {}).sequence >= node.newest().sequence, { ms: 60000 })
    const plain = await opened(ana, link, nodeA.home)
    await nodeD.api('POST', `blob/${pathOf(link.id)}`, { want: true })
    await until('Dee has its bytes', async () => (await nodeD.api('GET', `blob/${pathOf(link.id)}`)).have, { ms: 60000 })
    for (let at = 0; at + 64 <= plain.length; at += Math.max(64, plain.length >> 4)) needles.push([`the photo from ${at} on`, plain.subarray(at, at + 64)])
    needles.push(...spelled('the words', WORDS), ...spelled('the description', ALT), ...spelled('the answer', ANSWER), ...spelled('the draft', LATER), ...spelled('the key of the photo', link.unbox.slice(0, 43)),
      ['the hash of the photo', crypto.createHash('sha256').update(plain).digest()], ['the file’s name', Buffer.from('walnut.jpg')], ['the place', Buffer.from('GPS 52.5200N')], ['a list of readers', Buffer.from('"recps"')], ['the sealed photo’s id in a message', Buffer.from(link.id)])
  })
  await check('all of Dee’s directory, searched byte by byte, has neither text, nor names, nor picture', async () => {
    await nodeD.stop()
    const own = searched(nodeD.dir, needles)
    /* That Dee wanted it by name stands in her own list; no message of the three names it to her. */
    assert.deepStrictEqual(own.found.filter((one) => !/id in a message/.test(one)), [])
    for (const node of all) {
      const sealed = nodeD.feed(node.id).filter(({ value }) => typeof value.content === 'string')
      for (const { value } of sealed) for (const other of all) assert.ok(!value.content.includes(other.id.slice(1, 44)))
    }
    return `${own.bytes} bytes, ${needles.length} needles`
  })
  await check('nothing was complained about in either browser', () => assert.deepStrictEqual([...ana.complaints, ...ben.complaints], []))
  await check('on the disks of the three none of it stands in the clear either', async () => {
    for (const node of all) await node.stop()
    for (const node of all) assert.deepStrictEqual(searched(node.dir, needles).found.filter((one) => !/id in a message|the hash/.test(one)), [], path.basename(node.dir))
  })
}

module.exports = async (world) => {
  /* Ben has the other size, so that all four are looked at. */
  const looks = [['desk-light', { size: DESK, scheme: 'light' }], ['phone-dark', { size: PHONE, scheme: 'dark' }]]
  for (const [look, how] of looks) {
    await withPrefix(`confidence: ${look}: `, () => evening(world, look, how))
    for (const thing of world.things.splice(0).reverse()) await thing.close()
  }
}
