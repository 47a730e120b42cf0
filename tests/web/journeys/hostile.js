/**
 * What strangers write does nothing but stand there (lib/corpus). Each text is drawn by the page's own parts on a page without any policy (lib/bare), and
 * every screen of a real node is filled with signed messages of such texts. HOSTILE=full: all of them in the real page too, at every width.
 */
'use strict'
const assert = require('assert')
const fs = require('fs')
const http = require('http')
const path = require('path')
const { Author, keyOf } = require('../../interop/lib/author')
const { check, until } = require('../../interop/lib/check')
const { step } = require('../lib/step')
const bare = require('../lib/bare')
const corpus = require('../lib/corpus')

const isFull = process.env.HOSTILE === 'full'
const WIDTHS = [1280, 390, 320]
const MESSAGE_UNITS = 8192
const EACH = 60
const pathOf = (id) => id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')
const every = (list, n) => (isFull ? list : list.filter((_, i) => i % n === 0))

/** All texts on the page that protects nobody, at a width; what was wrong, and the CPU time of each. */
async function drawAll(page, width, posts, people) {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' })
  const spent = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics')
    return 1000 * metrics.filter(({ name }) => /^(Script|Layout|RecalcStyle)Duration$/.test(name)).reduce((sum, { value }) => sum + value, 0)
  }
  await page.setViewportSize({ width, height: 844 })
  await page.evaluate(`globalThis.faults = ${bare.faults}`)
  const wrong = []
  const times = []
  for (const [i, { kind, content }] of posts.entries()) {
    const before = await spent()
    await page.evaluate(([content, person, i]) => { globalThis.draw(content, person, i) }, [content, people[i % people.length], i])
    times.push({ kind, i, ms: (await spent()) - before })
    const found = await page.evaluate(() => globalThis.faults('article'))
    for (const one of found) wrong.push(`${kind} ${i}: ${one}`)
  }
  await cdp.detach()
  times.sort((a, b) => a.ms - b.ms)
  return { wrong, times }
}

/** The same texts as signed messages of many authors, in a file that can be imported. */
function write(world, posts, people) {
  const authors = people.map(({ name, description }) => {
    const author = new Author()
    publish(author, { type: 'about', about: author.id, name, description })
    return author
  })
  posts.forEach(({ content }, i) => publish(authors[Math.floor(i / EACH) % authors.length], content))
  const file = path.join(world.dir, 'hostile.jsonl')
  fs.writeFileSync(file, authors.flatMap((author) => author.values).map((value) => JSON.stringify(value) + '\n').join(''))
  return { authors, file }
}

/** As much of it as a message may hold. */
function publish(author, content) {
  const whole = { ...content }
  for (;;) {
    const value = author.after(author.values[author.values.length - 1] || null, whole, 1600000000000 + author.values.length)
    if (JSON.stringify(value, null, 2).length <= MESSAGE_UNITS) {
      author.values.push(value)
      return
    }
    const longest = Object.keys(whole).sort((a, b) => JSON.stringify(whole[b]).length - JSON.stringify(whole[a]).length)[0]
    whole[longest] = typeof whole[longest] === 'string' ? whole[longest].slice(0, whole[longest].length >> 1) : null
  }
}

