#!/usr/bin/env node
/**
 * Lighthouse, as on a desk, on Home of a node with posts and a browser that is signed in: `make lighthouse`. Each of three figures has to reach 98; what it
 * found is printed, and the whole report is in build/lighthouse/report.html. Figures depend on the machine, so this is not part of `make test`.
 */
'use strict'
const fs = require('fs')
const os = require('os')
const path = require('path')
const crypto = require('crypto')
const { pathToFileURL } = require('url')
const { freePort } = require('../../interop/lib/world')
const { Browser } = require('../lib/browser')
const { Node } = require('../lib/node')

const FLOOR = 98
const POSTS = 40
const built = path.join(__dirname, '..', '..', '..', 'build', 'lighthouse')
const load = (name) => import(pathToFileURL(path.join(built, 'node_modules', 'lighthouse', name)).href)

async function fill(node) {
  for (let i = 0; i < POSTS; i++) {
    await node.api('POST', 'publish', { type: 'post', text: `Post ${i}: *some* words about the garden, a \`tool\`, #tag${i % 7} and https://example.org/${i}\n\n- one\n- two` })
  }
}

/** The audits that cost something, worst first. */
function costs({ categories, audits }, id) {
  return categories[id].auditRefs
    .filter(({ id: audit, weight }) => weight > 0 && audits[audit].score !== null && audits[audit].score < 0.98)
    .map(({ id: audit }) => `${audits[audit].id}: ${audits[audit].displayValue || audits[audit].title}`)
}

async function judge(node, port) {
  const { default: lighthouse, desktopConfig } = await load('core/index.js')
  const flags = { port, output: 'html', disableStorageReset: true, onlyCategories: ['performance', 'accessibility', 'best-practices'], logLevel: 'error' }
  const { lhr, report } = await lighthouse(node.home + '/', flags, desktopConfig)
  fs.writeFileSync(path.join(built, 'report.html'), report)
  let isGood = true
  for (const [id, { score, title }] of Object.entries(lhr.categories)) {
    const n = Math.round(score * 100)
    isGood = isGood && n >= FLOOR
    console.log(`${n >= FLOOR ? 'ok  ' : 'FAIL'} ${title}: ${n}`)
    for (const line of costs(lhr, id)) console.log(`       ${line}`)
  }
  for (const id of ['first-contentful-paint', 'largest-contentful-paint', 'total-blocking-time', 'cumulative-layout-shift', 'speed-index']) {
    console.log(`     ${id}: ${lhr.audits[id].displayValue}`)
  }
  return isGood
}

async function main() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kith-lighthouse-'))
  const node = new Node(path.join(dir, 'ana'), crypto.randomBytes(32).toString('base64'))
  let isGood = false
  try {
    await node.start()
    await fill(node)
    const port = await freePort()
    const browser = await Browser.open({ flags: [`--remote-debugging-port=${port}`] })
    try {
      await browser.page.goto(node.link)
      await browser.page.locator('article').first().waitFor()
      isGood = await judge(node, port)
    } finally {
      await browser.close()
    }
  } finally {
    await node.stop()
    fs.rmSync(dir, { recursive: true, force: true })
  }
  process.exit(isGood ? 0 : 1)
}

main()
