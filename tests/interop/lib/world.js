/**
 * A world for one scenario: a network key nobody else has, a directory that is removed at the end,
 * and the nodes that live in it. Only processes started here are ended, each through its own handle.
 */
'use strict'
const crypto = require('crypto')
const fs = require('fs')
const net = require('net')
const os = require('os')
const path = require('path')

const stacks = {
  kith: () => require('./kith').Kith,
  classic: () => require('./peer').Peer,
  modern: () => require('./peer').Peer,
}

/** A port that was free a moment ago. */
exports.freePort = () => new Promise((resolve, reject) => {
  const server = net.createServer().once('error', reject)
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})

exports.World = class World {
  constructor() {
    this.networkKey = crypto.randomBytes(32).toString('base64')
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kith-interop-'))
    this.nodes = []
    this.cleanups = []
  }

  /** Starts a node of `stack`; `networkKey`, `hops` and `without` (plugins of the classic stack) may be given. */
  async node(stack, options = {}) {
    const dir = path.join(this.dir, `${stack}-${this.nodes.length + 1}`)
    fs.mkdirSync(dir)
    const Node = stacks[stack]()
    const node = new Node({ stack, dir, networkKey: this.networkKey, hops: 2, ...options })
    this.nodes.push(node)
    await node.start()
    return node
  }

  async close() {
    for (const cleanup of this.cleanups.reverse()) await cleanup()
    await Promise.all(this.nodes.map((node) => node.stop()))
    if (!process.env.KEEP) fs.rmSync(this.dir, { recursive: true, force: true })
    else console.log('kept ' + this.dir)
  }
}
