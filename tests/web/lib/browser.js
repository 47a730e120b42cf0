/** Debian's Chromium, and what a test does with a page. */
'use strict'
const fs = require('fs')
const os = require('os')
const path = require('path')
const { chromium } = require('playwright-core')

const shots = path.join(__dirname, '..', '..', '..', 'build', 'shots')
const axeSource = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage']

exports.DESK = { width: 1280, height: 800 }
exports.PHONE = { width: 390, height: 844 }

/** Post what is written without the ten seconds in which it may be taken back. */
exports.postNow = async (page, button = 'Post') => {
  await page.getByRole('button', { name: button, exact: true }).last().click()
  await page.locator('.held [data-act=now]').last().click()
  await page.locator('.held').waitFor({ state: 'detached' })
}

/** A person's browser: its own profile, so its own cookies and storage. */
exports.Browser = class Browser {
  static async open({ size = exports.DESK, scheme = 'light', flags: more = [] } = {}) {
    const self = new Browser()
    self.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kith-web-'))
    const isPhone = size.width < 768
    self.context = await chromium.launchPersistentContext(self.dir, {
      executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, args: [...flags, ...more], viewport: size, colorScheme: scheme, reducedMotion: 'reduce',
      isMobile: isPhone, hasTouch: isPhone,
    })
    self.context.setDefaultTimeout(30000)
    self.page = self.context.pages()[0] || (await self.context.newPage())
    self.complaints = []
    self.asked = []
    self.page.on('console', (message) => message.type() === 'error' && self.complaints.push(message.text()))
    self.page.on('pageerror', (error) => self.complaints.push(String(error.stack || error)))
    self.page.on('dialog', (dialog) => { self.complaints.push('a dialog: ' + dialog.message()); dialog.dismiss() })
    self.page.on('request', (request) => self.asked.push(request.url()))
    return self
  }

  async close() {
    await this.context.close()
    fs.rmSync(this.dir, { recursive: true, force: true })
  }

  /** Through the door, and past the welcome when it stands there. */
  async enter(node, name) {
    await this.page.goto(node.link)
    await this.page.getByLabel('What should friends call you?').fill(name)
    await this.page.getByRole('button', { name: 'Next' }).click()
    await this.page.getByRole('button', { name: 'Next' }).click()
    await this.page.getByRole('button', { name: 'Later' }).click()
    await this.page.getByRole('button', { name: 'I will do this later' }).click()
    await this.page.getByRole('heading', { name: 'Home' }).waitFor()
  }

  shot(name) {
    fs.mkdirSync(shots, { recursive: true })
    return this.page.screenshot({ path: path.join(shots, name + '.png') })
  }

  /** All that axe-core finds, of any impact; content-visibility is switched off, or axe sees ghosts. */
  async axe() {
    await this.page.evaluate(() => {
      const sheet = new CSSStyleSheet()
      sheet.replaceSync('* { content-visibility: visible !important; animation: none !important; transition: none !important }')
      document.adoptedStyleSheets = [sheet]
    })
    await this.page.evaluate(axeSource)
    const found = await this.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
    return found.violations.map((one) => `${one.impact} ${one.id}: ${one.nodes[0].html.slice(0, 200)}`)
  }
}
