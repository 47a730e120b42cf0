/** Private words both ways: whom they are for reads them, nobody else does, and everybody carries them. */
'use strict'
const assert = require('assert')
const ssbKeys = require('ssb-keys')
const { check, until } = require('../lib/check')
const { Author } = require('../lib/author')
const { settle, join, reach, same } = require('../lib/talk')

exports.about = 'private messages to one and to six others, as each stack writes them; box2; too many readers'

const OTHERS = 5

/** As ssb-keys wants the keys of somebody whose feed the driver writes. */
const keysOf = (author) => ({
  curve: 'ed25519', public: author.id.slice(1), private: author.keys.secretKey.toString('base64') + '.ed25519', id: author.id,
})

/** A feed of the driver's own, at a peer, for all who follow it. */
async function say(theirs, author, contents) {
  const values = contents.map((content) => author.publish(content))
  await theirs.add(values)
  return values
}

/** What kith lists, as a promise for the row of a content. */
const listed = (mine, isIt) => until('it is listed', async () => {
  const lines = (await mine.command('private', 'list', '--json')).split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line)).find(isIt)
})

const opened = (theirs, key) => until('it is opened', async () => {
  const content = await theirs.tell('open', { key })
  return typeof content === 'object' && content
})

async function fromKith(mine, theirs, others) {
  const send = async (to, text) => JSON.parse(await mine.command('private', 'send', '--json', ...to.flatMap((id) => ['--to', id]), text))
  const content = async (key) => {
    await reach(theirs, mine.id, (await mine.head(mine.id)).sequence)
    return opened(theirs, key)
  }
  const raw = async (key) => (await mine.dump(mine.id)).find((message) => message.key === key).value.content
  await check('what kith writes to one is read there, and names its readers', async () => {
    const { key } = await send([theirs.id], 'for one: ☃')
    const said = await content(key)
    assert.strictEqual(said.type, 'post')
    assert.strictEqual(said.text, 'for one: ☃')
    assert.deepStrictEqual([...said.recps].sort(), [mine.id, theirs.id].sort())
    assert.match(await raw(key), /^[A-Za-z0-9+/]+={0,2}\.box$/)
  })
  await check(`what kith writes to ${OTHERS + 1} others is read by each of them, and by nobody else`, async () => {
    const { key } = await send([theirs.id, ...others.map(({ id }) => id)], 'for seven')
    assert.strictEqual((await content(key)).recps.length, OTHERS + 2)
    const box = await raw(key)
    for (const other of others) assert.strictEqual(ssbKeys.unbox(box, keysOf(other)).text, 'for seven')
    assert(!ssbKeys.unbox(box, keysOf(new Author())), 'a stranger opened it')
  })
  await check('eight readers are refused, and nothing is signed', async () => {
    const before = (await mine.head(mine.id)).sequence
    const eight = [theirs.id, ...others.map(({ id }) => id), new Author().id]
    await assert.rejects(send(eight, 'for eight'))
    await assert.rejects(mine.command('publish', ...eight.flatMap((id) => ['--to', id]), '{"type":"post","text":"for eight"}'))
    assert.strictEqual((await mine.head(mine.id)).sequence, before)
  })
  await check('any content goes boxed, letter by letter', async () => {
    const text = '{"type":"chess_move","ply":7.50,"note":"\\u2603 \\"x\\"","recps":["' + theirs.id + '"]}'
    const { key } = JSON.parse(await mine.command('publish', '--json', '--to', theirs.id, text))
    const said = await content(key)
    assert.deepStrictEqual([said.type, said.ply, said.note], ['chess_move', 7.5, '☃ "x"'])
  })
}

async function toKith(mine, theirs, others, peer) {
  const here = ({ sequence }) => reach(mine, theirs.id, sequence)
  const row = async (sent, text) => {
    await here(sent)
    const found = await listed(mine, ({ key }) => key === sent.key)
    assert.strictEqual(found.author, theirs.id)
    assert.strictEqual(found.content.text, text)
    return found
  }
  await check(`what ${peer} writes to one is read`, async () => {
    await row(await theirs.tell('send', { content: { type: 'post', text: 'for kith: ☃', recps: [mine.id, theirs.id] } }), 'for kith: ☃')
  })
  await check(`what ${peer} writes to seven is read, with those it names`, async () => {
    const recps = [theirs.id, mine.id, ...others.map(({ id }) => id)]
    const found = await row(await theirs.tell('send', { content: { type: 'post', text: 'for all seven', recps } }), 'for all seven')
    assert.deepStrictEqual(found.content.recps, recps)
  })
  await check(`what ${peer} writes to others is carried, letter by letter, and not listed`, async () => {
    const sent = await theirs.tell('send', { content: { type: 'post', text: 'not for kith', recps: [theirs.id, others[0].id] } })
    await here(sent)
    await row(await theirs.tell('send', { content: { type: 'post', text: 'after it', recps: [mine.id, theirs.id] } }), 'after it')
    assert(!(await mine.command('private', 'list', '--json')).includes('not for kith'))
    const box = (await mine.dump(theirs.id)).find(({ key }) => key === sent.key).value.content
    assert.strictEqual(ssbKeys.unbox(box, keysOf(others[0])).text, 'not for kith')
  })
  await check('answers and likes in private are read as what they are', async () => {
    const root = await row(await theirs.tell('send', { content: { type: 'post', text: 'a root', recps: [mine.id, theirs.id] } }), 'a root')
    const like = await theirs.tell('send', { content: { type: 'vote', vote: { link: root.key, value: 1, expression: 'Like' }, recps: [mine.id, theirs.id] } })
    await here(like)
    const found = await listed(mine, ({ key }) => key === like.key)
    assert.strictEqual(found.content.vote.link, root.key)
    await row(await theirs.tell('send', { content: { type: 'post', text: 'an answer', root: root.key, branch: root.key, recps: [mine.id, theirs.id] } }), 'an answer')
  })
}

