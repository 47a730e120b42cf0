/** Blobs: wanted, pushed, large ones, through one between, asked for in every form, and lied about. */
'use strict'
const assert = require('assert')
const pull = require('pull-stream')
const { check, sleep, until } = require('../lib/check')
const { dial, call, hangUp } = require('../lib/raw')
const { settle, join } = require('../lib/talk')
const { MAX, idOf, picture, holds, byWant, rawPeer, parts } = require('../lib/blobs')

exports.about = 'blobs by want and by push, up to 5 MiB, through others, in slices, and from liars'
exports.bothWays = true

async function friends(a, b) {
  await a.follow(b.id)
  await b.follow(a.id)
}

const said = (pattern) => (err) => { assert.match(err.message, pattern); return true }

/* What is added is named by blobs.changes, each time. */
async function namesWhatIsAdded(node, rpc) {
  const heard = []
  pull(rpc.blobs.changes(), pull.drain((id) => heard.push(id), () => {}))
  await sleep(300)
  const [one, two] = [picture(1000), picture(1001)]
  for (const { bytes } of [one, two, one]) await node.blobAdd(bytes)
  await until('what was added is named', () => heard.length >= 3)
  assert.deepStrictEqual(heard, [one.id, two.id, one.id])
}

/* Both stacks and kith, the same questions. */
async function questions(node, networkKey) {
  const blob = picture(150000)
  const { id, bytes } = blob
  const missing = picture(10).id
  assert.strictEqual(await node.blobAdd(bytes), id)
  const rpc = await dial(node.address, { networkKey })
  const get = (...args) => parts(rpc.stream.remoteCall('source', ['blobs', 'get'], args))
  const slice = (start, end) => parts(rpc.stream.remoteCall('source', ['blobs', 'getSlice'], [{ key: id, start, end }]))
  for (const form of [id, { key: id }, { hash: id }, { id }, { key: id, max: MAX }, { key: id, max: 150000 }, { key: id, size: 150000 }]) {
    const got = await get(form)
    assert.deepStrictEqual([got.sizes, got.end], [[65536, 65536, 18928], 'end'], JSON.stringify(form))
    assert(got.bytes.equals(bytes))
  }
  assert.deepStrictEqual((await get(missing)), { bytes: Buffer.alloc(0), sizes: [], end: 'error: could not get blob' })
  assert.strictEqual((await get({ key: id, max: 149999 })).end, `error: incorrect file length, requested:undefined file was:150000 for file:${id}`)
  assert.strictEqual((await get({ key: id, size: 5 })).end, `error: incorrect file length, requested:5 file was:150000 for file:${id}`)
  assert.strictEqual((await get({ key: 'x' })).end, 'error: multiblob.get: {id} is mandatory')
  for (const [start, end] of [[0, 10], [10, 20], [65530, 65540], [0, 150000], [0, 200000], [149999, 150000], [0, 65537]]) {
    const got = await slice(start, end)
    assert.strictEqual(got.end, 'end')
    assert(got.bytes.equals(bytes.subarray(start, end)), `${start} to ${end}`)
  }
  const has = (what) => call(rpc.blobs.has, what)
  assert.strictEqual(await has(id), true)
  assert.strictEqual(await has(missing), false)
  assert.deepStrictEqual(await has([id, missing]), [true, false])
  await assert.rejects(has('x'), said(/invalid id/))
  await assert.rejects(has([id, 'x']), said(/invalid id/))
  await assert.rejects(call(rpc.blobs.push, id), said(/^method:blobs,push is not in list of allowed methods$/))
  await namesWhatIsAdded(node, rpc)
  await hangUp(rpc)
}

/* What ends ssb-server's process must not end ours. */
async function oddQuestions(node, networkKey) {
  const { bytes, id } = picture(150000)
  await node.blobAdd(bytes)
  const rpc = await dial(node.address, { networkKey })
  const slice = (start, end) => parts(rpc.stream.remoteCall('source', ['blobs', 'getSlice'], [{ key: id, start, end }]))
  for (const [start, end] of [[150000, 150001], [1e6, 2e6], [10, 10], [20, 10], [-5, 0], [1e300, 1e301], [0, -1]]) {
    assert.deepStrictEqual(await slice(start, end), { bytes: Buffer.alloc(0), sizes: [], end: 'end' }, `${start} to ${end}`)
  }
  assert((await slice(-5, 10)).bytes.equals(bytes.subarray(0, 10)))
  assert((await slice(0, 1e300)).bytes.equals(bytes))
  assert.strictEqual((await slice('x', 5)).end, 'error: multiblob.getSlice: {start} must be a number')
  assert.strictEqual((await slice(0)).end, 'error: multiblob.getSlice: {end} must be a number')
  assert.strictEqual(await call(rpc.blobs.size, id), 150000)
  assert.strictEqual(await call(rpc.blobs.size, picture(9).id), null)
  await assert.rejects(call(rpc.blobs.size, 'x'), said(/invalid id/))
  assert.deepStrictEqual(await call(rpc.blobs.has, []), [])
  /* All at once, more than may be open: none is refused for long. */
  const rest = await Promise.all(Array.from({ length: 40 }, () => parts(rpc.blobs.get(id))))
  for (const got of rest) assert(got.end === 'end' && got.bytes.equals(bytes))
  await hangUp(rpc)
}

const lies = {
  'another hash': ({ bytes }, stream) => { stream.push(Buffer.from(bytes).fill(0)); stream.end() },
  'too little': ({ bytes }, stream) => { stream.push(bytes.subarray(1)); stream.end() },
  'too much': ({ bytes }, stream) => { stream.push(bytes); stream.push(Buffer.alloc(1)); stream.end() },
  'no end': (blob, stream, peer) => {
    const timer = setInterval(() => stream.push(Buffer.alloc(65536)), 1)
    peer.closing = () => clearInterval(timer)
  },
  'JSON': (blob, stream) => { stream.push({ no: 'blob' }); stream.end() },
}

