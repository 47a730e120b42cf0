/** What several scenarios do with two nodes, whichever stack each of them is. */
'use strict'
const assert = require('assert')
const { until, sleep } = require('./check')
const { keyOf } = require('./author')

/**
 * The JavaScript stacks act on a follow a moment after they acknowledge it. Until then they answer
 * "I do not replicate this feed", and the classic one remembers that of its peer: so wait a little
 * between following and connecting, or the test finds their race.
 */
exports.settle = () => sleep(1500)

/** `dialler` connects to `other`, and both know of it. */
exports.join = async (dialler, other) => {
  await dialler.connect(other.address)
  await until(`${dialler.stack} and ${other.stack} are connected`, async () =>
    (await dialler.peers()).includes(other.id) && (await other.peers()).includes(dialler.id))
}

exports.part = async (a, b) => {
  await a.disconnect(b.id)
  await until(`${a.stack} and ${b.stack} are parted`, async () =>
    !(await a.peers()).includes(b.id) && !(await b.peers()).includes(a.id))
}

/** Waits until `node` has `feed` at least up to `sequence`. */
exports.reach = (node, feed, sequence, ms = 120000, every = 100) =>
  until(`${node.stack} has ${sequence} messages of ${feed.slice(0, 8)}…`, async () => {
    const head = await node.head(feed)
    if (head.sequence >= sequence) return head
    throw new Error(`it has ${head.sequence}`)
  }, { ms, every })

/** Both nodes hold the same of `feed`: keys, values, and keys that a second hand computes alike. */
exports.same = async (one, other, feed, count) => {
  const [a, b] = await Promise.all([one.dump(feed), other.dump(feed)])
  assert.strictEqual(a.length, count, `${one.stack} holds ${a.length} of ${count}`)
  assert.strictEqual(b.length, count, `${other.stack} holds ${b.length} of ${count}`)
  for (let i = 0; i < count; i++) {
    assert.strictEqual(a[i].value.sequence, i + 1)
    assert.strictEqual(a[i].key, b[i].key, `the keys of message ${i + 1} differ`)
    assert.strictEqual(JSON.stringify(a[i].value), JSON.stringify(b[i].value), `the values of message ${i + 1} differ`)
    assert.strictEqual(keyOf(a[i].value), a[i].key, `message ${i + 1} has another key`)
  }
  return `${count} messages`
}

/** Bytes of kith's own output are those V8 prints; nothing to ask where no node is kith. */
exports.sameBytes = async (nodes, feed) => {
  for (const node of nodes.filter((n) => n.stack === 'kith')) {
    const lines = await node.lines(feed)
    lines.forEach((line, i) => assert.strictEqual(line, JSON.stringify(JSON.parse(line)), `line ${i + 1}`))
  }
}

/** Publishes `count` posts at `from` one by one; the slowest way to `to`, in milliseconds. */
exports.live = async (from, to, count) => {
  let slowest = 0
  for (let i = 0; i < count; i++) {
    const { sequence } = await from.publish({ type: 'post', text: `live ${i}` })
    const began = Date.now()
    await exports.reach(to, from.id, sequence, 20000, 25)
    slowest = Math.max(slowest, Date.now() - began)
  }
  return slowest
}
