// Seeds for the fuzz targets of the web port: node tests/fuzz/seeds_api.js DIR writes DIR/<target>/<n>.
'use strict'
const fs = require('fs')
const path = require('path')

const out = process.argv[2]
const counts = {}

function seed(target, text) {
	const dir = path.join(out, target)
	counts[target] = (counts[target] || 0) + 1
	fs.mkdirSync(dir, { recursive: true })
	fs.writeFileSync(path.join(dir, String(counts[target])), text)
}

const nested = (depth) => '{"a":' + '['.repeat(depth - 1) + ']'.repeat(depth - 1) + '}'
for (const text of ['{"text":"hi","nonce":"a","mentions":[{"link":"&x.sha256","name":"n"}]}', '{"a":1,"a":2}', '{"a":"\\"[[[\\\\"}', nested(16), nested(17), '["a"]',
	'{"a":"\\u0000\\ud83d\\ude00","b":null,"c":1e300,"d":true}', 'q=a%20b+c&before=1.2', 'q=%e2%82%ac&q=2', 'q=%ff', 'a\xed\xa0\x80b\xff']) {
	seed('body', Buffer.from(text, 'latin1'))
}
for (const text of ['kith-8989=abc', 'a=1; kith-8989=abc;b=2', 'kith-8989=a; kith-8989=b', ' \t__Host-kith=x \t; a=', 'xkith-8989=1;;a=b;a', 'application/json; charset=UTF-8']) {
	seed('cookie', text)
}
const key = 'A'.repeat(43)
for (const text of ['/api/boot', '/api/timeline?before=1795351736968.42&after=-1.0', `/api/thread/${key}`, `/api/people/${key}`, `/api/blobs/${key}`, '/api/sessions/0123456789abcdef',
	'/api//x', '/api/../x', '/%2f', '/w/0/index.html?a#b']) {
	seed('route', text)
}

// fuzz_gate, fuzz_place: whole requests; the latter below the three options and the one who asks (a letter for each address).
const request = (host, ...headers) => ['GET /kith/api/boot?x=1 HTTP/1.1', `Host: ${host}`, ...headers].join('\n')
const upgrade = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', 'Origin: http://localhost:8989', 'Cookie: kith-8989=abc']
for (const headers of [['Accept-Encoding: gzip;q=1, br', 'X-Kith-Token: t'], upgrade, ['Content-Length: 5', 'Content-Type: application/json'], ['Range: bytes=0-', 'If-None-Match: "a"', 'Sec-Fetch-Site: same-origin']]) {
	seed('gate', request('localhost:8989', ...headers))
}
const proxied = ['X-Forwarded-For: 203.0.113.9, 10.0.0.2', 'X-Forwarded-Host: example.org', 'X-Forwarded-Proto: https', 'Forwarded: for=1', 'Via: 1.1 x']
for (const [options, who, host] of [[['', '', ''], 'f', 'localhost:8989'], [['::', 'https://Example.org:443/kith/', '127.0.0.1, 10.0.0.0/8'], 'f', 'example.org'], [['10.0.0.1', '', '10.0.0.1'], 'h', '10.0.0.1:8989'],
	[['localhost', 'http://[::1]:8080/a/b', '::1/64'], 'g', '[::1]:8080'], [['0.0.0.0', 'https://example.org', '::ffff:10.0.0.0/104'], 'i', 'example.org']]) {
	seed('place', [...options, who, request(host, ...proxied)].join('\n'))
}

for (const text of ['........', ',,,,-,,,,', '. . . . -- .,.,', '.........', 'AAAA-AAAA', '.......']) seed('code', text)
