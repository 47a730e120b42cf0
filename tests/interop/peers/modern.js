/**
 * One node of the modern stack, the plugins Manyverse's backend uses for replication: secret-stack,
 * ssb-db2 with its compatibility calls, ssb-ebt 9, ssb-friends 5, the replication scheduler, ssb-conn
 * (with its scheduler off: the tests decide who dials whom) and ssb-blobs.
 */
'use strict'
const path = require('path')
const { options, say, serve, ask, config, connected, disconnect, blobs } = require('./common')

const { dir, port, networkKey, hops = 2 } = options()
const keys = require('ssb-keys').loadOrCreateSync(path.join(dir, 'secret'))
const settings = config({ dir, port, keys, networkKey, hops })
settings.conn = { autostart: false }
settings.db2 = { automigrate: false }

const sbot = require('secret-stack')({ caps: settings.caps })
  .use(require('ssb-master'))
  .use(require('ssb-conn'))
  .use(require('ssb-db2'))
  .use(require('ssb-box2'))
  .use(require('ssb-db2/compat/db'))
  .use(require('ssb-db2/compat/ebt'))
  .use(require('ssb-db2/compat/log-stream'))
  .use(require('ssb-db2/compat/history-stream'))
  .use(require('ssb-db2/compat/feedstate'))
  .use(require('ssb-friends'))
  .use(require('ssb-ebt'))
  .use(require('ssb-replication-scheduler'))
  .use(require('ssb-blobs'))
  .call(null, settings)

const { where, author, toPromise } = require('ssb-db2/operators')

const publish = async (content) => {
  const { key, value } = await ask(sbot.db.create, { content, keys, feedFormat: 'classic' })
  return { key, sequence: value.sequence }
}

async function add({ values }) {
  await Promise.all(values.map((value) => ask(sbot.db.add, value)))
  await ask((cb) => sbot.db.onDrain('base', cb))
}

/* Queries open what they can; a message is what was signed. */
const sealed = ({ value, meta }) => (meta && meta.private ? { ...value, content: meta.originalContent } : value)

async function dump({ feed }) {
  const all = await sbot.db.query(where(author(feed)), toPromise())
  return all
    .sort((a, b) => a.value.sequence - b.value.sequence)
    .map((message) => ({ key: message.key, value: sealed(message) }))
}

serve({
  ...blobs(sbot, require('pull-stream')),
  publish: ({ content }) => publish(content),
  /* Together: each answer waits for the next write of the log, four a second. */
  async publishMany({ contents }) {
    const all = await Promise.all(contents.map(publish))
    return all[all.length - 1]
  },
  add,
  addMany: add,
  follow: ({ feed, state = true }) =>
    publish({ type: 'contact', contact: feed, following: state }),
  /* Boxed to `recps`, as `box` or `box2`. */
  async send({ content, recps = content.recps, format = 'box' }) {
    const { key, value } = await ask(sbot.db.create, { content, keys, recps, feedFormat: 'classic', encryptionFormat: format })
    return { key, sequence: value.sequence }
  },
  /* A content as this node reads it; a box that it cannot open comes as it is. */
  open: async ({ key }) => (await ask(sbot.db.get, key)).content,
  /* As ssb-friends says it, boxed to those of `recps`. */
  followBoxed: ({ feed, recps }) => ask(sbot.friends.follow, feed, { recps }).then(({ key, value }) => ({ key, sequence: value.sequence })),
  block: ({ feed, state = true }) => publish({ type: 'contact', contact: feed, blocking: state }),
  /* `keep`: through ssb-conn, which pings. */
  async connect({ address, keep }) {
    const rpc = await ask(keep ? sbot.conn.connect : sbot.connect, address)
    if (!rpc) throw new Error('ssb-conn did not connect')
    return rpc.id
  },
  disconnect: ({ feed }) => disconnect(sbot, feed),
  peers: () => connected(sbot),
  dump,
  async head({ feed }) {
    const { id, sequence } = await ask(sbot.getFeedState, feed)
    return { sequence, key: id }
  },
  /* Of all feeds together. */
  async total() {
    return Object.values(await ask(sbot.getVectorClock)).reduce((sum, sequence) => sum + sequence, 0)
  },
  stop: () => ask((cb) => sbot.close(true, cb)),
})

sbot.on('multiserver:listening', () => {
  say({ event: 'ready', id: sbot.id, address: `net:127.0.0.1:${port}~shs:${keys.public.slice(0, 44)}` })
})
