/** Power cuts at random moments while the owner publishes and a friend replicates. */
'use strict'
const assert = require('assert')
const { check, sleep, until } = require('../lib/check')
const { reach, same } = require('../lib/talk')

exports.about = 'killed at random moments while publishing: nothing acknowledged is lost, nothing forks'
exports.peers = ['classic'] /* nobody of theirs takes part; once is enough */

exports.run = async ({ world, subject, dose }) => {
  if (subject !== 'kith') return
  const mine = await world.node('kith')
  const witness = await world.node('kith')
  await witness.follow(mine.id)
  await mine.follow(witness.id)
  await witness.connect(mine.address)

  const acknowledged = new Map()
  let running = true
  let count = 0
  const publisher = async (name) => {
    while (running) {
      try {
        const { key, sequence } = await mine.publish({ type: 'post', text: `${name} ${count++}` })
        acknowledged.set(sequence, key)
      } catch { await sleep(20) /* the node is down, or went down just now */ }
    }
  }
  const chat = async () => {
    while (running) {
      await witness.publish({ type: 'post', text: `to whom it may concern ${count++}` }).catch(() => {})
      await sleep(50)
    }
  }
  const work = [publisher('one'), publisher('two'), publisher('three'), chat()]
  let slowest = 0
  await check(`${dose.kills} power cuts, and the node starts each time`, async () => {
    for (let i = 0; i < dose.kills; i++) {
      await sleep(Math.random() * 700)
      await mine.kill()
      const began = Date.now()
      await mine.start()
      slowest = Math.max(slowest, Date.now() - began)
    }
    return `the slowest start took ${slowest} ms with the harness's questions`
  })
  await check('SIGTERM in full traffic ends it in order', async () => {
    await sleep(300)
    const began = Date.now()
    mine.child.kill('SIGTERM')
    await mine.exited
    assert.deepStrictEqual(mine.end, { code: 0, signal: null })
    const ms = Date.now() - began
    await mine.start()
    return `${ms} ms`
  })
  running = false
  await Promise.all(work)
  await check('no acknowledged message is lost or changed', async () => {
    const held = await mine.dump(mine.id)
    held.forEach((m, i) => assert.strictEqual(m.value.sequence, i + 1))
    for (const [sequence, key] of acknowledged) assert.strictEqual(held[sequence - 1] && held[sequence - 1].key, key, `message ${sequence}`)
    return `${acknowledged.size} acknowledged, ${held.length} held`
  })
  await check('the witness holds the same feed: there was no fork', async () => {
    await until('connected', async () => {
      if ((await mine.peers()).includes(witness.id)) return true
      return witness.connect(mine.address).then(() => true)
    })
    const { sequence } = await mine.head(mine.id)
    await reach(witness, mine.id, sequence, 30000)
    return same(mine, witness, mine.id, sequence)
  })
  await check('kith check finds nothing, and publishing goes on', async () => {
    for (const node of [mine, witness]) assert.strictEqual((await node.json('check')).fault_count, 0)
    assert.strictEqual((await mine.json('status')).state, 'CLEAN')
    await mine.publish({ type: 'post', text: 'after all that' })
  })
}
