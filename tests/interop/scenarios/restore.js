/** An older copy of the database, or the key alone: the feed comes back from a peer before anything is signed. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const { check, until } = require('../lib/check')
const { settle, join, part, reach, same } = require('../lib/talk')

exports.about = 'restored from an older copy, and from the key alone: nothing forks; and a machine set back: found out'

const BEFORE = 20
const AFTER = 15

const database = (node) => fs.readdirSync(node.dir).filter((name) => name.startsWith('kith.db'))
const fence = (node) => path.join(node.dir, 'fence')

const keep = (node, to) => {
  fs.mkdirSync(to)
  for (const name of database(node)) fs.copyFileSync(path.join(node.dir, name), path.join(to, name))
}

const putBack = (node, from) => {
  for (const name of database(node)) fs.rmSync(path.join(node.dir, name))
  for (const name of fs.readdirSync(from)) fs.copyFileSync(path.join(from, name), path.join(node.dir, name))
}

const loseAllButTheKey = (node) => {
  for (const name of fs.readdirSync(node.dir)) {
    if (name !== 'secret') fs.rmSync(path.join(node.dir, name), { recursive: true, force: true })
  }
}

/** What every restored node must do, until the owner gives the word. */
async function recover(mine, theirs, peer, { held, whole }) {
  const text = `written too early, ${held} held`
  await theirs.stop()
  await mine.start()
  await check('publishing is paused, and a post becomes a draft', async () => {
    assert.strictEqual((await mine.safety()).state, 'SUSPECT')
    assert.strictEqual((await mine.head(mine.id)).sequence, held)
    await assert.rejects(mine.publish({ type: 'post', text }))
    const { json } = await mine.ask('GET', '/api/drafts')
    assert(json.drafts.some((draft) => draft.content && draft.content.text === text), JSON.stringify(json))
  })
  await check(`what is missing comes back from ${peer}`, async () => {
    await theirs.start()
    await settle()
    await join(mine, theirs)
    await reach(mine, mine.id, whole, 60000)
    return same(mine, theirs, mine.id, whole)
  })
  await check(`${peer} is listed as a holder that agrees`, async () => {
    const holder = await until('it has confirmed', async () => {
      const said = await mine.safety()
      return said.holders.find((row) => row.person.id === theirs.id && row.agrees === 'yes' && row.told === whole)
    }, { ms: 60000 })
    return `told ${holder.told}`
  })
  await check('nothing was signed meanwhile', async () => {
    assert.strictEqual((await mine.safety()).state, 'SUSPECT')
    assert.strictEqual((await mine.head(mine.id)).sequence, whole)
    assert.strictEqual((await theirs.head(mine.id)).sequence, whole)
  })
  await check('after the owner\'s word the next post has the next number and arrives', async () => {
    const { status, json } = await mine.ask('POST', '/api/safety/resume', { last: whole })
    assert.strictEqual(status, 200, JSON.stringify(json))
    const { sequence } = await mine.publish({ type: 'post', text: `again, ${whole}` })
    assert.strictEqual(sequence, whole + 1)
    await reach(theirs, mine.id, whole + 1, 60000)
    await same(mine, theirs, mine.id, whole + 1)
  })
}

/** A whole machine is set back, fence and all, and posts before anybody could tell: the one thing that forks. */
async function fork(mine, theirs, peer, copy) {
  await mine.stop()
  keep(mine, copy)
  fs.copyFileSync(fence(mine), copy + '-fence')
  await mine.start()
  const { sequence } = await mine.publish({ type: 'post', text: 'one side' })
  await join(mine, theirs)
  await reach(theirs, mine.id, sequence)
  await part(mine, theirs)
  await settle() /* ssb-db2 says that it has a message a moment before that is on its disk */
  await theirs.stop()
  await mine.stop()
  putBack(mine, copy)
  fs.copyFileSync(copy + '-fence', fence(mine))
  await mine.start()
  await check(`a fork is found as soon as ${peer} is met, with its number`, async () => {
    assert.strictEqual((await mine.publish({ type: 'post', text: 'the other side' })).sequence, sequence)
    await theirs.start()
    await settle()
    await reach(theirs, mine.id, sequence)
    await join(mine, theirs)
    const { fork: found } = await until('publishing has stopped', async () => {
      const said = await mine.safety()
      return said.state === 'FORKED' && said
    }, { ms: 60000 })
    assert.strictEqual(found.sequence, sequence)
    assert.notStrictEqual(found.ours, found.theirs)
    await assert.rejects(mine.publish({ type: 'post', text: 'no more' }))
    assert.notStrictEqual((await mine.ask('POST', '/api/safety/resume', { accept: true })).status, 200)
  })
}

exports.run = async ({ world, subject, peer }) => {
  if (subject !== 'kith') return check('only kith promises this', () => {})
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  const copy = path.join(world.dir, 'older')
  await theirs.follow(mine.id)
  await mine.follow(theirs.id)
  await mine.publishMany(Array.from({ length: BEFORE - 1 }, (_, i) => ({ type: 'post', text: `before ${i}` })))
  await settle()
  await join(mine, theirs)
  await reach(theirs, mine.id, BEFORE)
  await mine.stop()
  keep(mine, copy)
  await mine.start()
  await join(mine, theirs)
  await mine.publishMany(Array.from({ length: AFTER }, (_, i) => ({ type: 'post', text: `after ${i}` })))
  await reach(theirs, mine.id, BEFORE + AFTER)
  await part(mine, theirs)
  await mine.stop()
  putBack(mine, copy)
  await recover(mine, theirs, peer, { held: BEFORE, whole: BEFORE + AFTER })
  await mine.stop()
  loseAllButTheKey(mine)
  await recover(mine, theirs, peer, { held: 0, whole: BEFORE + AFTER + 1 })
  await check('kith check finds nothing wrong', async () => {
    await mine.stop()
    await mine.command('check')
  })
  await fork(mine, theirs, peer, copy + '-machine')
}
