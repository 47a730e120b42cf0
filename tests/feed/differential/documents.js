// Random JSON texts with every oddity that real messages and strangers have (protocol/01 §4), from a seed. Texts are built as bytes, so that they may
// hold what JSON.stringify never writes: doubled and index-like keys, escapes that need not be, invalid UTF-8, numbers in odd forms.
'use strict'

// A small generator of our own, so that a seed gives the same documents on every machine (xorshift128).
class Random {
  constructor (seed) {
    this.s = [seed ^ 0x9e3779b9, seed * 69069 + 1, seed ^ 0x85ebca6b, 0xc2b2ae35].map((x) => x >>> 0 || 1)
    for (let i = 0; i < 20; i++) this.word()
  }

  word () {
    const s = this.s
    let t = s[3]
    t ^= t << 11
    t ^= t >>> 8
    s[3] = s[2]; s[2] = s[1]; s[1] = s[0]
    s[0] = (t ^ s[0] ^ (s[0] >>> 19)) >>> 0
    return s[0]
  }

  below (n) { return this.word() % n }
  one (list) { return list[this.below(list.length)] }
  odds (n) { return this.below(n) === 0 }
}

const blanks = [' ', '\n', '\t', '\r', '  ', '\r\n', ' \t ']
const oddKeys = ['__proto__', 'toJSON', 'constructor', 'hasOwnProperty', 'length', '', 'type', 'link', 'valueOf', ' ', '.', 'previous', 'signature']
const indexKeys = ['0', '1', '2', '10', '9', '00', '01', '-1', '-0', '1.5', '1e3', '4294967293', '4294967294', '4294967295', '4294967296', '2147483647',
  '2147483648', '9007199254740991', '9007199254740993', '18446744073709551615', '99999999999999999999', '+1', ' 1', '1 ', '0x1', '123456', '42949672940']
const points = [0x00, 0x01, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x1f, 0x20, 0x22, 0x2f, 0x5c, 0x7f, 0x80, 0x9f, 0xe9, 0xff, 0x100, 0x141, 0x7ff, 0x800, 0x20ac, 0x2028,
  0x2029, 0xd7ff, 0xd800, 0xd83d, 0xdbff, 0xdc00, 0xde00, 0xdfff, 0xe000, 0xfdd0, 0xfeff, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1f600, 0x1f468, 0x10fffe, 0x10ffff]
const invalid = ['ff', 'fe', 'c0', 'c080', 'c1bf', '80', 'bf', 'c3', 'e282', 'e2', 'eda080', 'edbfbf', 'eda0bdedb880', 'f0', 'f09f', 'f09f98', 'f0808080', 'f4908080',
  'f5808080', 'f8888080', 'e08080', 'e080af', 'f48fbf', 'ed9f', 'eda0', 'f08f', 'f490', 'e0a0c3', 'c3c3', 'ffff80']

class Documents {
  constructor (seed) {
    this.random = new Random(seed)
    this.parts = []
  }

  put (text) { this.parts.push(typeof text === 'string' ? Buffer.from(text, 'latin1') : text) }

  take () {
    const all = Buffer.concat(this.parts)
    this.parts = []
    return all
  }

  blank () { if (this.random.odds(this.tidy ? 200 : 12)) this.put(this.random.one(blanks)) }

  escape (unit) {
    const hex = unit.toString(16).padStart(4, '0')
    this.put('\\u' + (this.random.odds(2) ? hex : hex.toUpperCase()))
  }

