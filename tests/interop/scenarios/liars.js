/** Feeds that are forked or wrongly signed: the good beginning is kept, the rest goes nowhere. */
'use strict'
const assert = require('assert')
const { check, sleep, until } = require('../lib/check')
const { Author, keyOf } = require('../lib/author')
const { ebtPeer } = require('../lib/raw')
const { settle, join, reach } = require('../lib/talk')

exports.about = 'a forking peer, wrong signatures, gaps, rubbish instead of messages'

const posts = (author, count) => {
  for (let i = 0; i < count; i++) author.publish({ type: 'post', text: `post ${i}` })
  return author.values
}

/* Each: what is offered of a feed, and how much of it is good. */
const tales = {
  'a fork': (author) => {
    const good = posts(author, 5)
    const twin = author.after(good[3], { type: 'post', text: 'another fifth' }, 1600000000009)
    const sixth = author.after(twin, { type: 'post', text: 'after the other fifth' }, 1600000000010)
    return { offered: [...good, twin, sixth], good: 5 }
  },
  'a wrong signature': (author) => {
    const good = posts(author, 8)
    const bad = good.map((m) => (m.sequence === 5 ? { ...m, content: { type: 'post', text: 'forged' } } : m))
    return { offered: bad, good: 4 }
  },
  'a wrong previous': (author) => {
    const good = posts(author, 4)
    const bad = author.sign({ previous: keyOf(good[1]), sequence: 5, author: author.id, timestamp: 1, hash: 'sha256', content: { type: 'post', text: 'x' } })
    return { offered: [...good, bad, author.after(bad, { type: 'post', text: 'y' }, 2)], good: 4 }
  },
  'a gap': (author) => {
    const good = posts(author, 8)
    return { offered: good.filter((m) => m.sequence !== 4), good: 3 }
  },
  'a content that is too long': (author) => {
    const good = posts(author, 3)
    const bad = author.after(good[2], { type: 'post', text: 'x'.repeat(20000) }, 4)
    return { offered: [...good, bad, author.after(bad, { type: 'post', text: 'y' }, 5)], good: 3 }
  },
  "another author's signature": (author) => {
    const good = posts(author, 3)
    const bad = new Author().sign({ ...author.after(good[2], { type: 'post', text: 'x' }, 4), signature: undefined })
    return { offered: [...good, bad], good: 3 }
  },
}

exports.run = async ({ world, subject, peer }) => {
  const { networkKey } = world
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  await mine.follow(theirs.id)
  await theirs.follow(mine.id)
  const liars = Object.keys(tales).map((name) => {
    const author = new Author()
    return { name, author, ...tales[name](author) }
  })
  for (const { author } of liars) {
    await mine.follow(author.id)
    await theirs.follow(author.id)
  }
  await settle()
  await join(theirs, mine)

  /* ssb-db2 throws away a whole batch for one bad message; kith gets good and bad in one breath. */
  const pause = subject === 'kith' ? 0 : 1000
  const links = []
  await Promise.all(liars.map(({ name, author, offered, good }) =>
    check(`${name}: ${subject} keeps the ${good} good messages and no more`, async () => {
      const pace = async (value) => { if (value === offered[good]) await sleep(pause) }
      const link = await ebtPeer(mine.address, { networkKey, author: new Author(), messages: { [author.id]: offered }, pace })
      links.push(link)
      await until(`${subject} asks for the feed`, () => link.offered.has(author.id))
      await reach(mine, author.id, good, 20000)
      await sleep(pause + 1000)
      const held = await mine.dump(author.id)
      assert.deepStrictEqual(held.map((m) => m.key), offered.slice(0, good).map(keyOf))
    })))
  for (const { name, author, good } of liars) {
    await check(`${name}: only the good beginning reaches the ${peer} peer`, async () => {
      await reach(theirs, author.id, good, 20000)
      await sleep(200)
      assert.strictEqual((await theirs.head(author.id)).sequence, good)
    })
  }
  await check(`${subject} still gives and takes`, async () => {
    const a = await theirs.publish({ type: 'post', text: 'still here' })
    await reach(mine, theirs.id, a.sequence, 20000)
    const b = await mine.publish({ type: 'post', text: 'so am I' })
    await reach(theirs, mine.id, b.sequence, 20000)
  })
  /* Both JavaScript stacks end their process on some of these. */
  if (subject === 'kith') await check('rubbish in place of messages and notes does not end the others', async () => {
    const link = await ebtPeer(mine.address, { networkKey, author: new Author() })
    const feed = liars[0].author.id
    for (const item of [{ [feed]: 'x' }, { [feed]: 1.5 }, { nonsense: 4 }, { clock: { [feed]: 2 } }, { author: feed, sequence: 0, content: true },
      { author: feed, sequence: 1, content: 'x' }, { author: feed, sequence: 7, content: { type: 'x' }, previous: 5 }, [], 'text', 5, null, true]) link.say(item)
    await sleep(500)
    const a = await theirs.publish({ type: 'post', text: 'and now' })
    await reach(mine, theirs.id, a.sequence, 20000)
    await link.close()
  })
  for (const link of links) await link.close()
}
