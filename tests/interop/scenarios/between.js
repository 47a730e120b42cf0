/** A blob goes through somebody between, who fetches it only because a friend wants it. */
'use strict'
const { check } = require('../lib/check')
const { settle, join } = require('../lib/talk')
const { byWant, holds, picture } = require('../lib/blobs')

exports.about = 'blobs through a friend who wants them by sympathy: JS, kith, JS and kith, JS, kith'

exports.run = async ({ world, subject, peer }) => {
  for (const stacks of [[peer, subject, peer], [subject, peer, subject]]) {
    const title = stacks.join(' → ')
    const [a, b, c] = await Promise.all(stacks.map((stack) => world.node(stack)))
    for (const [one, two] of [[a, b], [b, a], [b, c], [c, b]]) await one.follow(two.id)
    await settle()
    await check(`${title}: they connect`, async () => {
      await join(a, b)
      await join(c, b)
    })
    await check(`${title}: by want`, async () => { await holds(b, await byWant(a, c, 90000)) })
    await check(`${title}: by push`, async () => {
      const blob = picture(90000)
      await a.blobAdd(blob.bytes)
      if (a.stack === 'kith') await a.publish({ type: 'post', text: 'look', mentions: [{ link: blob.id }] })
      else await a.blobPush(blob.id)
      await holds(b, blob)
      await holds(c, blob)
    })
    await Promise.all([a, b, c].map((node) => node.stop()))
  }
}