module.exports = async (world) => {
  const posts = corpus.posts()
  const people = corpus.people()
  const node = await world.node('ana')
  const ana = await world.browser()
  const page = ana.page

  const outside = []
  const alone = await bare.open(ana.context, outside)
  for (const width of WIDTHS) {
    const some = width === 390 ? posts : every(posts, 6)
    await check(`${some.length} hostile posts and names change nothing, at ${width} px without a policy`, async () => {
      const { wrong, times } = await drawAll(alone, width, some, people)
      assert.deepStrictEqual(wrong.slice(0, 5), [])
      const worst = times[times.length - 1]
      return `CPU of one: median ${times[times.length >> 1].ms.toFixed(1)} ms, worst ${worst.ms.toFixed(1)} ms (${worst.kind} ${worst.i}; aim 50)`
    })
  }
  await check('nothing ran, and nothing was asked of anybody', async () => {
    assert.strictEqual(await alone.evaluate(() => globalThis.pwned), undefined)
    assert.deepStrictEqual(outside, [])
  })
  await alone.close()
  assert.ok(posts.length >= 2000)

  await ana.enter(node, '<img src=x onerror=globalThis.pwned=1>')
  await node.stop()
  const { authors, file } = write(world, every(posts, 12), every(people, 6))
  node.command('import', [file])
  await node.start()
  ana.complaints.length = 0
  for (const author of authors) await node.api('POST', 'follow', { text: author.id })
  const root = await node.api('POST', 'publish', { type: 'post', text: 'The root of a conversation #hostile' })
  for (const { content } of every(posts, 150)) {
    await node.api('POST', 'publish', { ...content, root: root.key, branch: [root.key] }).catch((err) => assert.match(err.message, /: 4\d\d /))
  }
  ana.asked.length = 0
  const policy = (await page.goto(node.home + '/')).headers()['content-security-policy']
  await page.goto(`${node.home}/#${(await node.api('POST', 'code', {})).code}`)
  await page.locator('article').first().waitFor()

  /** All that a screen shows, down to its end, at every width. */
  const look = async (name, to, what) => {
    await check(name, async () => {
      await page.setViewportSize({ width: WIDTHS[0], height: 800 })
      await page.goto(node.home + to)
      await page.locator(what).first().waitFor()
      await page.evaluate(`globalThis.faults = ${bare.faults}`)
      const wrong = new Set()
      let shown = 0
      let last = -1
      for (let still = 0; still < 3;) {
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 800 })
          for (const one of await page.evaluate((what) => globalThis.faults(what), what)) wrong.add(`${width} px: ${one}`)
        }
        for (const warning of await page.locator('button.warning[aria-expanded=false]').all()) await warning.click({ timeout: 2000 }).catch(() => {})
        const seen = await page.evaluate((what) => { scrollTo(0, document.documentElement.scrollHeight); return document.querySelectorAll(what).length }, what)
        const height = await page.evaluate(() => document.documentElement.scrollHeight)
        await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)))
        still = height === last ? still + 1 : 0
        last = height
        shown = Math.max(shown, seen)
        if (!isFull && shown > 120) break
      }
      assert.deepStrictEqual([...wrong].slice(0, 5), [])
      assert.strictEqual(await page.evaluate(() => globalThis.pwned), undefined)
      return `${shown} at once at the most`
    })
  }
  await look('home', '/', 'article')
  await look('everybody', '/?tab=wide', 'article')
  const someone = authors.slice(0, isFull ? authors.length : 4)
  for (const [i, author] of someone.entries()) await look(`profile ${i + 1} of ${someone.length}`, '/p/' + pathOf(author.id), 'main')
  await look('the conversation', '/m/' + pathOf(root.key), 'article')
  await look('whom I follow', '/people', 'main')
  await look('the network', '/network', 'main')
  await look('search', '/search?q=x', 'main')
  await look('activity', '/activity', 'main')
  await check('the signed message', async () => {
    await page.goto(`${node.home}/m/${pathOf(keyOf(authors[0].values[0]))}/raw`)
    await page.locator('pre.raw').waitFor()
    assert.strictEqual(await page.evaluate(() => globalThis.pwned), undefined)
  })
  await page.setViewportSize({ width: 1280, height: 800 })
  await step('a link that pretends to lead elsewhere says where it leads, and hosts stand in ASCII', async () => {
    const texts = ['[Log in at **bank\u3002example**](https://evil.example/)', '[x](https://bank.example@evil.example/)', 'http://\u0435\u0440\u0456\u0441.com']
    for (const text of texts) await node.api('POST', 'publish', { type: 'post', text })
    await page.goto(`${node.home}/p/${pathOf(node.id)}`)
    await until('both say so', async () => (await page.locator('.site', { hasText: 'leads to evil.example' }).count()) >= 2)
    const text = await page.locator('main').innerText()
    assert.ok(text.includes('xn--e1awd7f.com') && !text.includes('http://\u0435\u0440\u0456\u0441.com'))
  })
  await step('a mention that names somebody else says whom it leads to', async () => {
    const { name } = (await node.api('GET', 'person/' + pathOf(authors[1].id))).person
    await node.api('POST', 'profile', { name: 'Ana of the hill' })
    const nobody = `@${Buffer.alloc(32, 77).toString('base64')}.ed25519`
    const mentions = [authors[1].id, nobody, node.id].map((link) => ({ link, name: 'Ben' }))
    await node.api('POST', 'publish', { type: 'post', text: `Whom: [@Ben](${authors[1].id}), [Ben](${nobody}), [@Ana of the hill](${node.id})`, mentions })
    await page.goto(`${node.home}/p/${pathOf(node.id)}`)
    const said = page.locator('article', { hasText: 'Whom:' }).locator('.site')
    await until('two of three say so', async () => (await said.count()) === 2)
    assert.ok(name !== '' && (await said.nth(0).innerText()).includes(name.trim().slice(0, 8)))
    assert.ok((await said.nth(1).innerText()).includes(nobody.slice(1, 5)))
  })
  await step('what a device calls itself is text as well, in the list and in the question whether it goes', async () => {
    const name = '<img src=x onerror=globalThis.pwned=1>\u202etxt'
    const { code } = await node.api('POST', 'code', {})
    const body = JSON.stringify({ code, name })
    const status = await new Promise((resolve, reject) => {
      const headers = { Origin: node.home, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
      http.request(`${node.home}/api/session`, { method: 'POST', headers }, (answer) => resolve(answer.resume().statusCode)).on('error', reject).end(body)
    })
    assert.strictEqual(status, 200)
    await page.goto(node.home + '/settings/devices')
    const row = page.locator('.device').filter({ hasText: '<img src=x' })
    await row.getByRole('button').click()
    await page.getByRole('button', { name: 'Sign it out' }).click()
    await page.getByRole('heading', { name: /^Sign out <img src=x/ }).waitFor()
    assert.strictEqual(await page.locator('main img[src=x], dialog img').count(), 0)
    assert.strictEqual(await page.evaluate(() => globalThis.pwned), undefined)
    await page.getByRole('dialog').getByRole('button', { name: 'Sign it out' }).click()
    await row.waitFor({ state: 'detached' })
  })
  await check('nothing was asked of anybody but the own node', () => {
    assert.deepStrictEqual(ana.asked.filter((url) => !url.startsWith(node.home + '/') && !url.startsWith('ws://')), [])
  })
  await check('the page comes with its policy, and with Trusted Types', async () => {
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "require-trusted-types-for 'script'", "trusted-types 'none'", "frame-ancestors 'none'"]) {
      assert.ok(policy.includes(part), part)
    }
    const thrown = await page.evaluate(() => { try { document.body.innerHTML = '<b>x</b>'; return '' } catch (err) { return err.name } })
    assert.strictEqual(thrown, 'TypeError')
  })
  /* The node was stopped once; the page knocked meanwhile. */
  await check('nothing else was complained about', () => assert.deepStrictEqual(ana.complaints.filter((one) => !/TrustedHTML|401 \(Unauthorized\)|503 \(Service Unavailable\)|ERR_CONNECTION_REFUSED/.test(one)), []))
}
