/**
 * All measurements of a node in one run: `make bench`, `make bench MESSAGES=20000`, and
 * `make bench PARTS=import,pages` for some. What they mean stands in README.md.
 */
'use strict'
const fs = require('fs')
const path = require('path')
const { Set } = require('./lib/set')
const { Kith } = require('./lib/node')
const { replicate } = require('./lib/replicate')
const local = require('./lib/local')
const { median, latency, memory, cpuSeconds } = require('./lib/figures')
const { sleep } = require('../interop/lib/check')

const [file, bare] = process.argv.slice(2)
const runs = Number(process.env.RUNS || 3)
const chosen = (process.env.PARTS || '').split(',').filter(Boolean)
const set = new Set(path.join(path.dirname(file), 'set-' + path.basename(file, '.jsonl')), file)

const say = (name, text) => console.log(name.padEnd(34) + text)
const mid = (results, name) => median(results.map((result) => result[name]))
const whole = (value) => Math.round(value).toLocaleString('en-US')
const mib = (value) => value.toFixed(1) + ' MiB'

async function repeat(count, fn) {
  const results = []
  for (let i = 0; i < count; i++) results.push(await fn())
  return results
}

function sayReplication(name, results) {
  say(name, `${whole(mid(results, 'rate'))} msg/s; CPU µs/msg: sender ${mid(results, 'senderCpu').toFixed(1)}, receiver ` +
    `${mid(results, 'receiverCpu').toFixed(1)}; peak: sender ${mib(mid(results, 'senderPeak'))}, receiver ${mib(mid(results, 'receiverPeak'))}, ` +
    `4 s after ${mib(mid(results, 'receiverAfter'))} (runs: ${results.map((r) => whole(r.rate)).join(', ')})`)
}

function sayAgainst(name, ours, theirs) {
  const ratio = (fn) => ours.map((result, i) => fn(result, theirs[i]))
  const both = (result) => result.senderCpu + result.receiverCpu
  const middle = (fn) => median(ratio(fn)).toFixed(2)
  say(name, `${middle((a, b) => a.rate / b.rate)} × the rate (${ratio((a, b) => (a.rate / b.rate).toFixed(2)).join(', ')}); ` +
    `CPU of both ends 1/${middle((a, b) => both(b) / both(a))}, of the receiver 1/${middle((a, b) => b.receiverCpu / a.receiverCpu)}; ` +
    `the receiver's peak memory 1/${middle((a, b) => b.receiverPeak / a.receiverPeak)}`)
}

/* Both pairs take turns, so that what else the machine does meets them alike. */
async function against(name, ours, theirs) {
  const senders = {}
  try {
    for (const [stack] of [ours, theirs]) {
      senders[stack] = senders[stack] || (stack === 'kith' ? await (await set.kith()).start() : await set.peer(stack))
    }
    const results = { ours: [], theirs: [] }
    for (let i = 0; i < runs; i++) {
      results.ours.push(await replicate(set, senders[ours[0]], ours[1]))
      results.theirs.push(await replicate(set, senders[theirs[0]], theirs[1]))
    }
    sayReplication(ours.join(' → '), results.ours)
    sayReplication(theirs.join(' → '), results.theirs)
    sayAgainst(name, results.ours, results.theirs)
  } finally {
    for (const sender of Object.values(senders)) await sender.stop()
  }
}

const parts = {
  async import() {
    const results = await repeat(runs, () => local.importOnce(set, bare))
    say('kith import', `${whole(mid(results, 'rate'))} msg/s, ${mid(results, 'cpu').toFixed(1)} µs CPU/msg, peak ${mib(mid(results, 'peak'))}; ` +
      `bare libsodium on 2 threads ${whole(mid(results, 'bareRate'))}/s, ${mid(results, 'bareCpu').toFixed(1)} µs CPU each`)
    say('  share of bare checking', `by the clock ${median(results.map((r) => r.rate / r.bareRate)).toFixed(2)} ` +
      `(${results.map((r) => (r.rate / r.bareRate).toFixed(2)).join(', ')}), by CPU ` +
      `${median(results.map((r) => r.bareCpu / r.cpu)).toFixed(2)} (aim 0.60)`)
  },

  replication: () => against('  against ssb-db2 (aim 3 ×)', ['kith', 'kith'], ['modern', 'modern']),

  classic: () => against('  ssb-server → kith against it', ['classic', 'kith'], ['classic', 'classic']),

  async start() {
    const results = await repeat(5, () => local.startUp(set))
    say(`start-up with ${whole(set.total)} messages`, `ready ${mid(results, 'ready').toFixed(0)} ms, first page (${results[0].posts} posts, session opened) ` +
      `${mid(results, 'page').toFixed(0)} ms after the process began (${results.map((r) => r.page.toFixed(0)).join(', ')})`)
    say('  memory just started', `${mib(mid(results, 'memory'))} (aim 32)`)
  },

  async pages() {
    const node = await (await set.kith()).start()
    try {
      const pages = await local.pages(node)
      await sayUse('home timeline (aim p99 10 ms)', node, () => pages.home(1000))
      await sayUse('  further and further back', node, () => pages.deeper(1000))
      await sayUse('thread', node, () => pages.thread(1000))
      await sayUse('home timeline, web port, paced', node, () => pages.homeHttp(100))
      await sayUse('thread, web port, paced', node, () => pages.threadHttp(100))
      await sleep(2000)
      say('  memory after this use', mib(memory(node.pid).now) + ' (aim 32)')
    } finally {
      await node.stop()
    }
  },

  async publish() {
    const a = await new Kith(set.fresh('a')).init().start()
    const b = await new Kith(set.fresh('b')).init().start()
    const full = await copyOfFull()
    try {
      await sayUse('publish, new node', a, () => local.publish(a, 300))
      await sayUse(`publish, ${whole(set.total)} messages`, full, () => local.publish(full, 300))
      await b.follow(a.id)
      await b.connect(a.address)
      await sleep(1000)
      say('publish at A → stored at B', latency(await local.live(a, b, 200)))
    } finally {
      for (const node of [a, b, full]) {
        await node.stop()
        fs.rmSync(node.dir, { recursive: true, force: true })
      }
    }
  },
}

/* A node that has the set but is somebody else: what is published must not change the set. */
async function copyOfFull() {
  const node = new Kith(set.fresh('full')).init()
  set.import(node.dir)
  return node.start()
}

/* Node's own part of a latency is in it; its CPU is not. */
async function sayUse(name, node, fn) {
  const before = cpuSeconds(node.pid)
  const took = await fn()
  say(name, `${latency(took)}; ${(((cpuSeconds(node.pid) - before) / took.length) * 1e3).toFixed(2)} ms CPU each`)
}

async function main() {
  const load = fs.readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')
  say('set', `${whole(set.total)} messages, ${whole(fs.statSync(file).size / set.total)} bytes each; load ${load}, ${require('os').cpus().length} cores`)
  for (const name of Object.keys(parts)) {
    if (chosen.length === 0 || chosen.includes(name)) await parts[name]()
  }
}

main().catch((err) => {
  console.error(err)
  process.exitCode = 1
})
