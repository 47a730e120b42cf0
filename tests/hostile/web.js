#!/usr/bin/env node
/**
 * One node, crowds at its web port (tests/hostile/web-crowd.js), and during each of them the owner: the
 * page and an answer behind the session, each on a connection of its own, again and again. Prints how long
 * these took and what the node's memory grew by. `ci` is a small dose.
 *
 * Judged: every request of the owner's is answered, also from a second browser on the same machine; memory
 * grows by at most 16 MiB. Times are printed only.
 */
'use strict'
const assert = require('assert')
const { spawn } = require('child_process')
const http = require('http')
const path = require('path')
const { check, counts, sleep } = require('../interop/lib/check')
const { World } = require('../interop/lib/world')

const MIB = 1024 * 1024
const GROWTH_MAX = 16 * MIB
const PATIENCE_MS = 60000

const isWhole = process.argv[2] !== 'ci'
const CROWDS = [
  ['idle', isWhole ? 10000 : 300, 'that never speak'],
  ['near', isWhole ? 2000 : 100, "that never speak, from the owner's own address"],
  ['head', isWhole ? 1000 : 100, 'whose head drips'],
  ['body', isWhole ? 1000 : 100, 'whose body drips'],
  ['resting', isWhole ? 1000 : 100, 'that asked once and stay'],
  ['unread', isWhole ? 500 : 80, 'that ask and do not read'],
]
const ROUNDS = isWhole ? 60 : 15
const STAY_MS = isWhole ? 6000 : 1000

/** `{status, headers, body, ms}` of one request on a connection of its own. */
const ask = (port, method, target, headers = {}, body) => new Promise((resolve, reject) => {
  const began = process.hrtime.bigint()
  const request = http.request({ host: '127.0.0.1', port, method, path: target, agent: false, timeout: PATIENCE_MS,
    headers: { Host: `localhost:${port}`, Connection: 'close', ...headers } }, (response) => {
    const parts = []
    response.on('data', (part) => parts.push(part))
    response.on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode, headers: response.headers,
      body: Buffer.concat(parts).toString(), ms: Number(process.hrtime.bigint() - began) / 1e6 }))
  })
  request.on('timeout', () => request.destroy(new Error(`${target}: no answer`)))
  request.on('error', reject)
  request.end(body)
})

const logIn = async (node) => {
  const { json } = await node.ask('POST', '/api/code', {})
  const body = JSON.stringify({ code: json.code, name: 'hostile' })
  const answer = await ask(node.httpPort, 'POST', '/api/session', { Origin: `http://localhost:${node.httpPort}`,
    'Content-Type': 'application/json', 'Content-Length': body.length }, body)
  assert.strictEqual(answer.status, 200, answer.body)
  return { Cookie: answer.headers['set-cookie'][0].split(';')[0], 'X-Kith-Token': JSON.parse(answer.body).token }
}

const middle = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1)

/** The owner asks for the page and for what is new, as two browsers would. */
const served = async (node, session) => {
  const times = []
  for (let i = 0; i < ROUNDS; i++) {
    const [page, me] = await Promise.all([ask(node.httpPort, 'GET', '/'), ask(node.httpPort, 'GET', '/api/me', session)])
    assert.strictEqual(page.status, 200, page.body)
    assert.strictEqual(me.status, 200, me.body)
    times.push(page.ms, me.ms)
    await sleep(100)
  }
  times.sort((a, b) => a - b)
  return `${times.length} answers: middle ${middle(times, 0.5)} ms, 99 % ${middle(times, 0.99)} ms, slowest ${middle(times, 1)} ms`
}

/** A crowd in a process of its own. */
const gather = (kind, count, port) => {
  const child = spawn(process.execPath, [path.join(__dirname, 'web-crowd.js'), kind, String(count), String(port)],
    { stdio: ['pipe', 'pipe', 'inherit'] })
  const crowd = { said: '' }
  crowd.over = new Promise((resolve) => child.once('close', resolve))
  crowd.ready = new Promise((resolve, reject) => {
    child.stdout.on('data', (bytes) => {
      crowd.said += bytes
      if (crowd.said.startsWith('ready\n')) resolve()
    })
    child.once('close', () => reject(new Error(`${kind} ended: ${crowd.said}`)))
  })
  crowd.ready.catch(() => {})
  crowd.end = async () => {
    child.stdin.end()
    await crowd.over
    return crowd.said.split('\n')[1]
  }
  return crowd
}

const main = async () => {
  const world = new World()
  const node = await world.node('kith')
  try {
    const session = await logIn(node)
    await check('the owner with nobody else', () => served(node, session))
    for (const [kind, count, what] of CROWDS) {
      const base = node.resident()
      await check(`the owner's page beside ${count} sockets ${what}`, async () => {
        const crowd = gather(kind, count, node.httpPort)
        let opened = ''
        try {
          const [first] = await Promise.all([served(node, session), crowd.ready])
          await sleep(STAY_MS)
          const later = await served(node, session)
          const grown = node.resident() - base
          opened = await crowd.end()
          assert(grown <= GROWTH_MAX, `${(grown / MIB).toFixed(1)} MiB more`)
          return `while they come: ${first}; later: ${later}; ${opened}; memory ${(grown / MIB).toFixed(1)} MiB`
        } finally {
          if (!opened) await crowd.end()
        }
      })
    }
    await check('the owner when they have left', () => served(node, session))
  } finally {
    await world.close()
  }
}

main().catch((err) => {
  console.log(`FAIL ${err.stack}`)
  counts.failed++
}).then(() => {
  console.log(`${counts.passed} passed, ${counts.failed} failed`)
  process.exitCode = counts.failed ? 1 : 0
})
