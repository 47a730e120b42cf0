/** The words of the page, without a browser: each language says everything, with the same places and the forms it needs; and no words stand anywhere else. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const ts = require('typescript')
const { pathToFileURL } = require('url')
const { check } = require('../../interop/lib/check')

const root = path.join(__dirname, '..', '..', '..')
const load = (name) => import(pathToFileURL(path.join(root, 'build', 'web-plain', 'lib', name)).href)
const filesIn = (dir) => fs.readdirSync(path.join(root, 'web', dir)).filter((name) => name.endsWith('.js')).map((name) => path.join(dir, name))
const sources = [...filesIn('views'), ...filesIn('parts'), ...filesIn('lib'), 'main.js']
const forms = (said) => (typeof said === 'string' ? { other: said } : said)
const places = (text) => [...new Set(text.match(/\{\w+\}/g) || [])].sort().join(' ')
/** The forms of which a figure on the page is likely to need one; larger ones may have more. */
const needed = (code) => {
  const rules = new Intl.PluralRules(code)
  return [...new Set(Array.from({ length: 10001 }, (_, n) => rules.select(n)))]
}

/** Each text in a file with whether it is drawn: `visit(text, isDrawn, line)`. */
function texts(file, visit) {
  const code = fs.readFileSync(path.join(root, 'web', file), 'utf8')
  const tree = ts.createSourceFile(file, code, ts.ScriptTarget.ES2022, true)
  const isHtml = (node) => ts.isTaggedTemplateExpression(node) && node.tag.getText() === 'html'
  const walk = (node) => {
    const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1
    if (isHtml(node)) {
      const { template } = node
      const whole = ts.isNoSubstitutionTemplateLiteral(template) ? template.text : template.head.text + template.templateSpans.map((span) => '\u0000' + span.literal.text).join('')
      /* Between the tags; and what attributes for people say. */
      visit(whole.replace(/<[^>]*>/g, '\u0000'), true, line)
      for (const [, said] of whole.matchAll(/(?:aria-label|title|placeholder|alt|label|said|legend)="([^"]*)"/g)) visit(said, true, line)
      if (ts.isTemplateExpression(template)) template.templateSpans.forEach((span) => walk(span.expression))
      return
    }
    if (ts.isStringLiteralLike(node)) visit(node.text, false, line)
    ts.forEachChild(node, walk)
  }
  walk(tree)
}

