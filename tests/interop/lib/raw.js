/**
 * A peer without a database: the handshake, box stream and muxrpc of the JavaScript packages, and
 * behind them whatever a scenario wants to say. It dials only; liars and strangers usually do.
 */
'use strict'
const net = require('net')
const MultiServer = require('multiserver')
const Net = require('multiserver/plugins/net')
const Shs = require('multiserver/plugins/shs')
const Muxrpc = require('muxrpc')
const pull = require('pull-stream')
const { Author } = require('./author')
const { within } = require('./check')

const manifest = {
  manifest: 'async',
  whoami: 'async',
  createHistoryStream: 'source',
  ebt: { replicate: 'duplex', clock: 'async' },
  gossip: { ping: 'duplex' },
  blobs: { get: 'source', getSlice: 'source', has: 'async', size: 'async', push: 'async', changes: 'source', createWants: 'source' },
  invite: { use: 'async' },
  publish: 'async',
  get: 'async',
  nothing: { here: 'async' },
}

/** A stream one pushes into: `source` for pull-stream, `push(item)`, `end()`. */
const pushable = () => {
  const queue = []
  let waiting = null
  let ended = null
  const turn = () => {
    if (!waiting) return
    const cb = waiting
    if (queue.length) {
      waiting = null
      cb(null, queue.shift())
    } else if (ended) {
      waiting = null
      cb(ended)
    }
  }
  return {
    source(abort, cb) {
      if (abort) {
        ended = abort
        if (waiting) waiting(abort)
        waiting = null
        return cb(abort)
      }
      waiting = cb
      turn()
    },
    push(item) { queue.push(item); turn() },
    end(err = true) { ended = ended || err; turn() },
  }
}
exports.pushable = pushable

/**
 * A connection to `address`. `local` is what the other may call: `{ ebt: { replicate (opts) } }`;
 * methods not given are refused. Resolves to the muxrpc with `closed`, a promise for its end.
 */
exports.dial = (address, { networkKey, author = new Author(), local = {}, ms = 15000 }) => {
  const ms1 = MultiServer([[Net({ scope: 'device' }), Shs({ keys: author.keys, appKey: networkKey, timeout: ms, auth: (id, cb) => cb(null, true) })]])
  const opened = new Promise((resolve, reject) => {
    ms1.client(address, (err, stream) => {
      if (err) return reject(err)
      const rpc = Muxrpc(manifest, manifest, local, null, { allow: null, deny: null }, null, false)
      const closed = new Promise((done) => rpc.once('closed', done))
      pull(stream, rpc.stream, stream)
      rpc.closing = closed
      rpc.author = author
      resolve(rpc)
    })
  })
  return within(ms, 'the handshake is done', opened)
}

exports.call = (fn, ...args) => within(15000, 'a call is answered', new Promise((resolve, reject) =>
  fn(...args, (err, value) => (err ? reject(err) : resolve(value)))))

/** All items of a source until it ends, or until it was silent for `quiet` ms: `{items, end}`. */
exports.drain = (source, { quiet = 1500 } = {}) => new Promise((resolve) => {
  const items = []
  let timer
  let finished = false
  const finish = (end) => {
    if (finished) return
    finished = true
    clearTimeout(timer)
    resolve({ items, end })
  }
  const tick = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      finish('open')
      source(true, () => {})
    }, quiet)
  }
  tick()
  const next = () => source(null, (end, item) => {
    if (end) return finish(end === true ? 'end' : 'error: ' + end.message)
    items.push(item)
    tick()
    if (!finished) next()
  })
  next()
})

/**
 * Dials `address` and runs EBT as the dialler: `messages` maps a feed to its values, which are sent
 * from where the other asks (forks and lies included), each after `pace(value)`. `heard` keeps what came.
 */
