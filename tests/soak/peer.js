/**
 * A peer that holds many feeds and comes and goes: EBT as the JavaScript stacks speak it, from
 * feeds in this process's memory. It gives what it is asked for, and announces what is new.
 */
'use strict'
const pull = require('pull-stream')
const { dial, pushable } = require('../interop/lib/raw')

exports.Peer = class Peer {
  /** `feeds` is a map from id to Author; `author` is whose connection it is. */
  constructor({ author, feeds, networkKey }) {
    Object.assign(this, { author, feeds, networkKey })
    this.received = 0
    this.isUp = false
  }

  async connect(address) {
    this.rpc = await dial(address, { networkKey: this.networkKey, author: this.author })
    this.out = pushable()
    this.wanted = new Map() /* feed -> number of the last one sent; asked for */
    this.isUp = true
    this.hasSpoken = false
    this.rpc.closing.then(() => { this.isUp = false })
    const duplex = this.rpc.ebt.replicate({ version: 3, format: 'classic' }, () => {})
    pull(this.out.source, duplex.sink)
    const next = () => duplex.source(null, (end, item) => {
      if (end) { this.isUp = false; return }
      this.take(item)
      setImmediate(next)
    })
    next()
  }

  take(item) {
    if (item && typeof item.author === 'string' && item.content) {
      this.received++
      return
    }
    if (!this.hasSpoken) {
      this.hasSpoken = true
      this.out.push(Object.fromEntries([...this.feeds].map(([id, feed]) => [id, (feed.values.length << 1) | 1])))
    }
    for (const [id, note] of Object.entries(item)) {
      if (!this.feeds.has(id)) continue
      if (note === -1 || note & 1) {
        this.wanted.delete(id)
      } else {
        this.wanted.set(id, note >> 1)
        this.give(id)
      }
    }
  }

  give(id) {
    const { values } = this.feeds.get(id)
    for (let sent = this.wanted.get(id); sent < values.length; sent++) {
      this.out.push(values[sent])
      this.wanted.set(id, sent + 1)
    }
  }

  /** Something new of `id` exists. */
  news(id) {
    if (!this.isUp || !this.hasSpoken || !this.feeds.has(id)) return
    if (this.wanted.has(id)) this.give(id)
    else this.out.push({ [id]: (this.feeds.get(id).values.length << 1) | 1 })
  }

  /** Goodbye, or (not polite) nothing more. */
  leave(isPolite) {
    this.isUp = false
    if (!this.rpc) return
    if (isPolite) this.rpc.close(true, () => {})
    else this.rpc.close(new Error('gone'), () => {})
  }
}
