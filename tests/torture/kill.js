#!/usr/bin/env node
/**
 * How long is a node away when it is killed? With a database of many messages: kill -9 in the middle
 * of publishing and of taking in from a friend, start, and take the time until /livez answers and
 * until the first post is acknowledged. Acknowledged posts must be there, and the feed must be one
 * chain.
 *
 *   node kill.js SET.jsonl KILLS [judge]     judge: more than 2 s is a failure
 */
'use strict'
const assert = require('assert')
const { execFileSync, spawn } = require('child_process')
const fs = require('fs')
const http = require('http')
const path = require('path')
const { check, counts, sleep, until } = require('../interop/lib/check')
const { Kith, program } = require('../interop/lib/kith')
const { freePort, World } = require('../interop/lib/world')

const PROMISED_MS = 2000
const [set, kills, judge] = [process.argv[2], Number(process.argv[3]), process.argv[4] === 'judge']

const request = (options, body) => new Promise((resolve, reject) => {
  const sent = http.request(options, (answer) => {
    const parts = []
    answer.on('data', (part) => parts.push(part))
    answer.on('error', reject)
    answer.on('end', () => answer.statusCode === 200 ? resolve(Buffer.concat(parts).toString())
      : reject(new Error(`${answer.statusCode} ${Buffer.concat(parts)}`)))
  })
  sent.setTimeout(10000, () => sent.destroy(new Error('no answer')))
  sent.on('error', reject)
  sent.end(body)
})

class Node extends Kith {
  /** Without waiting for anything. */
  launch() {
    const log = fs.openSync(path.join(this.dir, 'interop-log'), 'a')
    this.end = null
    this.child = spawn(program, ['run', '--data', this.dir, '--host', '127.0.0.1', '--no-lan', '--port', String(this.port),
      '--http-port', String(this.httpPort), '--network-key', this.networkKey], { stdio: ['ignore', log, log] })
    fs.closeSync(log)
    this.exited = new Promise((resolve) => this.child.once('exit', (code, signal) => {
      this.end = { code, signal }
      this.child = null
      resolve()
    }))
  }

  livez() {
    return request({ host: '127.0.0.1', port: this.httpPort, path: '/livez', headers: { Host: `127.0.0.1:${this.httpPort}` } })
  }

  /** One post over api.sock, without a process of its own. */
  async quick(text) {
    return JSON.parse(await request({ socketPath: path.join(this.dir, 'api.sock'), path: '/api/publish', method: 'POST',
      headers: { Host: 'kith', 'Content-Type': 'application/json' } }, JSON.stringify({ type: 'post', text })))
  }
}

const figures = (list) => {
  const sorted = [...list].sort((a, b) => a - b)
  return `median ${sorted[sorted.length >> 1]} ms, maximum ${sorted[sorted.length - 1]} ms`
}

async function main() {
  const world = new World()
  const dir = path.join(world.dir, 'large')
  fs.mkdirSync(dir)
  const mine = new Node({ stack: 'kith', dir, networkKey: world.networkKey, hops: 2 })
  mine.port = await freePort()
  mine.httpPort = await freePort()
  world.nodes.push(mine)
  try {
    execFileSync(program, ['init', '--data', dir])
    const stored = JSON.parse(execFileSync(program, ['import', set, '--data', dir, '--json'])).stored
    const friend = await world.node('kith')
    await mine.start()
    await mine.follow(friend.id)
    await friend.follow(mine.id)
    await friend.connect(mine.address)

    const acknowledged = new Map()
    const alive = []
    const posted = []
    let running = true
    let count = 0
    const keep = (answer) => acknowledged.set(answer.sequence, answer.key)
    const publisher = async () => {
      while (running) await mine.quick(`post ${count++}`).then(keep, () => sleep(10))
    }
    const chat = async () => {
      while (running) {
        await friend.publish({ type: 'post', text: `from a friend ${count++}` }).catch(() => {})
        await sleep(50)
      }
    }
    const work = [publisher(), publisher(), chat()]
    await check(`${kills} kills with ${stored} messages`, async () => {
      for (let i = 0; i < kills; i++) {
        await sleep(Math.random() * 500)
        await mine.kill()
        const began = Date.now()
        mine.launch()
        await until('/livez answers', () => mine.livez(), { every: 5 })
        alive.push(Date.now() - began)
        await until('a post is acknowledged', () => mine.quick(`after kill ${i}`).then((answer) => { keep(answer); return true }), { every: 5 })
        posted.push(Date.now() - began)
      }
      return `until /livez: ${figures(alive)}; until the first post: ${figures(posted)}`
    })
    running = false
    await Promise.all(work)
    await check('no acknowledged post is lost, and the feed is one chain', async () => {
      const held = await mine.dump(mine.id)
      held.forEach((m, i) => {
        assert.strictEqual(m.value.sequence, i + 1)
        assert.strictEqual(m.value.previous, i === 0 ? null : held[i - 1].key)
      })
      for (const [sequence, key] of acknowledged) assert.strictEqual(held[sequence - 1] && held[sequence - 1].key, key, `message ${sequence}`)
      return `${acknowledged.size} acknowledged, ${held.length} held`
    })
    await check('the friend holds the same feed: there was no fork', async () => {
      const status = await mine.json('status')
      assert.strictEqual(status.state, 'CLEAN')
      await friend.connect(mine.address).catch(() => {})
      const { sequence, key } = await mine.head(mine.id)
      await until('the friend has all', async () => (await friend.head(mine.id)).sequence >= sequence, { ms: 60000 })
      assert.strictEqual((await friend.head(mine.id)).key, key)
    })
    if (judge) {
      await check(`it is never away longer than ${PROMISED_MS} ms`, () => {
        assert(Math.max(...alive) <= PROMISED_MS && Math.max(...posted) <= PROMISED_MS,
          `until /livez: ${figures(alive)}; until the first post: ${figures(posted)}`)
      })
    }
  } finally {
    await world.close()
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`)
  return counts.failed || !counts.passed ? 1 : 0
}

main().then((code) => { process.exitCode = code }, (err) => { console.error(err); process.exitCode = 1 })
