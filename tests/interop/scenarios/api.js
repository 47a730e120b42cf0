/** The HTTP API as a program with bad manners uses it, over the socket and over the port. */
'use strict'
const assert = require('assert')
const crypto = require('crypto')
const http = require('http')
const net = require('net')
const path = require('path')
const { check, sleep, within } = require('../lib/check')

exports.about = 'odd bodies, types, paths and methods; many publishes at once; the same nonce 100 times'
exports.peers = ['classic']

const MIB = 1024 * 1024
const GROWTH = 24 * MIB
const agent = new http.Agent({ keepAlive: true, maxSockets: 12 })

/** One request over the owner's socket: `{status, json, text}`. */
const ask = (node, method, target, body, headers = {}) => within(40000, `${method} ${target.slice(0, 40)}`, new Promise((resolve, reject) => {
  const bytes = body === undefined ? null : Buffer.isBuffer(body) || typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body))
  const request = http.request({
    socketPath: path.join(node.dir, 'api.sock'), method, path: target, agent,
    headers: { Host: 'kith', ...(bytes ? { 'Content-Type': 'application/json', 'Content-Length': bytes.length } : {}), ...headers },
  }, (response) => {
    const parts = []
    response.on('data', (part) => parts.push(part))
    response.on('error', reject)
    response.on('end', () => {
      const text = Buffer.concat(parts).toString()
      let json
      try { json = JSON.parse(text) } catch { json = undefined }
      resolve({ status: response.statusCode, json, text })
    })
  })
  request.on('error', (err) => resolve({ status: 0, text: err.message }))
  request.end(bytes)
}))

/** Bytes as they are, to the socket or the port; all that came back until the end. */
const raw = (node, to, bytes) => new Promise((resolve) => {
  const socket = to === 'port' ? net.connect(node.httpPort, '127.0.0.1') : net.connect(path.join(node.dir, 'api.sock'))
  let text = ''
  const timer = setTimeout(() => socket.destroy(), 15000)
  socket.on('data', (part) => { text += part.toString('latin1') })
  socket.on('error', () => {})
  socket.on('close', () => { clearTimeout(timer); resolve(text) })
  socket.write(bytes)
  socket.end()
})

const deep = (n) => '['.repeat(n) + ']'.repeat(n)
const odd = [null, true, 0, -1, 1e300, '', 'x', 'x'.repeat(70), '%x', [], [[]], {}, { a: {} }, ['%x'], '\u0000', '\ud800', '@' + 'A'.repeat(43) + '=.ed25519']
const fields = {
  '/api/post': { text: 'hello', root: null, fork: null, branch: null, cw: null },
  '/api/like': { id: '%' + 'A'.repeat(43) + '=.sha256', on: true },
  '/api/relation': { id: '@' + 'A'.repeat(43) + '=.ed25519', is: 'follow' },
  '/api/follow': { text: 'nothing to find here' },
  '/api/profile': { name: 'N', bio: 'b' },
  '/api/network/connect': { address: 'net:127.0.0.1:1~shs:' + 'A'.repeat(43) + '=' },
  '/api/network/disconnect': { id: null },
  '/api/devices/code': { may: 'write' },
  '/api/devices/0123456789abcdef': { name: 'phone', may: 'read' },
  '/api/session': { code: 'K7MX-3PAF', password: 'short', name: 'x' },
  '/api/password': { old: null, new: 'short' },
}

const judge = ({ status, json, text }, what) => {
  assert.ok(status >= 200 && status < 600 && status !== 500, `${what}: ${status} ${text.slice(0, 200)}`)
  if (status >= 400) assert.strictEqual(typeof json.error.said, 'string', what)
}