/** What other clients write, under the driver's own hand: each is a box of ssb-keys. */
async function otherForms(mine, theirs, others) {
  const oasis = others[0]
  const forms = [
    ['Oasis names its readers in `to`', { type: 'post', text: 'to two', to: [mine.id, oasis.id], private: true }],
    ['readers as objects', { type: 'post', text: 'objects', recps: [{ link: mine.id, name: 'kith' }, { link: oasis.id, name: 'me' }] }],
    ['nobody named', { type: 'post', text: 'nobody named' }],
    ['one reader, no list', { type: 'post', text: 'no list', recps: mine.id }],
    ['a subject and a picture', { type: 'post', text: 'look ![x](&AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.sha256?unbox=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.boxs)', recps: [mine.id, oasis.id] }],
  ]
  await mine.follow(oasis.id)
  await theirs.follow(oasis.id)
  await settle()
  await say(theirs, oasis, forms.map(([, content]) => ssbKeys.box(content, [mine.id, oasis.id])))
  await reach(mine, oasis.id, forms.length)
  for (const [name, content] of forms) {
    await check(`${name}: it is read, letter by letter`, async () => {
      const found = await listed(mine, (row) => row.content.text === content.text)
      assert.deepStrictEqual(found.content, content)
    })
  }
}

async function modernOnly(mine, theirs, others) {
  await check('a direct message in box2 is read', async () => {
    const sent = await theirs.tell('send', { content: { type: 'post', text: 'in an envelope', recps: [mine.id, theirs.id] }, recps: [mine.id], format: 'box2' })
    await reach(mine, theirs.id, sent.sequence)
    const found = await listed(mine, ({ key }) => key === sent.key)
    assert.strictEqual(found.content.text, 'in an envelope')
    assert.match((await mine.dump(theirs.id)).find(({ key }) => key === sent.key).value.content, /\.box2$/)
  })
  await check('a box2 message to three is read in its own slot', async () => {
    const recps = [others[1].id, others[2].id, mine.id]
    const sent = await theirs.tell('send', { content: { type: 'post', text: 'in the third slot', recps }, recps, format: 'box2' })
    await reach(mine, theirs.id, sent.sequence)
    assert.strictEqual((await listed(mine, ({ key }) => key === sent.key)).content.text, 'in the third slot')
  })
  await check('a private follow message of ssb-friends is read', async () => {
    const sent = await theirs.tell('followBoxed', { feed: others[3].id, recps: [theirs.id, mine.id] })
    await reach(mine, theirs.id, sent.sequence)
    const { content } = await listed(mine, ({ key }) => key === sent.key)
    assert.deepStrictEqual([content.type, content.contact, content.following], ['contact', others[3].id, true])
  })
}

exports.run = async ({ world, subject, peer }) => {
  if (subject !== 'kith') return check('only kith has these commands', () => {})
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  const others = Array.from({ length: OTHERS }, () => new Author())
  await theirs.follow(mine.id)
  await mine.follow(theirs.id)
  await settle()
  await check('they connect', () => join(mine, theirs))
  await fromKith(mine, theirs, others)
  await toKith(mine, theirs, others, peer)
  await otherForms(mine, theirs, others)
  if (peer === 'modern') await modernOnly(mine, theirs, others)
  await check('both hold the same boxes', async () => {
    await same(mine, theirs, mine.id, (await mine.head(mine.id)).sequence)
    return same(mine, theirs, theirs.id, (await theirs.head(theirs.id)).sequence)
  })
  await check('nobody but those it was written to can see of a private follow whom it names', async () => {
    const before = (await mine.head(mine.id)).sequence
    await mine.command('follow', '--private', others[4].id)
    const { sequence, key } = await mine.head(mine.id)
    assert.strictEqual(sequence, before + 1)
    await reach(theirs, mine.id, sequence)
    assert.strictEqual(typeof await theirs.tell('open', { key }), 'string')
    assert(!JSON.stringify(await theirs.dump(mine.id)).includes(others[4].id))
  })
}
