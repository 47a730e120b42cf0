/**
 * What pages of others try on the node of somebody who is signed in, in the same browser: from another port of this machine (to which cookies of strict sites
 * are sent as well), from another name, and from a name that was turned to this machine. Each attempt is made on the stranger's own server too, where it works.
 */
'use strict'
const assert = require('assert')
const { check } = require('../../interop/lib/check')
const { PHONE } = require('../lib/browser')
const { Elsewhere } = require('../lib/elsewhere')
const { step } = require('../lib/step')

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const pathOf = (id) => id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')

/** Everything below runs in the stranger's page. */
const asks = async ([to, how]) => {
  try {
    const answer = await fetch(to, how)
    return `${answer.type} ${answer.status} ${(await answer.text()).length > 0 ? 'words' : 'nothing'}`
  } catch (err) {
    return err.name
  }
}
const draws = ([tag, to]) => new Promise((resolve) => {
  const one = document.createElement(tag)
  one.onload = () => resolve('loaded')
  one.onerror = () => resolve('refused')
  one.src = to
  document.body.append(one)
})
const knocks = (to) => new Promise((resolve) => {
  const socket = new WebSocket(to)
  socket.onopen = () => resolve('open')
  socket.onclose = () => resolve('refused')
})
const submits = ([to, kind]) => {
  const form = document.createElement('form')
  Object.assign(form, { method: 'post', action: to, enctype: kind })
  const field = document.createElement('input')
  /* As text/plain this becomes JSON. */
  Object.assign(field, { name: '{"type":"post","text":"forged","x":"', value: '"}' })
  form.append(field)
  document.body.append(form)
  form.submit()
}

async function from(name, ana, node, page, own, blobs) {
  const api = node.home + '/api/'
  const before = node.newest().sequence
  const unchanged = async () => {
    assert.strictEqual(node.newest().sequence, before)
    assert.strictEqual((await node.api('GET', 'outbox')).outbox.length, 0)
  }
  await check(`${name}: nothing of the node can be read`, async () => {
    assert.strictEqual(await page.evaluate(asks, [own, {}]), 'basic 200 words')
    for (const what of ['boot', 'session', 'private', 'timeline']) {
      assert.strictEqual(await page.evaluate(asks, [api + what, { credentials: 'include' }]), 'TypeError')
      assert.strictEqual(await page.evaluate(asks, [api + what, { credentials: 'include', headers: { 'X-Kith-Token': 'A'.repeat(32) } }]), 'TypeError')
      assert.ok(['TypeError', 'opaque 0 nothing'].includes(await page.evaluate(asks, [api + what, { credentials: 'include', mode: 'no-cors' }])))
    }
  })
  await check(`${name}: nothing can be posted, changed or taken away`, async () => {
    const body = JSON.stringify({ type: 'post', text: 'forged' })
    for (const what of ['publish', 'post', 'outbox', 'code', 'follow', 'session']) {
      for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
        for (const mode of ['cors', 'no-cors']) await page.evaluate(asks, [api + what, { method: 'POST', credentials: 'include', mode, body, headers: { 'Content-Type': type } }])
      }
    }
    await page.evaluate(asks, [api + 'session', { method: 'DELETE', credentials: 'include' }])
    await unchanged()
    assert.strictEqual(await ana.page.evaluate(async () => (await fetch('/api/me', { headers: { 'X-Kith-Token': localStorage.getItem('kith.token') } })).status), 200)
  })
  await check(`${name}: pictures, scripts and other answers of the node do not load there`, async () => {
    assert.strictEqual(await page.evaluate(draws, ['img', own + 'pixel.gif']), 'loaded')
    for (const to of ['api/boot', 'api/me', `blob/${blobs.picture}`, `blob/${blobs.script}`, 'w/x/icon.svg']) {
      assert.strictEqual(await page.evaluate(draws, ['img', `${node.home}/${to}`]), 'refused', to)
      assert.strictEqual(await page.evaluate(draws, ['script', `${node.home}/${to}`]), 'refused', to)
    }
  })
  await check(`${name}: it cannot be put into a frame`, async () => {
    const framed = async (to) => {
      await page.evaluate(draws, ['iframe', to])
      return (await page.frames()[page.frames().length - 1].locator('body').innerText().catch(() => '')).trim()
    }
    assert.strictEqual(await framed(own), 'elsewhere')
    for (const to of ['/', '/settings/devices']) assert.ok(!(await framed(node.home + to)).includes('kith'), to)
    const inside = async (frame) => frame.evaluate(() => [location.protocol, document.querySelectorAll('img, #app').length])
    for (const frame of page.frames().slice(2, 4)) assert.strictEqual((await inside(frame))[0], 'chrome-error:')
    /* Of an answer or a picture a frame gets an error, and nothing of the owner's. */
    assert.match(await framed(node.home + '/api/boot'), /"code":"login"/)
    assert.ok((await framed(`${node.home}/blob/${blobs.picture}`)).includes('denied'))
    assert.strictEqual((await inside(page.frames()[page.frames().length - 1]))[1], 0)
  })
  await check(`${name}: no socket is opened`, async () => {
    assert.strictEqual(await page.evaluate(knocks, node.home.replace('http', 'ws') + '/api/live'), 'refused')
  })
  await check(`${name}: a window of it has no handle to the page`, async () => {
    const [popup, handle] = await Promise.all([
      page.context().waitForEvent('page'),
      page.evaluateHandle((to) => window.open(to), node.home + '/'),
    ])
    await popup.getByRole('heading', { name: 'Home' }).waitFor()
    assert.deepStrictEqual(await page.evaluate((one) => [one === null || one.closed, one && one.length], handle), [true, 0])
    assert.strictEqual(await popup.evaluate(() => window.opener), null)
    await popup.close()
  })
  for (const kind of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    await check(`${name}: a form sent as ${kind} is refused`, async () => {
      const [answer] = await Promise.all([
        page.waitForResponse((one) => one.request().method() === 'POST'),
        page.waitForNavigation(),
        page.evaluate(submits, [api + 'publish', kind]),
      ])
      assert.ok([400, 401, 403].includes(answer.status()), `${answer.status()}`)
      await unchanged()
      await page.goto(own)
    })
  }
}

