/** Several peers that all have the same feeds: kith takes each message about once, and from the next when one sleeps. */
'use strict'
const assert = require('assert')
const { check } = require('../lib/check')
const { Author } = require('../lib/author')
const { settle, join, reach, same } = require('../lib/talk')

exports.about = 'the same feeds from several peers of both stacks, each message about once'
exports.peers = ['modern'] /* once: every other peer is of the classic stack */

exports.run = async ({ world, subject, dose }) => {
  const mine = await world.node(subject)
  const theirs = []
  for (let i = 0; i < dose.sources; i++) theirs.push(await world.node(i % 2 ? 'classic' : 'modern'))
  const authors = [new Author(), new Author(), new Author(), new Author()]
  const late = authors[3] /* whom the subject follows later */
  for (const author of authors) {
    for (let i = 0; i < dose.messages; i++) author.publish({ type: 'post', text: `post ${i}` })
  }
  const writer = theirs[0]
  for (const one of theirs) {
    const held = one === writer ? authors.slice(0, 3) : authors
    for (const author of held) await one.follow(author.id)
    if (one !== writer) await one.follow(writer.id)
    for (const author of held) await one.add(author.values)
  }
  for (const author of authors.slice(0, 3)) await mine.follow(author.id)
  await mine.follow(writer.id) /* and not the others: what they follow is not wanted yet */
  await settle()

  const count = async () => {
    if (subject !== 'kith') return null
    const { json } = await mine.ask('GET', '/api/status')
    const { messages_in, duplicates, note_bytes_in, note_bytes_out } = json.counters
    return { stored: messages_in, received: messages_in + duplicates, notes: note_bytes_in + note_bytes_out }
  }
  const judge = async (before, most) => {
    const after = await count()
    if (!after) return ''
    const [stored, received, notes] = ['stored', 'received', 'notes'].map((key) => after[key] - before[key])
    assert(received <= stored * most, `${received} received for ${stored}`)
    return `${received} received, ${stored} stored, ${notes} bytes of notes`
  }
  const none = await count()
  await check(`what ${dose.sources} peers have arrives about once`, async () => {
    await Promise.all(theirs.map((one) => join(mine, one)))
    for (const author of authors.slice(0, 3)) await reach(mine, author.id, dose.messages)
    await settle()
    await same(mine, writer, authors[0].id, dose.messages)
    return judge(none, 1.5)
  })
  await check('what one of them writes arrives about once, though all hand it on', async () => {
    for (const other of theirs.slice(1)) await join(writer, other)
    await settle()
    const before = await count()
    for (let i = 0; i < dose.live; i++) {
      const { sequence } = await writer.publish({ type: 'post', text: `live ${i}` })
      await reach(mine, writer.id, sequence, 20000, 25)
    }
    return judge(before, 2)
  })
  await check('those who fall asleep over a feed are passed over for the one that gives it', async () => {
    assert.strictEqual((await mine.head(late.id)).sequence, 0)
    const awake = theirs[1]
    const sleepers = theirs.filter((one) => one !== awake)
    for (const one of sleepers) one.child.kill('SIGSTOP')
    try {
      await mine.follow(late.id)
      await reach(mine, late.id, dose.messages, 60000)
    } finally {
      for (const one of sleepers) one.child.kill('SIGCONT')
    }
    return same(mine, awake, late.id, dose.messages)
  })
}
