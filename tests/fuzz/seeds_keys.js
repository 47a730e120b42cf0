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
