/** A writes to B and goes away; C, who has never met A, gets A's messages from B. */
'use strict'
const { check } = require('../lib/check')
const { content } = require('../lib/oddities')
const { settle, join, part, reach, same } = require('../lib/talk')

exports.about = 'A to B to C while A is down, each stack at each place'

const chain = async (world, [a, b, c], dose) => {
  const stacks = [a, b, c]
  const [A, B, C] = [await world.node(a), await world.node(b), await world.node(c)]
  const count = Math.min(dose.messages, 300)
  await A.publishMany(Array.from({ length: count }, (_, i) => content(i, { stacks, objects: true })))
  await A.follow(B.id)
  await B.follow(A.id)
  await B.follow(C.id)
  await C.follow(B.id)
  await C.follow(A.id)
  await settle()
  await join(A, B)
  await reach(B, A.id, count + 1)
  await part(A, B)
  const held = await A.dump(A.id)
  await A.stop()
  await join(C, B)
  await reach(C, A.id, count + 1)
  await same(C, { stack: a, dump: async () => held }, A.id, count + 1)
  await Promise.all([B.stop(), C.stop()])
}

exports.run = async ({ world, subject, peer, dose }) => {
  const orders = [[peer, subject, peer], [subject, peer, subject], [peer, peer, subject], [subject, peer, peer], [peer, subject, subject]]
  for (const order of orders) {
    await check(`${order.join(' → ')}: what A wrote reaches C while A is down`, () => chain(world, order, dose))
  }
}
