/** Blobs as the scenarios need them: bytes and their ids, nodes that give and take, peers that lie. */
'use strict'
const assert = require('assert')
const crypto = require('crypto')
const pull = require('pull-stream')
const { until } = require('./check')
const { dial, drain, pushable } = require('./raw')
const { Author } = require('./author')

const MAX = 5 * 1024 * 1024
exports.MAX = MAX

exports.idOf = (bytes) => '&' + crypto.createHash('sha256').update(bytes).digest('base64') + '.sha256'

exports.picture = (count) => {
  const bytes = crypto.randomBytes(count)
  return { bytes, id: exports.idOf(bytes) }
}

/** Waits until `node` has it, and compares the bytes. */
exports.holds = async (node, { id, bytes }, ms = 20000) => {
  await until(`${node.stack} has the blob of ${bytes.length} bytes`, () => node.blobHas(id), { ms, every: 50 })
  const got = await node.blobGet(id)
  assert.strictEqual(got.length, bytes.length)
  assert(got.equals(bytes), 'the bytes differ')
}

/** `from` has it, `to` wants it. */
exports.byWant = async (from, to, size) => {
  const blob = exports.picture(size)
  assert.strictEqual(await from.blobAdd(blob.bytes), blob.id)
  await to.blobWant(blob.id)
  await exports.holds(to, blob)
  return blob
}

/**
 * A peer without a store that connects to `address`: `tell(item)` goes down the stream the other
 * opened, `heard` is what came up ours. `give(key, push, end)` answers blobs.get; `asked` counts.
 */
exports.rawPeer = async (address, { networkKey, author = new Author(), give }) => {
  const peer = { author, heard: {}, asked: {} }
  const out = pushable()
  const local = {
    blobs: {
      createWants: () => out.source,
      get: (options) => {
        const key = options.key || options
        peer.asked[key] = (peer.asked[key] || 0) + 1
        const stream = pushable()
        give(key, stream, peer)
        return stream.source
      },
    },
  }
  const rpc = await dial(address, { networkKey, author, local })
  Object.assign(peer, { rpc, tell: out.push })
  pull(rpc.blobs.createWants(), pull.drain((item) => Object.assign(peer.heard, item), () => {}))
  return peer
}

/** One answer of a source, as text: sizes of the parts and how it ended. */
exports.parts = async (source) => {
  const { items, end } = await drain(source, { quiet: 8000 })
  return { bytes: Buffer.concat(items.map((item) => Buffer.from(item))), sizes: items.map((item) => item.length), end }
}
