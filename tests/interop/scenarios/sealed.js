/** Files within private words: sealed as Patchwork and Manyverse do it, opened by whoever has the key out of the message, and carried by all others as noise. */
'use strict'
const assert = require('assert')
const crypto = require('crypto')
const fs = require('fs')
const path = require('path')
const pull = require('pull-stream')
const boxStream = require('pull-box-stream')
const { check, until } = require('../lib/check')
const { settle, join, reach } = require('../lib/talk')
const { holds, idOf } = require('../lib/blobs')

exports.about = 'encrypted blobs (`?unbox=`) both ways, up to the largest, with the key in a private message'

const ZEROS = Buffer.alloc(24)
/* One byte, around the pieces that a box stream makes, and as much as a blob may be once it is sealed. */
const SIZES = [1, 4095, 4096, 4097, 150000, 5199000]

const through = (bytes, stream) => new Promise((resolve, reject) =>
  pull(pull.values([bytes]), stream, pull.collect((err, parts) => (err ? reject(err) : resolve(Buffer.concat(parts))))))
const seal = (bytes, key) => through(bytes, boxStream.createBoxStream(key, ZEROS))
const unseal = (bytes, key) => through(bytes, boxStream.createUnboxStream(key, ZEROS))

const LINK = /\((&[^?)]+)\?unbox=([^)]+)\.boxs\)/

exports.run = async ({ world, subject, peer }) => {
  if (subject !== 'kith') return check('only kith has these commands', () => {})
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  await theirs.follow(mine.id)
  await mine.follow(theirs.id)
  await settle()
  await check('they connect', () => join(mine, theirs))

  for (const size of SIZES) {
    const plain = crypto.randomBytes(size)
    await check(`${size} bytes that ${peer} sealed are opened by kith, and by its own key alone`, async () => {
      const key = crypto.randomBytes(32)
      const bytes = await seal(plain, key)
      const id = idOf(bytes)
      assert.strictEqual(await theirs.blobAdd(bytes), id)
      const text = `look ![x](${id}?unbox=${key.toString('base64')}.boxs)`
      const sent = await theirs.tell('send', { content: { type: 'post', text, recps: [mine.id, theirs.id], mentions: [{ link: id, name: 'x', query: { unbox: key.toString('base64') + '.boxs' } }] } })
      await reach(mine, theirs.id, sent.sequence)
      const row = await until('it is listed', async () => (await mine.command('private', 'list', '--json')).split('\n').filter(Boolean).map((line) => JSON.parse(line)).find((one) => one.key === sent.key))
      const [, linked, unbox] = LINK.exec(row.content.text)
      await mine.blobWant(linked)
      await holds(mine, { id, bytes }, 60000)
      const out = path.join(mine.dir, 'opened')
      await mine.command('blob', 'get', `${linked}?unbox=${unbox}.boxs`, '--out', out)
      assert(fs.readFileSync(out).equals(plain), 'the bytes differ')
      fs.unlinkSync(out)
      await assert.rejects(mine.command('blob', 'get', `${linked}?unbox=${crypto.randomBytes(32).toString('base64')}.boxs`, '--out', out))
      assert(!fs.existsSync(out), 'something was written with another key')
    })
    await check(`${size} bytes that kith sealed are opened by ${peer}`, async () => {
      const file = path.join(mine.dir, 'plain')
      fs.writeFileSync(file, plain)
      const { id, unbox } = await mine.json('blob', 'add', '--seal', file)
      fs.unlinkSync(file)
      const { key } = JSON.parse(await mine.command('private', 'send', '--json', '--to', theirs.id, `see ![y](${id}?unbox=${unbox})`))
      await reach(theirs, mine.id, (await mine.head(mine.id)).sequence)
      const content = await until('it is opened', async () => { const said = await theirs.tell('open', { key }); return typeof said === 'object' && said })
      const [, linked, secret] = LINK.exec(content.text)
      assert.strictEqual(linked, id)
      await theirs.blobWant(linked)
      await until(`${peer} has it`, () => theirs.blobHas(linked), { ms: 60000 })
      const sealed = await theirs.blobGet(linked)
      assert.strictEqual(idOf(sealed), id)
      assert(!sealed.includes(plain.subarray(0, 64)) || size === 1, 'it is not sealed')
      assert((await unseal(sealed, Buffer.from(secret, 'base64'))).equals(plain), 'the bytes differ')
    })
  }
}
