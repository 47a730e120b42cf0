#!/usr/bin/env node
/**
 * The files of deploy/proxy before a real node: `run.js [quick]` starts nginx and Caddy with them as they
 * are but for names, ports and certificates, and goes through each as a browser would: page, files, login,
 * cookie, WebSocket, and for whom failed logins count. Then `kith doctor proxy` is asked, with everything
 * right and with each line missing in turn. `quick`: of the lines that may be missing only some.
 */
'use strict'
const assert = require('assert')
const { spawn, execFileSync } = require('child_process')
const crypto = require('crypto')
const fs = require('fs')
const https = require('https')
const net = require('net')
const path = require('path')
const { check, counts, until } = require('../interop/lib/check')
const { World, freePort } = require('../interop/lib/world')

const isQuick = process.argv[2] === 'quick'
const FILES = path.join(__dirname, '..', '..', 'deploy', 'proxy')
const FAILURES = 5 /* of one address, then 429 */

const read = (...parts) => fs.readFileSync(path.join(FILES, ...parts), 'utf8')

/** A proxy of one kind: how its file is made to fit here, and how it is started. */
const kinds = {
  nginx: {
    file: { root: 'root.conf', sub: 'sub-path.conf' },
    fit: (text, { port, name, key, cert, to }) => text.replace(/listen 443 ssl http2;/, `listen 127.0.0.1:${port} ssl http2;`)
      .replace(/\n\s*listen \[::\]:443 ssl http2;/, '').replace(/server_name [^;]+;/, `server_name ${name};`)
      .replace(/ssl_certificate +[^;]+;/, `ssl_certificate ${cert};`).replace(/ssl_certificate_key +[^;]+;/, `ssl_certificate_key ${key};`)
      .replace(/127\.0\.0\.1:8989/g, `127.0.0.1:${to}`),
    start: (dir, file) => {
      const all = path.join(dir, 'nginx.conf')
      fs.writeFileSync(all, `daemon off; pid ${dir}/nginx.pid; error_log stderr;\n` + 'events {}\nhttp {\naccess_log off;\n' +
        ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((what) => `${what}_temp_path ${dir}/${what};\n`).join('') +
        `include ${file};\n}\n`)
      return ['/usr/sbin/nginx', ['-p', dir, '-c', all, '-g', process.getuid() === 0 ? 'user root;' : '']]
    },
    /* The first is named when all of these are missing. A proxy that names the host in X-Forwarded-Host needs no Host. */
    lines: [['proxy_set_header Host $http_host;', 'proxy_set_header X-Forwarded-Host $http_host;'], 'proxy_set_header X-Forwarded-For $remote_addr;', 'proxy_set_header X-Forwarded-Proto $scheme;',
      'proxy_set_header X-Forwarded-Host $http_host;', 'proxy_set_header Upgrade $http_upgrade;', 'proxy_set_header Connection $kith_connection;',
      'proxy_http_version 1.1;'],
  },
  caddy: {
    file: { root: 'root.Caddyfile', sub: 'sub-path.Caddyfile' },
    fit: (text, { port, name, key, cert, to }) => '{\n\tadmin off\n\tauto_https disable_redirects\n}\n' +
      text.replace(/^[a-z.]*example\.org \{/m, `${name}:${port} {\n\tbind 127.0.0.1\n\ttls ${cert} ${key}`).replace(/127\.0\.0\.1:8989/g, `127.0.0.1:${to}`),
    start: (dir, file) => ['caddy', ['run', '--adapter', 'caddyfile', '--config', file]],
    lines: [],
  },
}

const answers = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => {
    socket.destroy()
    resolve(true)
  }).on('error', () => resolve(false))
})

class Proxy {
  constructor(world, kind, keys) {
    Object.assign(this, { world, kind, ...keys })
  }

  /** Runs the proxy with `text` as its file. */
  async start(text, port, to) {
    const dir = fs.mkdtempSync(path.join(this.world.dir, `${this.kind}-`))
    const file = path.join(dir, 'proxy.conf')
    fs.writeFileSync(file, kinds[this.kind].fit(text, { port, name: 'localhost', key: this.key, cert: this.cert, to }))
    const [command, args] = kinds[this.kind].start(dir, file)
    const log = fs.openSync(path.join(dir, 'log'), 'w')
    this.child = spawn(command, args, { stdio: ['ignore', log, log], env: { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir } })
    fs.closeSync(log)
    this.over = new Promise((resolve) => this.child.once('close', resolve))
    await until(`${this.kind} answers`, () => {
      if (this.child.exitCode !== null) throw new Error(fs.readFileSync(path.join(dir, 'log'), 'utf8').slice(-1500))
      return answers(port)
    })
  }