async function liar(mine, theirs, networkKey, tale) {
  const blob = picture(200000)
  const peer = await rawPeer(mine.address, { networkKey, give: (key, stream, self) => lies[tale](blob, stream, self) })
  await mine.blobWant(blob.id)
  await until('the want is told', () => peer.heard[blob.id] === -1)
  peer.tell({ [blob.id]: blob.bytes.length })
  await until('the liar is asked', () => peer.asked[blob.id])
  await sleep(300)
  peer.tell({ [blob.id]: blob.bytes.length })
  await sleep(300)
  assert.strictEqual(await mine.blobHas(blob.id), false)
  assert.strictEqual(await theirs.blobAdd(blob.bytes), blob.id)
  await holds(mine, blob)
  assert.strictEqual(peer.asked[blob.id], 1, 'asked only once')
  if (peer.closing) peer.closing()
  await hangUp(peer.rpc)
}

/* Half of it, and then silence for ever: the connection goes, the next holder gives it. */
async function leaver(mine, theirs, networkKey) {
  const blob = picture(200000)
  const peer = await rawPeer(mine.address, { networkKey, give: (key, stream) => stream.push(blob.bytes.subarray(0, 65536)) })
  await mine.blobWant(blob.id)
  await until('the want is told', () => peer.heard[blob.id] === -1)
  peer.tell({ [blob.id]: blob.bytes.length })
  await until('it is asked', () => peer.asked[blob.id])
  assert.strictEqual(await theirs.blobAdd(blob.bytes), blob.id)
  await sleep(200)
  await hangUp(peer.rpc)
  await holds(mine, blob)
}

async function tooLarge(mine, networkKey) {
  const blob = picture(MAX)
  const peer = await rawPeer(mine.address, { networkKey, give: (key, stream) => { stream.push(blob.bytes); stream.end() } })
  await mine.blobWant(blob.id)
  await until('the want is told', () => peer.heard[blob.id] === -1)
  for (const size of [MAX, MAX + 1, 2 ** 40]) peer.tell({ [blob.id]: size })
  await sleep(500)
  assert.strictEqual(peer.asked[blob.id], undefined)
  await assert.rejects(mine.blobAdd(blob.bytes))
  await hangUp(peer.rpc)
}

exports.run = async ({ world, subject, peer, dial: way }) => {
  const { networkKey } = world
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  await friends(mine, theirs)
  await settle()
  await check('they connect', () => (way === 'out' ? join(mine, theirs) : join(theirs, mine)))
  for (const [from, to] of [[theirs, mine], [mine, theirs]]) {
    const title = `${from.stack} → ${to.stack}`
    /* JavaScript ends a blob of whole chunks with an empty one, which it reads as a goodbye itself. */
    for (const size of [1, ...(subject === 'kith' ? [65536] : []), 65537, MAX - 1]) {
      await check(`${title}: ${size} bytes by want`, async () => { await byWant(from, to, size) })
    }
    await check(`${title}: what is wanted before it is there comes when it is`, async () => {
      const blob = picture(1000)
      await to.blobWant(blob.id)
      await sleep(300)
      assert.strictEqual(await from.blobAdd(blob.bytes), blob.id)
      await holds(to, blob)
    })
  }
  await check(`${peer} → ${subject}: by push`, async () => {
    const blob = picture(100000)
    await theirs.blobAdd(blob.bytes)
    await theirs.blobPush(blob.id)
    await holds(mine, blob)
  })
  await check(`${subject} → ${peer}: what a post names is pushed`, async () => {
    const blob = picture(100000)
    await mine.blobAdd(blob.bytes)
    if (subject !== 'kith') return mine.blobPush(blob.id).then(() => holds(theirs, blob))
    await mine.publish({ type: 'post', text: `![a picture](${blob.id})`, mentions: [{ link: blob.id, name: 'a picture', type: 'image/png', size: 100000 }] })
    await holds(theirs, blob)
  })
  await check('both answer get, getSlice and has in the same way', () => Promise.all([questions(mine, networkKey), questions(theirs, networkKey)]).then(() => {}))
  if (subject !== 'kith') return
  await check('odd questions get answers', () => oddQuestions(mine, networkKey))
  await check('exactly 5 MiB is neither added nor fetched', () => tooLarge(mine, networkKey))
  if (way === 'out') {
    await Promise.all(Object.keys(lies).map((tale) => check(`from a liar (${tale}) nothing is kept, and the honest one is asked`, () => liar(mine, theirs, networkKey, tale))))
    await check('a peer that goes away in the middle does not keep it from coming', () => leaver(mine, theirs, networkKey))
  }
  await check('many at once', async () => {
    /* More than one connection may have open calls: 64. */
    const blobs = Array.from({ length: 160 }, () => picture(3000))
    for (const [i, blob] of blobs.entries()) assert.strictEqual(await (i < 80 ? theirs : mine).blobPut(blob.bytes), blob.id)
    const want = (i, id) => (i < 80 ? mine.blob(id, { want: true }) : theirs.blobWant(id))
    for (const [i, blob] of blobs.entries()) await want(i, blob.id)
    for (const [i, blob] of blobs.entries()) await until('it comes', () => (i < 80 ? mine : theirs).blobHas(blob.id))
    assert((await mine.peers()).includes(theirs.id))
  })
  await check('they are still connected, and kith says so', async () => {
    assert((await mine.peers()).includes(theirs.id) && (await theirs.peers()).includes(mine.id))
  })
}
