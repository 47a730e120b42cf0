/** Whom one follows and blocks decides what one holds and gives away. */
'use strict'
const assert = require('assert')
const { check, sleep } = require('../lib/check')
const { Author } = require('../lib/author')
const { ebtPeer, dial, drain } = require('../lib/raw')
const { settle, join, reach } = require('../lib/talk')

exports.about = 'hops, blocks, and feeds not meant for the one who asks'

exports.run = async ({ world, subject, peer }) => {
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  const { networkKey } = world
  const make = (count = 5) => {
    const author = new Author()
    for (let i = 0; i < count; i++) author.publish({ type: 'post', text: `post ${i}` })
    return author
  }
  const [friend, third, far, stranger] = [make(), make(), make(), make()]
  const [barred, asker] = [new Author(), new Author()]
  const contact = (author, other, is) => author.publish({ type: 'contact', contact: other, ...is })
  contact(friend, third.id, { following: true })
  contact(third, far.id, { following: true })
  contact(friend, barred.id, { blocking: true })

  for (const author of [friend, third, far, stranger]) await theirs.follow(author.id)
  for (const author of [friend, third, far, stranger]) await theirs.add(author.values)
  await mine.follow(theirs.id)
  await mine.follow(friend.id)
  await theirs.follow(mine.id)
  await settle()
  await check('they connect', () => join(theirs, mine))
  await check(`${subject} takes the feed of a friend`, () => reach(mine, friend.id, friend.values.length).then(() => {}))
  await check(`${subject} takes the feed of a friend's friend`, () => reach(mine, third.id, third.values.length).then(() => {}))

  /* `far` is two steps away through the peer, who follows it: hops 2 takes it too. */
  await check(`${subject} takes a feed that only the peer follows`, () => reach(mine, stranger.id, 5).then(() => {}))

  const ask = async (author, feed = friend) => {
    const rpc = await dial(mine.address, { networkKey, author })
    const { items, end } = await drain(rpc.createHistoryStream({ id: feed.id, keys: false }))
    rpc.close(true, () => {})
    return { count: items.length, end }
  }
  await check(`${subject} serves a stranger who asks for a feed`, async () =>
    assert.deepStrictEqual(await ask(asker), { count: friend.values.length, end: 'end' }))
  /* The classic stack minds only blocks of its own, the modern one only over EBT. */
  if (subject === 'kith') {
    await check(`${subject} serves nothing of a feed to whom its author blocks`, async () =>
      assert.deepStrictEqual(await ask(barred), { count: 0, end: 'end' }))
  }
  if (subject !== 'classic') await check(`${subject} gives no message of that feed over EBT either`, async () => {
    const link = await ebtPeer(mine.address, { networkKey, author: barred, want: [friend.id, third.id] })
    await sleep(2000)
    const from = (author) => link.heard.messages.filter((m) => m.author === author.id).length
    const found = [from(friend), from(third), link.heard.clock[friend.id]]
    await link.close()
    assert.deepStrictEqual(found, [0, third.values.length, -1])
  })
  if (subject === 'kith') {
    await check(`${subject} gives nothing of a feed it blocks itself, neither as history nor over EBT`, async () => {
      await mine.block(third.id)
      await sleep(500)
      assert.deepStrictEqual(await ask(asker, third), { count: 0, end: 'end' })
      const link = await ebtPeer(mine.address, { networkKey, author: asker, want: [friend.id, third.id] })
      await sleep(2000)
      const from = (author) => link.heard.messages.filter((m) => m.author === author.id).length
      const found = [from(friend), from(third)]
      await link.close()
      assert.deepStrictEqual(found, [friend.values.length, 0])
    })
  }
  const blocked = new Author()
  await check(`${subject} does not keep a connection with whom it blocks itself`, async () => {
    await mine.block(blocked.id)
    await sleep(500)
    const rpc = await dial(mine.address, { networkKey, author: blocked, ms: 8000 }).catch(() => null)
    if (rpc) await Promise.race([rpc.closing, sleep(8000).then(() => { throw new Error('it is still open') })])
  })
}
