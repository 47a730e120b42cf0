// Seeds for the fuzz targets of a key's other forms: node tests/fuzz/seeds_keys.js DIR writes DIR/<target>/<n>.
'use strict'

const fs = require('fs')
const path = require('path')

const out = process.argv[2]
const words = JSON.parse(fs.readFileSync(path.join(__dirname, '../vectors/words.json'), 'utf8'))
const counts = {}

function seed (target, text) {
  const dir = path.join(out, target)
  counts[target] = (counts[target] || 0) + 1
  fs.mkdirSync(dir, { recursive: true })
  fs.writeFileSync(path.join(dir, String(counts[target])), text)
}

for (const row of words.bip39) {
  seed('words', row.words)
  seed('words', row.words.split(' ').map((word, i) => `${i + 1}. ${word.slice(0, 4).toUpperCase()}`).join('\n'))
}
for (const row of words.ssb) seed('words', row.words_48)

const random = (bytes, byte) => Buffer.alloc(bytes, byte).toString('base64')
for (const cost of ['8192 KiB, 1', '65536 KiB, 3', '65537 KiB, 17', '0 KiB, 0']) {
  seed('wrap', `kith locked secret 1
# This is your SECRET key, locked with a passphrase. Never show it to anyone.
# Never use it on two machines at once: that splits your feed for good.
# Without the passphrase nobody can open it, and nobody can give it back.
id: @${random(32, 1)}.ed25519
argon2id: ${cost} passes
salt: ${random(16, 2)}
nonce: ${random(24, 3)}
sealed: ${random(48, 4)}
`)
}

const vectors = name => JSON.parse(fs.readFileSync(path.join(__dirname, `../vectors/${name}.json`), 'utf8'))
for (const row of vectors('private-box').vectors) {
  seed('box', Buffer.from(row.ciphertext_hex, 'hex'))
  seed('box', row.content_string)
  seed('box', Buffer.concat([Buffer.from([row.recipients.length]), Buffer.from(row.ciphertext_hex, 'hex').subarray(105)]))
}
const dm = vectors('box2-dm-message')
seed('box2', Buffer.from(dm.ciphertext_hex, 'hex'))
for (const offset of [0, 63, 64, 80, 255, 65535]) {
  seed('box2', Buffer.concat([Buffer.from([offset & 255, offset >> 8]), Buffer.alloc(14), Buffer.from(dm.ciphertext_hex, 'hex').subarray(64)]))
}