  async stop() {
    if (!this.child) return
    this.child.kill('SIGTERM')
    await this.over
    this.child = null
  }
}

/** `{status, headers, body}`; `from`: an address of this machine's. With `upgrade` the socket of a WebSocket. */
const ask = (home, target, { method = 'GET', headers = {}, body, from = '127.0.0.1', ca, upgrade } = {}) => new Promise((resolve, reject) => {
  const url = new URL(home)
  const request = https.request({ host: '127.0.0.1', servername: 'localhost', port: url.port, method, path: url.pathname.replace(/\/$/, '') + target, ca,
    localAddress: from, agent: false, timeout: 30000,
    headers: { Host: url.host, ...(body ? { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) } : {}), ...headers } }, (response) => {
    const parts = []
    response.on('data', (part) => parts.push(part))
    response.on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() }))
  })
  if (upgrade) request.on('upgrade', (response, socket, head) => resolve({ status: response.statusCode, socket, head }))
  request.on('timeout', () => request.destroy(new Error(`${target}: no answer`)))
  request.on('error', reject)
  request.end(body)
})

/** A text frame as browsers send it. */
const frame = (text) => {
  const mask = crypto.randomBytes(4)
  const bytes = Buffer.from(text)
  assert(bytes.length < 126)
  return Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length]), mask, bytes.map((byte, i) => byte ^ mask[i % 4])])
}