  // One code point, raw when JSON allows it and chance says so, else escaped.
  point (point) {
    const short = { 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r', 34: '"', 47: '/', 92: '\\' }
    if (short[point] !== undefined && this.random.odds(2)) return this.put('\\' + short[point])
    const isSurrogate = point >= 0xd800 && point <= 0xdfff
    const mayBeRaw = point >= 0x20 && point !== 0x22 && point !== 0x5c && !isSurrogate
    if (mayBeRaw && !this.random.odds(6)) return this.put(Buffer.from(String.fromCodePoint(point), 'utf8'))
    for (const unit of isSurrogate || point < 0x10000 ? [point] : [0, 1].map((i) => String.fromCodePoint(point).charCodeAt(i))) this.escape(unit)
  }

  string () {
    const random = this.random
    this.put('"')
    const kind = random.below(10)
    const count = kind < 4 ? random.below(12) : kind < 9 ? random.below(40) : random.below(400)
    for (let i = 0; i < count; i++) {
      const way = random.below(this.tidy ? 30 : 16)
      if (way === 0) this.point(random.one(points))
      else if (way === 1) this.point(random.below(0x110000))
      else if (way === 2) this.point(0xd800 + random.below(0x800))
      else if (way === 3 && random.odds(4)) this.put(Buffer.from(random.one(invalid), 'hex'))
      else if (way === 4) this.point(random.below(0x300))
      else this.put(String.fromCharCode(random.one([32, 97, 98, 99, 65, 48, 46, 64, 35, 91, 123, 44, 58])))
    }
    this.put('"')
  }

  key () {
    const random = this.random
    const way = random.below(10)
    if (way === 0) this.put(JSON.stringify(random.one(oddKeys)))
    else if (way <= 2) this.put(JSON.stringify(random.one(indexKeys)))
    else if (way === 3) this.put(`"${random.below(1000)}"`)
    else if (way === 4) this.put(`"\\u00${(0x30 + random.below(10)).toString(16)}"`)
    else if (way <= 7) this.put(`"${random.one(['a', 'b', 'c', 'text', 'mentions', 'name'])}${random.below(3) || ''}"`)
    else this.string()
  }

  digits (count) {
    let text = ''
    for (let i = 0; i < count; i++) text += this.random.below(10)
    return text
  }

  double () {
    const bits = new DataView(new ArrayBuffer(8))
    bits.setUint32(0, this.random.word())
    bits.setUint32(4, this.random.word())
    const way = this.random.below(6)
    if (way === 0) { // a power of two: its neighbours are unevenly far away
      bits.setUint32(0, this.random.below(2047) << 20)
      bits.setUint32(4, 0)
    } else if (way === 1) { // next to one
      bits.setUint32(0, (this.random.below(2046) << 20) >>> 0)
      bits.setUint32(4, this.random.below(3))
    } else if (way === 2) { // denormal
      bits.setUint32(0, this.random.below(1 << (this.random.below(20) + 1)))
    }
    const value = bits.getFloat64(0)
    return Number.isFinite(value) ? value : 0.1
  }

  // A value exactly between two doubles, written out in full: the reader must round to even.
  halfway () {
    const whole = (1n << 53n) + BigInt(this.random.word()) * BigInt(this.random.below(1 << 20))
    const shifted = (whole * 2n + 1n) << BigInt(this.random.below(200))
    return shifted.toString() + this.random.one(['', '.0', '.000000000000000000000000000000000001', 'e0', 'E-2'])
  }

  number () {
    const random = this.random
    const sign = random.odds(4) ? '-' : ''
    switch (random.below(14)) {
      case 0: return this.put(sign + random.below(10))
      case 1: return this.put(sign + random.word())
      case 2: return this.put(sign + '0' + random.one(['', '.0', '.000', 'e0', 'E+5', 'e-400', 'e400', '.0e99999999999']))
      case 3: return this.put(String(this.double()))
      case 4: return this.put(this.double().toPrecision(1 + random.below(40)))
      case 5: return this.put(this.double().toExponential(random.below(30)).replace('e', random.one(['e', 'E'])))
      case 6: return this.put(sign + (1 + random.below(9)) + this.digits(random.below(25)) + random.one(['', '.' + this.digits(1 + random.below(30))]))
      case 7: return this.put(sign + '0.' + '0'.repeat(random.below(12)) + this.digits(1 + random.below(25)))
      case 8: return this.put(sign + (1 + random.below(9)) + '.' + this.digits(1 + random.below(5)) + random.one(['e', 'E']) + random.one(['', '+', '-']) + random.below(random.one([5, 30, 330, 400, 100000])))
      case 9: return this.put(this.halfway())
      case 10: return this.put(sign + (9007199254740992n + BigInt(random.below(64)) - 32n))
      case 11: return this.put((1400000000000 + random.word() * 64) + random.one(['', '.001', '.002', '.5', '.123', '.0']))
      case 12: return this.put(sign + random.one(['1e21', '1e-7', '0.000001', '999999999999999999999', '1e20', '123456789012345680000', '1.7976931348623157e308', '1.7976931348623159e308',
        '5e-324', '2.4703282292062327e-324', '2.4703282292062328e-324', '2.2250738585072011e-308', '1e23', '9.5e-7', '0.1', '4.35', '1e400', '1e-400']))
      default: return this.put(sign + random.below(100000) / random.one([10, 100, 1000, 8, 3]))
    }
  }

  value (depth) {
    const random = this.random
    const way = random.below(depth > 0 ? 14 : 9)
    if (way < 3) this.string()
    else if (way < 6) this.number()
    else if (way < 9) this.put(random.one(['null', 'true', 'false']))
    else if (way < 11) this.array(depth - 1)
    else this.object(depth - 1)
  }

  count () { return this.random.odds(5) ? 0 : this.random.odds(40) ? this.random.below(60) : this.random.below(7) }

  array (depth) {
    this.put('[')
    this.blank()
    for (let i = this.count(); i > 0; i--) {
      this.value(depth)
      this.blank()
      if (i > 1) this.put(',')
      this.blank()
    }
    this.put(']')
  }

  object (depth, first) {
    this.put('{')
    this.blank()
    if (first !== undefined) this.put(first)
    for (let i = this.count(), isFirst = first === undefined; i > 0; i--, isFirst = false) {
      if (!isFirst) this.put(',')
      this.blank()
      this.key()
      this.blank()
      this.put(':')
      this.blank()
      this.value(depth)
      this.blank()
    }
    this.put('}')
  }

  nest (levels) {
    const closes = []
    for (let i = 0; i < levels; i++) {
      if (this.random.odds(2)) {
        this.put('[')
        closes.push(']')
      } else {
        this.put('{"k":')
        closes.push('}')
      }
    }
    this.value(0)
    this.put(closes.reverse().join(''))
  }

  // Break a text that was JSON. What comes out may still be JSON; the reference decides.
  damage (text) {
    const random = this.random
    const at = random.below(text.length + 1)
    switch (random.below(8)) {
      case 0: return text.subarray(0, at)
      case 1: return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), text])
      case 2: return Buffer.concat([text, Buffer.from(random.one([',', ']', '}', 'x', '0', '\0', '"', '\ufeff', '\u00a0', '\v', ' \n']), 'utf8')])
      case 3: return Buffer.concat([text.subarray(0, at), text.subarray(at + 1)])
      case 4: return Buffer.concat([text.subarray(0, at), Buffer.from([random.below(256)]), text.subarray(at)])
      case 5: return Buffer.from(random.one(['', ' ', '-', '+1', '.5', '1.', '01', '-01', '1e', '1e+', '0x10', 'NaN', 'Infinity', '-Infinity', 'nul', 'tru', 'falsey', 'undefined', '"\\x41"', '"\\u12"',
        '"\\u12g4"', '"\\', '"abc', "'a'", '[1,]', '[,1]', '{"a":1,}', '{a:1}', '{"a"}', '{"a":}', '{,}', '[1 2]', '"\t"', '"\n"', '[', '{', '"\\ud83d\\u"', '/**/1', '1//', '--1', '1.e5', '1e5.5', '[]]', '{}{}']))
      case 6: {
        const out = Buffer.from(text)
        if (out.length > 0) out[at % out.length] = random.below(256)
        return out
      }
      default: {
        const out = Buffer.from(text)
        if (out.length > 0) out[at % out.length] ^= 1 << random.below(8)
        return out
      }
    }
  }

  document () {
    this.tidy = this.random.odds(2)
    this.blank()
    if (this.random.odds(50)) this.nest(this.random.below(80))
    else this.value(1 + this.random.below(6))
    this.blank()
    const text = this.take()
    return this.random.odds(8) ? this.damage(text) : text
  }

  // The text of a content object that mostly is good for a message.
  content () {
    this.tidy = this.random.odds(2)
    const type = this.random.odds(20) ? this.random.one(['"ab"', '3', 'null', `"${'x'.repeat(52)}"`, `"${'x'.repeat(53)}"`, '"\\ud83d\\ude00"', '"\\ud83d\\ude00a"']) : '"post"'
    this.object(1 + this.random.below(5), `"type":${type}`)
    return this.take()
  }
}

module.exports = { Documents, Random }
