// Seeds for the fuzz targets of feed/, from tests/vectors: node tests/fuzz/seeds_feed.js DIR writes DIR/<target>/<n>.
'use strict'

const fs = require('fs')
const path = require('path')

const out = process.argv[2]
const vectors = (name) => JSON.parse(fs.readFileSync(path.join(__dirname, '../vectors', name + '.json'), 'utf8'))
const counts = {}

function seed (target, bytes) {
  const dir = path.join(out, target)
  counts[target] = (counts[target] || 0) + 1
  fs.mkdirSync(dir, { recursive: true })
  fs.writeFileSync(path.join(dir, String(counts[target])), bytes)
}

const messages = [...vectors('feed-encoding').vectors, ...vectors('feed-validation').vectors].map((vector) => Buffer.from(vector.wire_hex, 'hex'))
for (const message of messages) {
  seed('message', message)
  if (message.length < 2000) seed('json', message)
}
// fuzz_pack: texts as they are stored, and bodies: form, previous, time, signature, content with codes for ids, words and boxes.
for (const vector of vectors('feed-encoding').vectors) if (vector.forward_hex) seed('pack', Buffer.from(vector.forward_hex, 'hex'))
const packed = (form, time, content) => seed('pack', Buffer.concat([Buffer.from([form]), Buffer.alloc(form & 1 ? 32 : 0, 3), Buffer.from(time),
  Buffer.alloc(64, 9), ...content.map((part) => Buffer.from(part))]))
packed(0x80, [1], [[6], 'hello', [20], [2], Buffer.alloc(32, 7), [22], [4], '"}'])
packed(0x83, [0x81, 0x80, 0xa0, 0xf6, 0xf4, 0xac, 2], [[7, 2], Buffer.alloc(32, 5), [12]])
packed(0x85, [4, 0x31, 0x2e, 0x35, 0x65], [[5], Buffer.alloc(100, 4)])
packed(0x82, [1], [Buffer.alloc(500, 6)])
for (const vector of vectors('strings').vectors) seed('json', Buffer.from(vector.json_utf8_hex, 'hex'))
const numbers = vectors('numbers').vectors.map(([token]) => token)
for (let i = 0; i < numbers.length; i += 8) seed('json', `[${numbers.slice(i, i + 8).join(',')}]`)
seed('json', '{"type":"post","vote":{"link":"%x"},"2":1,"1":[{}],"__proto__":null,"a":1,"a":2}')

// Contents that feed/content takes apart, in messages whose signature only looks like one: message_reread() trusts it.
const id = (byte) => Buffer.alloc(32, byte).toString('base64')
const contents = [
  { type: 'post', text: 'x', root: `%${id(1)}.sha256`, branch: [`%${id(2)}.sha256`], channel: 'c', mentions: [{ link: `@${id(3)}.ed25519`, name: 'n' }, { link: '#t' }, `&${id(4)}.sha256?unbox=a`] },
  { type: 'vote', vote: { link: `%${id(1)}.sha256`, value: 1, expression: 'Like' } },
  { type: 'contact', contact: `@${id(1)}.ed25519`, following: true, blocking: false },
  { type: 'about', about: `@${id(1)}.ed25519`, name: 'n', image: { link: `&${id(2)}.sha256` } },
  { type: 'about', about: `ssb:message/sha256/${id(1).replace(/\+/g, '-').replace(/\//g, '_')}` },
  { type: 'pub', address: { host: 'h', port: 8008, key: `@${id(1)}.ed25519` } },
  { type: 'pub', address: `net:h:8008~shs:${id(1)}:${id(2)}` },
  { type: 'pub', address: `h:8008:@${id(1)}.ed25519` }
]
for (const content of contents) {
  const signature = Buffer.alloc(64).toString('base64') + '.sig.ed25519'
  seed('message', JSON.stringify({ previous: null, sequence: 1, author: `@${id(5)}.ed25519`, timestamp: 1, hash: 'sha256', content, signature }))
}

const publicText = 'CyBVI+VCzD4kbq4cIGlX2HBtRN/67REahLYG5NAksW0=.ed25519'
const privateText = 'CAU8q/9xtgjLjQyMi841LBpBFXaXdb5CTCNW3vzq68ILIFUj5ULMPiRurhwgaVfYcG1E3/rtERqEtgbk0CSxbQ==.ed25519'
seed('key', `# a key of the protocol guide\n{"curve":"ed25519","public":"${publicText}","private":"${privateText}","id":"@${publicText}"}\n#\n`)
seed('key', `{\r\n"curve":"ed25519",\r\n"public":"${publicText}","private":"${privateText}"} # x`)
