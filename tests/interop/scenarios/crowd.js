/** Two hundred connections at once: some finish the handshake, some babble, some say nothing. */
'use strict'
const assert = require('assert')
const crypto = require('crypto')
const { check, sleep } = require('../lib/check')
const { Author } = require('../lib/author')
const { content } = require('../lib/oddities')
const { dial, socket, call, drain } = require('../lib/raw')
const { settle, join, reach, same } = require('../lib/talk')

exports.about = '200 connections at once while a friend replicates'

exports.run = async ({ world, subject, peer, dose }) => {
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  const count = Math.min(dose.messages, 500)
  await theirs.follow(mine.id)
  await theirs.publishMany(Array.from({ length: count }, (_, i) => content(i, { stacks: [subject, peer], objects: true })))
  await mine.follow(theirs.id)
  await mine.publish({ type: 'post', text: 'ask for me' })
  await settle()

  /* A node may hold few handshakes at once and show others out; whoever tries again gets in. */
  const persist = async (fn) => {
    for (let i = 0; i < 30; i++) {
      const got = await fn().catch(() => null)
      if (got) return got
      await sleep(200 + crypto.randomInt(400))
    }
    return null
  }
  const open = []
  const guests = async () => {
    const kinds = Array.from({ length: dose.crowd }, (_, i) => i % 4)
    let polite = 0
    await Promise.all(kinds.map(async (kind) => {
      if (kind < 2) {
        const author = new Author()
        const rpc = await persist(() => dial(mine.address, { networkKey: world.networkKey, author }))
        if (!rpc) return
        open.push(() => rpc.close(true, () => {}))
        const said = await call(rpc.manifest).catch(() => null)
        const { items } = await drain(rpc.createHistoryStream({ id: mine.id, limit: 2 }), { quiet: 10000 })
        if (said && items.length === 2) polite++
      } else {
        const line = await socket(mine.port).catch(() => null)
        if (!line) return
        open.push(() => line.destroy())
        if (kind === 2) line.write(crypto.randomBytes(1 + crypto.randomInt(200)))
      }
    }))
    return polite
  }
  const before = mine.resident && mine.resident()
  const [polite, friend] = await Promise.all([
    guests(),
    check(`a friend replicates ${count + 1} messages meanwhile`, async () => {
      assert(await persist(() => join(theirs, mine).then(() => true)), 'it never got in')
      await reach(mine, theirs.id, count + 1)
      return same(mine, theirs, theirs.id, count + 1)
    }),
  ])
  assert(typeof friend === 'boolean')
  await check('all guests who finished the handshake are served', async () =>
    assert.strictEqual(polite, dose.crowd / 2))
  for (const close of open) close()
  await sleep(1000)
  await check(`${subject} goes on when they have left`, async () => {
    const { sequence } = await mine.publish({ type: 'post', text: 'quiet again' })
    await reach(theirs, mine.id, sequence, 20000)
  })
  if (before) {
    await check('and its memory stays small', () => {
      const mib = Math.round(mine.resident() / 1048576)
      assert(mib <= 64, `${mib} MiB`)
      return `${Math.round(before / 1048576)} MiB before, ${mib} MiB after`
    })
  }
}