/** The promises of one file. */
const walk = async (node, home, isSub, ca) => {
  const { origin } = new URL(home)
  const base = isSub ? '/kith' : ''
  const seen = (target, options) => ask(home, target, { ca, ...options })
  await check('the page and every file it names', async () => {
    const page = await seen('/')
    assert.strictEqual(page.status, 200, page.body)
    assert(page.headers['content-security-policy'].includes("default-src 'none'"))
    const files = [...page.body.matchAll(/(?:href|src)="([^"]+\/w\/[^"]+|\/w\/[^"]+)"/g)].map((found) => found[1])
    assert(files.length > 2, page.body)
    for (const file of files) {
      assert(file.startsWith(`${base}/w/`), file)
      assert.strictEqual((await seen(file.slice(base.length))).status, 200, file)
    }
    return `${files.length} files`
  })
  const headers = { Origin: origin }
  await check('a login, its cookie, and an answer behind it', async () => {
    const { json } = await node.ask('POST', '/api/code', {})
    assert(json.link.startsWith(`${home}/#`), json.link)
    const body = JSON.stringify({ code: json.code, name: 'proxy' })
    assert.strictEqual((await seen('/api/session', { method: 'POST', body, headers: { Origin: 'https://evil.example' } })).status, 403)
    const answer = await seen('/api/session', { method: 'POST', body, headers })
    assert.strictEqual(answer.status, 200, answer.body)
    const [cookie] = answer.headers['set-cookie']
    assert(cookie.startsWith(isSub ? '__Secure-kith-' : '__Host-kith-'), cookie)
    assert(/; HttpOnly/.test(cookie) && /; Secure/.test(cookie) && cookie.includes(`; Path=${base || '/'};`), cookie)
    headers.Cookie = cookie.split(';')[0]
    headers['X-Kith-Token'] = JSON.parse(answer.body).token
    assert.strictEqual((await seen('/api/me', { headers })).status, 200)
  })
  await check('a WebSocket', async () => {
    const way = await seen('/api/live', { upgrade: true, headers: { Origin: origin, Cookie: headers.Cookie, Connection: 'Upgrade', Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': crypto.randomBytes(16).toString('base64') } })
    assert.strictEqual(way.status, 101, way.body)
    let said = way.head.toString('latin1')
    way.socket.on('data', (bytes) => { said += bytes.toString('latin1') })
    way.socket.write(frame(JSON.stringify({ op: 'hello', token: headers['X-Kith-Token'] })))
    await until('it says hello', () => said.includes('"ev":"hello"'))
    way.socket.destroy()
  })
  await check('failed logins count for who is behind the proxy, whatever they say of themselves', async () => {
    const tried = async (from, number) => (await seen('/api/session', { method: 'POST', body: '{"code":"wrong"}', from,
      headers: { Origin: origin, 'X-Forwarded-For': `198.51.100.${number}`, 'X-Real-IP': `198.51.100.${number}` } })).status
    for (let i = 0; i < FAILURES; i++) assert.strictEqual(await tried('127.0.0.7', i), 401)
    assert.strictEqual(await tried('127.0.0.7', FAILURES), 429)
    assert.strictEqual(await tried('127.0.0.8', 1), 401)
  })
  if (isSub) {
    await check('what lies beside the path is not the node', async () => {
      const answer = await ask(origin, '/kithy', { ca })
      assert.strictEqual(answer.status, 404)
      assert(!answer.body.includes('"error"'), answer.body)
    })
  }
}

/** What the doctor says; `url` when kith.conf has none. */
const doctor = async (node, ca, ...url) => {
  process.env.CURL_CA_BUNDLE = ca
  return node.command('doctor', 'proxy', ...url).then((said) => ({ isWell: true, said }), (err) => ({ isWell: false, said: err.stdout || err.message }))
}

const ill = async (node, certFile, line, ...url) => {
  const { isWell, said } = await doctor(node, certFile, ...url)
  assert(!isWell && said.includes(line), `it says: ${said}`)
}

const examine = async (node, proxy, text, home, port) => {
  await check('the doctor finds nothing missing', async () => {
    const { isWell, said } = await doctor(node, proxy.cert)
    assert(isWell, said)
  })
  const { lines } = kinds[proxy.kind]
  for (const gone of (isQuick ? lines.slice(0, 2) : lines).map((line) => [line].flat())) {
    const [line] = gone
    await check(`the doctor names ${line}`, async () => {
      assert(gone.every((each) => text.includes(each)))
      await proxy.stop()
      await proxy.start(gone.reduce((left, each) => left.replace(each, ''), text), port, node.httpPort)
      await ill(node, proxy.cert, line)
    })
  }
  await check('the doctor says that the proxy does not run', async () => {
    await proxy.stop()
    await ill(node, proxy.cert, 'Nobody answers')
  })
}

const play = async (world, kind, isSub, keys) => {
  const port = await freePort()
  const home = `https://localhost:${port}${isSub ? '/kith' : ''}`
  const text = read(kind, kinds[kind].file[isSub ? 'sub' : 'root'])
  const node = await world.node('kith', { flags: ['--public-url', home, '--trusted-proxies', '127.0.0.1'] })
  const proxy = new Proxy(world, kind, keys)
  world.cleanups.push(() => proxy.stop())
  await proxy.start(text, port, node.httpPort)
  await walk(node, home, isSub, keys.ca)
  await examine(node, proxy, text, home, port)
  await node.stop()
}

/* What kith.conf may lack. */
const playConf = async (world, keys) => {
  const port = await freePort()
  const home = `https://localhost:${port}`
  const proxy = new Proxy(world, 'caddy', keys)
  world.cleanups.push(() => proxy.stop())
  for (const [flags, line] of [[[], `public-url = ${home}`], [['--public-url', home], 'trusted-proxies = 127.0.0.1']]) {
    await check(`the doctor names ${line.split(' ')[0]}`, async () => {
      const node = await world.node('kith', { flags })
      await proxy.start(read('caddy', 'root.Caddyfile'), port, node.httpPort)
      if (flags.length === 0) await ill(node, keys.cert, 'public-url = https://NAME')
      await ill(node, keys.cert, line, ...(flags.length ? [] : [home]))
      await proxy.stop()
      await node.stop()
    })
  }
}

const main = async () => {
  const world = new World()
  try {
    const key = path.join(world.dir, 'key.pem')
    const cert = path.join(world.dir, 'cert.pem')
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
      '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' })
    const keys = { key, cert, ca: fs.readFileSync(cert) }
    for (const kind of ['nginx', 'caddy']) {
      for (const isSub of [false, true]) {
        console.log(`-- ${kind}, ${isSub ? 'below a path' : 'at the root'}`)
        await play(world, kind, isSub, keys)
      }
    }
    console.log('-- kith.conf')
    await playConf(world, keys)
  } finally {
    await world.close()
  }
}

main().catch((err) => {
  console.log(`FAIL ${err.stack}`)
  counts.failed++
}).then(() => {
  console.log(`${counts.passed} passed, ${counts.failed} failed`)
  process.exitCode = counts.failed || !counts.passed ? 1 : 0
})
