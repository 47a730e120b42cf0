#!/usr/bin/env node
/**
 * A node that is left on, played with the real program, one scene after another (`SCENE=stop` only
 * those whose name has it):
 *
 *  - stop: SIGTERM while a hundred peers are connected, a first sync comes in and a page is open. That
 *    it took no longer than it may says the exit code: after LIMIT_STOP_MS the program ends itself
 *    with 1;
 *  - log: what a session leaves in the log has no keys, addresses or words, and as JSON each line is an object;
 *  - idle: what a node writes when nobody does anything, with a page open.
 *
 *   node run.js HOSTILE SET.jsonl          tests/hostile's program and a set of messages to sync
 */
'use strict'
const assert = require('assert')
const { spawn } = require('child_process')
const fs = require('fs')
const http = require('http')
const net = require('net')
const path = require('path')
const { check, counts, sleep, until } = require('../interop/lib/check')
const { World } = require('../interop/lib/world')

const [hostile, set] = process.argv.slice(2)
const PEERS = 100

/** `{status, text}` of a request over the owner's socket. */
const get = (node, target) => new Promise((resolve, reject) => {
  http.get({ socketPath: path.join(node.dir, 'api.sock'), path: target, headers: { Host: 'kith' } }, (answer) => {
    const parts = []
    answer.on('data', (part) => parts.push(part))
    answer.on('end', () => resolve({ status: answer.statusCode, text: Buffer.concat(parts).toString() }))
    answer.on('error', reject)
  }).on('error', reject)
})

/** A page that is open: a session, and its WebSocket, in raw bytes. */
const openPage = async (node) => {
  const { json } = await node.ask('POST', '/api/code')
  const host = `localhost:${node.httpPort}`
  const login = await new Promise((resolve, reject) => {
    const body = JSON.stringify({ code: json.code, name: 'left-on' })
    const sent = http.request({ host: '127.0.0.1', port: node.httpPort, path: '/api/session', method: 'POST',
      headers: { Host: host, Origin: `http://${host}`, 'Content-Type': 'application/json', 'Content-Length': body.length } }, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part))
      answer.on('end', () => resolve({ cookie: answer.headers['set-cookie'][0].split(';')[0], token: JSON.parse(Buffer.concat(parts)).token }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
  const socket = net.connect(node.httpPort, '127.0.0.1')
  let said = ''
  socket.on('data', (bytes) => { said += bytes.toString('latin1') })
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(`GET /api/live HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nCookie: ${login.cookie}\r\nConnection: Upgrade\r\n` +
    'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
  await until('the socket is upgraded', () => said.includes(' 101 '))
  const hello = Buffer.from(JSON.stringify({ op: 'hello', token: login.token }))
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | hello.length, 0, 0, 0, 0]), hello]))
  await until('the page is greeted', () => said.includes('"ev":"hello"'))
  return { closed, end: () => socket.destroy() }
}

