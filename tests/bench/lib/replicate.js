/** One fresh receiver follows the set's hub, dials the sender, and takes everything. */
'use strict'
const fs = require('fs')
const { cpuSeconds, memory, written, forgetPeak, clock, ms } = require('./figures')
const { Kith } = require('./node')
const { startPeer } = require('./set')
const { sleep } = require('../../interop/lib/check')

const PATIENCE_MS = 1200000

const start = (stack, dir) => (stack === 'kith' ? new Kith(dir).init().start() : startPeer(stack, dir))

async function reach(receiver, total, every) {
  const began = clock()
  for (;;) {
    const has = await receiver.total()
    if (has >= total) return ms(began) / 1000
    if (ms(began) > PATIENCE_MS) throw new Error(`${receiver.stack} has ${has} of ${total}`)
    await sleep(every)
  }
}

/* An id as paths carry it. */
const inPath = (id) => Buffer.from(id.slice(1, 45), 'base64').toString('base64url')

/* The newest messages of a feed can be read: they are stored, or shown ahead of their history. */
async function isReadable(node, feed, newest) {
  const { person } = await node.get('/api/person/' + inPath(feed))
  return person.sequence >= newest || (Boolean(person.ahead) && person.ahead.newest >= newest)
}

/* One feed after the other, so that asking costs little. Seconds until all of them can be read. */
async function readable(node, feeds) {
  const began = clock()
  for (const [feed, newest] of feeds) {
    while (!(await isReadable(node, feed, newest))) {
      if (ms(began) > PATIENCE_MS) throw new Error('not readable: ' + feed)
      await sleep(5)
    }
  }
  return ms(began) / 1000
}

/** Both sides' CPU µs per message, the messages per second, and the memory at its highest. */
exports.replicate = async (set, sender, stack) => {
  const dir = set.fresh(`${sender.stack}-${stack}`)
  const receiver = await start(stack, dir)
  try {
    await receiver.follow(set.hub)
    await sleep(1500) /* the JavaScript stacks act on a follow a moment later */
    forgetPeak(sender.pid)
    const before = { idle: memory(receiver.pid).now, sender: cpuSeconds(sender.pid), receiver: cpuSeconds(receiver.pid),
      written: written(receiver.pid) }
    const [seconds] = await Promise.all([reach(receiver, set.total + 1, stack === 'kith' ? 50 : 250), receiver.connect(sender.address)])
    const each = (name, node) => ((cpuSeconds(node.pid) - before[name]) / set.total) * 1e6
    const result = {
      rate: set.total / seconds,
      senderCpu: each('sender', sender),
      receiverCpu: each('receiver', receiver),
      senderPeak: memory(sender.pid).peak,
      receiverPeak: memory(receiver.pid).peak,
    }
    await sleep(4000)
    result.receiverAfter = memory(receiver.pid).now
    result.written = written(receiver.pid) - before.written
    return result
  } finally {
    await receiver.stop()
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

/**
 * A fresh kith node follows `follow` and dials: the set's messages by the seconds until the newest
 * of every feed (of the one followed, when `feeds` is given) can be read.
 */
exports.untilReadable = async (set, sender, follow, feeds = set.feeds) => {
  const dir = set.fresh('readable')
  const receiver = await start('kith', dir)
  try {
    await receiver.follow(follow)
    await sleep(500)
    const before = { sender: cpuSeconds(sender.pid), receiver: cpuSeconds(receiver.pid) }
    const [seconds] = await Promise.all([readable(receiver, feeds), receiver.connect(sender.address)])
    const stored = await receiver.total()
    const cpu = cpuSeconds(receiver.pid) - before.receiver + cpuSeconds(sender.pid) - before.sender
    return { seconds, rate: set.total / seconds, cpu: (cpu / set.total) * 1e6, stored }
  } finally {
    await receiver.stop()
    fs.rmSync(dir, { recursive: true, force: true })
  }
}
