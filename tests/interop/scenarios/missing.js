/** A single message is asked for of a peer that does not know the question: it refuses once, and nothing else changes. */
'use strict'
const assert = require('assert')
const { check } = require('../lib/check')
const { Author, keyOf } = require('../lib/author')
const { settle, join, live } = require('../lib/talk')

exports.about = 'kith.message, and its polite refusal by others'

const refusals = (node) => (node.log().match(/missing\.refused/g) || []).length
const pathOf = (key) => key.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')

exports.run = async ({ world, subject, peer }) => {
  if (subject !== 'kith') return
  /* The peer holds it and would give all of it as a history: who wrote it is all that we do not know. */
  const author = new Author()
  author.publish({ type: 'post', text: 'here and nowhere else' })
  const key = keyOf(author.values[0])
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  await theirs.follow(author.id)
  await theirs.add(author.values)
  await theirs.follow(mine.id)
  await mine.follow(theirs.id)
  await settle()
  await check('they connect', () => join(mine, theirs))
  const fetch = async () => {
    const { status, json } = await mine.ask('POST', `/api/message/${pathOf(key)}/fetch`, {})
    assert.strictEqual(status, 200, JSON.stringify(json))
    return json
  }
  await check(`${peer} refuses kith.message once, and the owner is told`, async () => {
    for (let i = 0; i < 2; i++) {
      assert.deepStrictEqual(await fetch(), { found: false, came: 0, asked: 1, cannot: 1, silent: 0, blocked: false })
    }
    assert.strictEqual(refusals(mine), 1)
    return mine.log().match(/missing\.refused[^\n]*/)[0].slice(0, 160)
  })
  await check('they stay connected, and posts go on', async () => {
    assert((await theirs.peers()).includes(mine.id) && (await mine.peers()).includes(theirs.id))
    const slowest = Math.max(await live(theirs, mine, 2), await live(mine, theirs, 2))
    return `the slowest after ${slowest} ms`
  })
}
