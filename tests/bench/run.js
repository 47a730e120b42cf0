/**
 * All measurements of a node in one run: `make bench`, `make bench MESSAGES=20000`, and
 * `make bench PARTS=import,pages` for some. What they mean stands in README.md. A line that begins
 * with `row` is compared with its aim, and says so.
 */
'use strict'
const fs = require('fs')
const path = require('path')
const { Set } = require('./lib/set')
const { Kith } = require('./lib/node')
const { replicate, untilReadable } = require('./lib/replicate')
const local = require('./lib/local')
const { blobsOnce, loopbackOnce } = require('./lib/blobs')
const { median, quantile, latency, memory, cpuSeconds } = require('./lib/figures')
const { sleep } = require('../interop/lib/check')

const [bare, file, one, million] = process.argv.slice(2)
const runs = Number(process.env.RUNS || 5)
const chosen = (process.env.PARTS || 'import,replication,paint,classic,start,idle,pages,latency,publish,blobs').split(',')
const sets = new Map()
/* A set is read when a part needs it. */
const setOf = (name) => {
  if (!sets.has(name)) sets.set(name, new Set(path.join(path.dirname(name), 'set-' + path.basename(name, '.jsonl')), name))
  return sets.get(name)
}

const say = (name, text) => console.log(name.padEnd(46) + text)
const mid = (results, name) => median(results.map((result) => result[name]))
const whole = (value) => Math.round(value).toLocaleString('en-US')
const mib = (value) => value.toFixed(1) + ' MiB'
const each = (results, name, digits = 0) => results.map((result) => result[name].toFixed(digits)).join(', ')
const missed = []

/* One line of performance.md: what was reached, beside its aim. */
function row(number, name, value, aim, isAtLeast, unit = '') {
  const isReached = isAtLeast ? value >= aim : value <= aim
  if (!isReached) missed.push(number)
  say(`row ${number}: ${name}`, `${Number(value.toPrecision(4))}${unit} (aim ${isAtLeast ? '≥' : '≤'} ${aim}${unit}: ${isReached ? 'reached' : 'MISSED'})`)
}

async function repeat(count, fn) {
  const results = []
  for (let i = 0; i < count; i++) results.push(await fn())
  return results
}

function sayReplication(name, results) {
  say(name, `${whole(mid(results, 'rate'))} msg/s; CPU µs/msg: sender ${mid(results, 'senderCpu').toFixed(1)}, receiver ` +
    `${mid(results, 'receiverCpu').toFixed(1)}; peak: sender ${mib(mid(results, 'senderPeak'))}, receiver ${mib(mid(results, 'receiverPeak'))}, ` +
    `4 s after ${mib(mid(results, 'receiverAfter'))} (runs: ${each(results, 'rate')})`)
}

const ratios = (ours, theirs, fn) => ours.map((result, i) => fn(result, theirs[i]))

function sayAgainst(name, ours, theirs) {
  const both = (result) => result.senderCpu + result.receiverCpu
  const middle = (fn) => median(ratios(ours, theirs, fn)).toFixed(2)
  say(name, `${middle((a, b) => a.rate / b.rate)} × the rate (${ratios(ours, theirs, (a, b) => (a.rate / b.rate).toFixed(2)).join(', ')}); ` +
    `CPU of both ends 1/${middle((a, b) => both(b) / both(a))}, of the receiver 1/${middle((a, b) => b.receiverCpu / a.receiverCpu)}; ` +
    `the receiver's peak memory 1/${middle((a, b) => b.receiverPeak / a.receiverPeak)}`)
}