module.exports = async (world) => {
  const node = await world.node('ana')
  const ana = await world.browser({ flags: ['--host-resolver-rules=MAP *.test 127.0.0.1'] })
  await ana.enter(node, 'Ana')
  const elsewhere = await new Elsewhere().start()
  world.things.push(elsewhere)
  await node.api('POST', 'publish', { type: 'post', text: 'Mine alone to write' })
  const upload = async (bytes) => ana.page.evaluate(async ({ bytes, token }) => {
    const answer = await fetch('/api/blob', { method: 'PUT', headers: { 'X-Kith-Token': token, 'Content-Type': 'application/octet-stream' }, body: new Uint8Array(bytes) })
    return (await answer.json()).id
  }, { bytes: [...bytes], token: await ana.page.evaluate(() => localStorage.getItem('kith.token')) })
  const blobs = { picture: pathOf(await upload(PNG)), script: pathOf(await upload(Buffer.from('self.onfetch = (event) => event.respondWith(new Response("owned"))\n'))) }

  await step('at home the same things work', async () => {
    const { page } = ana
    assert.strictEqual(await page.evaluate(draws, ['img', `/blob/${blobs.picture}`]), 'loaded')
    assert.strictEqual(await page.evaluate(knocks, node.home.replace('http', 'ws') + '/api/live'), 'open')
  })
  const [one, other] = [`http://localhost:${elsewhere.port}/`, `http://evil.test:${elsewhere.port}/`]
  for (const [name, own] of [['another port', one], ['another name', other]]) {
    const page = await ana.context.newPage()
    await page.goto(own)
    await from(name, ana, node, page, own, blobs)
    await page.close()
  }

  await check('a name that was turned to this machine opens nothing', async () => {
    const page = await ana.context.newPage()
    for (const to of ['/', '/api/boot', '/api/session', `/blob/${blobs.picture}`]) {
      const answer = await page.goto(`http://rebound.test:${node.httpPort}${to}`)
      assert.strictEqual(answer.status(), 400, to)
      assert.ok(!(await answer.text()).includes('Mine alone'))
    }
    await page.close()
  })
  await check('no worker comes into the page, neither from a file of the node nor from the page itself', async () => {
    const tried = await ana.page.evaluate(async (script) => {
      const made = URL.createObjectURL(new Blob(['self.onfetch = null'], { type: 'text/javascript' }))
      const said = []
      for (const to of [script, made]) {
        said.push(await navigator.serviceWorker.register(to).then(() => 'registered', (err) => err.name))
        try {
          said.push(await new Promise((resolve) => { const worker = new Worker(to); worker.onerror = () => resolve('refused'); worker.onmessage = () => resolve('ran') }))
        } catch (err) {
          said.push(err.name)
        }
      }
      return { said, n: (await navigator.serviceWorker.getRegistrations()).length }
    }, `/blob/${blobs.script}`)
    assert.strictEqual(tried.n, 0)
    assert.deepStrictEqual(tried.said.filter((one) => !['TypeError', 'SecurityError', 'refused'].includes(one)), [])
    return tried.said.join(', ')
  })
  await check('a file of the node opened as a page is saved, and runs nothing', async () => {
    const page = await ana.context.newPage()
    const [download] = await Promise.all([page.waitForEvent('download'), page.goto(`${node.home}/blob/${blobs.script}`).catch(() => {})])
    await download.cancel()
    await page.close()
  })
  await check('the owner noticed nothing of all this', async () => {
    await ana.page.goto(node.home + '/')
    await ana.page.locator('article').filter({ hasText: 'Mine alone to write' }).waitFor()
    assert.strictEqual(await ana.page.getByText('forged').count(), 0)
  })
  await check('and the door was not knocked shut: another browser still comes in', async () => {
    const phone = await world.browser({ size: PHONE })
    await phone.page.goto(`${node.home}/#${(await node.api('POST', 'code', {})).code}`)
    await phone.page.getByRole('heading', { name: 'Home' }).waitFor()
  })
}
