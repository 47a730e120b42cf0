/** A web server that belongs to somebody else, on another port of this machine, with one empty page and no policy: what its pages try is up to the journey. */
'use strict'
const http = require('http')

const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

exports.Elsewhere = class Elsewhere {
  async start() {
    this.server = http.createServer((request, answer) => {
      const isPixel = request.url === '/pixel.gif'
      answer.writeHead(200, { 'Content-Type': isPixel ? 'image/gif' : 'text/html', 'Access-Control-Allow-Origin': '*' })
      answer.end(isPixel ? PIXEL : '<!doctype html><title>elsewhere</title><body>elsewhere')
    })
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    this.port = this.server.address().port
    return this
  }

  async close() {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
