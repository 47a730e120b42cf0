/**
 * A kith node to be measured: `kith run` as a child, asked over its Unix socket or its web port on
 * connections that are kept. Its address, port and one-time code come from its own words.
 */
'use strict'
const { spawn, execFileSync } = require('child_process')
const fs = require('fs')
const http = require('http')
const path = require('path')
const readline = require('readline')
const { clock, ms } = require('./figures')
const { within } = require('../../interop/lib/check')

const program = process.env.KITH || path.join(__dirname, '..', '..', '..', 'build', 'kith')
exports.program = program

const networkKey = Buffer.alloc(32, 'b').toString('base64')
exports.networkKey = networkKey

/** One request; the answer's text. Anything but 200 throws. A node closes connections that are idle for ten seconds: what went into one that was just being
 *  closed is asked again, as browsers do. */
const request = (options, body) => new Promise((resolve, reject) => {
  const sent = http.request(options, (answer) => {
    const parts = []
    answer.on('data', (part) => parts.push(part))
    answer.on('end', () => {
      const text = Buffer.concat(parts).toString()
      if (answer.statusCode === 200) resolve({ text, headers: answer.headers })
      else reject(new Error(`${options.method || 'GET'} ${options.path}: ${answer.statusCode} ${text}`))
    })
  })
  sent.on('error', (err) => {
    if (sent.reusedSocket && !body && ['EPIPE', 'ECONNRESET'].includes(err.code)) resolve(request(options))
    else reject(err)
  })
  sent.end(body)
})

exports.Kith = class Kith {
  constructor(dir) {
    this.dir = dir
    this.stack = 'kith'
  }

  /** A new identity; `seed` are 32 bytes in base64. */
  init(seed) {
    fs.mkdirSync(this.dir, { recursive: true })
    const rest = seed ? ['--seed', seed] : []
    this.id = execFileSync(program, ['init', '--data', this.dir, ...rest]).toString().trim().split(/\s+/)[0]
    return this
  }

  async start() {
    const log = fs.openSync(path.join(this.dir, 'bench-log'), 'a')
    this.startedAt = clock()
    this.child = spawn(program, ['run', '--data', this.dir, '--host', '127.0.0.1', '--port', '0', '--http-port', '0',
      '--network-key', networkKey, '--no-lan'], { stdio: ['ignore', 'pipe', log] })
    fs.closeSync(log)
    this.exited = new Promise((resolve) => this.child.once('exit', resolve))
    const line = await within(60000, 'kith starts', new Promise((resolve, reject) => {
      readline.createInterface({ input: this.child.stdout }).once('line', resolve)
      this.exited.then(() => reject(new Error('kith ended: ' + this.log())))
    }))
    const [, port, code] = /localhost:(\d+)\/#(\S+)/.exec(line)
    this.readyMs = ms(this.startedAt)
    this.httpPort = Number(port)
    this.code = code
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const status = await this.get('/api/status')
    this.id = status.me
    this.address = `net:127.0.0.1:${status.listen.port}~shs:${this.id.slice(1, 45)}`
    return this
  }

  /**
   * Ask from the moment the process begins, without pause, until there is an answer: `{ms, answer}`,
   * counted from the beginning. Call before start().
   */
  async firstAnswer(target) {
    const file = path.join(this.dir, 'api.sock')
    fs.rmSync(file, { force: true })
    for (;;) {
      if (this.startedAt && fs.existsSync(file)) {
        try {
          const { text } = await request({ socketPath: file, path: target, headers: { Host: 'kith' } })
          return { ms: ms(this.startedAt), answer: JSON.parse(text) }
        } catch (err) { /* it is not there yet, or still opening */ }
      }
      await new Promise(setImmediate)
    }
  }

  get pid() { return this.child.pid }
  log() { return fs.readFileSync(path.join(this.dir, 'bench-log'), 'utf8').slice(-800) }

  socket(rest) {
    return { socketPath: path.join(this.dir, 'api.sock'), agent: this.agent, ...rest,
      headers: { Host: 'kith', ...rest.headers } }
  }

  async get(target) { return JSON.parse((await request(this.socket({ path: target }))).text) }
  async post(target, body) {
    return JSON.parse((await request(this.socket({ path: target, method: 'POST',
      headers: { 'Content-Type': 'application/json' } }), JSON.stringify(body))).text)
  }
  publish(content) { return this.post('/api/publish', content) }
  follow(feed) { return this.publish({ type: 'contact', contact: feed, following: true }) }
  connect(address) { return this.post('/api/network/connect', { address }) }
  async total() { return (await this.get('/api/status')).store.messages }

  /** As a browser: open the link, then ask with cookie and token. */
  async login() {
    const host = `127.0.0.1:${this.httpPort}`
    const base = { host: '127.0.0.1', port: this.httpPort, agent: new http.Agent({ keepAlive: true, maxSockets: 1 }) }
    const answer = await request({ ...base, path: '/api/session', method: 'POST',
      headers: { Host: host, Origin: `http://${host}`, 'Content-Type': 'application/json' } }, JSON.stringify({ code: this.code }))
    this.token = JSON.parse(answer.text).token
    this.cookie = answer.headers['set-cookie'][0].split(';')[0]
    const headers = { Host: host, 'X-Kith-Token': this.token, Cookie: this.cookie }
    this.page = async (target) => JSON.parse((await request({ ...base, path: target, headers })).text)
  }

  async stop() {
    if (!this.child) return
    this.child.kill('SIGTERM')
    await within(20000, 'kith ends', this.exited).catch(() => this.child.kill('SIGKILL'))
    await this.exited
    this.child = null
  }
}
