/** What strangers write does nothing but stand there. */
'use strict'
const assert = require('assert')
const { check } = require('../../interop/lib/check')

const corpus = [
  '<script>globalThis.pwned = 1</script>',
  '<img src=x onerror="globalThis.pwned = 1">',
  '<svg onload="globalThis.pwned = 1"><animate onbegin="globalThis.pwned = 1"></svg>',
  '<iframe srcdoc="<script>parent.pwned = 1</script>"></iframe>',
  '[x](javascript:globalThis.pwned=1) [y](JaVaScRiPt:globalThis.pwned=1) [z](<java\nscript:globalThis.pwned=1>)',
  '[d](data:text/html,<script>opener.pwned=1</script>) [v](vbscript:pwned) [f](file:///etc/passwd) [b](blob:https://evil.example/x)',
  '![x](https://evil.example/track.png) ![y](//evil.example/track.png) ![z](data:image/svg+xml,<svg/onload=alert(1)>)',
  '![<img src=x onerror=globalThis.pwned=1>](x) ![a](javascript:globalThis.pwned=1)',
  '[<img src=x onerror=globalThis.pwned=1>](https://example.org "\\" onmouseover=globalThis.pwned=1")',
  '<a href="javascript:globalThis.pwned=1">click</a> <style>body{display:none}</style> <meta http-equiv=refresh content=0;url=//evil.example>',
  '```html\n</code></pre><script>globalThis.pwned = 1</script>\n```',
  '| <script>pwned=1</script> | b |\n|---|---|\n| ![x](//evil.example/a) | [x](javascript:1) |',
  '<form action=https://evil.example><input name=x autofocus onfocus=globalThis.pwned=1></form>',
  '[https://bank.example/login](https://evil.example/login)',
  'http://xn--e1awd7f.com and http://\u0435\u0440\u0456\u0441.com',
  '\u202Egnp.exe\u202C <b id=app name=body>clobber</b> <div id=kithBoot>',
  '>'.repeat(3000) + ' deep',
  '*_'.repeat(1500) + '['.repeat(1500),
  '- '.repeat(500) + 'lists',
  '{{constructor.constructor("globalThis.pwned=1")()}} ${globalThis.pwned=1} `${globalThis.pwned=1}`',
  '#<script>pwned=1</script> @<b>x</b> %AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.sha256',
]

module.exports = async (world) => {
  const node = await world.node('ana')
  const ana = await world.browser()
  const page = ana.page
  await ana.enter(node, '<img src=x onerror=globalThis.pwned=1>')
  for (const text of corpus) await node.api('POST', 'publish', { type: 'post', text, contentWarning: text.startsWith('{{') ? '<script>globalThis.pwned = 1</script>' : undefined })
  await node.api('POST', 'publish', { type: 'about', about: node.id, description: corpus.slice(0, 6).join('\n\n') })
  await node.api('POST', 'publish', { type: 'post', text: 'odd', mentions: [null, 5, { link: 7 }, { link: 'javascript:1', name: 'odd' }], channel: { a: 1 }, branch: 'x', root: 9 })

  ana.asked.length = 0
  await page.goto(node.home + '/')
  await page.locator('article').first().waitFor()
  await page.locator('.end').scrollIntoViewIfNeeded()
  await page.waitForFunction((n) => document.querySelectorAll('article').length >= n, corpus.length)
  for (const warning of await page.locator('button.warning').all()) await warning.click()

  await check('nothing ran', async () => assert.strictEqual(await page.evaluate(() => globalThis.pwned), undefined))
  await check('no element came from a text', async () => {
    const made = await page.evaluate(() => [...document.querySelectorAll('.text script, .text img, .text iframe, .text style, .text meta, .text form, .text input, .text svg, .text [id], .text [onerror], .text [onload]')].map((one) => one.outerHTML))
    assert.deepStrictEqual(made, [])
  })
  await check('links lead only to http, https, mailto, ssb or inside, and say so to the browser', async () => {
    const links = await page.evaluate(() => [...document.querySelectorAll('.text a')].map((one) => ({ href: one.getAttribute('href') ?? '', rel: one.getAttribute('rel') ?? '' })))
    assert.ok(links.length > 3)
    for (const { href, rel } of links) {
      assert.match(href, /^(https?:|mailto:|ssb:|\/m\/[\w-]{43}$|\/p\/[\w-]{43}$)/)
      if (!href.startsWith('/')) assert.match(rel, /noopener.*noreferrer.*nofollow.*ugc/)
    }
  })
  await check('a link that pretends to lead elsewhere says where it leads', () => page.locator('.site', { hasText: 'leads to evil.example' }).first().waitFor())
  await check('hosts stand in ASCII', async () => {
    const text = await page.locator('main').innerText()
    assert.ok(text.includes('xn--e1awd7f.com') && !text.includes('http://\u0435\u0440\u0456\u0441.com'))
  })
  await check('the profile, the conversation and the signed message are as inert', async () => {
    const path = await page.locator('article a.name').first().getAttribute('href')
    await page.goto(node.home + path)
    await page.locator('.profile .text').waitFor()
    assert.strictEqual(await page.locator('.profile .text img').count(), 0)
    const message = await page.locator('article header a.time').first().getAttribute('href')
    await page.goto(node.home + message)
    await page.locator('article.opened').waitFor()
    await page.goto(node.home + message + '/raw')
    await page.locator('pre.raw').waitFor()
    assert.strictEqual(await page.evaluate(() => globalThis.pwned), undefined)
  })
  await check('nothing was asked of anybody but the own node', () => {
    const outside = ana.asked.filter((url) => !url.startsWith(node.home + '/') && !url.startsWith('ws://'))
    assert.deepStrictEqual(outside, [])
  })
  await check('the page comes with its policy, and with Trusted Types', async () => {
    const answer = await page.goto(node.home + '/')
    const policy = answer.headers()['content-security-policy']
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "require-trusted-types-for 'script'", "trusted-types 'none'", "frame-ancestors 'none'"]) {
      assert.ok(policy.includes(part), part)
    }
    const thrown = await page.evaluate(() => { try { document.body.innerHTML = '<b>x</b>'; return '' } catch (err) { return err.name } })
    assert.strictEqual(thrown, 'TypeError')
  })
  await check('nothing else was complained about', () => assert.deepStrictEqual(ana.complaints.filter((one) => !/TrustedHTML/.test(one)), []))
}
