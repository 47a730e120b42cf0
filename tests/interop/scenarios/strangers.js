/** A peer that says whatever hurts: kith refuses it, its memory stays flat, and the others notice nothing. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const { check, sleep, until } = require('../lib/check')
const { Author, keyOf } = require('../lib/author')
const { bytes, packet, dial, ebtPeer, drain, hangUp } = require('../lib/raw')
const { reach } = require('../lib/talk')

exports.about = 'hostile packets, calls, notes, messages and readers'
exports.peers = ['classic']

const MIB = 1024 * 1024
const GROWTH = 24 * MIB /* 16 for what one peer may make us hold, and the allocator's share */
const STREAM = 8
const END = 4
const STRING = 1
const JSON_BODY = 2

const randomFeed = () => new Author().id
const history = (id, more = {}) => ({ name: ['createHistoryStream'], type: 'source', args: [{ id, ...more }] })

/* Each gets a fresh connection and writes; `closes`: kith must end it. */
const packets = {
  'a body of 4 GiB': { closes: true, say: (link) => link.write(packet(JSON_BODY, 1, 'x'.repeat(100), 0xffffffff)) },
  'a JSON body one byte over the limit': { closes: true, say: (link) => link.write(packet(JSON_BODY, 1, '"' + 'x'.repeat(65535) + '"')) },
  'a binary body of 16 MiB': { closes: true, say: (link) => link.write(packet(STREAM, 1, Buffer.alloc(16 * MIB))) },
  'bytes that are no packets': { closes: true, say: (link) => link.write(Buffer.alloc(100000, 0xff)) },
  'a request with number 0 and no end of it': { closes: false, say: (link) => link.write(packet(JSON_BODY, 0, { name: ['whoami'], args: [], type: 'async' })) },
  'rubbish instead of JSON': { closes: false, say: (link) => { for (let i = 1; i < 40; i++) link.write(packet(JSON_BODY, i, '{"name":[')) } },
  'JSON that is nested 30,000 deep': { closes: false, say: (link) => link.write(packet(JSON_BODY, 1, '['.repeat(30000) + ']'.repeat(30000))) },
  'bodies without a byte': { closes: false, say: (link) => { for (let i = 1; i < 200; i++) link.write(packet(JSON_BODY | (i & 12), i, '')) } },
  'ends of streams that never were': { closes: false, say: (link) => { for (let i = 1; i < 5000; i++) link.write(packet(STREAM | END | JSON_BODY, i % 2 ? i : -i, 'true')) } },
  'answers to questions that were never asked': { closes: false, say: (link) => { for (let i = 1; i < 5000; i++) link.write(packet(JSON_BODY, -1000 - i, '{"id":"@x"}')) } },
  'names of methods of every kind': {
    closes: false,
    say: (link) => [null, 5, 'x', {}, [], [[]], [''], ['__proto__'], ['a'.repeat(60000)], Array(20000).fill('a'), ['ebt', { a: 1 }], ['createHistoryStream', '']].forEach((name, i) =>
      link.write(packet(JSON_BODY, i + 1, { name, args: [], type: 'async' }))),
  },
  'arguments of every kind': {
    closes: false,
    say: (link) => [null, [], [[]], ['x'], [5], [{ id: 5 }], [{ id: '@x' }], [{ id: randomFeed(), seq: -1 }], [{ id: randomFeed(), seq: 1e400, limit: 'x' }], [{ id: randomFeed(), limit: 1e300, live: 'yes', keys: 7 }], {}, 'x'].forEach((args, i) =>
      link.write(packet(STREAM | JSON_BODY, i + 1, { name: ['createHistoryStream'], args, type: 'source' }))),
  },
  'half a packet, and then silence': { closes: false, say: (link) => link.write(packet(JSON_BODY, 1, 'x', 60000)) },
  '1,000 streams that stay open': {
    closes: false,
    say: (link, { mine }) => { for (let i = 1; i <= 1000; i++) link.write(packet(STREAM | JSON_BODY, i, history(mine.id, { live: true }))) },
  },
  '5,000 requests for the whole history': {
    closes: false,
    say: (link, { big }) => { for (let i = 1; i <= 5000; i++) link.write(packet(STREAM | JSON_BODY, i, history(big.id))) },
  },
  'text items of every size where none belong': { closes: false, say: (link) => { for (let i = 1; i < 60; i++) link.write(packet(STREAM | STRING, i, 'x'.repeat(i * 1000))) } },
}

/* A feed of about 24 MiB, so that a reader who does not read would fill memory. */
async function bigFeed(world, mine) {
  const author = new Author()
  for (let i = 0; i < 3500; i++) author.publish({ type: 'post', text: `${i} `.padEnd(7000, 'x') })
  const file = path.join(world.dir, 'big.json')
  fs.writeFileSync(file, author.values.map((value) => JSON.stringify(value)).join('\n'))
  await mine.stop()
  await mine.command('import', file)
  fs.rmSync(file)
  await mine.start()
  return author
}

const cpu = (pid) => fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).reduce((sum, n) => sum + Number(n), 0) * 10

