#!/usr/bin/env node
/**
 * A crowd at a node's web port: `web-crowd.js KIND COUNT PORT` opens COUNT sockets from addresses of
 * its own (127.9.x.y; `near`: all of 127.0.0.1) and, when one is shut, opens it again five seconds later.
 * Prints "ready" when each was opened once, and stays until standard input ends; then it prints how often
 * it opened one.
 */
'use strict'
const net = require('net')

const [kind, count, port] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const HEAD = `Host: localhost:${port}\r\n`
const DRIP_MS = 500
const AGAIN_MS = 5000
const AT_ONCE = 200

/* What is said at once, and what drips from then on, a byte at a time; `reads` false: no answer is read. */
const kinds = {
  idle: { said: '' },
  near: { said: '' },
  head: { said: `GET / HTTP/1.1\r\n${HEAD}X-A: `, drips: true },
  body: { said: `POST /api/session HTTP/1.1\r\n${HEAD}Origin: http://localhost:${port}\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{`, drips: true },
  resting: { said: `GET /livez HTTP/1.1\r\n${HEAD}\r\n` },
  unread: { said: `GET / HTTP/1.1\r\n${HEAD}\r\n`.repeat(400), reads: false },
}
const { said, drips = false, reads = true } = kinds[kind]

let opened = 0
let isOver = false
const open = (number) => new Promise((resolve) => {
  const localAddress = kind === 'near' ? '127.0.0.1' : `127.9.${(number >> 2) >> 8}.${((number >> 2) & 255) || 1}`
  const socket = net.connect({ host: '127.0.0.1', port, localAddress })
  let drip
  opened++
  socket.on('connect', () => {
    if (said) socket.write(said)
    if (drips) drip = setInterval(() => socket.write('a'), DRIP_MS)
    if (!reads) socket.pause()
    else socket.resume()
    resolve()
  })
  socket.on('error', () => resolve())
  socket.on('close', () => {
    clearInterval(drip)
    resolve()
    if (!isOver) setTimeout(() => isOver || open(number), AGAIN_MS)
  })
})

const main = async () => {
  for (let number = 0; number < count; number += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - number) }, (_, i) => open(number + i)))
  }
  console.log('ready')
}

process.stdin.resume()
process.stdin.on('end', () => {
  isOver = true
  console.log(`${opened} opened`)
  process.exit(0)
})
main()