/* A name, and keys as they are printed on keyboards. */
const ALLOWED = new Set(['kith', 'MIT', 'kith fork adopt', 'kith fork keep'])
/** Sentences and labels begin with a capital letter, or have words with spaces between. */
const LABEL = /^[A-ZÄÖÜ][a-zäöüß]+(?: [\wäöüß'’]+)*[.…:?]?$/
const SENTENCE = /[a-zäöü]{2,} [a-zäöü]{2,}.*[.?…]$/
/* What machines call things: keys, events, methods, browsers and systems, parts of the platform. */
const MACHINE = new Set(['Files', 'Exif', 'Enter', 'Escape', 'Esc', 'Tab', 'Home', 'End', 'Backspace', 'Ctrl Enter', 'Edge', 'Opera', 'Vivaldi', 'Firefox', 'Chrome', 'Safari', 'Android', 'Mac OS', 'Windows', 'Linux', 'Door', 'Locked', 'Notification'])

module.exports = async () => {
  await load('lang/en-more.js')
  const { english } = await load('text.js')
  const { LANGUAGES } = await load('languages.js')
  const keys = Object.keys(english.words).sort()

  for (const [code, name, fetchWords] of LANGUAGES) {
    const language = (await fetchWords()).default
    await check(`${name}: exactly the same keys`, () => {
      const own = new Set(Object.keys(language.words).filter((key) => !key.startsWith('said.')))
      const lacks = keys.filter((key) => !own.has(key))
      const extra = [...own].filter((key) => !english.words[key])
      assert.deepStrictEqual({ lacks, extra }, { lacks: [], extra: [] })
      assert.strictEqual(language.months.length, 12)
      return `${own.size} keys`
    })
    if (language !== english) {
      await check(`${name}: a sentence for each error, which the node itself says in English`, () => {
        const api = fs.readFileSync(path.join(root, 'server', 'API.md'), 'utf8')
        const codes = [.../^Codes|\bCodes: (.+?)\n.*?(`internal`)/s.exec(api)[0].matchAll(/`([a-z_]+)`/g)].map(([, code]) => code)
        assert.ok(codes.length > 10)
        const own = Object.keys(language.words).filter((key) => key.startsWith('said.')).map((key) => key.slice(5))
        assert.deepStrictEqual(own.sort(), codes.sort())
        assert.ok(own.every((code) => ['', '{said}'].includes(places(language.words[`said.${code}`]))))
        return `${codes.length} codes`
      })
    }
    await check(`${name}: the same places in each sentence`, () => {
      const differs = (key) => {
        const theirs = forms(english.words[key])
        return Object.entries(forms(language.words[key])).some(([form, said]) => ![theirs.other, theirs[form] ?? theirs.other].map(places).includes(places(said)))
      }
      const wrong = keys.filter((key) => key in language.words && differs(key))
      assert.deepStrictEqual(wrong, [])
    })
    await check(`${name}: the forms that its numbers need, and no others`, () => {
      const known = new Intl.PluralRules(code).resolvedOptions().pluralCategories
      const always = needed(code)
      const wrong = Object.entries(language.words).filter(([, said]) => typeof said !== 'string' && (always.some((form) => !(form in said)) || Object.keys(said).some((form) => !known.includes(form))))
      assert.deepStrictEqual(wrong.map(([key]) => key), [])
      /* Where English has forms, so has everybody: a figure never meets the wrong one. */
      assert.deepStrictEqual(keys.filter((key) => typeof english.words[key] !== 'string' && typeof language.words[key] === 'string'), [])
    })
  }
  const used = new Set()
  const beginnings = new Set()
  const ends = new Set()
  const pairs = []
  for (const file of sources) {
    const code = fs.readFileSync(path.join(root, 'web', file), 'utf8')
    for (const [, key] of code.matchAll(/['"`]([a-z][A-Za-z]*(?:\.[A-Za-z_0-9]+)+)['"`]/g)) used.add(key)
    for (const [, start] of code.matchAll(/`([a-z][A-Za-z]*\.(?:[A-Za-z_0-9]+\.)*[A-Za-z]*)\$\{/g)) beginnings.add(start)
    for (const [, end] of code.matchAll(/\}(\.[A-Za-z]+)`/g)) ends.add(end)
    if (/`\$\{[^}]*\}\.\$\{/.test(code)) pairs.push(new Set([...code.matchAll(/'(\w+)'/g)].map(([, word]) => word)))
  }
  await check('every key that the page asks for is there', () => {
    const areas = new Set(keys.map((key) => key.split('.')[0]))
    const asked = new Set()
    for (const file of sources) for (const [, key] of fs.readFileSync(path.join(root, 'web', file), 'utf8').matchAll(/\bt\('([^']+)'/g)) asked.add(key)
    assert.deepStrictEqual([...asked].filter((key) => !(key in english.words)), [])
    return `${asked.size} keys in ${areas.size} areas`
  })
  await check('every key that is there is asked for', () => {
    const isPair = (key) => pairs.some((words) => key.split('.').every((word) => words.has(word)))
    const isMade = (key) => [...beginnings].some((start) => key.startsWith(start)) || [...ends].some((end) => key.endsWith(end)) || isPair(key)
    assert.deepStrictEqual(keys.filter((key) => !used.has(key) && !isMade(key)), [])
  })
  await check('no words for people stand outside the catalogue', () => {
    const found = []
    for (const file of sources.filter((name) => name !== 'lib/languages.js')) {
      texts(file, (text, isDrawn, line) => {
        const said = text.replace(/\u0000/g, ' ').replace(/\s+/g, ' ').trim()
        const isWords = isDrawn ? text.split('\u0000').some((piece) => /[A-Za-z]{2}/.test(piece) && !ALLOWED.has(piece.trim().replace(/[,.]$/, ''))) : !MACHINE.has(said) && (LABEL.test(said) || SENTENCE.test(said))
        if (isWords && !(said in english.words)) found.push(`${file}:${line}: ${said.slice(0, 80)}`)
      })
    }
    assert.deepStrictEqual(found, [])
  })
}
