#!/usr/bin/env node
/**
 * Journeys through the page in a real browser between real nodes: `node run.js [NAME,…]`, two at a time (JOBS=1: one). One line per check,
 * `N passed, N failed` at the end. Pictures go to build/shots/.
 */
'use strict'
const crypto = require('crypto')
const fs = require('fs')
const os = require('os')
const path = require('path')
const { check, play, sumUp } = require('../interop/lib/check')
const { Browser } = require('./lib/browser')
const { Node } = require('./lib/node')

/** Every file of journeys/, in the order of their names; but the long ones first, so that none is left when its neighbours are over. */
const named = fs.readdirSync(path.join(__dirname, 'journeys')).map((name) => path.basename(name, '.js')).sort()
const LONG = ['screens', 'reading', 'hostile', 'weeks', 'undo', 'pictures', 'private', 'confidence', 'polyglots', 'thread'].filter((name) => named.includes(name))
const all = [...LONG, ...named.filter((name) => !LONG.includes(name))]

/** What a step that the rest depends on throws when it failed: the failure is counted already. */
const { END } = require('./lib/step')

/** Nodes and browsers of one journey, on a network of their own. */
class World {
  constructor() {
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kith-web-world-'))
    this.networkKey = crypto.randomBytes(32).toString('base64')
    this.things = []
  }

  async node(name, options = []) {
    const node = new Node(path.join(this.dir, name), this.networkKey)
    node.options = options
    this.things.push({ close: () => node.stop() })
    await node.start()
    return node
  }

  async browser(options) {
    const browser = await Browser.open(options)
    this.things.push(browser)
    return browser
  }

  async close() {
    for (const thing of this.things.reverse()) await thing.close().catch((err) => console.log('note: ' + err.message))
    fs.rmSync(this.dir, { recursive: true, force: true })
  }
}

async function act(name) {
  const world = new World()
  try {
    await require('./journeys/' + name)(world)
  } catch (err) {
    if (err !== END) await check('the journey runs to its end', () => { throw err })
    /* What the browsers showed then. */
    for (const [i, thing] of world.things.entries()) if (thing instanceof Browser) await thing.shot(`failed-${name}-${i}`).catch(() => {})
  } finally {
    await world.close()
  }
}

async function main() {
  const wanted = process.argv[2] ? process.argv[2].split(',') : all
  const left = [...wanted]
  const worker = async () => {
    for (let name = left.shift(); name; name = left.shift()) {
      await play(`${name}: `, () => act(name), { isOnce: name === 'hostile' })
    }
  }
  await Promise.all(Array.from({ length: Number(process.env.JOBS) || 2 }, worker))
  process.exit(sumUp())
}

main()
