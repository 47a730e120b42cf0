/** One fresh receiver follows the set's hub, dials the sender, and takes everything. */
'use strict'
const fs = require('fs')
const { cpuSeconds, memory, forgetPeak, clock, ms } = require('./figures')
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

/** Both sides' CPU µs per message, the messages per second, and the memory at its highest. */
exports.replicate = async (set, sender, stack) => {
  const dir = set.fresh(`${sender.stack}-${stack}`)
  const receiver = await start(stack, dir)
  try {
    await receiver.follow(set.hub)
    await sleep(1500) /* the JavaScript stacks act on a follow a moment later */
    forgetPeak(sender.pid)
    const before = { idle: memory(receiver.pid).now, sender: cpuSeconds(sender.pid), receiver: cpuSeconds(receiver.pid) }
    const seconds = await Promise.all([reach(receiver, set.total + 1, stack === 'kith' ? 50 : 250), receiver.connect(sender.address)])
    const each = (name, node) => ((cpuSeconds(node.pid) - before[name]) / set.total) * 1e6
    const result = {
      rate: set.total / seconds[0],
      senderCpu: each('sender', sender),
      receiverCpu: each('receiver', receiver),
      senderPeak: memory(sender.pid).peak,
      receiverPeak: memory(receiver.pid).peak,
    }
    await sleep(4000)
    result.receiverAfter = memory(receiver.pid).now
    return result
  } finally {
    await receiver.stop()
    fs.rmSync(dir, { recursive: true, force: true })
  }
}
