#!/usr/bin/env node
/**
 * One node, everything at once that strangers may do to it (tests/hostile/hostile.c), and during each
 * of these a good peer that dials, shakes hands and takes a new post. Prints what that took, what the
 * node's memory grew by, and what 10,000 sockets cost. `ci` is a small dose without judged times.
 *
 * Judged in the whole dose: the good peer is in within a second; memory grows by at most 16 MiB apart
 * from the authenticated sockets.
 */
'use strict'
const assert = require('assert')
const { spawn } = require('child_process')
const fs = require('fs')
const { check, counts, sleep } = require('../interop/lib/check')
const { World } = require('../interop/lib/world')

const MIB = 1024 * 1024
const GROWTH_MAX = 16 * MIB
const HANDSHAKE_MS_MAX = 1000
const TICK_MS = 10

const [program, dose] = process.argv.slice(2)
const isWhole = dose !== 'ci'
const size = isWhole ? { idle: 10000, silent: 10000, slow: 200, settle: 62000, rest: 20000 } : { idle: 300, silent: 300, slow: 40, settle: 0, rest: 2000 }
const BOMBS = ['header', 'entries', 'json', 'ping', 'streams', 'unread', 'unknown', 'signatures', 'wants']
/* Strangers hold at most three quarters of the places. */
const PEERS_MAX = 14000

/** Starts a part of the program; `said` is its standard output so far, `ready` and `over` are promises. */
const start = (node, world, ...what) => {
  const child = spawn(program, [String(node.port), world.networkKey, node.id.slice(1, 45), ...what.map(String)],
    { stdio: ['pipe', 'pipe', 'inherit'] })
  const part = { said: '' }
  part.over = new Promise((resolve) => child.once('close', resolve))
  part.ready = new Promise((resolve, reject) => {
    child.stdout.on('data', (bytes) => {
      part.said += bytes
      if (part.said.startsWith('ready\n')) resolve()
    })
    child.once('close', () => reject(new Error(`${what.join(' ')} ended: ${part.said}`)))
  })
  part.ready.catch(() => {})
  part.end = () => {
    child.stdin.end()
    return part.over
  }
  return part
}

const run = async (...args) => {
  const part = start(...args)
  await part.over
  return part.said.trim()
}

const main = async () => {
  const world = new World()
  const node = await world.node('kith', { flags: ['--peers-max', String(PEERS_MAX)] })
  try {
    const cpu = () => {
      const words = fs.readFileSync(`/proc/${node.child.pid}/stat`, 'utf8').split(') ')[1].split(' ')
      return (Number(words[11]) + Number(words[12])) * TICK_MS
    }
    const visit = async () => {
      const { sequence } = await node.publish({ type: 'post', text: `at ${Date.now()}` })
      const said = JSON.parse(await run(node, world, 'good', sequence))
      assert(said.items === 1, JSON.stringify(said))
      return said
    }
    /** The good peer, now; a sentence about it. */
    const served = async () => {
      const said = await visit()
      if (isWhole) assert(said.handshake < HANDSHAKE_MS_MAX, `its handshake took ${said.handshake} ms`)
      return `handshake ${said.handshake} ms, served in ${said.served} ms`
    }
    let base = 0
    const grown = () => {
      const bytes = node.resident() - base
      assert(bytes <= GROWTH_MAX, `${(bytes / MIB).toFixed(1)} MiB more`)
      return `memory ${bytes < 0 ? '' : '+'}${(bytes / MIB).toFixed(1)} MiB`
    }
    await node.follow(await run(node, world, 'key'))
    for (let i = 0; i < 3; i++) await visit()
    base = node.resident()
    await check('a good peer with nobody else', served)

    const before = cpu()
    const began = Date.now()
    const idle = start(node, world, 'idle', size.idle)
    await check(`${size.idle} strangers shake hands`, async () => {
      await idle.ready
      const each = (cpu() - before) / size.idle
      return `${(size.idle / (Date.now() - began) * 1000).toFixed(0)}/s, ${each.toFixed(2)} ms of CPU each, ` +
        `${((node.resident() - base) / size.idle).toFixed(0)} bytes each`
    })
    await check('a good peer beside them', served)
    await check('they cost little while they are idle', async () => {
      /* Who opens no EBT is asked the old way after a minute. */
      await sleep(size.settle)
      const each = (node.resident() - base) / size.idle
      base = node.resident()
      const from = cpu()
      await sleep(size.rest)
      return `${((cpu() - from) / size.rest * 100).toFixed(2)} % of a CPU, ${each.toFixed(0)} bytes each; ${grown()}`
    })
    const silent = start(node, world, 'silent', size.silent)
    await check(`a good peer while ${size.silent} connections pour in that never speak`, async () => {
      const first = served()
      await silent.ready
      const all = [await first]
      for (let i = 0; i < 3; i++) all.push(await served())
      return `${all.join('; ')}; ${grown()}`
    })
    await silent.end()
    const slow = start(node, world, 'slow', size.slow)
    await check(`a good peer beside ${size.slow} that say a byte now and then`, async () => {
      await slow.ready
      const said = await served()
      return `${said}; ${grown()}`
    })
    await slow.end()
    for (const name of BOMBS) {
      await check(`a good peer during the bomb "${name}"`, async () => {
        const bomb = start(node, world, 'bomb', name)
        await sleep(100)
        const said = await served()
        await bomb.over
        assert(JSON.parse(bomb.said).held, bomb.said)
        return `${said}; ${grown()}`
      })
    }
    await idle.end()
    await check('a good peer when they have all left', served)
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