/* Pairs take turns, so that what else the machine does meets them alike; `between` is done in each turn too. */
async function against(name, pairs, between = async () => ({})) {
  const set = setOf(file)
  const senders = {}
  try {
    for (const [stack] of pairs) {
      senders[stack] = senders[stack] || (stack === 'kith' ? await (await set.kith()).start() : await set.peer(stack))
    }
    const results = pairs.map(() => [])
    const others = []
    for (let i = 0; i < runs; i++) {
      for (const [at, [sender, receiver]] of pairs.entries()) results[at].push(await replicate(set, senders[sender], receiver))
      others.push(await between(set, senders))
    }
    for (const [at, pair] of pairs.entries()) sayReplication(pair.join(' → '), results[at])
    sayAgainst(name, results[0], results[1])
    return { results, others }
  } finally {
    for (const sender of Object.values(senders)) await sender.stop()
  }
}

const parts = {
  async import() {
    const set = setOf(file)
    const results = await repeat(runs, () => local.importOnce(set, bare))
    say('kith import', `${whole(mid(results, 'rate'))} msg/s, ${mid(results, 'cpu').toFixed(1)} µs CPU/msg, peak ${mib(mid(results, 'peak'))}; ` +
      `bare libsodium on 2 threads ${whole(mid(results, 'bareRate'))}/s, ${mid(results, 'bareCpu').toFixed(1)} µs CPU each`)
    say('  share of bare checking', `by the clock ${median(results.map((r) => r.rate / r.bareRate)).toFixed(2)} ` +
      `(${results.map((r) => (r.rate / r.bareRate).toFixed(2)).join(', ')}), by CPU ${median(results.map((r) => r.bareCpu / r.cpu)).toFixed(2)}`)
    say('  bytes written by the canonical ones', mid(results, 'wrote').toFixed(2))
    row(15, 'disk per message, all indexes, full text', mid(results, 'disk'), 760, false, ' B')
  },

  /* The other node's rate, the bare ceiling and the first reading, all in each turn. */
  async replication() {
    const { results: [ours, theirs], others } = await against('  kith → kith against ssb-db2', [['kith', 'kith'], ['modern', 'modern']],
      async (set, senders) => ({ bare: local.bareOnce(set, bare), readable: await untilReadable(set, senders.kith, set.hub) }))
    const ceiling = others.map((other) => other.bare.messages / other.bare.seconds)
    say('bare libsodium on 2 threads', `${whole(median(ceiling))}/s (${ceiling.map(whole).join(', ')})`)
    row(1, 'fully checked, by ssb-db2', median(ratios(ours, theirs, (a, b) => a.rate / b.rate)), 4, true, ' ×')
    row(1, 'fully checked, by bare libsodium', median(ours.map((r, i) => r.rate / ceiling[i])), 0.85, true)
    const readable = others.map((other) => other.readable)
    say('every newest 50 readable', `after ${mid(readable, 'seconds').toFixed(2)} s (${each(readable, 'seconds', 2)}); ` +
      `${whole(mid(readable, 'stored'))} messages stored by then`)
    row(2, 'readable, by ssb-db2', median(readable.map((r, i) => r.rate / theirs[i].rate)), 12, true, ' ×')
    row(4, 'serve to a peer, CPU per message', mid(ours, 'senderCpu'), 8, false, ' µs')
    row(6, 'peak resident during the sync', mid(ours, 'receiverPeak'), 48, false, ' MiB')
    row(7, 'resident after it', mid(ours, 'receiverAfter'), 32, false, ' MiB')
    say('  bytes written by the canonical ones', (mid(ours, 'written') / setOf(file).bytes).toFixed(2))
  },

  async classic() {
    const { results: [ours] } = await against('  ssb-server → kith against it', [['classic', 'kith'], ['classic', 'classic']])
    row(3, 'receive from a JavaScript peer, CPU', mid(ours, 'receiverCpu'), 120, false, ' µs')
  },

  /* One feed of 10,000, followed by its key. */
  async paint() {
    const set = setOf(one)
    const [author, newest] = [...set.feeds][1]
    const sender = await (await set.kith()).start()
    try {
      const results = await repeat(runs, () => untilReadable(set, sender, author, new Map([[author, newest]])))
      say(`a feed of ${whole(newest)}, followed`, `newest 50 readable after ${mid(results, 'seconds').toFixed(2)} s (${each(results, 'seconds', 2)}); ` +
        `${whole(mid(results, 'stored'))} messages stored by then`)
      row(2, 'first paint of a followed feed of 10,000', mid(results, 'seconds'), 1, false, ' s')
    } finally {
      await sender.stop()
    }
  },

  start: () => startOf(setOf(file), 20, 14),

  async idle() {
    const node = await (await setOf(file).reader()).start()
    try {
      const result = await local.idle(node, 60)
      say('idle for a minute, nobody connected', `${result.wakeups} wake-ups of any thread`)
      row(8, 'idle CPU', result.cpu, 0.01, false, ' %')
      row(8, 'bytes written', result.wrote, 0, false)
    } finally {
      await node.stop()
    }
  },

  async pages() {
    const node = await (await setOf(file).reader()).start()
    try {
      const pages = await local.pages(node)
      await sayUse('home timeline (aim p99 10 ms)', node, () => pages.home(1000))
      await sayUse('  further and further back', node, () => pages.deeper(1000))
      await sayUse('thread', node, () => pages.thread(1000))
      await sayUse('home timeline, web port, paced', node, () => pages.homeHttp(100))
      await sayUse('thread, web port, paced', node, () => pages.threadHttp(100))
      await sleep(2000)
      row(7, 'resident after this use', memory(node.pid).now, 32, false, ' MiB')
    } finally {
      await node.stop()
    }
  },

  latency: () => latencyOf(setOf(file)),

  async publish() {
    const set = setOf(file)
    const a = await new Kith(set.fresh('a')).init().start()
    const b = await new Kith(set.fresh('b')).init().start()
    const full = await copyOfFull(set)
    try {
      await sayUse('publish, new node', a, () => local.publish(a, 300))
      const took = await sayUse(`publish, ${whole(set.total)} messages`, full, () => local.publish(full, 300))
      row(13, 'publish, p50', quantile(took, 0.5), 2, false, ' ms')
      row(13, 'publish, p99', quantile(took, 0.99), 10, false, ' ms')
      await b.follow(a.id)
      await b.connect(a.address)
      await sleep(1000)
      const live = await local.live(a, b, 200)
      say('publish at A → stored at B', latency(live))
      row(14, 'A → B, p50', quantile(live, 0.5), 5, false, ' ms')
      row(14, 'A → B, p99', quantile(live, 0.99), 20, false, ' ms')
    } finally {
      for (const node of [a, b, full]) {
        await node.stop()
        fs.rmSync(node.dir, { recursive: true, force: true })
      }
    }
  },

  /* Almost 100 MiB in twenty blobs; kith, JavaScript and plain bytes in each turn. */
  async blobs() {
    const count = 20
    const turns = await repeat(runs, async () => ({ kith: await blobsOnce('kith', count), modern: await blobsOnce('modern', count), plain: await loopbackOnce(count) }))
    for (const stack of ['kith', 'modern']) {
      const results = turns.map((turn) => turn[stack])
      say(`blobs ${stack} → ${stack}`, `${whole(mid(results, 'rate'))} MiB/s (${each(results, 'rate')}); CPU ms/MiB: sender ${mid(results, 'senderCpu').toFixed(1)}, ` +
        `receiver ${mid(results, 'receiverCpu').toFixed(1)}; receiver's peak ${mib(mid(results, 'receiverPeak'))}`)
    }
    say('  plain bytes over loopback', `${whole(median(turns.map((turn) => turn.plain.rate)))} MiB/s`)
    say('  kith → kith by the JavaScript stack', `${median(turns.map((turn) => turn.kith.rate / turn.modern.rate)).toFixed(2)} ×`)
    say('  kith → kith by plain loopback', median(turns.map((turn) => turn.kith.rate / turn.plain.rate)).toFixed(2))
  },

  /* A million messages by a thousand authors; only when it is named. */
  async million() {
    const small = setOf(file)
    const large = setOf(million)
    const turns = await repeat(Math.min(runs, 3), async () => ({ small: await local.importOnce(small, bare), large: await local.importOnce(large, bare) }))
    const large_ = turns.map((turn) => turn.large)
    say(`kith import of ${whole(large.total)}`, `${whole(mid(large_, 'rate'))} msg/s, ${mid(large_, 'cpu').toFixed(1)} µs CPU/msg, peak ${mib(mid(large_, 'peak'))}`)
    row(5, 'import, rate by that of the small set', median(turns.map((t) => t.large.rate / t.large.bareRate / (t.small.rate / t.small.bareRate))), 0.8, true)
    row(5, 'import, bytes written by the canonical ones', mid(large_, 'wrote'), 2.5, false)
    row(15, 'disk per message', mid(large_, 'disk'), 760, false, ' B')
    const sender = await (await large.kith()).start()
    try {
      const synced = await replicate(large, sender, 'kith')
      sayReplication('kith → kith', [synced])
      row(5, 'sync, bytes written by the canonical ones', synced.written / large.bytes, 2.5, false)
      row(6, 'peak resident during the sync', synced.receiverPeak, 96, false, ' MiB')
    } finally {
      await sender.stop()
    }
    await startOf(large, 30, 14)
    await latencyOf(large)
  },
}