/** Starts a part of tests/hostile; resolved when it is ready. */
const part = (node, world, ...what) => new Promise((resolve, reject) => {
  const child = spawn(hostile, [String(node.port), world.networkKey, node.id.slice(1, 45), ...what.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (bytes) => {
    said += bytes
    if (said.startsWith('ready\n')) resolve(child)
  })
  child.once('close', () => reject(new Error(`${what.join(' ')} ended: ${said}`)))
})

/** A node that holds the set, and everybody in it. */
const full = async (world) => {
  const node = await world.node('kith')
  await node.stop()
  await node.command('import', set)
  await node.start()
  return node
}
const authors = () => [...new Set(fs.readFileSync(set, 'utf8').trim().split('\n').map((line) => {
  const said = JSON.parse(line)
  return (said.value || said).author
}))]

const SCENES = {
  async stop(world) {
    const friend = await full(world)
    const node = await world.node('kith')
    await check(`SIGTERM with ${PEERS} peers, a first sync and an open page: everything ends in order`, async () => {
      for (const id of authors().slice(0, 10)) {
        await friend.follow(id)
        await node.follow(id)
      }
      const peers = await part(node, world, 'idle', PEERS)
      world.cleanups.push(() => peers.kill())
      const page = await openPage(node)
      await node.connect(friend.address)
      await until('messages come', async () => (await node.json('status')).store.messages > 100)
      const child = node.child
      child.kill('SIGTERM')
      await node.exited
      assert.deepStrictEqual(node.end, { code: 0, signal: null }, node.log().slice(-600))
      await page.closed
      assert(!fs.existsSync(path.join(node.dir, 'kith.db-wal')), 'the WAL was copied back')
      assert(!fs.existsSync(path.join(node.dir, 'api.sock')))
      peers.stdin.end()
    })
    await node.stop()
    await check('it goes on where it was', async () => {
      await node.start()
      assert.strictEqual((await get(node, '/readyz')).status, 200)
      assert.match(await node.command('check'), /All is well/)
    })
    await check('its log has no key, no address and no words', async () => {
      const log = node.log()
      assert(/peer\.connected/.test(log), log)
      const lines = log.split('\n').filter((line) => !/^kith is running/.test(line)).join('\n')
      for (const bad of [/\.ed25519/, /\.sha256/, /[A-Za-z0-9+/]{43}=/, /\d+\.\d+\.\d+\.\d+/, /\[::1\]/]) {
        assert(!bad.test(lines), `${bad}: ${(lines.match(bad) || [])[0]} in ${lines.split('\n').find((line) => bad.test(line))}`)
      }
    })
  },

  async log(world) {
    const node = await world.node('kith', { flags: ['--log', 'json'] })
    const friend = await world.node('kith')
    const secret = 'wordsofmineandnobodyelse'
    await check('each line is an object, and none tells what was written', async () => {
      await node.publish({ type: 'post', text: secret })
      await node.follow(friend.id)
      await friend.publish({ type: 'post', text: `${secret} too` })
      await node.connect(friend.address)
      await until('it is here', async () => (await node.head(friend.id)).sequence > 0)
      await node.command('private', 'send', '--to', friend.id, secret)
      await node.stop()
      const lines = node.log().trim().split('\n').filter((line) => !/^kith is running/.test(line))
      const events = lines.map((line) => JSON.parse(line))
      assert(events.some((row) => row.event === 'peer.connected' && row.level === 'info' && row.ts > 0), lines.join('\n'))
      assert(!node.log().includes(secret))
      assert(!node.log().includes(friend.id))
      return `${lines.length} lines`
    })
  },

  async idle(world) {
    const node = await world.node('kith')
    const wrote = () => Number(/^write_bytes: (\d+)/m.exec(fs.readFileSync(`/proc/${node.child.pid}/io`, 'utf8'))[1])
    await check('nothing is written when nobody does anything, also with a page open', async () => {
      await node.publish({ type: 'post', text: 'before' })
      const page = await openPage(node)
      /* What the start left to do is done when a minute passes without a byte; three are looked at. */
      let before = wrote()
      await until('a quiet minute', async () => {
        await sleep(60000)
        const now = wrote()
        const is = now === before
        before = now
        return is
      }, { ms: 600000 })
      await sleep(120000)
      assert.strictEqual(wrote() - before, 0)
      page.end()
      return `0 bytes in three minutes; ${(before / 1024).toFixed(0)} KiB since the start`
    })
  },
}

const main = async () => {
  for (const [name, play] of Object.entries(SCENES)) {
    if (process.env.SCENE && !name.includes(process.env.SCENE)) continue
    const world = new World()
    try {
      await play(world)
    } finally {
      await world.close()
    }
  }
}

main().catch((err) => {
  console.log(`FAIL ${err.stack}`)
  counts.failed++
}).then(() => {
  console.log(`${counts.passed} passed, ${counts.failed} failed`)
  process.exitCode = counts.failed ? 1 : 0
})
