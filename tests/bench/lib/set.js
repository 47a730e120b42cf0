/**
 * The set that everything is measured with, and directories that hold it: one for each kind of
 * node, made once and kept below build/bench. Their owner is the set's hub, which follows everybody
 * in it; whoever follows the hub replicates the whole.
 */
'use strict'
const { execFileSync } = require('child_process')
const fs = require('fs')
const path = require('path')
const { Kith, program, networkKey } = require('./node')
const { freePort } = require('../../interop/lib/world')

const hubSeed = Buffer.alloc(32, 'h').toString('base64')

exports.Set = class Set {
  constructor(dir, file) {
    this.dir = dir
    this.file = file
    this.bytes = fs.statSync(file).size
    this.feeds = new Map() /* how long each is, the hub's first */
    this.total = 0
    this.eachLine((line) => {
      const author = /"author":"([^"]+)"/.exec(line)[1]
      this.feeds.set(author, (this.feeds.get(author) || 0) + 1)
      this.total++
    })
    this.hub = this.feeds.keys().next().value
    fs.mkdirSync(dir, { recursive: true })
  }

  /* A set of a million does not fit into one string. */
  eachLine(fn) {
    const open = fs.openSync(this.file, 'r')
    const chunk = Buffer.alloc(1 << 20)
    let rest = Buffer.alloc(0)
    for (let count; (count = fs.readSync(open, chunk, 0, chunk.length, null)) > 0;) {
      let at = 0
      const bytes = Buffer.concat([rest, chunk.subarray(0, count)])
      for (let end; (end = bytes.indexOf(10, at)) >= 0; at = end + 1) fn(bytes.toString('utf8', at, end))
      rest = Buffer.from(bytes.subarray(at))
    }
    fs.closeSync(open)
  }

  /** A fresh directory that the caller removes. */
  fresh(name) { return fs.mkdtempSync(path.join(this.dir, name + '-')) }

  import(dir) { return JSON.parse(execFileSync(program, ['import', this.file, '--data', dir, '--json']).toString()) }

  async kith() {
    const dir = path.join(this.dir, 'kith')
    if (!fs.existsSync(path.join(dir, 'done'))) {
      fs.rmSync(dir, { recursive: true, force: true })
      new Kith(dir).init(hubSeed)
      this.import(dir)
      fs.writeFileSync(path.join(dir, 'done'), '')
    }
    return new Kith(dir)
  }

  /** A node of somebody who follows every author: what a person's node is. The hub's own waits, as its messages were brought. */
  async reader() {
    const dir = path.join(this.dir, 'reader')
    const node = new Kith(dir)
    if (!fs.existsSync(path.join(dir, 'done'))) {
      fs.rmSync(dir, { recursive: true, force: true })
      await node.init().start()
      for (const feed of this.feeds.keys()) await node.follow(feed)
      await node.stop()
      this.import(dir)
      fs.writeFileSync(path.join(dir, 'done'), '')
    }
    return node
  }

  /** A JavaScript node, started, that owns the set. */
  async peer(stack) {
    const dir = path.join(this.dir, stack)
    const isDone = fs.existsSync(path.join(dir, 'done'))
    if (!isDone) {
      fs.rmSync(dir, { recursive: true, force: true })
      new Kith(dir).init(hubSeed)
    }
    const peer = await exports.startPeer(stack, dir)
    if (!isDone) {
      const values = []
      this.eachLine((line) => values.push(JSON.parse(line)))
      for (let at = 0; at < this.total; at += 2000) {
        await peer.tell('addMany', { values: values.slice(at, at + 2000) }, 600000)
      }
      fs.writeFileSync(path.join(dir, 'done'), '')
    }
    return peer
  }
}

exports.startPeer = async (stack, dir) => {
  const { Peer } = require('../../interop/lib/peer')
  const peer = new Peer({ stack, dir, networkKey, hops: 2, port: await freePort() })
  peer.total = () => peer.tell('total')
  await peer.start()
  Object.defineProperty(peer, 'pid', { get: () => peer.child.pid })
  return peer
}
