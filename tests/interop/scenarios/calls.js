/**
 * What a stranger may ask of a node, and how it is answered: each question goes to the subject and to a
 * JavaScript node that holds the same feed, and both answers must be the one the protocol gives, save
 * where a stack is known to differ (`not`).
 */
'use strict'
const assert = require('assert')
const { check, until, sleep } = require('../lib/check')
const { Author, keyOf } = require('../lib/author')
const { dial, drain, call, pushable, hangUp } = require('../lib/raw')
const { settle, join, reach } = require('../lib/talk')
const pull = require('pull-stream')

exports.about = 'createHistoryStream with every option, manifest, whoami, gossip.ping, as ssb-server answers'

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/* Options of createHistoryStream; the sequences expected, in which form, and how the stream ends. */
const questions = (id, unknown) => [
  [{ id }, range(1, 12), 'kvt', ['end']],
  [{ id, keys: true, values: true }, range(1, 12), 'kvt', ['end']],
  [{ id, keys: false }, range(1, 12), 'value', ['end'], ],
  [{ id, keys: true, values: false }, range(1, 12), 'key', ['end'], ['classic']],
  [{ id, seq: 5 }, range(5, 12), 'kvt', ['end']],
  [{ id, sequence: 5 }, range(5, 12), 'kvt', ['end']],
  [{ id, sequence: 3, seq: 9 }, range(3, 12), 'kvt', ['end']],
  [{ id, sequence: 0, seq: 9 }, range(9, 12), 'kvt', ['end']],
  [{ id, seq: 12 }, [12], 'kvt', ['end']],
  [{ id, seq: 13 }, [], 'kvt', ['end']],
  [{ id, seq: 1000000 }, [], 'kvt', ['end']],
  [{ id, limit: 3 }, range(1, 3), 'kvt', ['end']],
  [{ id, limit: 3, seq: 4, keys: false }, range(4, 6), 'value', ['end']],
  [{ id, limit: 100 }, range(1, 12), 'kvt', ['end']],
  [{ id, limit: -1 }, range(1, 12), 'kvt', ['end'], ['modern']],
  [{ id, limit: 0 }, [], 'kvt', ['end'], ['modern']],
  [{ id, live: true }, range(1, 12), 'kvt', ['open']],
  [{ id, live: true, keys: false, seq: 11 }, [11, 12], 'value', ['open']],
  [{ id, live: true, old: false }, [], 'kvt', ['open'], ['modern']],
  [{ id, live: true, limit: 3 }, range(1, 3), 'kvt', ['open', 'end']],
  [{ id, live: true, seq: 13, keys: false }, [], 'value', ['open']],
  [{ id: unknown }, [], 'kvt', ['end']],
  [{ id: unknown, live: true }, [], 'kvt', ['open']],
  [{ id: '@x.ed25519' }, [], 'kvt', ['end', /^error: /]],
]

const form = { kvt: (m) => ({ key: keyOf(m), value: m }), value: (m) => m, key: keyOf }

async function history(node, networkKey, author, [options, sequences, kind, ends]) {
  const rpc = await dial(node.address, { networkKey })
  const { items, end } = await drain(rpc.createHistoryStream(options), { quiet: 1000 })
  await hangUp(rpc)
  const plain = items.filter((item) => !item.sync).map((item) => {
    if (kind !== 'kvt') return item
    assert.deepStrictEqual(Object.keys(item), ['key', 'value', 'timestamp'])
    assert.strictEqual(typeof item.timestamp, 'number')
    return { key: item.key, value: item.value }
  })
  const wanted = sequences.map((sequence) => form[kind](author.values[sequence - 1]))
  assert.strictEqual(JSON.stringify(plain), JSON.stringify(wanted))
  assert(ends.some((e) => (e.test ? e.test(end) : e === end)), `it ended with ${end}, not ${ends}`)
}

async function refusal(node, networkKey, ask) {
  const rpc = await dial(node.address, { networkKey })
  try {
    const said = await ask(rpc)
    throw new Error('it answered ' + JSON.stringify(said))
  } catch (err) {
    return err.message
  } finally {
    await hangUp(rpc)
  }
}

const asSource = (source) => drain(source).then(({ end, items }) => {
  if (!String(end).startsWith('error: ')) return { end, items }
  throw new Error(end.slice(7))
})

/* Each refused call and the text that peers compare. */
const refusals = [
  ['publish', (rpc) => call(rpc.publish, { type: 'post', text: 'x' }), 'method:publish is not in list of allowed methods'],
  ['get', (rpc) => call(rpc.get, '%x'), 'method:get is not in list of allowed methods'],
  ['invite.use', (rpc) => call(rpc.invite.use, {}), 'method:invite,use is not in list of allowed methods'],
  ['a method that never was', (rpc) => call(rpc.nothing.here), 'method:nothing,here is not in list of allowed methods'],
  ['createHistoryStream as async', (rpc) => call((cb) => rpc.stream.remoteCall('async', ['createHistoryStream'], [{}], cb)), 'no async:createHistoryStream'],
  ['ebt.replicate as source', (rpc) => asSource(rpc.stream.remoteCall('source', ['ebt', 'replicate'], [{}])), 'no source:ebt,replicate'],
]

