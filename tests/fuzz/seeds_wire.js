// Seeds for the fuzz targets of wire/, from tests/vectors: node tests/fuzz/seeds_wire.js DIR writes DIR/<target>/<n>.
'use strict'
const fs = require('fs')
const path = require('path')

const out = process.argv[2]
const vectors = (name) => JSON.parse(fs.readFileSync(path.join(__dirname, '../vectors', name + '.json'), 'utf8'))
const counts = {}

function seed(target, bytes) {
	const dir = path.join(out, target)
	counts[target] = (counts[target] || 0) + 1
	fs.mkdirSync(dir, { recursive: true })
	fs.writeFileSync(path.join(dir, String(counts[target])), bytes)
}

// How far the handshake goes, the size of the pieces, and a mask: nothing, one bit, and a whole other message.
for (let messages = 0; messages < 4; messages++) {
	seed('shs', Buffer.from([messages, 255]))
	seed('shs', Buffer.from([messages, 0, 0, 0, 1]))
	seed('shs', Buffer.concat([Buffer.from([messages, 16]), Buffer.alloc(112, 0x5a)]))
}

const box = vectors('boxstream')
for (const vector of [...box.vectors, ...box.negative]) {
	if (vector.stream) seed('boxstream', Buffer.from(vector.stream, 'hex'))
}
seed('boxstream', Buffer.concat([Buffer.from([70, 0, 40, 0]), Buffer.alloc(9000, 0x41)]))

const muxrpc = vectors('muxrpc')
for (const packet of muxrpc.packets) {
	const bytes = Buffer.from(packet.hex.replace(/[^0-9a-f]/g, ''), 'hex')
	seed('muxrpc', bytes.subarray(0, 9))
}
for (const session of muxrpc.sessions) {
	for (const from of ['caller', 'callee']) {
		const steps = session.steps.filter((step) => step.from === from && step.hex)
		const bytes = Buffer.concat(steps.map((step) => Buffer.from(step.hex, 'hex')))
		for (const choices of [[2, 2, 2, 2, 2, 2, 2, 2, 255], [5, 0, 5, 1, 6, 4, 7, 3, 0]]) {
			seed('rpc', Buffer.concat([Buffer.from(choices), bytes]))
		}
	}
}
seed('rpc', Buffer.concat([Buffer.alloc(9, 2), Buffer.alloc(9)]))

const ebt = vectors('ebt')
const id = (name) => ebt.ids[name] || name
for (const session of ebt.sessions) {
	for (const entry of session.log) {
		if (!entry.notes) continue
		const notes = Object.fromEntries(Object.entries(entry.notes).map(([name, note]) => [id(name), note]))
		seed('note', JSON.stringify(notes))
		seed('note', JSON.stringify({ clock: notes }))
	}
}
for (const row of ebt.note_decode) seed('note', JSON.stringify({ [id('alice')]: row.note }))
seed('note', JSON.stringify({ author: id('alice'), sequence: 1, content: {} }))

const blob = (fill) => '&' + Buffer.alloc(32, fill).toString('base64') + '.sha256'
seed('want', JSON.stringify({ [blob(1)]: -1, [blob(2)]: -3, [blob(3)]: 5242879, [id('alice')]: -1 }))
// Calls of blobs as peers make them, a stream of wants in one item each, and a blob in two.
function packet(flags, request, body) {
	const head = Buffer.alloc(9)
	head[0] = flags
	head.writeUInt32BE(body.length, 1)
	head.writeInt32BE(request, 5)
	return Buffer.concat([head, Buffer.from(body)])
}
const [STREAM, END, STRING, JSON_BODY] = [8, 4, 1, 2]
const asks = (name, kind, args) => JSON.stringify({ name: ['blobs', name], args, type: kind })
const calls = [
	['get', 'source', [blob(1)]], ['get', 'source', [{ key: blob(1), max: 5242880 }]], ['has', 'async', [blob(1)]],
	['has', 'async', [[blob(1), blob(2)]]], ['size', 'async', [blob(1)]], ['push', 'async', [blob(1)]], ['changes', 'source', []],
	['getSlice', 'source', [{ key: blob(1), start: 0, end: 65536 }]], ['createWants', 'source', []], ['want', 'async', [blob(1)]],
]
const session = calls.map(([name, kind, args], i) => packet(JSON_BODY | (kind === 'async' ? 0 : STREAM), i + 1, asks(name, kind, args)))
session.push(packet(JSON_BODY | STREAM, -2, JSON.stringify({ [blob(1)]: -1, [blob(2)]: 5242879 })), packet(STRING | STREAM, -2, blob(1)))
session.push(packet(STREAM, -2, Buffer.alloc(65536, 7)), packet(STREAM, -2, Buffer.alloc(9)), packet(JSON_BODY | STREAM | END, -2, 'true'))
for (const [choices, bytes] of [[2, session], [5, session], [7, session.slice(0, 10)]]) {
	seed('rpc', Buffer.concat([Buffer.alloc(8, choices), Buffer.from([255]), ...bytes]))
}
for (const bytes of session) seed('rpc', Buffer.concat([Buffer.alloc(9, 2), bytes]))

seed('want', JSON.stringify({ [blob(1)]: 0, [blob(2)]: -1.5, [blob(3)]: '7', x: [{ [blob(4)]: -1 }] }))

const addresses = vectors('addresses')
for (const vector of addresses.addresses) seed('address', vector.address)
for (const vector of addresses.invites) seed('address', vector.invite)
for (const vector of addresses.uris) seed('address', vector.uri)
for (const vector of addresses.refs) seed('address', vector.ref + ' ' + addresses.addresses[0].address)
