/** A real kith node with its own data directory, and the link it prints. */
'use strict'
const { spawn, execFileSync } = require('child_process')
const fs = require('fs')
const http = require('http')
const path = require('path')
const { within, crashed, CRASHES } = require('../../interop/lib/check')
const { freePort } = require('../../interop/lib/world')

const program = process.env.KITH || path.join(__dirname, '..', '..', '..', 'build', 'kith')

exports.Node = class Node {
  constructor(dir, networkKey) {
    this.dir = dir
    this.networkKey = networkKey
    this.child = null
    /* More of the command line. */
    this.options = []
    fs.mkdirSync(dir, { recursive: true })
    execFileSync(program, ['init', '--data', dir])
    this.id = execFileSync(program, ['whoami', '--data', dir], { encoding: 'utf8' }).trim()
  }

  /** A command of the program on this node's directory; what it printed. */
  command(name, args = [], input) {
    return execFileSync(program, [name, ...args, '--data', this.dir], { encoding: 'utf8', input, maxBuffer: 64 * 1024 * 1024, stdio: ['pipe', 'pipe', 'pipe'] })
  }

  /** The newest message of a feed as this directory has it. */
  newest(id = this.id) {
    return JSON.parse(this.command('state', [id, '--json']))
  }

  /** Every message of a feed, oldest first. */
  feed(id = this.id) {
    return this.command('feed', [id, '--json']).split('\n').filter(Boolean).map((line) => JSON.parse(line))
  }

  /** The disk is gone: at once, and everything on it. */
  async die() {
    this.child.kill('SIGKILL')
    await this.exited
    this.child = null
    fs.rmSync(this.dir, { recursive: true, force: true })
  }

  async start() {
    this.port = this.port || (await freePort())
    this.httpPort = this.httpPort || (await freePort())
    const args = ['run', '--data', this.dir, '--host', '127.0.0.1', '--port', this.port, '--http-port', this.httpPort, '--network-key', this.networkKey, '--no-lan', ...this.options]
    this.child = spawn(program, args.map(String), { stdio: ['ignore', 'pipe', 'pipe'] })
    this.said = ''
    const link = new Promise((resolve) => {
      const hear = (bytes) => {
        this.said += bytes
        const found = /https?:\/\/\S+#\S+/.exec(this.said)
        if (found) resolve(found[0])
      }
      this.child.stdout.on('data', hear)
      this.child.stderr.on('data', hear)
    })
    this.exited = new Promise((resolve) => this.child.once('exit', (code, signal) => {
      if (CRASHES.includes(signal)) crashed(`kith ended by ${signal}: ${this.said.slice(-800)}`)
      resolve({ code, signal })
    }))
    const ended = this.exited.then((how) => {
      throw new Error(`kith ended: ${JSON.stringify(how)} ${this.said.slice(-800)}`)
    })
    ended.catch(() => {})
    this.link = await within(30000, 'kith prints its link', Promise.race([link, ended]))
    this.home = new URL(this.link).origin
    this.address = `net:127.0.0.1:${this.port}~shs:${this.id.slice(1, 45)}`
  }

  /** As the owner, through the socket in the data directory: what a person types elsewhere, without the page's pace. */
  api(method, what, body) {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? '' : JSON.stringify(body)
      const headers = { Host: 'kith', 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }
      const request = http.request({ socketPath: path.join(this.dir, 'api.sock'), method, path: '/api/' + what, headers }, (answer) => {
        let said = ''
        answer.on('data', (bytes) => { said += bytes })
        answer.on('end', () => (answer.statusCode < 400 ? resolve(JSON.parse(said)) : reject(new Error(`${method} ${what}: ${answer.statusCode} ${said}`))))
      })
      request.on('error', reject)
      request.end(text)
    })
  }

  async stop() {
    if (!this.child) return
    const late = setTimeout(() => this.child.kill('SIGKILL'), 10000)
    this.child.kill('SIGTERM')
    await this.exited
    clearTimeout(late)
    this.child = null
  }
}
