/** Hears every plain beacon of the network it runs in, and says each in one JSON line. */
'use strict'
const socket = require('dgram').createSocket({ type: 'udp4', reuseAddr: true })
socket.on('message', (packet, from) => process.stdout.write(JSON.stringify({
  at: Date.now(), host: from.address, port: from.port, bytes: packet.length, text: packet.toString('latin1'),
}) + '\n'))
socket.bind(8008, () => process.stdout.write('{"ready":true}\n'))
process.stdin.resume().on('end', () => process.exit(0))
