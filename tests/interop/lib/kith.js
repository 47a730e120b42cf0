/** A kith node as seen from the driver: `kith run` as a child, and the command line for all else. */
'use strict'
const { spawn, execFile } = require('child_process')
const crypto = require('crypto')
const fs = require('fs')
const http = require('http')
const net = require('net')
const path = require('path')
const { until, within, crashed, CRASHES } = require('./check')

const program = process.env.KITH || path.join(__dirname, '..', '..', '..', 'build', 'kith')
exports.program = program

const KEEP_OUTPUT = 512 * 1024 * 1024

exports.Kith = class Kith {
  constructor(options) {
    Object.assign(this, options)
    this.child = null
  }

  /** Runs one command; its standard output, or an error with what it said. */
  command(name, ...rest) {
    return new Promise((resolve, reject) => {
      execFile(program, [name, '--data', this.dir, ...rest], { maxBuffer: KEEP_OUTPUT, timeout: 120000 },
        (err, out, said) => {
          const ended = this.end ? ` (the node ended: ${JSON.stringify(this.end)} ${this.log().slice(-400)})` : ''
          if (err) reject(Object.assign(new Error(`kith ${name}: ${said.trim() || err.message}${ended}`), { stdout: out }))
          else resolve(out)
        })
    })
  }

  async json(name, ...rest) {
    return JSON.parse(await this.command(name, '--json', ...rest))
  }

  /** One request over the owner's socket: `{status, json}`. A body of bytes goes as it is. */
  ask(method, target, body) {
    const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json'
    const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
    return within(40000, `${method} ${target}`, new Promise((resolve, reject) => {
      const request = http.request({
        socketPath: path.join(this.dir, 'api.sock'), method, path: target,
        headers: { Host: 'kith', ...(bytes ? { 'Content-Type': type, 'Content-Length': bytes.length } : {}) },
      }, (response) => {
        const parts = []
        response.on('data', (part) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode, json: JSON.parse(Buffer.concat(parts).toString()) }))
      })
      request.on('error', reject)
      request.end(bytes)
    }))
  }

  /** May it publish, and what does it wait for? */
  async safety() {
    const { status, json } = await this.ask('GET', '/api/safety')
    if (status !== 200) throw new Error(`GET /api/safety: ${status} ${JSON.stringify(json)}`)
    return json
  }

  async start() {
    const { freePort } = require('./world')
    if (!fs.existsSync(path.join(this.dir, 'secret'))) await this.command('init')
    this.port = this.port || (await freePort())
    this.httpPort = this.httpPort || (await freePort())
    const log = fs.openSync(path.join(this.dir, 'interop-log'), 'a')
    this.end = null
    const start = this.machine ? this.machine.spawn : spawn
    this.child = start(program, ['run', '--data', this.dir, ...(this.lan ? [] : ['--host', '127.0.0.1', '--no-lan']),
      '--port', String(this.port), '--http-port', String(this.httpPort), '--network-key', this.networkKey,
      ...(this.hops === 2 ? [] : ['--hops', String(this.hops)]), ...(this.flags || [])], { stdio: ['ignore', log, log] })
    fs.closeSync(log)
    this.exited = new Promise((resolve) => this.child.once('exit', (code, signal) => {
      this.end = { code, signal }
      if (CRASHES.includes(signal)) crashed(`kith ended by ${signal}: ${this.log().slice(-800)}`)
      this.child = null
      resolve()
    }))
    await until('kith answers', async () => {
      if (!this.child) throw new Error(`kith ended: ${JSON.stringify(this.end)} ${this.log().slice(-800)}`)
      /* Asked while it starts, on purpose: a command must not keep a node from starting. */
      await this.json('status')
      return this.listens() /* a name alone may be left over from one that was killed */
    }, { ms: 30000 })
    this.id = (await this.command('whoami')).trim().split(/\s+/)[0]
    this.address = `net:${this.host || '127.0.0.1'}:${this.port}~shs:${this.id.slice(1, 45)}`
  }

  /** Is there somebody behind the owner's socket? */
  listens() {
    return new Promise((resolve) => {
      const socket = net.connect(path.join(this.dir, 'api.sock'))
      socket.once('error', () => resolve(false))
      socket.once('connect', () => { socket.destroy(); resolve(true) })
    })
  }

  log() { return fs.readFileSync(path.join(this.dir, 'interop-log'), 'utf8') }

  publish(content) { return this.publishText(JSON.stringify(content)) }
  publishText(text) { return this.json('publish', text) }
  async publishMany(contents) {
    let last = null
    for (const content of contents) last = await this.publish(content)
    return last
  }

  follow(feed, state = true) { return this.command(state ? 'follow' : 'unfollow', feed) }
  block(feed, state = true) { return this.command(state ? 'block' : 'unblock', feed) }
  connect(address) { return this.command('connect', address) }
  disconnect(feed) { return this.command('disconnect', feed) }

  async peers() {
    const said = await this.json('peers')
    const rows = Array.isArray(said) ? said : said.peers
    return rows.filter((row) => row.state === 'connected').map((row) => row.id)
  }

  /** A file of these bytes is added; its id. */
  async blobAdd(bytes) {
    const file = path.join(this.dir, `blob-${crypto.randomBytes(4).toString('hex')}`)
    fs.writeFileSync(file, bytes)
    try {
      return (await this.json('blob', 'add', file)).id
    } finally {
      fs.unlinkSync(file)
    }
  }

  blobWant(id) { return this.command('blob', 'want', id) }
  /** The commands and these do the same; where there are many, starting a program for each takes long. */
  async blob(id, body) {
    const target = `/api/blob/${id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')}`
    const { status, json } = await this.ask(body ? 'POST' : 'GET', target, body)
    if (status !== 200 && status !== 202) throw new Error(`${target}: ${status} ${JSON.stringify(json)}`)
    return json
  }

  async blobPut(bytes) { return (await this.ask('PUT', '/api/blob', bytes)).json.id }
  async blobHas(id) { return (await this.blob(id)).have }
  blobGet(id) {
    return new Promise((resolve, reject) => execFile(program, ['blob', '--data', this.dir, 'get', id],
      { maxBuffer: KEEP_OUTPUT, encoding: 'buffer' }, (err, out, said) => (err ? reject(new Error(`kith blob get: ${said}`)) : resolve(out))))
  }

  /** The lines as printed, so that their bytes can be compared too. */
  async lines(feed) {
    return (await this.command('feed', '--json', feed)).split('\n').filter(Boolean)
  }

  async dump(feed) {
    return (await this.lines(feed)).map((line) => JSON.parse(line))
  }

  async head(feed) {
    const state = await this.json('state', feed)
    return { sequence: (state && state.sequence) || 0, key: (state && state.key) || null }
  }

  /** Bytes of memory in use, as the kernel counts them. */
  resident() {
    const status = fs.readFileSync(`/proc/${this.child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024
  }

  async stop() {
    if (!this.child) return
    this.child.kill('SIGTERM')
    await within(10000, 'kith ends after SIGTERM', this.exited).catch(async (err) => {
      console.log('note: ' + err.message)
      await this.kill()
    })
  }

  async kill() {
    if (!this.child) return
    this.child.kill('SIGKILL')
    await this.exited
  }
}
