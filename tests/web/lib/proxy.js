/**
 * A web server of the house, on a port of its own, that shows a node below a path and other things beside it. It passes on what it is asked, WebSockets too; what
 * was asked outside of the path is remembered.
 */
'use strict'
const http = require('http')
const net = require('net')

exports.Proxy = class Proxy {
  constructor(below) {
    this.below = below
    this.strays = []
    this.sockets = new Set()
  }

  async start(port) {
    this.server = http.createServer((request, answer) => this.pass(request, answer))
    this.server.on('upgrade', (request, socket) => this.passSocket(request, socket))
    this.server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
    })
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve))
    return this
  }

  isBelow(url) {
    return url.startsWith(this.below + '/')
  }

  pass(request, answer) {
    if (!this.isBelow(request.url)) {
      this.strays.push(request.url)
      answer.writeHead(404, { 'Content-Type': 'text/plain' }).end('another site\n')
      return
    }
    const on = http.request({ host: '127.0.0.1', port: this.to, method: request.method, path: request.url, headers: request.headers, setHost: false }, (back) => {
      answer.writeHead(back.statusCode, back.rawHeaders)
      back.pipe(answer)
    })
    on.on('error', () => answer.writeHead(502).end())
    request.pipe(on)
  }

  passSocket(request, socket) {
    const lines = [`GET ${request.url} HTTP/1.1`]
    for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`)
    if (!this.isBelow(request.url)) this.strays.push(request.url)
    const on = net.connect(this.to, '127.0.0.1', () => {
      on.write(lines.join('\r\n') + '\r\n\r\n')
      on.pipe(socket)
      socket.pipe(on)
    })
    on.on('error', () => socket.destroy())
    socket.on('error', () => on.destroy())
  }

  async close() {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
