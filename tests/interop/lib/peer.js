/** A JavaScript node as seen from the driver: a child process that talks in JSON lines. */
'use strict'
const { spawn } = require('child_process')
const fs = require('fs')
const path = require('path')
const readline = require('readline')
const { within } = require('./check')

exports.Peer = class Peer {
  constructor(options) {
    Object.assign(this, options)
    this.child = null
  }

  async start() {
    this.port = this.port || (await require('./world').freePort())
    const { dir, port, networkKey, hops, without, host, lan } = this
    const log = fs.openSync(path.join(dir, 'log'), 'a')
    const program = path.join(__dirname, '..', 'peers', this.stack + '.js')
    const start = this.machine ? this.machine.spawn : spawn
    this.child = start(process.execPath, [program, JSON.stringify({ dir, port, networkKey, hops, without, host, lan })],
      { stdio: ['pipe', 'pipe', log] })
    fs.closeSync(log)
    this.calls = new Map()
    this.count = 0
    this.child.stdin.on('error', () => {})
    this.exited = new Promise((resolve) => this.child.once('exit', resolve))
    this.exited.then(() => {
      this.child = null
      for (const call of this.calls.values()) call.reject(new Error(`${this.stack} peer has ended`))
    })
    const ready = new Promise((resolve) => this.listen(resolve))
    await within(60000, `the ${this.stack} peer is ready`, Promise.race([ready, this.failed()]))
  }

  failed() {
    return this.exited.then(() => {
      throw new Error(`${this.stack} peer did not start: ${fs.readFileSync(path.join(this.dir, 'log'), 'utf8').slice(-800)}`)
    })
  }

  listen(onReady) {
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => {
      const said = JSON.parse(line)
      if (said.event === 'ready') {
        this.id = said.id
        this.address = said.address
        onReady()
        return
      }
      const call = this.calls.get(said.call)
      this.calls.delete(said.call)
      if (said.error === undefined) call.resolve(said.result)
      else call.reject(new Error(said.error))
    })
  }

  tell(name, rest = {}, ms = 120000) {
    if (!this.child) return Promise.reject(new Error(`${this.stack} peer is not running`))
    const call = ++this.count
    const answer = new Promise((resolve, reject) => this.calls.set(call, { resolve, reject }))
    this.child.stdin.write(JSON.stringify({ call, do: name, ...rest }) + '\n')
    return within(ms, `${this.stack} peer answers ${name}`, answer)
  }

  publish(content) { return this.tell('publish', { content }) }
  publishMany(contents) { return this.tell('publishMany', { contents }, 300000) }
  add(values) { return this.tell('add', { values }, 300000) }
  follow(feed, state = true) { return this.tell('follow', { feed, state }) }
  block(feed, state = true) { return this.tell('block', { feed, state }) }
  connect(address, keep = false) { return this.tell('connect', { address, keep }) }
  disconnect(feed) { return this.tell('disconnect', { feed }) }
  peers() { return this.tell('peers') }
  async blobAdd(bytes) {
    return this.tell('blobAdd', { bytes: bytes.toString('base64') })
  }

  blobPut(bytes) { return this.blobAdd(bytes) }
  blobWant(id) { return this.tell('blobWant', { id }) }
  blobHas(id) { return this.tell('blobHas', { id }) }
  blobPush(id) { return this.tell('blobPush', { id }) }
  async blobGet(id) { return Buffer.from(await this.tell('blobGet', { id }), 'base64') }
  dump(feed) { return this.tell('dump', { feed }) }
  head(feed) { return this.tell('head', { feed }) }

  async stop() {
    if (!this.child) return
    const late = setTimeout(() => this.child && this.child.kill('SIGKILL'), 5000)
    this.tell('stop').catch(() => {})
    await this.exited
    clearTimeout(late)
  }

  /** Ended without a word, as by a power cut. */
  async kill() {
    if (!this.child) return
    this.child.kill('SIGKILL')
    await this.exited
  }
}
