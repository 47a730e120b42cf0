/** The dialect: what the parser makes of the vectors and of hostile depth, without a browser. */
'use strict'
const assert = require('assert')
const fs = require('fs')
const path = require('path')
const { pathToFileURL } = require('url')
const { check } = require('../../interop/lib/check')

const feed = '@FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.ed25519'
const message = '%u/WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=.sha256'

const built = path.join(__dirname, '..', '..', '..', 'build')
const load = (...names) => import(pathToFileURL(path.join(built, ...names)).href)

module.exports = async () => {
  const { parse } = await load('web-plain', 'lib', 'markdown.js')
  const flat = (pieces) => pieces.flatMap((piece) => [piece, ...flat(piece.kids || [])])
  const links = (text, mentions) => flat(parse(text, mentions)).filter((piece) => piece.kind === 'link').map((piece) => piece.href)
  const kinds = (text) => flat(parse(text)).map((piece) => piece.kind)
  const words = (text) => flat(parse(text)).map((piece) => piece.text || '').join('')

  await check('ids become paths, bare and in links, with + raw, as %2B and as a space', () => {
    const to = '/p/FbGoHeEcePDG3Evemrc-hm-S77cXKf8BRQgkYinJggg'
    assert.deepStrictEqual(links(`[name](${feed}) and ${feed}`), [to, to])
    assert.deepStrictEqual(links(`[name](${feed.replace(/\+/g, '%2B')})`), [to])
    assert.deepStrictEqual(links(`[name](<${feed.replace(/\+/g, ' ')}>)`), [to])
    assert.deepStrictEqual(links(`[t](${message}) ${message}`), Array(2).fill('/m/u_WUB9aYZsCzT-7b6C1aPe51WfPtY4JOBIWhRYAYF4Q'))
    assert.deepStrictEqual(links('[u](ssb:message/classic/u_WUB9aYZsCzT-7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=)'), ['/m/u_WUB9aYZsCzT-7b6C1aPe51WfPtY4JOBIWhRYAYF4Q'])
  })
  await check('@name is a link only when the mentions know it', () => {
    assert.deepStrictEqual(links('@bob hi', []), [])
    assert.deepStrictEqual(links('@bob hi', [{ link: feed, name: 'bob' }]).length, 1)
    assert.deepStrictEqual(links('@bob hi', [{ link: 'javascript:1', name: 'bob' }, null]), [])
  })
  await check('a single new line is a line break; tables, lists, code and quotes are known', () => {
    assert.ok(kinds('one\ntwo').includes('br'))
    for (const [text, kind] of [['| a |\n|---|\n| 1 |', 'table'], ['- a', 'ul'], ['1. a', 'ol'], ['`x`', 'code'], ['> q', 'quote'], ['~~x~~', 's'], ['---', 'hr'], ['# h', 'heading']]) {
      assert.ok(kinds(text).includes(kind), kind)
    }
  })
  const blob = '&u/WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=.sha256'
  const opens = 'FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.boxs'
  const blobs = (text) => flat(parse(text)).filter((piece) => piece.id).map(({ kind, as, id, unbox, text: alt }) => [kind, as, id, unbox, alt].filter(Boolean).join(' '))
  await check('pictures, sound, video and files are blobs, opened by their key, raw, as %2B and as a space; from elsewhere they are only words', () => {
    assert.deepStrictEqual(blobs(`![a *b* \\[c\\]](${blob})`), [`blob ${blob} a b [c]`])
    assert.deepStrictEqual(blobs(`![audio:x.mp3](${blob}) ![video:y](${blob})`), [`blob audio ${blob} x.mp3`, `blob video ${blob} y`])
    for (const key of [opens, opens.replace(/\+/g, '%2B')]) assert.deepStrictEqual(blobs(`![a](${blob}?unbox=${key})`), [`blob ${blob} ${opens} a`])
    assert.deepStrictEqual(blobs(`![a](<${blob}?unbox=${opens.replace(/\+/g, ' ')}>)`), [`blob ${blob} ${opens} a`])
    assert.deepStrictEqual(blobs(`see [notes](${blob}) and ${blob}`), [`file ${blob} notes`, `file ${blob} &u/WUB9a…`])
    assert.deepStrictEqual(blobs('![a](https://example.org/t.png) ![b](data:image/png;base64,AA) ![c](/blob/x)'), [])
  })
  await check('pictures by themselves are one gallery; inside a link that leads elsewhere they are words', () => {
    assert.deepStrictEqual(kinds(`hello\n\n![a](${blob})\n![b](${blob})\n\n![c](${blob})\n\n[d](${blob})`), ['p', 'text', 'gallery', 'blob', 'blob', 'blob', 'file'])
    assert.deepStrictEqual(kinds(`look ![a](${blob})`), ['p', 'text', 'blob'])
    assert.deepStrictEqual(kinds(`[![a](${blob})](https://example.org/)`), ['p', 'link', 'picture'])
    assert.deepStrictEqual(kinds(`[![a](${blob})](${blob})`), ['gallery', 'blob'])
  })
  await check('what is attached is part of the text, and comes out of it as it went in', async () => {
    const { split, join } = await load('web-plain', 'lib', 'attached.js')
    const all = [{ kind: 'picture', id: blob, unbox: '', alt: 'A [red] *gate* \\ `x` <b> &amp; !' }, { kind: 'audio', id: blob, unbox: '', alt: 'a_b.mp3' }, { kind: 'video', id: blob, unbox: opens, alt: '' }, { kind: 'file', id: blob, unbox: '', alt: 'notes.txt' }]
    for (const words of ['', 'x', ' two\nlines \n\n', 'ends with )', `![typed](${blob}) in a line`, '\n']) {
      const text = join(words, all)
      assert.deepStrictEqual(split(text), { text: words, list: all }, words)
      assert.deepStrictEqual(flat(parse(text)).filter((piece) => piece.kind === 'blob' || piece.kind === 'file').slice(-4).map((piece) => piece.text), all.map(({ alt }) => alt))
    }
    for (const words of ['', 'x', 'x)', `see ![a](${blob})`, `- x\n![a](${blob})`]) assert.deepStrictEqual(split(words), { text: words, list: [] })
  })
  await check('a link has no other link inside', () => {
    const other = feed.replace('@F', '@G')
    for (const text of ['@bob', '**@bob**', '#tag', feed]) assert.strictEqual(links(`[${text}](${other})`, [{ link: feed, name: 'bob' }]).length, 1, text)
    assert.ok(!kinds('[#tag](https://a.example)').includes('tag') && kinds('[x](https://a.example) #tag').includes('tag'))
  })
  await check('raw HTML stays text', () => assert.strictEqual(words('<script>alert(1)</script>'), '<script>alert(1)</script>'))
  await check('the names of HTML 4 and numbers become letters, as the whole table would have it; others stay as typed', async () => {
    const { decodeHTMLStrict: ours } = await load('web-plain', 'lib', 'entities.js')
    const { decodeHTMLStrict: whole } = await load('web-modules', 'node_modules', 'entities', 'dist', 'index.js')
    const table = /TABLE = '([^']+)'/.exec(fs.readFileSync(path.join(built, '..', 'web', 'lib', 'entities.js'), 'utf8'))[1]
    const names = table.split(' ').filter((word) => /^[A-Za-z]/.test(word))
    assert.strictEqual(new Set(names).size, 253)
    for (const typed of [...names.map((name) => `&${name};`), '&#65;', '&#x1F331;', '&#0;', '&#xD800;', '&#x110000;', '&nosuch;', '&amp', '&;', 'a &lt; b &gt;']) {
      assert.strictEqual(ours(typed), whole(typed), typed)
      assert.strictEqual(ours(typed) === typed, typed === '&nosuch;' || typed === '&amp' || typed === '&;', typed)
    }
    assert.strictEqual(words('caf&eacute; &amp; &#8364;5 &CounterClockwiseContourIntegral;'), 'café & €5 &CounterClockwiseContourIntegral;')
  })
  await check('schemes that run or reach files make no link', () => {
    for (const url of ['javascript:alert(1)', 'JaVaScRiPt:x', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd', 'blob:x', 'not-allowed-as-link']) {
      assert.deepStrictEqual(links(`[x](${url})`), [], url)
      assert.deepStrictEqual(links(`[x](<${url}>)`), [], url)
    }
  })
  await check('tags stand out, but not inside words', () => {
    assert.deepStrictEqual(flat(parse('#one end#nope #two-three')).filter((piece) => piece.kind === 'tag').map((piece) => piece.text), ['#one', '#two-three'])
  })
  await check('hostile depth and number fall back to plain text or stay within the limits', () => {
    const depth = (pieces) => (pieces.length === 0 ? 0 : 1 + Math.max(...pieces.map((piece) => depth(piece.kids || []))))
    for (const text of ['>'.repeat(4000) + 'x', '- '.repeat(2000) + 'x', '*a '.repeat(2700), '['.repeat(8000), '**'.repeat(4000), '| a '.repeat(2000) + '\n' + '|---'.repeat(2000) + '\n' + '| b '.repeat(2000), '@a '.repeat(2700)]) {
      const pieces = parse(text)
      assert.ok(flat(pieces).length <= 700 && depth(pieces) <= 12, `${flat(pieces).length} pieces, depth ${depth(pieces)}`)
    }
  })
}