exports.run = async ({ world, subject, dose }) => {
  if (subject !== 'kith') return
  const node = await world.node('kith')
  await node.publish({ type: 'post', text: 'first' })
  const base = node.resident()
  const isWell = async () => {
    const { sequence } = await node.publish({ type: 'post', text: 'well' })
    assert.strictEqual((await node.head(node.id)).sequence, sequence)
    const grown = node.resident() - base
    assert.ok(grown < GROWTH, `${Math.round(grown / MIB)} MiB more than before`)
    return `${(grown / MIB).toFixed(1)} MiB`
  }

  await check('every field of every call with every odd value: an answer in JSON, never 500', async () => {
    for (const [target, good] of Object.entries(fields)) {
      for (const field of [...Object.keys(good), 'nonce', 'if_head', '__proto__', 'unknown']) {
        for (const value of odd) {
          const text = JSON.stringify({ ...good, field: 0 }).replace('"field":0', `${JSON.stringify(field)}:${JSON.stringify(value)}`)
          judge(await ask(node, 'POST', target, text), `${target} ${text}`)
        }
      }
    }
    return isWell()
  })
  await check('bodies that are no JSON objects', async () => {
    const bodies = ['', ' ', 'null', '5', '"x"', '[]', '{', '}', '{}{}', '{"text":}', '{"text":"a","text":"b"}', '{"text":"\\ud800"}', "{'text':'x'}", '\ufeff{}',
      Buffer.from([0xff, 0xfe]), Buffer.from('{"text":"\xff"}', 'latin1'), Buffer.alloc(100), deep(20), deep(30000), `{"a":${deep(17)}}`, '{"text":"' + 'x'.repeat(65400) + '"}', '1e400', '{"a":1e400}']
    for (const target of [...Object.keys(fields), '/api/publish']) {
      for (const body of bodies) judge(await ask(node, 'POST', target, body), `${target} ${String(body).slice(0, 60)}`)
    }
    return isWell()
  })
  await check('a body of 64 KiB is read, one byte more and 16 MiB are 413 or cut', async () => {
    const { status } = await ask(node, 'POST', '/api/post', '{"text":"x"}'.padEnd(65536))
    assert.strictEqual(status, 200)
    for (const size of [65537, 16 * MIB]) {
      const said = await ask(node, 'POST', '/api/post', Buffer.alloc(size, 0x20))
      assert.ok(said.status === 413 || said.status === 0, `${size}: ${said.status}`)
    }
    return isWell()
  })
  await check('contents that nobody would take are refused, odd ones that all would take are kept as they are', async () => {
    const bad = ['5', '"x"', '[]', 'null', '{}', '{"type":5}', '{"type":"xx"}', `{"type":"${'x'.repeat(53)}"}`, `{"type":"xyz","a":"${'x'.repeat(8200)}"}`, `{"type":"xyz","a":${deep(70)}}`, '{"type":"xyz"', '{"type":"xyz"}x']
    for (const body of bad) {
      const { status } = await ask(node, 'POST', '/api/publish', body)
      assert.ok(status >= 400 && status < 500, `${status} for ${body.slice(0, 60)}`)
    }
    const good = ['{"type":"xyz","__proto__":{"a":1}}', '{"type":"xyz","constructor":"x","toString":null}', `{"type":"xyz","a":${deep(40)}}`, '{"type":"xyz","a":"\\ud800 \\u0000 \\u2028"}', '{"type":"xyz","n":[1e21,-0,1e-7,0.1,123456789012345680000]}', '{"type":"xyz","10":1,"2":2,"a":3}', '{"type":"aaa","x":1,"type":"xyz"}']
    for (const body of good) {
      const { status, json, text } = await ask(node, 'POST', '/api/publish', body)
      assert.strictEqual(status, 200, `${text} for ${body}`)
      const value = (await node.dump(node.id))[json.sequence - 1]
      assert.strictEqual(value.key, json.key)
      assert.strictEqual(JSON.stringify(value.value.content), JSON.stringify(JSON.parse(body)))
    }
    assert.strictEqual((await node.json('check')).fault_count, 0)
  })
  await check('paths and methods that do not exist', async () => {
    const targets = ['/api', '/api/', '/api/nothing', '/api/thread/', '/api/thread/x', '/api/thread/' + 'A'.repeat(43), '/api/person/' + 'A'.repeat(42), '/api/person/' + 'x'.repeat(1900), '/api/timeline?before=x', '/api/timeline?limit=-1',
      '/api/timeline?limit=99999999999999999999', '/api/timeline?tab=', '/api/posts?ids=' + ','.repeat(1000), '/api/suggest?q=' + 'a'.repeat(1800), '/api/suggest', '/api/message/x/raw', '//api/me', '/api/../api/me', '/api/me?' + 'a&'.repeat(500)]
    for (const target of targets) {
      for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'BREW']) {
        const said = await ask(node, method, target, method === 'POST' ? '{}' : undefined)
        assert.ok(said.status !== 500, `${method} ${target.slice(0, 60)}: ${said.status} ${said.text.slice(0, 100)}`)
      }
    }
    return isWell()
  })
  await check('heads that no browser sends, to the socket and to the port', async () => {
    const heads = ['\r\n\r\n', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'x'.repeat(100000), 'GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n', `GET /api/me HTTP/1.1\r\nHost: localhost:${node.httpPort}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST /api/post HTTP/1.1\r\nHost: localhost:${node.httpPort}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}   `, `POST /api/post HTTP/1.1\r\nHost: kith\r\nContent-Length: 99999999999999999999\r\n\r\n`, `POST /api/post HTTP/1.1\r\nHost: kith\r\nContent-Length: -1\r\n\r\n`,
      'GET / HTTP/1.1\r\n' + 'A: b\r\n'.repeat(5000) + '\r\n', `GET / HTTP/1.1\r\nHost: localhost:${node.httpPort}\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00', Buffer.alloc(50000), crypto.randomBytes(50000)]
    for (const to of ['socket', 'port']) {
      for (const head of heads) {
        const text = await raw(node, to, head)
        assert.ok(text === '' || /^HTTP\/1\.[01] (400|401|403|404|405|408|411|413|414|417|431|505)/.test(text), `${to} ${String(head).slice(0, 60)}: ${text.slice(0, 80)}`)
      }
    }
    const { status } = await new Promise((resolve) => http.get({ port: node.httpPort, host: '127.0.0.1', path: '/api/me' }, (r) => { r.resume(); resolve({ status: r.statusCode }) }))
    assert.strictEqual(status, 401)
    return isWell()
  })
  await check('100 publishes at once with one nonce are one message', async () => {
    const before = (await node.head(node.id)).sequence
    const said = await Promise.all(Array.from({ length: 100 }, () => ask(node, 'POST', '/api/post', { text: 'once', nonce: 'the same' })))
    for (const one of said) assert.deepStrictEqual([one.status, one.json.key], [200, said[0].json.key])
    assert.strictEqual((await node.head(node.id)).sequence, before + 1)
  })
  await check('100 different ones at once are 100 messages in one chain', async () => {
    const before = (await node.head(node.id)).sequence
    const said = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(node, 'POST', '/api/post', { text: `number ${i}`, nonce: `n${i}` })))
    for (const one of said) assert.strictEqual(one.status, 200)
    assert.strictEqual(new Set(said.map((one) => one.json.key)).size, 100)
    assert.strictEqual((await node.head(node.id)).sequence, before + 100)
    assert.strictEqual((await node.json('check')).fault_count, 0)
  })
  await check(`${dose.publishes} publishes, one after another on 8 lanes`, async () => {
    const before = (await node.head(node.id)).sequence
    const began = Date.now()
    let left = dose.publishes
    const lane = async () => {
      while (left-- > 0) assert.strictEqual((await ask(node, 'POST', '/api/publish', { type: 'test', n: left })).status, 200)
    }
    await Promise.all(Array.from({ length: 8 }, lane))
    assert.strictEqual((await node.head(node.id)).sequence, before + dose.publishes)
    const rate = Math.round(dose.publishes / ((Date.now() - began) / 1000))
    return `${rate} a second; ${await isWell()}`
  })
  await check('200 slow connections do not keep the owner out', async () => {
    const slow = Array.from({ length: 200 }, () => net.connect(node.httpPort, '127.0.0.1').on('error', () => {}))
    for (const socket of slow) socket.write('GET / HTTP/1.1\r\nHost: loc')
    await sleep(500)
    const said = await isWell()
    for (const socket of slow) socket.destroy()
    return said
  })
  agent.destroy()
}
