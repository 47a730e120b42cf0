/**
 * Contents that have broken implementations: `content(n, stack)` is the n-th, always the same.
 * Left out is what a JavaScript peer cannot hold, as no fault of kith would show: a `__proto__` key
 * (both stacks drop it), boxes whose first key is of low order (they end their process), lone surrogates (the modern stack turns them into U+FFFD).
 */
'use strict'

const crypto = require('crypto')

const noise = (n, bytes) => crypto.createHash('shake256', { outputLength: bytes }).update(String(n)).digest()
const box = (n) => noise(n, 200).toString('base64') + '.box'
const feed = (n) => '@' + Buffer.alloc(32, n).toString('base64') + '.ed25519'
const message = (n) => '%' + Buffer.alloc(32, n + 1).toString('base64') + '.sha256'
const blob = (n) => '&' + Buffer.alloc(32, n + 2).toString('base64') + '.sha256'

const makers = [
  (n) => ({ type: 'post', text: `a plain post, number ${n}` }),
  (n) => ({ type: 'post', text: '', n }),
  (n) => ({ type: 'post', text: `emoji 🧶🫖👩‍👩‍👧 e\u0301 é 漢字 ${n}`, '🔑': '🗝️' }),
  (n) => ({ type: 'post', text: `\u0000\u0001\u001f\u007f\u0080\u2028\u2029\ufeff\uffff "\\/\b\f\n\r\t ${n}` }),
  (n) => ({ type: 'numbers', n, list: [0, -0, 1.5, -1.25, 1e21, 1e-7, 1e300, 5e-324, 1.7976931348623157e308,
    9007199254740993, 0.1, 123456789012345680000, 1e-6, 4.35, 2 ** 53, -(2 ** 31), 1 / 3] }),
  (n) => JSON.parse(`{"10":1,"type":"keys","b":1,"2":2,"a":{"01":1,"1":2,"0":3,"4294967294":4,"4294967295":5,"-1":6,"1.0":7},"n":${n}}`),
  (n) => ({ type: 'nested', n, a: { b: { c: { d: { e: [[[[[{}], []], null], true], false] } } } }, empty: {}, none: [] }),
  (n) => ({ type: 'post', text: 'x'.repeat(7500), n }),
  (n) => ({ type: 'post', text: '漢'.repeat(2500), n }),
  (n) => ({ type: 'vote', n, vote: { link: message(n % 200), value: n % 2 ? 1 : 0, expression: '❤' } }),
  (n) => ({ type: 'about', about: feed(n % 200), name: `name ${n}`, image: { link: blob(n % 200), size: n } }),
  (n) => ({ type: 'post', text: 'reply', n, root: message(n % 200), branch: [message(n % 100), message(n % 50)],
    mentions: [{ link: feed(n % 200), name: 'somebody' }, { link: blob(n % 200) }] }),
  (n) => ({ type: 'keys', n, '': 'empty', ' ': 'space', a: 1, A: 2, 'a ': 3, length: 0, type2: 'type', 'a.b': { 'a"b': "'" } }),
  (n) => ({ type: 'contact', contact: feed(n % 200), following: n % 2 === 0 }),
  (n) => box(n % 200),
  (n) => box(n % 200) + '2',
  (n) => ({ type: 'post', text: '</script><img src=x onerror=alert(1)> %s %n ${n} {{n}} \' OR 1=1 --', n }),
]

/* The classic stack's query index takes these for methods of its own and throws. */
const methods = (n) => ({ type: 'keys', n, toString: 'x', valueOf: 1, constructor: null, hasOwnProperty: [] })
const surrogates = (n) => ({ type: 'post', text: `lone \ud83d and \udc00 and \udc00\ud83d ${n}`, '\ud800': n })

/** `objects`: for a publish call, which takes no ready-made box. `stacks`: all that will store it. */
exports.content = (n, { stacks = [], objects = false } = {}) => {
  const list = makers.slice()
  if (!stacks.includes('modern')) list.push(surrogates)
  if (!stacks.includes('classic')) list.push(methods)
  const made = list[n % list.length](n)
  return objects && typeof made === 'string' ? { type: 'post', text: made } : made
}

/** Timestamps that are valid and strange. */
exports.timestamp = (n) => {
  const list = [1600000000000 + n, 1600000000000.001 + n, 0.5 + n, -1 - n, 0, 1e21, 1e-7, 1795351296952.002, 5e-324]
  return list[n % list.length]
}