exports.run = async ({ world, subject }) => {
  if (subject !== 'kith') return
  const { networkKey } = world
  const mine = await world.node('kith')
  const friend = await world.node('kith')
  await mine.follow(friend.id)
  await friend.follow(mine.id)
  const big = await bigFeed(world, mine)
  const victim = new Author()
  for (let i = 0; i < 1500; i++) victim.publish({ type: 'post', text: `post ${i}`.padEnd(300, '.') })
  await mine.follow(victim.id)
  await mine.follow(big.id)
  await friend.connect(mine.address)
  const meet = () => until('the friend is connected', async () => (await mine.peers()).includes(friend.id) || friend.connect(mine.address).then(() => true))
  const first = await friend.publish({ type: 'post', text: 'a good one' })
  await reach(mine, friend.id, first.sequence, 10000)
  /* As large as it gets in honest work: somebody read everything once. */
  const reader = await dial(mine.address, { networkKey })
  assert.strictEqual((await drain(reader.createHistoryStream({ id: big.id }), { quiet: 10000 })).items.length, 3500)
  await hangUp(reader)
  const base = mine.resident()
  const pid = mine.child.pid

  const isWell = async () => {
    assert.strictEqual(mine.child && mine.child.pid, pid, 'it is another process')
    await meet()
    const { sequence } = await friend.publish({ type: 'post', text: 'still here' })
    await reach(mine, friend.id, sequence, 10000, 20)
    const back = await mine.publish({ type: 'post', text: 'so am I' })
    await reach(friend, mine.id, back.sequence, 10000, 20)
    const grown = mine.resident() - base
    assert.ok(grown < GROWTH, `${Math.round(grown / MIB)} MiB more than before`)
    return `${(grown / MIB).toFixed(1)} MiB`
  }

  for (const [name, { closes, say }] of Object.entries(packets)) {
    await check(`${name}: ${closes ? 'the connection ends, and ' : ''}the others notice nothing`, async () => {
      const link = await bytes(mine.address, { networkKey })
      say(link, { mine, big })
      if (closes) await until('it is closed', () => link.isClosed, { ms: 10000 })
      else await sleep(400)
      const said = await isWell()
      await link.close()
      return said
    })
  }
  await check('of 65 streams 64 are served and one is refused', async () => {
    const link = await bytes(mine.address, { networkKey })
    for (let i = 1; i <= 65; i++) link.write(packet(STREAM | JSON_BODY, i, history(mine.id, { live: true, old: false })))
    await until('one is refused', () => link.read.some((p) => p.req === -65 && p.flags & END), { ms: 5000 })
    assert.ok(!link.isClosed)
    assert.ok(!link.read.some((p) => p.req > -65 && p.req < 0 && p.flags & END))
    await link.close()
  })
  await check('10 readers who ask 20 times for everything and never read', async () => {
    const deaf = []
    for (let i = 0; i < 10; i++) {
      const link = await bytes(mine.address, { networkKey, deaf: true })
      deaf.push(link)
      for (let n = 1; n <= 20; n++) link.write(packet(STREAM | JSON_BODY, n, history(big.id)))
      await sleep(60)
    }
    await sleep(3000)
    const said = await isWell()
    await Promise.all(deaf.map((link) => link.close()))
    return said
  })
  for (const count of [20000, 20001, 30000]) {
    await check(`a note with ${count} entries`, async () => {
      const note = {}
      for (let i = 0; i < count; i++) note['@' + Buffer.from(String(i).padStart(32)).toString('base64') + '.ed25519'] = -1
      const author = new Author()
      const link = await ebtPeer(mine.address, { networkKey, author })
      await until('its notes came', () => link.heard.notes.length > 0)
      link.say(note)
      await sleep(700)
      const said = await isWell()
      await link.close()
      return said
    })
  }
  await check('1,000 messages of feeds nobody wants are not kept', async () => {
    const authors = Array.from({ length: 1000 }, () => new Author())
    const link = await ebtPeer(mine.address, { networkKey, author: new Author() })
    await until('its notes came', () => link.heard.notes.length > 0)
    for (const author of authors) link.say(author.publish({ type: 'post', text: 'buy' }))
    await sleep(1500)
    const said = await isWell()
    await link.close()
    assert.deepStrictEqual(await mine.dump(authors[0].id), [])
    return said
  })
  await check('a flood of wrong signatures costs little, and the feed can still be had', async () => {
    const bad = victim.values.map((value) => ({ ...value, content: { ...value.content, text: value.content.text + '!' } }))
    const began = cpu(pid)
    const link = await ebtPeer(mine.address, { networkKey, author: new Author(), messages: { [victim.id]: bad } })
    await until('it is asked for the feed', () => link.offered.has(victim.id))
    for (let round = 0; round < 10; round++) for (const value of bad) link.say(value)
    await sleep(4000)
    const spent = cpu(pid) - began
    const said = await isWell()
    await link.close()
    assert.deepStrictEqual(await mine.dump(victim.id), [])
    const honest = await ebtPeer(mine.address, { networkKey, author: new Author(), messages: { [victim.id]: victim.values } })
    await reach(mine, victim.id, victim.values.length, 30000)
    assert.strictEqual((await mine.head(victim.id)).key, keyOf(victim.values[victim.values.length - 1]))
    await honest.close()
    return `${spent} ms of CPU for 16,500 messages; ${said}`
  })
  await check('after all that the store is whole', async () => {
    const { fault_count: faults } = await mine.json('check')
    assert.strictEqual(faults, 0)
    return isWell()
  })
}
