// Does kith read, print, hash and sign JSON exactly as V8 does? usage: node compare.js PROGRAM [COUNT] [SEED]
// A third of the documents are messages, signed here with Node's Ed25519 over what V8 prints, and then sent in another form.
'use strict'

const crypto = require('crypto')
const { spawn } = require('child_process')
const { Documents } = require('./documents.js')

const [program, countText = '200000', seedText = '1'] = process.argv.slice(2)
const count = Number(countText)
const seed = Number(seedText)
const maxDepth = 64
const maxUnits = 8192
const maxBytes = 65536

const documents = new Documents(seed)
const { privateKey, publicKey } = keysFromSeed(Buffer.alloc(32, 7))
const author = '@' + publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64') + '.ed25519'

function keysFromSeed (bytes) {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), bytes])
  const key = crypto.createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return { privateKey: key, publicKey: crypto.createPublicKey(key) }
}

function depthOf (value) {
  if (value === null || typeof value !== 'object') return 0
  let deepest = 0
  for (const key of Object.keys(value)) deepest = Math.max(deepest, depthOf(value[key]))
  return deepest + 1
}

function read (bytes) {
  try {
    return { value: JSON.parse(bytes.toString('utf8')) }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return null
  }
}

function expect (bytes, signing) {
  const parsed = read(bytes)
  const depth = parsed && depthOf(parsed.value)
  if (parsed === null || depth > maxDepth) return { isRead: false }
  const pretty = JSON.stringify(parsed.value, null, 2)
  return {
    isRead: true,
    compact: Buffer.from(JSON.stringify(parsed.value), 'utf8'),
    pretty: Buffer.from(pretty, 'utf8'),
    key: crypto.createHash('sha256').update(pretty, 'binary').digest(),
    signing: signing !== undefined && pretty.length <= maxUnits && bytes.length <= maxBytes && depth <= maxDepth ? signing : Buffer.alloc(0)
  }
}

// A signed message whose text on the wire is not the canonical one; `signing` is undefined when no validator would take it.
function makeMessage () {
  const random = documents.random
  const contentText = documents.content()
  const content = JSON.parse(contentText.toString('utf8'))
  const sequence = 1 + random.below(1000)
  const previous = sequence === 1 ? null : '%' + crypto.createHash('sha256').update(String(sequence)).digest('base64') + '.sha256'
  documents.number()
  const timestampText = documents.take().toString()
  const timestamp = JSON.parse(timestampText)
  const fields = random.odds(3) ? { previous, author, sequence } : { previous, sequence, author }
  const unsigned = JSON.stringify({ ...fields, timestamp, hash: 'sha256', content }, null, 2)
  const signature = crypto.sign(null, Buffer.from(unsigned, 'utf8'), privateKey).toString('base64') + '.sig.ed25519'
  const blank = () => random.one(['', '', '', ' ', '\n\t'])
  const sequenceText = random.one([String(sequence), sequence + '.0', sequence + 'e0', (sequence * 10) + 'e-1'])
  const texts = { ...fields, timestamp: 0, hash: 0, content: 0, signature: 0 }
  for (const name of Object.keys(texts)) texts[name] = JSON.stringify(fields[name])
  Object.assign(texts, { sequence: sequenceText, timestamp: timestampText, hash: '"sha2\\u00356"', signature: JSON.stringify(signature) })
  const parts = []
  for (const name of Object.keys(texts)) {
    parts.push(Buffer.from(`${parts.length ? ',' : '{'}${blank()}"${name}"${blank()}:${blank()}`), name === 'content' ? contentText : Buffer.from(texts[name]))
  }
  parts.push(Buffer.from('}'))
  const type = content.type
  const isType = typeof type === 'string' && type.length >= 3 && type.length <= 52
  return { bytes: Buffer.concat(parts), signing: isType ? Buffer.from(unsigned, 'utf8') : undefined }
}

// Length-prefixed parts out of a stream of chunks.
async function * partsOf (stream) {
  let rest = Buffer.alloc(0)
  for await (const chunk of stream) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    while (rest.length - at >= 4) {
      const len = rest.readUInt32LE(at)
      if (rest.length - at - 4 < len) break
      yield rest.subarray(at + 4, at + 4 + len)
      at += 4 + len
    }
    rest = rest.subarray(at)
  }
}

function differenceOf (expected, [status, compact, pretty, key, signing]) {
  if (!expected.isRead) return status[0] === 0 ? 'kith reads it, Node does not' : null
  if (status[0] !== 0) return 'Node reads it, kith does not'
  if (!compact.equals(expected.compact)) return `compact text: ${compact}\n  Node: ${expected.compact}`
  if (!pretty.equals(expected.pretty)) return 'pretty text'
  if (!key.equals(expected.key)) return 'key'
  return signing.equals(expected.signing) ? null : `signed text: ${signing.length} bytes, Node: ${expected.signing.length}`
}

async function feed (child, waiting) {
  for (let i = 0; i < count; i++) {
    const document = documents.random.odds(3) ? makeMessage() : { bytes: documents.document() }
    const head = Buffer.alloc(4)
    head.writeUInt32LE(document.bytes.length)
    waiting.push({ i, bytes: document.bytes, expected: expect(document.bytes, document.signing) })
    if (!child.stdin.write(Buffer.concat([head, document.bytes])) || waiting.length > 2000) {
      await new Promise((resolve) => setImmediate(resolve))
      while (waiting.length > 2000 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  child.stdin.end()
}

async function main () {
  const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {})
  const waiting = []
  const totals = { documents: 0, read: 0, signed: 0, differences: 0 }
  const fed = feed(child, waiting)
  let parts = []
  for await (const part of partsOf(child.stdout)) {
    parts.push(Buffer.from(part))
    if (parts.length < 5) continue
    const { i, bytes, expected } = waiting.shift()
    const difference = differenceOf(expected, parts)
    parts = []
    totals.documents++
    if (expected.isRead) totals.read++
    if (expected.isRead && expected.signing.length > 0) totals.signed++
    if (difference !== null && ++totals.differences <= 10) {
      console.log(`seed ${seed}, document ${i}: ${difference}\n  ${bytes.toString('hex').slice(0, 4000)}`)
    }
  }
  await fed
  console.log(`${totals.documents} documents (seed ${seed}): ${totals.read} are JSON, ${totals.signed} valid messages; ${totals.differences} differences`)
  process.exitCode = totals.documents === count && totals.differences === 0 ? 0 : 1
}

main()
