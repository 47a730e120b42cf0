/** Somebody new is followed: the newest posts are there long before the history, from whoever has them. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const { check, until } = require('../lib/check')
const { Author } = require('../lib/author')
const { settle, join, reach, same, live } = require('../lib/talk')

exports.about = 'the newest messages first: kith.newest, and its polite refusal by others'

const WINDOW = 50

/** A name, then posts. */
const write = (count) => {
  const author = new Author()
  author.publish({ type: 'about', about: author.id, name: 'Ada', description: 'counts' })
  for (let i = 2; i <= count; i++) author.publish({ type: 'post', text: `number ${i} of ${count}, é and Ж` })
  return author
}

const pathOf = (feed) => feed.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')

const ask = async (node, target) => {
  const { status, json } = await node.ask('GET', target)
  assert.strictEqual(status, 200, JSON.stringify(json))
  return json
}

/** The newest posts of `author` on the page of `node`, from when it is asked; what the person looked like then. */
const paint = (node, author) => {
  const began = Date.now()
  const from = author.values.length - WINDOW
  return until('the newest posts are on the page', async () => {
    const { posts } = await ask(node, `/api/person/${pathOf(author.id)}/posts?limit=${WINDOW}`)
    const wanted = author.values.slice(from).map((value) => value.content.text)
    assert.deepStrictEqual(posts.map((post) => post.text).reverse(), wanted, `there are ${posts.length}`)
    const { person } = await ask(node, `/api/person/${pathOf(author.id)}`)
    return { ms: Date.now() - began, posts, person }
  }, { ms: 60000, every: 10 })
}

/** Everything is there in the end, nothing is ahead, and the texts are those of the author. */
const settled = async (node, other, author) => {
  await reach(node, author.id, author.values.length)
  const { person } = await ask(node, `/api/person/${pathOf(author.id)}`)
  assert.strictEqual(person.ahead, null)
  assert.strictEqual(person.name, 'Ada')
  return same(node, other, author.id, author.values.length)
}

const refusals = (node) => (node.log().match(/newest\.refused/g) || []).length

exports.run = async ({ world, subject, peer, dose }) => {
  if (subject !== 'kith') return
  const author = write(dose.newest)
  const mine = await world.node(subject)
  const theirs = await world.node(peer)
  await theirs.follow(author.id)
  await theirs.add(author.values)
  await theirs.follow(mine.id)
  await mine.follow(theirs.id)
  await mine.follow(author.id) /* before: a JavaScript peer tells how far it is once, at the beginning */
  await settle()

  await check('they connect', () => join(mine, theirs))
  await check(`the newest ${WINDOW} of a feed that ${peer} holds are readable, then all of it`, async () => {
    const { ms, person } = await paint(mine, author)
    const said = await settled(mine, theirs, author)
    const how = person.ahead ? `before the history, ${person.sequence} of which was here` : 'with the history'
    return `${said}; the newest after ${ms} ms, ${how}`
  })
  await check(`${peer} refuses kith.newest once and stays`, async () => {
    assert.strictEqual(refusals(mine), 1, `refused ${refusals(mine)} times`)
    assert((await theirs.peers()).includes(mine.id) && (await mine.peers()).includes(theirs.id))
    const slowest = Math.max(await live(theirs, mine, 2), await live(mine, theirs, 2))
    return `live posts go on, the slowest after ${slowest} ms`
  })

  /* Between two of us, at once. */
  const reader = await world.node(subject)
  const again = write(dose.newest)
  await mine.follow(again.id)
  await mine.follow(reader.id)
  await reader.follow(mine.id)
  await mine.stop()
  const file = path.join(mine.dir, 'again.jsonl')
  fs.writeFileSync(file, again.values.map((value) => JSON.stringify(value)).join('\n') + '\n')
  await mine.command('import', file)
  await mine.start()
  await check('two kith nodes connect', () => join(reader, mine))
  await reader.follow(again.id)
  await check(`the newest ${WINDOW} and the name are on the page within 2 s, then all of it`, async () => {
    const { ms, posts, person } = await paint(reader, again)
    assert.strictEqual(person.name, 'Ada')
    assert(ms <= 2000, `after ${ms} ms`)
    const said = await settled(reader, mine, again)
    const marked = posts.filter((post) => post.ahead).length
    return `${said}; the newest after ${ms} ms, ${marked} of them before their history (${person.sequence} were here)`
  })
  await check('nobody was refused or lied to', () => {
    assert.strictEqual(refusals(reader), 0)
    for (const node of [mine, reader]) assert(!/newest\.lie/.test(node.log()), 'a lie')
  })
}
