#!/usr/bin/env node
/**
 * kill -9 while blobs are written: uploads go on without pause, the node is killed at any moment and
 * started again. What was acknowledged is there, byte for byte; whatever is served is whole; nothing
 * half stays in the folder.
 *
 *   node kill_blobs.js KILLS
 */
'use strict'
const assert = require('assert')
const { createHash, randomBytes } = require('crypto')
const fs = require('fs')
const http = require('http')
const path = require('path')
const { check, counts, sleep, until } = require('../interop/lib/check')
const { World } = require('../interop/lib/world')

const kills = Number(process.argv[2] || 20)
const urlSafe = (bytes) => bytes.toString('base64').replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')

const ask = (node, method, target, body) => new Promise((resolve, reject) => {
  const sent = http.request({ socketPath: path.join(node.dir, 'api.sock'), method, path: target,
    headers: { Host: 'kith', ...(body ? { 'Content-Length': body.length } : {}) } }, (answer) => {
    const parts = []
    answer.on('data', (part) => parts.push(part))
    answer.on('error', reject)
    answer.on('end', () => resolve({ status: answer.statusCode, body: Buffer.concat(parts) }))
  })
  sent.setTimeout(20000, () => sent.destroy(new Error('no answer')))
  sent.on('error', reject)
  sent.end(body)
})

async function main() {
  const world = new World()
  const tried = new Map() // id in paths → whether it was acknowledged
  let running = true
  try {
    const mine = await world.node('kith')
    const uploader = async () => {
      while (running) {
        const bytes = randomBytes(1 + Math.floor(Math.random() * 800000))
        const id = urlSafe(createHash('sha256').update(bytes).digest())
        tried.set(id, tried.get(id) || false)
        const answer = await ask(mine, 'PUT', '/api/blob', bytes).catch(() => null)
        if (answer && answer.status === 200) tried.set(id, true)
        else await sleep(20)
      }
    }
    const work = [uploader(), uploader(), uploader()]
    await check(`${kills} kills while blobs are written`, async () => {
      for (let i = 0; i < kills; i++) {
        await sleep(50 + Math.random() * 400)
        await mine.kill()
        await mine.start()
      }
      return `${tried.size} begun`
    })
    running = false
    await Promise.all(work)
    await check('what was acknowledged is here, and what is served is whole', async () => {
      let whole = 0
      for (const [id, isAcknowledged] of tried) {
        const { status, body } = await ask(mine, 'GET', `/blob/${id}`)
        assert(status === 200 || (status === 404 && !isAcknowledged), `${status} for ${id}, acknowledged: ${isAcknowledged}`)
        if (status !== 200) continue
        assert.strictEqual(urlSafe(createHash('sha256').update(body).digest()), id)
        whole++
      }
      assert(whole > 0)
      return `${whole} of ${tried.size}, ${[...tried.values()].filter(Boolean).length} acknowledged`
    })
    await check('nothing half stays in the folder', async () => {
      const folder = path.join(mine.dir, 'blobs')
      await until('unfinished files are gone', () => fs.readdirSync(folder).every((name) => name.length === 2))
      for (const two of fs.readdirSync(folder)) {
        for (const rest of fs.readdirSync(path.join(folder, two))) {
          const hash = createHash('sha256').update(fs.readFileSync(path.join(folder, two, rest))).digest('hex')
          assert.strictEqual(hash, two + rest)
        }
      }
    })
  } finally {
    running = false
    await world.close()
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`)
  return counts.failed || !counts.passed ? 1 : 0
}

main().then((code) => { process.exitCode = code }, (err) => { console.error(err); process.exitCode = 1 })
