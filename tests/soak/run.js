/**
 * A node that is left on: 200 feeds, 20 peers that come and go, twelve times the events of a normal
 * day, a page that is open and looked at. `make soak` runs for two hours (HOURS=0.1 is a taste) and
 * fails when the node's memory keeps growing, when descriptors pile up, or when something that was
 * written did not arrive.
 */
'use strict'
const fs = require('fs')
const os = require('os')
const path = require('path')
const WebSocket = require('ws')
const { Author } = require('../interop/lib/author')
const { Kith, networkKey } = require('../bench/lib/node')
const { memory, cpuSeconds, written } = require('../bench/lib/figures')
const { sleep, until } = require('../interop/lib/check')
const { Peer } = require('./peer')

const HOURS = Number(process.env.HOURS || 2)
const FEEDS = 200
const PEERS = 20
const FEEDS_PER_PEER = 120
/* 25 messages a day by each of 200, twelve times over. */
const EVENTS_PER_SECOND = (12 * FEEDS * 25) / 86400
const SLOPE_MAX = 100 /* KiB an hour */
const SAMPLE_MS = Math.min(60000, (HOURS * 3600000) / 40)
const WARM = 0.25 /* of the time, before memory is looked at */

const random = (max) => Math.floor(Math.random() * max)
const kib = (pid) => memory(pid).now * 1024
const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length

/* Least squares over `[hours, value]`. */
function slope(points) {
  const mean = (fn) => points.reduce((sum, point) => sum + fn(point), 0) / points.length
  const x = mean(([at]) => at)
  const y = mean(([, value]) => value)
  return mean(([at, value]) => (at - x) * (value - y)) / mean(([at]) => (at - x) ** 2)
}

async function churn(peer, address, isOver) {
  while (!isOver()) {
    await sleep(1000 + random(20000))
    if (isOver()) return
    try {
      await peer.connect(address())
    } catch (err) {
      continue /* it is asked again */
    }
    for (const end = Date.now() + 10000 + random(110000); peer.isUp && Date.now() < end && !isOver();) await sleep(500)
    if (!isOver()) peer.leave(random(2) === 0)
  }
}

async function write(feeds, peers, isOver) {
  const ids = [...feeds.keys()]
  const recent = []
  while (!isOver()) {
    const feed = feeds.get(ids[random(ids.length)])
    const link = recent[random(recent.length)]
    const kind = random(100)
    const value = feed.publish(kind < 38 || !link ? { type: 'post', text: 'words and '.repeat(1 + random(60)), mentions: [] }
      : kind < 80 ? { type: 'vote', vote: { link, value: 1, expression: 'Like' } }
        : { type: 'about', about: feed.id, name: `Person ${random(1000)}` }, Date.now())
    recent.push(require('../interop/lib/author').keyOf(value))
    if (recent.length > 50) recent.shift()
    for (const peer of peers) peer.news(feed.id)
    await sleep(-Math.log(1 - Math.random()) * (1000 / EVENTS_PER_SECOND))
  }
}

/* An owner: a page that is open, looks now and then, and writes. */
async function live(node, isOver) {
  await node.login()
  const host = `127.0.0.1:${node.httpPort}`
  const socket = new WebSocket(`ws://${host}/api/live`, { headers: { Host: host, Origin: `http://${host}`, Cookie: node.cookie } })
  let events = 0
  socket.on('open', () => socket.send(JSON.stringify({ op: 'hello', token: node.token })))
  socket.on('message', () => events++)
  socket.on('error', (err) => console.log('live: ' + err.message))
  for (let turn = 0; !isOver(); turn++) {
    const { posts } = await node.page('/api/timeline?limit=50')
    if (posts.length > 0) {
      const post = posts[random(posts.length)]
      await node.page('/api/thread/' + Buffer.from((post.root || post.id).slice(1, 45), 'base64').toString('base64url')).catch(() => {})
      await node.page('/api/person/' + Buffer.from(post.author.slice(1, 45), 'base64').toString('base64url'))
    }
    await node.page('/api/network')
    if (turn % 12 === 0) await node.publish({ type: 'post', text: `still here, turn ${turn}` })
    await sleep(5000)
  }
  socket.close()
  return events
}

async function main() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kith-soak-'))
  const node = await new Kith(dir).init().start()
  const all = Array.from({ length: FEEDS }, () => new Author())
  const feeds = new Map(all.map((author) => [author.id, author]))
  for (const author of all) {
    await node.follow(author.id)
    author.publish({ type: 'about', about: author.id, name: 'Somebody' }, Date.now())
  }
  const peers = all.slice(0, PEERS).map((author, i) => new Peer({ author, networkKey,
    feeds: new Map(Array.from({ length: FEEDS_PER_PEER }, (_, k) => all[(i * 10 + k) % FEEDS]).map((feed) => [feed.id, feed])) }))
  let isEnded = false
  const isOver = () => isEnded
  const work = [live(node, isOver), write(feeds, peers, isOver), ...peers.map((peer) => churn(peer, () => node.address, isOver))]
  const failed = Promise.all(work)
  failed.catch(() => {})
  const began = Date.now()
  const samples = []
  while (Date.now() - began < HOURS * 3600000) {
    await Promise.race([sleep(SAMPLE_MS), failed])
    const at = (Date.now() - began) / 3600000
    samples.push([at, kib(node.pid), descriptors(node.pid), peers.filter((peer) => peer.isUp).length])
    const [, resident, open, up] = samples[samples.length - 1]
    console.log(`${(at * 60).toFixed(1)} min  resident ${Math.round(resident)} KiB  descriptors ${open}  peers ${up}  ` +
      `messages ${await node.total()}  cpu ${cpuSeconds(node.pid).toFixed(1)} s  written ${Math.round(written(node.pid) / 1024)} KiB`)
  }
  isEnded = true
  const [events] = await failed
  for (const peer of peers) peer.leave(true)
  /* What nobody gave yet comes when everybody stays. */
  for (const peer of peers) await peer.connect(node.address)
  await until('everything that was written is there', async () => {
    for (const author of all) {
      const { person } = await node.get('/api/person/' + Buffer.from(author.id.slice(1, 45), 'base64').toString('base64url'))
      if (person.sequence !== author.values.length) throw new Error(`${person.sequence} of ${author.values.length}`)
    }
    return true
  }, { ms: 60000 })
  for (const peer of peers) peer.leave(true)
  await sleep(3000)
  const settled = samples.filter(([at]) => at >= HOURS * WARM)
  const growth = slope(settled)
  const before = Math.max(...settled.slice(0, Math.ceil(settled.length / 2)).map(([, , open]) => open))
  const after = Math.max(...settled.slice(Math.floor(settled.length / 2)).map(([, , open]) => open))
  console.log(`${events} live events; resident ${growth.toFixed(0)} KiB an hour (at most ${SLOPE_MAX}); ` +
    `descriptors at most ${before} in the first half, ${after} in the second, ${descriptors(node.pid)} in the end`)
  await node.stop()
  fs.rmSync(dir, { recursive: true, force: true })
  /* Twenty peers are not connected in the same moments of both halves. */
  const isFlat = after <= before + PEERS && events > 0
  if (!isFlat || (HOURS >= 1 && growth > SLOPE_MAX)) {
    console.log('FAIL the node does not stay as it was')
    process.exitCode = 1
  }
}

main().catch((err) => {
  console.error(err)
  process.exit(1)
})