async function ping(node, networkKey) {
  const rpc = await dial(node.address, { networkKey })
  const out = pushable()
  const duplex = rpc.gossip.ping({ timeout: 300000 }, () => {})
  pull(out.source, duplex.sink)
  const answer = new Promise((resolve, reject) => duplex.source(null, (end, item) => (end ? reject(end) : resolve(item))))
  out.push(Date.now())
  const time = await Promise.race([answer, sleep(5000)])
  await hangUp(rpc)
  assert.strictEqual(typeof time, 'number', `it said ${time}`)
  assert(Math.abs(time - Date.now()) < 60000, `its time is ${time}`)
}

exports.run = async ({ world, subject, peer }) => {
  const { networkKey } = world
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  const author = new Author()
  for (let i = 0; i < 12; i++) author.publish({ type: 'post', text: `post ${i}` })
  await theirs.follow(author.id)
  await theirs.add(author.values)
  await theirs.follow(mine.id)
  await mine.follow(theirs.id)
  await mine.follow(author.id)
  await settle()
  await join(theirs, mine)
  await reach(mine, author.id, 12)

  /* Four questions at a time: most of each is waiting whether more comes. */
  const asked = []
  for (const question of questions(author.id, new Author().id)) {
    const [options, , , , not = []] = question
    const shown = JSON.stringify(options).replace(/"id":"(@.{4})[^"]*"/, '"id":"$1…"')
    for (const node of [theirs, mine].filter((n) => !not.includes(n.stack))) {
      asked.push(() => check(`${node.stack} answers createHistoryStream(${shown})`, () => history(node, networkKey, author, question)))
    }
  }
  const asker = async () => { for (let ask = asked.shift(); ask; ask = asked.shift()) await ask() }
  await Promise.all([asker(), asker(), asker(), asker()])
  await check(`${subject} pushes a new message into a live stream`, async () => {
    const rpc = await dial(mine.address, { networkKey })
    const { sequence } = await mine.head(mine.id)
    const items = drain(rpc.createHistoryStream({ id: mine.id, live: true, seq: sequence + 1, keys: false }), { quiet: 3000 })
    await sleep(500)
    const { key } = await mine.publish({ type: 'post', text: 'fresh' })
    const got = (await items).items.filter((m) => !m.sync)
    await hangUp(rpc)
    assert.deepStrictEqual(got.map(keyOf), [key])
  })
  for (const node of [theirs, mine]) {
    for (const [name, ask, text] of refusals) {
      await check(`${node.stack} refuses ${name} with the known text`, async () =>
        assert.strictEqual(await refusal(node, networkKey, ask), text))
    }
    await check(`${node.stack} answers gossip.ping with its time`, () => ping(node, networkKey))
    await check(`${node.stack} tells its manifest`, async () => {
      const rpc = await dial(node.address, { networkKey })
      const said = await call(rpc.manifest)
      await hangUp(rpc)
      assert.strictEqual(said.createHistoryStream, 'source')
      assert.strictEqual(said.ebt.replicate, 'duplex')
    })
  }
  if (subject !== 'kith') return
  await check('kith tells whoami to a stranger', async () => {
    const rpc = await dial(mine.address, { networkKey })
    assert.deepStrictEqual(await call(rpc.whoami), { id: mine.id })
    await hangUp(rpc)
  })
  await check('kith refuses blobs with the known texts, or serves them', async () => {
    const rpc = await dial(mine.address, { networkKey })
    const said = await call(rpc.manifest)
    await hangUp(rpc)
    if (said.blobs && said.blobs.get) return 'serves'
    const blob = '&' + Buffer.alloc(32).toString('base64') + '.sha256'
    const asks = { get: (r) => asSource(r.blobs.get(blob)), has: (r) => call(r.blobs.has, blob), size: (r) => call(r.blobs.size, blob),
      createWants: (r) => asSource(r.blobs.createWants()) }
    for (const name of Object.keys(asks)) {
      assert.strictEqual(await refusal(mine, networkKey, asks[name]), `method:blobs,${name} is not in list of allowed methods`)
    }
    return 'refuses'
  })
  await check('arguments of the wrong kind are answered, not fatal', async () => {
    const rpc = await dial(mine.address, { networkKey })
    for (const args of [[], [null], [5], ['@x'], [[]], [{ id: 5 }], [author.id, 3], [{ id: author.id, seq: 'x', limit: {} }]]) {
      await drain(rpc.stream.remoteCall('source', ['createHistoryStream'], args), { quiet: 700 })
    }
    assert.deepStrictEqual(await call(rpc.whoami), { id: mine.id })
    await hangUp(rpc)
    await until('the friend is still connected', async () => (await mine.peers()).includes(theirs.id))
  })
}
