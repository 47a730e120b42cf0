/** A peer of the years before EBT: everything goes through createHistoryStream. */
'use strict'
const assert = require('assert')
const { check } = require('../lib/check')
const { content } = require('../lib/oddities')
const { settle, join, reach, same, live } = require('../lib/talk')

exports.about = 'a classic peer without EBT: createHistoryStream both ways'
exports.bothWays = true
exports.peers = ['classic']

exports.run = async ({ world, subject, peer, dial, dose }) => {
  const count = Math.min(dose.messages, 500)
  const mine = await world.node(subject)
  const theirs = await world.node(peer, { without: ['ssb-ebt'] })
  const stacks = [subject, peer]
  const contents = Array.from({ length: count - 1 }, (_, i) => content(i, { stacks, objects: true }))
  await theirs.follow(mine.id)
  await theirs.publishMany(contents)
  await mine.follow(theirs.id)
  await mine.publishMany(contents)
  await settle()
  await check('they connect', () => (dial === 'out' ? join(mine, theirs) : join(theirs, mine)))
  await check(`messages of ${peer} arrive at ${subject}`, async () => {
    await reach(mine, theirs.id, count)
    return same(mine, theirs, theirs.id, count)
  })
  await check(`messages of ${subject} arrive at ${peer}`, async () => {
    await reach(theirs, mine.id, count)
    return same(mine, theirs, mine.id, count)
  })
  await check('live posts arrive within 2 s each way', async () => {
    const slowest = Math.max(await live(theirs, mine, dose.live), await live(mine, theirs, dose.live))
    assert(slowest <= 2000, `the slowest took ${slowest} ms`)
    return `slowest ${slowest} ms`
  })
}
