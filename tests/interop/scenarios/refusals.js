/** How ebt.replicate is refused, and that one refusal spoils nothing. */
'use strict'
const assert = require('assert')
const { check, until, sleep } = require('../lib/check')
const { Author } = require('../lib/author')
const { dial, ebtPeer, drain, pushable, hangUp } = require('../lib/raw')
const pull = require('pull-stream')

exports.about = 'ebt.replicate in other versions and formats, twice, and as a fallback'

exports.run = async ({ world, subject, peer }) => {
  const { networkKey } = world
  const mine = await world.node(subject)
  void peer
  const ask = async (...args) => {
    const rpc = await dial(mine.address, { networkKey })
    const duplex = rpc.stream.remoteCall('duplex', ['ebt', 'replicate'], args)
    pull(pushable().source, duplex.sink)
    const { items, end } = await drain(duplex.source, { quiet: 1500 })
    const after = await drain(rpc.createHistoryStream({ id: mine.id }))
    await hangUp(rpc)
    return { items, end, after: after.end }
  }
  const refused = { classic: ['version 1'], modern: ['version 1', 'version 2', 'an unknown format'], kith: ['version 1', 'version 2', 'an unknown format'] }
  const asked = {
    'version 1': [[{ version: 1 }], /version/],
    'version 2': [[{ version: 2 }], /expected ebt\.replicate\(\{version: ?3/],
    'an unknown format': [[{ version: 3, format: 'knitting' }], /Unknown format: knitting|unknown format/i],
  }
  for (const what of refused[subject]) {
    await check(`${subject} refuses ${what} with an error and keeps the connection`, async () => {
      const [args, text] = asked[what]
      const said = await ask(...args)
      assert.match(String(said.end), text)
      assert.strictEqual(said.after, 'end')
    })
  }
  if (subject === 'kith') {
    await check('kith answers ebt.replicate without arguments with an error', async () => {
      const said = await ask()
      assert.match(String(said.end), /^error: /)
    })
  }
  for (const options of [{ version: 3 }, { version: 3, format: 'classic' }]) {
    await check(`${subject} opens with notes when asked for ${JSON.stringify(options)}`, async () => {
      const link = await ebtPeer(mine.address, { networkKey, author: new Author(), options })
      await until('notes arrive', () => link.heard.notes.length > 0, { ms: 5000 })
      await link.close()
    })
  }
  await check(`${subject} ends the older of two streams of one peer`, async () => {
    const author = new Author()
    const one = await ebtPeer(mine.address, { networkKey, author })
    await until('notes arrive', () => one.heard.notes.length > 0, { ms: 5000 })
    const two = await ebtPeer(mine.address, { networkKey, author })
    await until('notes arrive', () => two.heard.notes.length > 0, { ms: 5000 })
    const { key, sequence } = await mine.publish({ type: 'post', text: 'to the newer' })
    two.say({ [mine.id]: 0 })
    await until('the message arrives', () => two.heard.messages.some((m) => m.sequence === sequence), { ms: 5000 })
    await until('the older has ended', () => one.heard.end, { ms: 5000 })
    await Promise.all([one.close(), two.close()])
    return `${one.heard.end}; ${key.slice(0, 6)}…`
  })
  await sleep(100)
}
