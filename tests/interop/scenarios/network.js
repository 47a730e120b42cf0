/** Nodes of another network, wrong server keys, garbage and silence: closed, and nobody else notices. */
'use strict'
const assert = require('assert')
const crypto = require('crypto')
const { check, sleep, within } = require('../lib/check')
const { World } = require('../lib/world')
const { Author } = require('../lib/author')
const { dial, socket } = require('../lib/raw')
const { join, reach, settle } = require('../lib/talk')

exports.about = 'another network key, another server key, garbage, silence'

exports.run = async ({ world, subject, peer }) => {
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  await mine.follow(theirs.id)
  await theirs.follow(mine.id)
  const elsewhere = new World()
  world.cleanups.push(() => elsewhere.close())
  const alien = await elsewhere.node(peer)
  await settle()
  await join(theirs, mine)

  const refuses = (what, promise) => check(what, () =>
    within(8000, 'it is refused', promise().then(() => { throw new Error('it connected') }, (err) => {
      if (/not within|it connected/.test(err.message)) throw err
    })))
  await refuses(`a ${peer} of another network is refused by ${subject}`, () => alien.connect(mine.address))
  await refuses(`${subject} fails to dial a ${peer} of another network, and says so`, () => mine.connect(alien.address))
  await refuses(`${subject} fails to dial a ${peer} under a wrong key`, () =>
    mine.connect(theirs.address.replace(/shs:.*/, 'shs:' + new Author().public.toString('base64'))))
  await refuses(`${subject} fails to dial a port where nobody listens`, async () =>
    mine.connect(`net:127.0.0.1:${await require('../lib/world').freePort()}~shs:${new Author().public.toString('base64')}`))
  await refuses(`a peer that knows ${subject} under another key is refused`, () =>
    dial(mine.address.replace(/shs:.*/, 'shs:' + new Author().public.toString('base64')), world))

  const closes = (what, bytes, ms) => check(what, async () => {
    const line = await socket(mine.port)
    if (bytes) line.write(bytes)
    const began = Date.now()
    await within(ms, 'it is closed', line.closing)
    return `after ${Date.now() - began} ms`
  })
  if (subject === 'kith') {
    await closes('garbage is closed within 5 s', crypto.randomBytes(64), 6000)
    await closes('64 zeros are closed within 5 s', Buffer.alloc(64), 6000)
    await closes('a greeting of another protocol is closed within 5 s', 'GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: x/1.0\r\n\r\n', 6000)
    await closes('half a hello is closed within 5 s', crypto.randomBytes(32), 7000)
    await closes('silence is closed within 5 s', null, 7000)
    await check('a hello of one byte a second is closed within 5 s', async () => {
      const line = await socket(mine.port)
      const drip = setInterval(() => line.write('x'), 1000)
      await within(7000, 'it is closed', line.closing).finally(() => clearInterval(drip))
    })
  }
  await check(`${subject} still talks with its friend`, async () => {
    await sleep(200)
    assert((await mine.peers()).includes(theirs.id))
    const { sequence } = await theirs.publish({ type: 'post', text: 'still here' })
    await reach(mine, theirs.id, sequence, 20000)
  })
}
