/**
 * One node of the classic stack: ssb-server 16 with the plugins its own `ssb-server start` uses, less
 * those that look for peers by themselves (the tests decide who dials whom) and the terminal's.
 */
'use strict'
const path = require('path')
const { createRequire } = require('module')
const { options, say, serve, ask, config, connected, disconnect, blobs } = require('./common')

/* Its plugins as ssb-server itself finds them: some have newer namesakes in the modern stack. */
const need = createRequire(require.resolve('ssb-server'))
const pull = need('pull-stream')

/* `without`: plugins to leave out. `lan`: send and hear beacons, and dial whom they name. */
const { dir, port, networkKey, hops = 2, without = [], host, lan = false } = options()
const keys = need('ssb-keys').loadOrCreateSync(path.join(dir, 'secret'))
const settings = config({ dir, port, keys, networkKey, hops, host })
settings.gossip = { friends: false, seed: false, local: lan, global: false, pub: false }

const stack = need('./index').createSsbServer()
const plugins = ['ssb-private1', 'ssb-master', 'ssb-gossip', 'ssb-replicate', 'ssb-friends', 'ssb-blobs', 'ssb-invite',
  'ssb-query', 'ssb-links', 'ssb-ebt', 'ssb-ooo']
if (lan) plugins.push('ssb-local')
for (const name of plugins) {
  if (!without.includes(name)) stack.use(need(name))
}
const sbot = stack(settings)

const collect = (source) => ask((cb) => pull(source, pull.collect(cb)))
const publish = async (content) => {
  const { key, value } = await ask(sbot.publish, content)
  return { key, sequence: value.sequence }
}

serve({
  ...blobs(sbot, pull),
  publish: ({ content }) => publish(content),
  async publishMany({ contents }) {
    let last = null
    for (const content of contents) last = await publish(content)
    return last
  },
  async add({ values }) {
    for (const value of values) await ask(sbot.add, value)
  },
  addMany: ({ values }) => Promise.all(values.map((value) => ask(sbot.add, value))).then(() => null),
  follow: ({ feed, state = true }) =>
    publish({ type: 'contact', contact: feed, following: state }),
  /* Boxed to whom its `recps` name. */
  send: ({ content }) => publish(content),
  /* A content as this node reads it; a box that it cannot open comes as it is. */
  open: async ({ key }) => (await ask(sbot.get, { id: key, private: true, meta: false })).content,
  block: ({ feed, state = true }) => publish({ type: 'contact', contact: feed, blocking: state }),
  /* `keep`: through ssb-gossip, which pings and drops whom it finds lame. */
  async connect({ address, keep }) {
    const rpc = await ask(keep ? sbot.gossip.connect : sbot.connect, address)
    return rpc.id
  },
  disconnect: ({ feed }) => disconnect(sbot, feed),
  peers: () => connected(sbot),
  async dump({ feed }) {
    const all = await collect(sbot.createUserStream({ id: feed }))
    return all.map(({ key, value }) => ({ key, value }))
  },
  async head({ feed }) {
    const clock = await ask(sbot.getVectorClock)
    if (!clock[feed]) return { sequence: 0, key: null }
    const last = await ask(sbot.getLatest, feed)
    return { sequence: last.value.sequence, key: last.key }
  },
  /* Of all feeds together. */
  async total() {
    return Object.values(await ask(sbot.getVectorClock)).reduce((sum, sequence) => sum + sequence, 0)
  },
  /* Whom beacons have told of: key to address. */
  local: () => sbot.status().local || {},
  stop: () => ask((cb) => sbot.close(cb)),
})

sbot.on('multiserver:listening', () => {
  const wait = setInterval(() => {
    if (!sbot.ready()) return
    clearInterval(wait)
    say({ event: 'ready', id: sbot.id, address: `net:${settings.host}:${port}~shs:${keys.public.slice(0, 44)}` })
  }, 20)
})
