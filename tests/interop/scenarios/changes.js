/** What changes while a connection lasts: a peer that wanted nothing of a feed asks for it later. */
'use strict'
const { check, sleep } = require('../lib/check')
const { settle, join, part, reach, same } = require('../lib/talk')

exports.about = 'feeds followed, left and followed again while connected'

exports.run = async ({ world, subject, peer }) => {
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  for (let i = 0; i < 3; i++) await mine.publish({ type: 'post', text: `post ${i}` })
  await mine.follow(theirs.id)
  await settle()
  await check(`${peer}, who followed nobody, follows ${subject} while connected, and gets its feed`, async () => {
    await join(mine, theirs)
    await settle() /* it has said that it replicates no such feed */
    await theirs.follow(mine.id)
    await reach(theirs, mine.id, 4, 20000)
    return same(mine, theirs, mine.id, 4)
  })
  await check(`${subject} follows ${peer}'s feed no longer, and again, while connected`, async () => {
    const { sequence: had } = await theirs.publish({ type: 'post', text: 'before' })
    await reach(mine, theirs.id, had, 20000)
    await mine.follow(theirs.id, false)
    await settle()
    await theirs.publish({ type: 'post', text: 'not asked for' })
    await sleep(500)
    const between = await mine.head(theirs.id)
    if (between.sequence !== had) throw new Error(`it has ${between.sequence}, not ${had}`)
    await mine.follow(theirs.id)
    await reach(mine, theirs.id, had + 1, 20000)
  })
  /* Both stand at the same number when it says -1: nobody has a reason to speak until the next post. */
  await check(`${peer} follows again at the number it left off, and what comes then reaches it`, async () => {
    const { sequence } = await mine.head(mine.id)
    await reach(theirs, mine.id, sequence, 20000)
    await part(mine, theirs)
    await theirs.follow(mine.id, false)
    await settle()
    await mine.kill() /* what it knows of its peer is written down when they part in peace */
    await mine.start()
    await join(mine, theirs)
    await settle()
    await theirs.follow(mine.id)
    await settle()
    const after = await mine.publish({ type: 'post', text: 'are you there?' })
    await reach(theirs, mine.id, after.sequence, 20000)
    return same(mine, theirs, mine.id, after.sequence)
  })
}
