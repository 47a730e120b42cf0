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

const addresses = vectors('addresses')
for (const vector of addresses.addresses) seed('address', vector.address)
for (const vector of addresses.invites) seed('address', vector.invite)
for (const vector of addresses.uris) seed('address', vector.uri)
for (const vector of addresses.refs) seed('address', vector.ref + ' ' + addresses.addresses[0].address)
