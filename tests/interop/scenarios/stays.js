/**
 * Dialled by the stack's own connection manager, a link stays: ssb-gossip drops a server after 10 to
 * 12 seconds unless `gossip.ping` was answered.
 */
'use strict'
const assert = require('assert')
const { check, sleep } = require('../lib/check')
const { settle, reach, until } = { ...require('../lib/talk'), ...require('../lib/check') }

exports.about = "the stack's own connection manager keeps the link"

exports.run = async ({ world, subject, peer }) => {
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  await mine.follow(theirs.id)
  await theirs.follow(mine.id)
  await settle()
  await check('a link made by the connection manager is there after 16 s, and works', async () => {
    await theirs.connect(mine.address, true)
    await until('they are connected', async () => (await mine.peers()).includes(theirs.id))
    await sleep(16000)
    assert((await mine.peers()).includes(theirs.id), 'it was dropped')
    const { sequence } = await mine.publish({ type: 'post', text: 'are you there?' })
    await reach(theirs, mine.id, sequence, 10000)
  })
}