/* Medians of the 50th and 99th percentile of several rounds, as the owner asks over the Unix socket. */
async function latencyOf(set) {
  const node = await (await set.reader()).start()
  try {
    for (const [name, fn, aim] of (await local.pages(node)).latency) {
      await fn(10)
      const before = cpuSeconds(node.pid)
      const rounds = await repeat(runs, () => fn(200))
      const cpu = ((cpuSeconds(node.pid) - before) / (200 * runs)) * 1e3
      const at = (share) => median(rounds.map((took) => quantile(took, share)))
      say(`API ${name}, ${whole(set.total)}`, `p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms, ${cpu.toFixed(2)} ms CPU each (p99 of the runs: ${rounds.map((took) => quantile(took, 0.99).toFixed(1)).join(', ')}; ` +
        `aim p99 ${aim} ms: ${at(0.99) <= aim ? 'reached' : 'MISSED'})`)
    }
  } finally {
    await node.stop()
  }
}

async function startOf(set, aimFirst, aimMemory) {
  const results = await repeat(runs, () => local.startUp(set))
  say(`start-up with ${whole(set.total)} messages`, `ready ${mid(results, 'ready').toFixed(0)} ms, newest ${results[0].rows} over the socket ` +
    `${mid(results, 'first').toFixed(0)} ms (${each(results, 'first')}), first page of a browser (${results[0].posts} posts, session opened) ` +
    `${mid(results, 'page').toFixed(0)} ms after the process began`)
  row(9, 'process start to the newest 50 over HTTP', mid(results, 'first'), aimFirst, false, ' ms')
  row(7, 'resident, just started', mid(results, 'memory'), aimMemory, false, ' MiB')
}

/* A node that has the set but is somebody else: what is published must not change the set. */
async function copyOfFull(set) {
  const node = new Kith(set.fresh('full')).init()
  set.import(node.dir)
  return node.start()
}

/* Node's own part of a latency is in it; its CPU is not. */
async function sayUse(name, node, fn) {
  const before = cpuSeconds(node.pid)
  const took = await fn()
  say(name, `${latency(took)}; ${(((cpuSeconds(node.pid) - before) / took.length) * 1e3).toFixed(2)} ms CPU each`)
  return took
}

async function main() {
  const load = fs.readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')
  const set = setOf(file)
  say('set', `${whole(set.total)} messages, ${whole(set.bytes / set.total)} bytes each; ${runs} runs, medians; load ${load}, ${require('os').cpus().length} cores`)
  for (const name of Object.keys(parts)) {
    if (chosen.includes(name)) await parts[name]()
  }
  say('rows missed', missed.length === 0 ? 'none' : missed.join(', '))
}

main().catch((err) => {
  console.error(err)
  process.exitCode = 1
})
