/** Two friends who both wrote a lot before they met; then they stay and talk. */
'use strict'
const assert = require('assert')
const { check } = require('../lib/check')
const { Author } = require('../lib/author')
const { content, timestamp } = require('../lib/oddities')
const { settle, join, reach, same, sameBytes, live } = require('../lib/talk')

exports.about = 'messages with oddities both ways, live posts'
exports.bothWays = true

/* JSON as people and scripts write it, which JSON.stringify would never print so. */
const texts = [
  ' { "type" : "post" ,\n\t"text" : "spaces" } ',
  '{"type":"post","text":"\\u0041\\/\\u00e9\\ud83e\\uddf6\\u0000\\u001F"}',
  '{"type":"numbers","list":[1.0,1e2,1E+2,-0,-0.0,0.10,100000000000000000000000,1e-7,0.0000001,12345678901234567890]}',
  '{"9":"nine","type":"keys","1":"one","01":"zero one","a":{"2":2,"b":0,"1":1}}',
  '{"\\u0074ype":"post","te\\u0078t":"escaped names"}',
]

exports.run = async ({ world, subject, peer, dial, dose }) => {
  const count = dose.messages
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  const stacks = [subject, peer]

  /* A third author: only messages a publish call would not write, held by the JavaScript side. */
  const odd = new Author()
  for (let i = 0; i < count; i++) odd.publish(content(i, { stacks }), timestamp(i))
  await theirs.add(odd.values)

  const contents = Array.from({ length: count - 1 }, (_, i) => content(i, { stacks, objects: true }))
  await theirs.follow(mine.id)
  await theirs.publishMany(contents)
  await mine.follow(theirs.id)
  await mine.follow(odd.id)
  await mine.publishMany(contents.slice(1))
  await theirs.follow(odd.id)
  await settle()

  await check(`they connect`, () => (dial === 'out' ? join(mine, theirs) : join(theirs, mine)))
  await check(`${count + 1} messages of ${peer} arrive at ${subject}`, async () => {
    await reach(mine, theirs.id, count + 1)
    return same(mine, theirs, theirs.id, count + 1)
  })
  await check(`${count} messages of ${subject} arrive at ${peer}`, async () => {
    await reach(theirs, mine.id, count)
    return same(mine, theirs, mine.id, count)
  })
  await check(`${count} messages of a third author, with strange timestamps, arrive at ${subject}`, async () => {
    await reach(mine, odd.id, count)
    return same(mine, theirs, odd.id, count)
  })
  await check(`${subject} prints each message as JSON.stringify does`, async () => {
    for (const feed of [mine.id, theirs.id, odd.id]) await sameBytes([mine, theirs], feed)
  })
  if (mine.publishText) {
    await check('what is published as loose JSON arrives as JavaScript reads it', async () => {
      for (const text of texts) await mine.publishText(text)
      const { sequence } = await mine.head(mine.id)
      await reach(theirs, mine.id, sequence)
      const got = (await theirs.dump(mine.id)).slice(-texts.length)
      assert.deepStrictEqual(got.map((m) => JSON.stringify(m.value.content)), texts.map((text) => JSON.stringify(JSON.parse(text))))
      return same(mine, theirs, mine.id, sequence)
    })
  }
  await check(`live posts of ${peer} reach ${subject} within 2 s`, async () => {
    const slowest = await live(theirs, mine, dose.live)
    assert(slowest <= 2000, `the slowest took ${slowest} ms`)
    return `slowest ${slowest} ms`
  })
  await check(`live posts of ${subject} reach ${peer} within 2 s`, async () => {
    const slowest = await live(mine, theirs, dose.live)
    assert(slowest <= 2000, `the slowest took ${slowest} ms`)
    return `slowest ${slowest} ms`
  })
}
