/**
 * What both peer programs share: commands come in as JSON lines on standard input
 * (`{"call":1,"do":"publish","content":{…}}`), answers and events leave as JSON lines on standard
 * output (`{"call":1,"result":…}`, `{"call":1,"error":"…"}`, `{"event":"ready",…}`). Nothing else is
 * printed there; what a stack logs goes to standard error.
 */
'use strict'
const readline = require('readline')
const util = require('util')

console.log = console.info = console.warn = console.error

/** The options of a peer, from its one argument: a JSON object. */
exports.options = () => JSON.parse(process.argv[2])

exports.say = (object) => process.stdout.write(JSON.stringify(object) + '\n')

/** Answers each line with the function of `commands` that it names; `stop` always exists. */
exports.serve = (commands) => {
  const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity })
  lines.on('line', async (line) => {
    const { call, do: name, ...rest } = JSON.parse(line)
    try {
      if (!commands[name]) throw new Error('the peer has no command ' + name)
      const result = await commands[name](rest)
      exports.say({ call, result: result === undefined ? null : result })
      if (name === 'stop') process.exit(0)
    } catch (err) {
      exports.say({ call, error: String((err && err.message) || err) })
    }
  })
  /* The driver has gone: so do we. */
  lines.on('close', () => process.exit(0))
}

/** A promise for the one answer of a function that takes a callback last. */
exports.ask = (fn, ...args) => util.promisify((cb) => fn(...args, cb))()

/** The connections of a secret-stack node: ids with at least one open muxrpc. */
exports.connected = (sbot) =>
  Object.keys(sbot.peers).filter((id) => id !== sbot.id && sbot.peers[id].length > 0)

/** Blobs of a secret-stack node, the same in both stacks. Bytes travel as base64. */
exports.blobs = (sbot, pull) => ({
  blobAdd: ({ bytes }) => exports.ask((cb) => pull(pull.values([Buffer.from(bytes, 'base64')]), sbot.blobs.add(cb))),
  /* Its answer comes with the blob: nobody waits for it. */
  blobWant: ({ id }) => { sbot.blobs.want(id, () => {}) },
  blobHas: ({ id }) => exports.ask(sbot.blobs.has, id),
  async blobGet({ id }) {
    const parts = await exports.ask((cb) => pull(sbot.blobs.get(id), pull.collect(cb)))
    return Buffer.concat(parts).toString('base64')
  },
  blobPush: ({ id }) => exports.ask(sbot.blobs.push, id),
})

exports.disconnect = (sbot, feed) =>
  Promise.all((sbot.peers[feed] || []).slice().map((rpc) => exports.ask((cb) => rpc.close(true, cb))))

/** Connections and timers, the same in both stacks. */
exports.config = ({ dir, port, keys, networkKey, hops, host = '127.0.0.1' }) => ({
  path: dir,
  keys,
  caps: { shs: networkKey, sign: null },
  port,
  host,
  connections: {
    incoming: { net: [{ scope: host === '127.0.0.1' ? 'device' : 'private', transform: 'shs', port, host }] },
    outgoing: { net: [{ transform: 'shs' }] },
  },
  friends: { hops },
  replicate: { hops },
  timers: { inactivity: 600e3, handshake: 30e3, ping: 300e3, keepalive: 30e3 },
  logging: { level: 'error' },
  local: false,
})
