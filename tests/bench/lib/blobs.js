/** How fast large blobs go from one node to another of the same stack, and plain bytes over the same loopback. */
'use strict'
const { spawn } = require('child_process')
const net = require('net')
const { cpuSeconds, memory, clock, ms } = require('./figures')
const { World } = require('../../interop/lib/world')
const { settle, join } = require('../../interop/lib/talk')
const { picture, MAX } = require('../../interop/lib/blobs')
const { sleep } = require('../../interop/lib/check')

const MIB = 1024 * 1024
const PATIENCE_MS = 300000

/** One wants `count` blobs of almost 5 MiB that the other has: from the first want to the last blob, hashed and stored. */
exports.blobsOnce = async (stack, count) => {
  const world = new World()
  try {
    const [from, to] = await Promise.all([world.node(stack), world.node(stack)])
    await from.follow(to.id)
    await to.follow(from.id)
    await settle()
    await join(to, from)
    const blobs = Array.from({ length: count }, () => picture(MAX - 1))
    for (const { bytes } of blobs) await from.blobPut(bytes)
    const pids = [from.child.pid, to.child.pid]
    const before = pids.map(cpuSeconds)
    const began = clock()
    for (const { id } of blobs) await (stack === 'kith' ? to.blob(id, { want: true }) : to.blobWant(id))
    for (const { id } of blobs) {
      while (!(await to.blobHas(id))) {
        if (ms(began) > PATIENCE_MS) throw new Error(`${stack}: a blob does not come`)
        await sleep(5)
      }
    }
    const seconds = ms(began) / 1000
    const total = (count * (MAX - 1)) / MIB
    const [senderCpu, receiverCpu] = pids.map((pid, i) => ((cpuSeconds(pid) - before[i]) / total) * 1000)
    return { rate: total / seconds, senderCpu, receiverCpu, receiverPeak: memory(pids[1]).peak }
  } finally {
    await world.close()
  }
}

/** The same bytes from another process through a socket, and nothing done with them. */
exports.loopbackOnce = async (count) => {
  const total = count * (MAX - 1)
  const code = `const net = require('net'), part = Buffer.alloc(65536); let left = ${total}
    net.createServer((s) => { const go = () => { while (left > 0) { const b = part.subarray(0, Math.min(left, 65536)); left -= b.length
      if (!s.write(b)) return s.once('drain', go) } s.end() }; go() }).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const port = await new Promise((resolve) => child.stdout.once('data', (text) => resolve(Number(text))))
    const began = clock()
    await new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1', () => socket.resume())
      socket.once('end', resolve)
      socket.once('error', reject)
    })
    return { rate: total / MIB / (ms(began) / 1000) }
  } finally {
    child.kill()
  }
}