exports.ebtPeer = async (address, { networkKey, author, messages = {}, want = [], pace = () => {}, options = { version: 3, format: 'classic' } }) => {
  const rpc = await exports.dial(address, { networkKey, author })
  const out = pushable()
  const heard = { notes: [], clock: {}, messages: [], end: null }
  const duplex = rpc.ebt.replicate(options, (err) => { if (err && err !== true) heard.end = heard.end || err.message })
  const offered = new Set()
  let isFirst = true
  const take = async (item) => {
    if (item && typeof item.author === 'string' && item.sequence > 0 && item.content) {
      heard.messages.push(item)
      return
    }
    heard.notes.push(item)
    Object.assign(heard.clock, item)
    if (isFirst) {
      isFirst = false
      const notes = {}
      for (const feed of Object.keys(messages)) notes[feed] = (Math.max(...messages[feed].map((m) => m.sequence)) << 1) | 1
      for (const feed of want) notes[feed] = 0
      out.push(notes)
    }
    for (const feed of Object.keys(item)) {
      const note = item[feed]
      if (!messages[feed] || note === -1 || note & 1 || offered.has(feed)) continue
      offered.add(feed)
      for (const value of messages[feed]) {
        if (value.sequence <= note >> 1) continue
        await pace(value)
        out.push(value)
      }
    }
  }
  pull(out.source, duplex.sink)
  const next = () => duplex.source(null, (end, item) => {
    if (end) { heard.end = heard.end || (end === true ? 'end' : end.message); return }
    take(item)
    next()
  })
  next()
  return { rpc, heard, offered, say: out.push, close: () => exports.hangUp(rpc) }
}

exports.hangUp = (rpc) => within(5000, 'the connection closes', new Promise((resolve) => rpc.close(true, () => resolve()))).catch(() => {})

/** A bare TCP connection; errors are kept, not thrown. */
exports.socket = (port) => new Promise((resolve, reject) => {
  const socket = net.connect(port, '127.0.0.1')
  socket.once('connect', () => resolve(socket))
  socket.once('error', reject)
  socket.on('error', () => {})
  socket.closing = new Promise((done) => socket.once('close', done))
  socket.resume()
})

/**
 * Like dial(), but without muxrpc: what is written goes out as it is. `write(bytes)` resolves when
 * the stream asks for more; `read` are the packets that came (`{req, flags, body}`), unless `deaf`.
 */
exports.bytes = async (address, { networkKey, author = new Author(), deaf = false }) => {
  const client = MultiServer([[Net({ scope: 'device' }), Shs({ keys: author.keys, appKey: networkKey, timeout: 15000, auth: (id, cb) => cb(null, true) })]])
  const stream = await within(15000, 'the handshake is done', new Promise((resolve, reject) =>
    client.client(address, (err, made) => (err ? reject(err) : resolve(made)))))
  const out = pushable()
  const link = { author, read: [], count: 0, isClosed: false }
  let ended
  link.closing = new Promise((resolve) => { ended = () => { link.isClosed = true; resolve() } })
  pull(out.source, stream.sink)
  let rest = Buffer.alloc(0)
  const next = () => stream.source(null, (end, part) => {
    if (end) return ended()
    link.count += part.length
    rest = Buffer.concat([rest, part])
    while (rest.length >= 9 && rest.length >= 9 + rest.readUInt32BE(1)) {
      const length = rest.readUInt32BE(1)
      link.read.push({ flags: rest[0], req: rest.readInt32BE(5), body: rest.subarray(9, 9 + length).toString() })
      rest = rest.subarray(9 + length)
    }
    setImmediate(next)
  })
  if (!deaf) next()
  link.write = (bytes) => out.push(bytes)
  link.close = () => { out.end(); if (deaf) next(); return within(8000, 'the connection closes', link.closing).catch(() => {}) }
  return link
}

/** One muxrpc packet; `length` may lie. */
exports.packet = (flags, req, body, length) => {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const head = Buffer.alloc(9)
  head[0] = flags
  head.writeUInt32BE(length === undefined ? bytes.length : length, 1)
  head.writeInt32BE(req, 5)
  return Buffer.concat([head, bytes])
}
