// Seeds for fuzz_bundle: DIR/bundle/*: heads of backups and manifests as store/bundle writes them, and such as are nearly so.
'use strict'
const { mkdirSync, writeFileSync } = require('fs')
const { join } = require('path')

const dir = join(process.argv[2], 'bundle')
mkdirSync(dir, { recursive: true })
const put = (name, bytes) => writeFileSync(join(dir, name), bytes)

const head = (lock, passes, kib, version = 1) => {
	const bytes = Buffer.alloc(96, 7)
	bytes.write('kithback', 0, 'latin1')
	bytes.writeUInt32LE(version, 8)
	bytes.writeUInt32LE(lock, 12)
	bytes.writeUInt32LE(passes, 16)
	bytes.writeUInt32LE(kib, 20)
	return bytes
}
put('by-passphrase', head(1, 3, 65536))
put('by-key', head(2, 0, 0))
put('greedy', head(1, 0xffffffff, 0xffffffff))
put('newer', head(1, 3, 65536, 2))
put('unknown-lock', head(3, 3, 65536))
put('short', head(1, 3, 65536).subarray(0, 50))

const key = 'A'.repeat(43) + '='
const manifest = {
	version: 1,
	kind: 'backup',
	identity: `@${key}.ed25519`,
	created: 1795351736968,
	head: { sequence: 102, key: `%${key}.sha256` },
	was_served: true,
	figures: { feeds: 3, messages: 4711, posts: 12 },
	holders: [{ id: `@${key}.ed25519`, sequence: 101, at: 5 }],
	entries: [
		{ name: 'secret', bytes: 869, sha256: '0'.repeat(64) },
		{ name: 'kith.db', bytes: 147456, sha256: 'f'.repeat(64) },
	],
}
put('manifest', JSON.stringify(manifest))
put('move', JSON.stringify({ ...manifest, kind: 'move' }))
put('empty-feed', JSON.stringify({ ...manifest, head: { sequence: 0, key: null }, holders: [] }))
put('manifest-newer', JSON.stringify({ ...manifest, version: 2 }))
put('negative', JSON.stringify({ ...manifest, entries: [{ name: 'x', bytes: -1, sha256: '0'.repeat(64) }] }))

// Seeds for fuzz_search: DIR/search/*: what people type, and posts with tags.
const typed = join(process.argv[2], 'search')
mkdirSync(typed, { recursive: true })
const questions = ['from:"Ana Lee" tea -cake', 'tag:garden before:2026-05-01 after:2026', '"one two" #tag -"three', 'ssb:message/classic/' + key,
	'東京都に行く kithは良い 검색', 'a #Tea `#no` ```#no``` (#x) http://x/#no', 'before:soon tag:! from: -']
questions.forEach((text, i) => writeFileSync(join(typed, String(i)), text))
