/**
 * Files of strangers that are not what they seem (lib/polyglots): embedded as pictures, sound and links with types that lie, and opened by themselves. Nothing
 * runs, nobody else is asked, and the page goes on.
 */
'use strict'
const assert = require('assert')
const crypto = require('crypto')
const fs = require('fs')
const http = require('http')
const path = require('path')
const { check, until } = require('../../interop/lib/check')
const { pathOf } = require('../lib/history')
const pictures = require('../lib/pictures')
const polyglots = require('../lib/polyglots')
const { step } = require('../lib/step')

const LIES = ['image/png', 'text/html', 'image/svg+xml', 'video/mp4', 'audio/mpeg', 'application/javascript', '"><script>globalThis.pwned=1</script>', undefined]
const EACH = 8

module.exports = async (world) => {
  const node = await world.node('ana')
  const ana = await world.browser()
  const { page } = ana
  const outside = []
  ana.context.on('request', (request) => { if (!request.url().startsWith(node.home) && !/^(blob|data|about):/.test(request.url())) outside.push(request.url()) })
  await ana.enter(node, 'Ana')
  const files = polyglots.all(await pictures.drawn(page, { w: 640, h: 480 }))
  const at = (file) => `${node.home}/blob/${pathOf(file.id)}`
  const nothingRan = async () => {
    assert.strictEqual(await page.evaluate(() => globalThis.pwned || localStorage.getItem('pwned') || (document.title === 'pwned' ? 'the title' : null)), null)
    assert.deepStrictEqual(outside, [])
    assert.deepStrictEqual(ana.complaints.filter((one) => /dialog|pwned/.test(one)), [])
  }

  await step(`${files.length} of them are taken in as what they are: bytes`, async () => {
    for (const [i, file] of files.entries()) {
      const name = path.join(world.dir, `file-${i}`)
      fs.writeFileSync(name, file.bytes)
      file.id = JSON.parse(node.command('blob', ['add', name, '--json'])).id
      assert.strictEqual(file.id, `&${crypto.createHash('sha256').update(file.bytes).digest('base64')}.sha256`)
    }
  })
  const headers = async (file, to = '') => {
    const answer = await ana.context.request.get(at(file) + to)
    return { status: answer.status(), length: (await answer.body()).length, ...answer.headers() }
  }
  await check('each comes sealed off from the page; what is no picture, sound or film is a download, SVG and HTML too', async () => {
    for (const file of files) {
      const said = await headers(file, '?name=x.html')
      assert.strictEqual(said.status, 200, file.name)
      assert.strictEqual(said.length, file.bytes.length, file.name)
      assert.match(said['content-security-policy'], /default-src 'none'; sandbox/, file.name)
      assert.strictEqual(said['x-content-type-options'], 'nosniff', file.name)
      assert.strictEqual(said['cross-origin-resource-policy'], 'same-origin', file.name)
      const isShown = polyglots.SHOWN.test(said['content-type'])
      assert.ok(isShown ? file.isMedia : said['content-type'] === 'application/octet-stream' && /^attachment/.test(said['content-disposition']), `${file.name}: ${said['content-type']}, ${said['content-disposition']}`)
      assert.doesNotMatch(said['content-disposition'] || '', /\.html/, file.name)
    }
  })

  await step('posts show them as pictures, as sound, as films and as links, with types that lie', async () => {
    for (let i = 0; i < files.length; i += EACH) {
      const some = files.slice(i, i + EACH)
      const text = `Number ${i}\n\n` + some.map(({ id, name }, k) => `![${k % 3 === 0 ? 'video:' : k % 3 === 1 ? 'audio:' : ''}${name}](${id})\n\n![${name}](${id})\n\n[${name}](${id}) ${id}`).join('\n\n')
      await node.api('POST', 'publish', { type: 'post', text, mentions: some.map(({ id, name }, k) => ({ link: id, name, type: LIES[(i + k) % LIES.length], size: k % 2 ? -1 : 1e15, width: 1e9, height: '<b>' })) })
    }
    await node.api('POST', 'publish', { type: 'about', about: node.id, name: 'Ana', image: { link: files.find(({ name }) => name === 'SVG').id, type: 'image/svg+xml', width: 1e9 } })
    ana.complaints.length = 0
  })
  const look = async (to) => {
    await page.goto(node.home + to)
    await page.locator('article').first().waitFor()
    await page.evaluate(() => { globalThis.beats = 0; setInterval(() => globalThis.beats++, 50) })
    for (let last = -1, still = 0; still < 3;) {
      const height = await page.evaluate(() => { scrollBy(0, innerHeight); return document.documentElement.scrollHeight + scrollY })
      await page.evaluate(() => { for (const one of document.querySelectorAll('audio, video')) { one.preload = 'auto'; one.load(); one.play().catch(() => {}) } return new Promise((resolve) => setTimeout(resolve, 100)) })
      still = height === last ? still + 1 : 0
      last = height
    }
    await nothingRan()
    const beats = await page.evaluate(() => globalThis.beats)
    await until('the page goes on', () => page.evaluate((before) => globalThis.beats > before + 3, beats))
    return `${await page.locator('article').count()} posts`
  }
  await step('home', () => look('/'))
  await ana.shot('polyglots-home')
  await step('the profile, with a face that is none', () => look('/p/' + pathOf(node.id)))
  await check('the page of pictures', async () => {
    await page.goto(`${node.home}/p/${pathOf(node.id)}?show=pictures`)
    await page.locator('.album').first().waitFor()
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)))
    await ana.shot('polyglots-album')
    await nothingRan()
  })
  await step('what cannot be drawn is looked at in the viewer too, and closes again', async () => {
    await page.goto(node.home + '/')
    const open = page.getByRole('button', { name: /^Open picture: / })
    await open.first().waitFor()
    for (const button of (await open.all()).slice(0, 12)) {
      await button.click()
      await page.locator('.viewer-stage').waitFor()
      await page.keyboard.press('Escape')
      await page.locator('dialog').waitFor({ state: 'detached' })
    }
    await nothingRan()
  })

  await check('opened by itself none of them runs: it is a download, a picture, sound or a film', async () => {
    const alone = await ana.context.newPage()
    alone.on('dialog', (dialog) => { outside.push('a dialog'); dialog.dismiss().catch(() => {}) })
    let downloads = 0
    alone.on('download', (download) => { downloads++; download.cancel().catch(() => {}) })
    for (const file of files) {
      await alone.goto('about:blank')
      const isOpen = await alone.goto(at(file), { waitUntil: 'commit', timeout: 30000 }).then(() => true, (err) => { assert.match(err.message, /Download is starting|ERR_ABORTED/, file.name); return false })
      assert.ok(!isOpen || file.isMedia, `${file.name} was opened`)
      if (isOpen) {
        const seen = await Promise.race([alone.evaluate(() => ({ type: document.contentType, origin: globalThis.origin, ran: globalThis.pwned || null, scripts: document.scripts.length })), new Promise((resolve) => setTimeout(resolve, 20000, null))])
        assert.ok(seen, `${file.name}: the tab does not answer`)
        assert.match(seen.type, polyglots.SHOWN, file.name)
        assert.deepStrictEqual([seen.origin, seen.ran, seen.scripts], ['null', null, 0], file.name)
      }
    }
    await alone.close()
    await nothingRan()
    return `${downloads} downloads of ${files.length}`
  })
  await check('none of them is a script, a sheet, a worker or a frame, not even of our own page', async () => {
    await page.goto(node.home + '/')
    await page.locator('article').first().waitFor()
    const taken = await page.evaluate(async (paths) => {
      const out = []
      const tag = (name, fields) => new Promise((resolve) => {
        const one = Object.assign(document.createElement(name), fields)
        one.onload = () => resolve(true)
        one.onerror = () => resolve(false)
        document.body.append(one)
        setTimeout(resolve, 1000, false)
      })
      for (const to of paths) {
        if (await import(to).then(() => true, () => false)) out.push('module ' + to)
        if (await new Promise((resolve) => { try { const worker = new Worker(to); worker.onmessage = () => resolve(true); worker.onerror = () => resolve(false); setTimeout(resolve, 1000, false) } catch { resolve(false) } })) out.push('worker ' + to)
        if (await tag('link', { rel: 'stylesheet', href: to })) out.push('sheet ' + to)
      }
      return out
    }, files.filter((_, i) => i % 4 === 1).map((file) => new URL(at(file)).pathname))
    assert.deepStrictEqual(taken, [])
    await nothingRan()
  })
  await check('a page of another origin gets none of them, though the browser is signed in', async () => {
    const jpeg = files.find(({ name }) => name === 'JPEG and HTML')
    const server = http.createServer((_, answer) => answer.end('<!doctype html><title>elsewhere</title>')).listen(0, '127.0.0.1')
    await until('it listens', () => server.address())
    const elsewhere = await ana.context.newPage()
    outside.length = 0
    await elsewhere.goto(`http://127.0.0.1:${server.address().port}/`)
    const drawn = await elsewhere.evaluate((to) => new Promise((resolve) => { const image = new Image(); image.onload = () => resolve('it is drawn'); image.onerror = () => resolve('nothing'); image.src = to }), at(jpeg))
    const read = await elsewhere.evaluate((to) => fetch(to, { credentials: 'include', mode: 'no-cors' }).then((answer) => answer.text()).then((said) => said.length, () => 0), at(jpeg))
    assert.deepStrictEqual([drawn, read], ['nothing', 0])
    await elsewhere.close()
    server.close()
  })
}
