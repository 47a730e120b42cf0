/** What one node costs its owner: import, start-up, pages, publishing, memory. */
'use strict'
const { execFileSync, spawn } = require('child_process')
const fs = require('fs')
const path = require('path')
const { clock, ms, memory, cpuSeconds, written } = require('./figures')
const { Kith, program } = require('./node')
const { sleep } = require('../../interop/lib/check')

const bareOnce = exports.bareOnce = (set, bare) => JSON.parse(execFileSync(bare, [set.file]).toString())

/** Bytes of a database, its log included. */
const onDisk = (dir) => ['kith.db', 'kith.db-wal'].map((name) => path.join(dir, name))
  .reduce((sum, file) => sum + (fs.existsSync(file) ? fs.statSync(file).size : 0), 0)
exports.onDisk = onDisk

/**
 * An import between two rounds of bare signature checks, so that all meet the same machine; and the
 * CPU time of both, which does not depend on what else it does.
 */
exports.importOnce = async (set, bare) => {
  const before = bareOnce(set, bare)
  const dir = set.fresh('import')
  new Kith(dir).init()
  const child = spawn(program, ['import', set.file, '--data', dir, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const parts = []
  let peak = 0
  let cpu = 0
  let wrote = 0
  child.stdout.on('data', (part) => parts.push(part))
  const watch = setInterval(() => {
    try {
      peak = Math.max(peak, memory(child.pid).peak)
      cpu = cpuSeconds(child.pid)
      wrote = written(child.pid)
    } catch (err) { /* it has just ended */ }
  }, 10)
  await new Promise((resolve) => child.once('close', resolve))
  clearInterval(watch)
  const counts = JSON.parse(Buffer.concat(parts).toString())
  const disk = onDisk(dir)
  fs.rmSync(dir, { recursive: true, force: true })
  if (counts.stored !== set.total) throw new Error(`import stored ${counts.stored} of ${set.total}`)
  const bares = [before, bareOnce(set, bare)]
  const sum = (name) => bares[0][name] + bares[1][name]
  return { rate: set.total / counts.seconds, cpu: (cpu / set.total) * 1e6, peak, disk: disk / set.total,
    wrote: wrote / set.bytes,
    bareRate: sum('messages') / sum('seconds'), bareCpu: (sum('cpu_seconds') / sum('messages')) * 1e6 }
}

/**
 * Process start to the newest 50 posts, over the Unix socket, asked as soon as it can be; and to the
 * first page in a browser's session.
 */
exports.startUp = async (set) => {
  const node = await set.reader()
  const newest = node.firstAnswer('/api/timeline?limit=50')
  await node.start()
  const first = await newest
  await node.login()
  const page = await node.page('/api/boot')
  const result = { ready: node.readyMs, first: first.ms, rows: first.answer.posts.length, page: ms(node.startedAt),
    posts: page.posts.length, memory: memory(node.pid).now }
  await node.stop()
  return result
}

/** What a node does with nothing to do: CPU share in percent, bytes written, wake-ups. */
exports.idle = async (node, seconds) => {
  await sleep(3000)
  const wakeups = () => fs.readdirSync(`/proc/${node.pid}/task`).reduce((sum, task) =>
    sum + Number(/voluntary_ctxt_switches:\s+(\d+)/.exec(fs.readFileSync(`/proc/${node.pid}/task/${task}/status`, 'utf8'))[1]), 0)
  const before = { cpu: cpuSeconds(node.pid), wrote: written(node.pid), wakeups: wakeups() }
  await sleep(seconds * 1000)
  return { cpu: ((cpuSeconds(node.pid) - before.cpu) / seconds) * 100, wrote: written(node.pid) - before.wrote,
    wakeups: wakeups() - before.wakeups }
}

/* A session may ask twenty times a second. */
const PACE_MS = 55

/* An id as paths carry it. */
const inPath = (id) => Buffer.from(id.slice(1, 45), 'base64').toString('base64url')

const time = async (count, fn, pauseMs = 0) => {
  const took = []
  for (let i = 0; i < count; i++) {
    const began = clock()
    await fn(i)
    took.push(ms(began))
    if (pauseMs > 0) await sleep(pauseMs)
  }
  return took
}

/**
 * What a reader asks for: at full speed over the Unix socket, and at a browser's pace over the web
 * port. Each function asks so many times and tells how long each answer took.
 */
exports.pages = async (node) => {
  await node.login()
  const first = await node.page('/api/timeline')
  const roots = first.posts.map((post) => post.root || post.id)
  let cursor = first.cursor
  const deeper = async () => {
    const page = await node.get('/api/timeline?before=' + encodeURIComponent(cursor))
    roots.push(...page.posts.map((post) => post.root || post.id))
    cursor = page.cursor || first.cursor
  }
  const thread = (i) => '/api/thread/' + inPath(roots[(i * 7) % roots.length])
  const author = first.posts[0].author
  const search = (question) => (count) => time(count, () => node.get(`/api/search?q=${encodeURIComponent(question)}`))
  return {
    /* Questions in the words of the set, all of which are common; four in a row are rare. */
    latency: [
      ['home', (count) => time(count, () => node.get('/api/timeline')), 10],
      ['thread', (count) => time(count, (i) => node.get(thread(i))), 10],
      ['profile', (count) => time(count, async () => {
        await node.get(`/api/person/${inPath(author)}`)
        await node.get(`/api/person/${inPath(author)}/posts`)
      }), 10],
      ['search, a common word', search('garden'), 300],
      ['search, a rare phrase', search('"solar panel solar panel"'), 300],
      ['search, nothing found', search('zebra'), 300],
      ['search, from: and a word', search(`from:${inPath(author)} garden`), 300],
      ['search, part of a word', search('arde'), 300],
      ['search, five words and a tag', search('garden boat water море light #boats'), 300],
      ['search, Chinese', search('茶'), 300],
    ],
    home: (count) => time(count, () => node.get('/api/timeline')),
    deeper: (count) => time(count, deeper),
    thread: (count) => time(count, (i) => node.get(thread(i))),
    homeHttp: (count) => time(count, () => node.page('/api/timeline'), PACE_MS),
    threadHttp: (count) => time(count, (i) => node.page(thread(i)), PACE_MS),
  }
}

exports.publish = (node, count) => time(count, (i) => node.publish({ type: 'post', text: `measured ${i}` }), 5)

/** Publish at `a` until `b` has it, found by asking `b` again and again. */
exports.live = (a, b, count) => time(count, async (i) => {
  const { key } = await a.publish({ type: 'post', text: `live ${i}` })
  const target = `/api/message/${inPath(key)}/raw`
  for (;;) {
    try {
      return await b.get(target)
    } catch (err) {
      if (!/ 404 /.test(err.message)) throw err
    }
  }
}, 5)
