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
const key = (byte) => Buffer.alloc(32, byte).toString('base64url')
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

// fuzz_content: the same contents as they are, and texts with all that is looked for in them. fuzz_id: each form of an id.
const blob = `&${id(4)}.sha256`
for (const content of contents) seed('content', JSON.stringify(content))
for (const text of [`![a [b\\] c](${blob}) [x](${blob.replace(/\+/g, '%2B')}?unbox=${id(6)}.boxs "t")`, `ssb:blob/classic/${key(4)} [r]: ${blob}`, '> quoted\n> more\n“said” *four words of it* `code` 東京',
  `[@n](@${id(3)}.ed25519) #tag %${id(1)}.sha256 \`${blob}\`\n\`\`\`\n${blob}\n\`\`\``]) seed('content', text)
for (const text of [`@${id(1)}.ed25519`, `%${id(2)}.sha256`, `&${id(3)}.sha256?unbox=${id(4)}`, `ssb:feed/ed25519/${key(1)}`, `ssb://message/classic/${key(2)}`, `ssb:blob/sha256/${key(3)}=?q`, key(5),
  Buffer.alloc(20, 0xab).toString('hex'), 'AAA=', 'AAE=']) seed('id', text)

// fuzz_window: a feed of three with its name, signed; then a copy with a character changed, and one without its middle.
const { createHash, createPrivateKey, createPublicKey, sign } = require('crypto')
const secret = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 8)]), format: 'der', type: 'pkcs8' })
const author = `@${createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')}.ed25519`
let previous = null
const feed = [{ type: 'about', about: author, name: 'n' }, { type: 'post', text: 'one \u00e4' }, { type: 'post', text: 'two \u4e41' }, { type: 'vote', vote: { link: `%${id(1)}.sha256`, value: 1 } }]
  .map((content, i) => {
    const message = { previous, author, sequence: i + 1, timestamp: 1500000000000 + i, hash: 'sha256', content }
    message.signature = sign(null, Buffer.from(JSON.stringify(message, null, 2)), secret).toString('base64') + '.sig.ed25519'
    previous = `%${createHash('sha256').update(Buffer.from(JSON.stringify(message, null, 2), 'latin1')).digest('base64')}.sha256`
    return JSON.stringify(message)
  })
seed('window', feed.join('\n'))
seed('window', [...feed.slice(1), '', feed[0]].join('\n'))
seed('window', feed.slice(1).join('\n').replace('one', 'won'))
seed('window', [feed[1], feed[3]].join('\n'))
seed('window', feed[3])

// fuzz_history, fuzz_slice: the arguments that deployed programs send, and numbers beside them.
for (const opts of [{ id: author, sequence: 1, live: true, keys: false }, { id: author, seq: 2.5, limit: -1, old: false }, { id: author, sequence: 1e300, limit: 9007199254740993 }, { id: author, sequence: null, keys: 0 }]) {
  seed('history', JSON.stringify([opts]))
}
for (const args of [[blob], [{ hash: blob, max: 5, size: 1e9 }], [{ id: blob, start: 1.5, end: 1e300 }], [{ key: blob, start: -1, end: null }], [{ id: '', key: 0, hash: blob, start: 70000, end: 3 }]]) {
  seed('slice', JSON.stringify(args))
}
