/** A kith node that let a far feed go: whoever begins with that feed gets it from others and waits for nobody; what is new of it goes on through kith. */
'use strict'
const assert = require('assert')
const { check, sleep } = require('../lib/check')
const { content } = require('../lib/oddities')
const { settle, join, part, reach, same } = require('../lib/talk')

exports.about = 'a feed without its beginning: nothing with a hole, nobody left waiting, new messages go on'

const COUNT = 30
const A_WHILE_MS = 5000 /* longer than EBT waits for a source that stalls */

exports.run = async ({ world, subject, peer }) => {
  if (subject !== 'kith') return
  await check(`${peer}: who is below what kith let go gets nothing of it from kith, all of it from others, and what is new through kith`, async () => {
    const [kith, friend, author, newcomer] = [await world.node('kith'), await world.node(peer), await world.node(peer), await world.node(peer)]
    await author.publishMany(Array.from({ length: COUNT }, (_, i) => content(i, { stacks: [peer, 'kith'], objects: true })))
    await kith.publish({ type: 'post', text: 'of kith' })
    await kith.follow(friend.id)
    await friend.follow(kith.id)
    await friend.follow(author.id)
    await author.follow(friend.id)
    await settle()
    await join(author, friend)
    await reach(friend, author.id, COUNT + 1)
    await join(kith, friend)
    await reach(kith, author.id, COUNT + 1)
    const gone = await kith.json('person', 'remove', author.id)
    assert.strictEqual(gone.messages, COUNT + 1)
    assert.strictEqual((await kith.dump(author.id)).length, 0)
    await part(kith, friend)
    await newcomer.follow(kith.id)
    await newcomer.follow(author.id)
    await kith.follow(newcomer.id)
    await settle()
    await join(newcomer, kith)
    await reach(newcomer, kith.id, 2)
    await sleep(A_WHILE_MS)
    assert.strictEqual((await newcomer.head(author.id)).sequence, 0)
    await friend.follow(newcomer.id)
    await settle()
    await join(newcomer, friend)
    await reach(newcomer, author.id, COUNT + 1)
    await part(newcomer, friend)
    await author.publish({ type: 'post', text: 'new' })
    await reach(friend, author.id, COUNT + 2)
    await join(kith, friend)
    await reach(kith, author.id, COUNT + 2)
    await reach(newcomer, author.id, COUNT + 2)
    await same(newcomer, friend, author.id, COUNT + 2)
    await Promise.all([kith.stop(), friend.stop(), author.stop(), newcomer.stop()])
  })
}
