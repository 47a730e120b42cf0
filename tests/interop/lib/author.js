/**
 * Feeds made by the driver itself, signed with node's own crypto: what no publish call of any stack
 * would write (fractional and odd timestamps, forks, broken signatures) and keys computed once more
 * by a second hand.
 */
'use strict'
const crypto = require('crypto')

const print = (value) => JSON.stringify(value, null, 2)

/** The key of a message value, from its printed text. */
exports.keyOf = (value) =>
  '%' + crypto.createHash('sha256').update(Buffer.from(print(value), 'latin1')).digest('base64') + '.sha256'

exports.Author = class Author {
  constructor() {
    const pair = crypto.generateKeyPairSync('ed25519')
    const jwk = pair.privateKey.export({ format: 'jwk' })
    this.privateKey = pair.privateKey
    this.seed = Buffer.from(jwk.d, 'base64url')
    this.public = Buffer.from(jwk.x, 'base64url')
    this.id = '@' + this.public.toString('base64') + '.ed25519'
    this.values = []
  }

  /** Keys as secret-handshake wants them. */
  get keys() {
    return { publicKey: this.public, secretKey: Buffer.concat([this.seed, this.public]) }
  }

  sign(value) {
    const signature = crypto.sign(null, Buffer.from(print(value), 'utf8'), this.privateKey)
    return { ...value, signature: signature.toString('base64') + '.sig.ed25519' }
  }

  /** The message after `before` (null: the first), without keeping it. */
  after(before, content, timestamp) {
    return this.sign({
      previous: before ? exports.keyOf(before) : null,
      sequence: before ? before.sequence + 1 : 1,
      author: this.id,
      timestamp,
      hash: 'sha256',
      content,
    })
  }

  publish(content, timestamp = 1600000000000 + this.values.length) {
    const value = this.after(this.values[this.values.length - 1] || null, content, timestamp)
    this.values.push(value)
    return value
  }
}
