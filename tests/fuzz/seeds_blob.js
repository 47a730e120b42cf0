// Seeds for the fuzz targets of blobs: node tests/fuzz/seeds_blob.js DIR writes DIR/<target>/<n>.
'use strict'
const fs = require('fs')
const path = require('path')

const out = process.argv[2]
const counts = {}

function seed(target, bytes) {
	const dir = path.join(out, target)
	counts[target] = (counts[target] || 0) + 1
	fs.mkdirSync(dir, { recursive: true })
	fs.writeFileSync(path.join(dir, String(counts[target])), bytes)
}

const latin = (text) => Buffer.from(text, 'latin1')
const filled = (text) => Buffer.concat([latin(text), Buffer.alloc(512)])
for (const head of ['\x89PNG\r\n\x1a\n\0\0\0\rIHDR', '\xff\xd8\xff\xe0\0\x10JFIF\0', 'GIF89a', 'RIFF\0\0\0\0WEBPVP8 ', 'RIFF\0\0\0\0WAVEfmt ',
	'\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf', '\0\0\0\x18ftypisom\0\0\x02\0isomiso2', '\0\0\0\x14ftypM4A \0\0\x02\0M4A ', 'OggS\0\x02', 'fLaC\0\0\0\x22',
	'\x1a\x45\xdf\xa3\x8b\x42\x86\x81\x01\x42\x82\x84webm', 'ID3\x04\0\0\0\0\0\x23', '\xff\xfb\x90\x64', '\xff\xf1\x50\x80', '<svg']) {
	seed('sniff', filled(head))
}
const length = Buffer.alloc(8)
length.writeBigUInt64LE(70000n)
for (const header of ['bytes=0-99', 'bytes=5-', 'bytes=-5', 'bytes=69999-70000', 'bytes=70000-', 'bytes=1-2,4-5', 'bytes=99999999999999999999-', '"tag", W/"tag"']) {
	seed('range', Buffer.concat([length, latin(header)]))
}
const blob = JSON.parse(fs.readFileSync(path.join(__dirname, '../vectors/private-blob.json'), 'utf8'))
seed('blob_box', latin(`\x20\0![alt](${blob.link}) and ${blob.blob_id.replace(/\+/g, '%2B')}`))
seed('blob_box', Buffer.concat([Buffer.from([255, 0]), Buffer.from(blob.ciphertext_head_hex, 'hex')]))
seed('blob_box', Buffer.alloc(9000, 7))
