#!/usr/bin/env node
/**
 * Do nodes that were told nothing but a key find each other in a local network? Two kiths and one
 * ssb-server in network namespaces of their own, and a listener that looks at every beacon:
 * `make lan-test`. Where namespaces are not permitted it says so, and counts as skipped.
 */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const readline = require('readline')
const { check, sumUp, until, within } = require('../lib/check')
const { Kith } = require('../lib/kith')
const { reach, same } = require('../lib/talk')
const { World } = require('../lib/world')
const { Ground } = require('./ground')

const FOUND_MS = 15000 /* what was promised: three beacons of ours, less what a start takes */
const TWIN_MS = 10000 /* two beacons */
const PORT = 8008

/** The beacons heard so far, by sender. */
function listen(ground) {
  const heard = []
  const child = ground.spawn(ground.hub, process.execPath, [path.join(__dirname, 'listen.js')], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const ready = new Promise((resolve) => readline.createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line)
    if (said.ready) resolve()
    else heard.push(said)
  }))
  return { heard, ready: within(10000, 'the listener is ready', ready), stop: () => { child.stdin.end(); return ended } }
}

/** A child of the harness, but on `machine` and with the ports everybody expects. */
const on = (machine, more = {}) => ({ machine, host: machine.host, port: PORT, lan: true, ...more })

const together = async (a, b) =>
  until(`${a.stack} and ${b.stack} are connected`, async () =>
    (await a.peers()).includes(b.id) && (await b.peers()).includes(a.id), { ms: FOUND_MS })

function judgeBeacon(packet, node) {
  assert.strictEqual(packet.port, PORT, 'the source port')
  assert.ok(packet.bytes <= 128, `${packet.bytes} bytes`)
  assert.strictEqual(packet.text, `net:${packet.host}:${PORT}~shs:${node.id.slice(1, 45)}`)
}

async function kiths(ground, world, ears) {
  const a = await world.node('kith', on(ground.machine('a', 2)))
  const b = await world.node('kith', on(ground.machine('b', 3)))
  const post = await b.publish({ type: 'post', text: 'here I am' })
  await a.follow(b.id)
  await b.follow(a.id)
  await check('two kiths that follow each other by bare key are connected within 15 s', () => together(a, b).then(() => {}))
  await check('and have each other\'s messages', async () => {
    await reach(a, b.id, post.sequence + 1, 10000)
    await reach(b, a.id, 1, 10000)
    await same(a, b, b.id, post.sequence + 1)
  })
  for (const node of [a, b]) {
    const from = () => ears.heard.filter((packet) => packet.host === node.host)
    await check(`${node.host} sends one net: address of at most 128 bytes from the address in it, port 8008`, async () => {
      await until('three beacons', () => from().length >= 3, { ms: 20000 })
      for (const packet of from()) judgeBeacon(packet, node)
      const pauses = from().slice(1).map((packet, i) => packet.at - from()[i].at)
      assert.ok(Math.min(...pauses) >= 900, `two beacons ${Math.min(...pauses)} ms apart`)
      return `${from()[0].bytes} bytes`
    })
  }
  return { a, b }
}

async function server(ground, world, a) {
  const s = await world.node('classic', on(ground.machine('s', 4)))
  await a.follow(s.id)
  await s.follow(a.id)
  await check('kith finds ssb-server by its beacon and connects', () => together(a, s).then(() => {}))
  await check('ssb-server (ssb-local) finds kith by its beacon', () =>
    until('kith is in its table', async () => (await s.tell('local'))[a.id], { ms: FOUND_MS }).then(() => {}))
  await check('they have each other\'s messages', async () => {
    await reach(a, s.id, 1, 30000)
    await reach(s, a.id, 2, 30000)
  })
  await check('after ssb-server went and came back they are connected again', async () => {
    await s.stop()
    await until('kith notices', async () => !(await a.peers()).includes(s.id), { ms: 15000 })
    await s.start()
    await until('connected', async () => (await a.peers()).includes(s.id), { ms: 2 * FOUND_MS })
  })
}

async function stranger(ground, world, { a, b }) {
  const c = await world.node('kith', on(ground.machine('c', 5)))
  await check('a stranger in the same network is listed, but nobody dials them', async () => {
    await until('listed', async () => (await a.json('peers')).some((row) => row.id === c.id), { ms: FOUND_MS })
    for (const node of [a, b]) assert.ok(!(await node.peers()).includes(c.id))
    assert.deepStrictEqual(await c.peers(), [])
  })
}

/** A data directory was copied to a second machine, and both are started. */
async function twins(ground, world) {
  const d = await world.node('kith', on(ground.machine('d', 6)))
  await d.publish({ type: 'post', text: 'from the one and only' })
  await d.stop()
  const machine = ground.machine('e', 7)
  const e = new Kith({ stack: 'kith', dir: d.dir + '-copied', networkKey: d.networkKey, hops: 2, ...on(machine) })
  fs.cpSync(d.dir, e.dir, { recursive: true })
  world.nodes.push(e)
  let published = 0
  const tryToPublish = (node) => node.publish({ type: 'post', text: `from ${node.host}` }).then(() => { published++ }, () => {})
  await Promise.all([d.start(), e.start()])
  const began = Date.now()
  await Promise.all([tryToPublish(d), tryToPublish(e)])
  await check('of two nodes with one key both know of the other within 10 s', async () => {
    for (const [node, other] of [[d, e], [e, d]]) {
      const { state, why } = await until(`${node.host} says so`, async () => {
        const safety = await node.safety()
        return safety.cause === 'twin' && safety
      }, { ms: TWIN_MS })
      assert.strictEqual(state, 'SUSPECT')
      assert.ok(why.includes(other.host), why)
    }
    return `${Date.now() - began} ms`
  })
  await check('and at most one of them has published, and neither does now', async () => {
    assert.ok(published <= 1, `${published} have`)
    for (const node of [d, e]) await assert.rejects(node.publish({ type: 'post', text: 'no' }))
    const heads = await Promise.all([d.head(d.id), e.head(d.id)])
    assert.ok(Math.abs(heads[0].sequence - heads[1].sequence) <= 1)
  })
  await check('a node that is alone with its key is not its own twin', async () => {
    for (const node of world.nodes.filter((node) => node.stack === 'kith' && node !== d && node !== e)) {
      assert.strictEqual((await node.safety()).state, 'CLEAN')
    }
  })
}

async function main() {
  const ground = new Ground()
  const why = ground.open()
  if (why) {
    console.log(`skipped: ${why}`)
    console.log('0 passed, 0 failed, 1 skipped')
    return
  }
  const world = new World()
  const ears = listen(ground)
  try {
    await ears.ready
    const nodes = await kiths(ground, world, ears)
    await server(ground, world, nodes.a)
    await stranger(ground, world, nodes)
    await twins(ground, world)
  } catch (err) {
    await check('the scenario runs to its end', () => { throw err })
  } finally {
    await world.close()
    await ears.stop()
    ground.close()
  }
  process.exitCode = sumUp()
}

main().catch((err) => {
  console.error(err)
  process.exitCode = 1
})
