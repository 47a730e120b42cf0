/**
 * Posts drawn by the page's own parts on a page that has no policy, no node and nothing else that would stop a text: `draw` shows one, and tells how long that
 * took and what is wrong with it. What could leave the page is counted by the caller (context.route).
 */
'use strict'
const fs = require('fs')
const path = require('path')
const { createRequire } = require('module')

const top = path.join(__dirname, '..', '..', '..')
const modules = path.join(top, 'build', 'web-modules', 'node_modules')
const { buildSync } = createRequire(path.join(modules, 'x.js'))('esbuild')

const entry = `
import { html, render } from './lib/html.js';
import { Post } from './parts/post.js';
import { take } from './lib/state.js';


const author = '@' + 'A'.repeat(43) + '=.ed25519';
globalThis.draw = (content, person, n) => {
	const id = '%' + btoa(String(n).padStart(32, '0')) + '.sha256';
	const { text, contentWarning, channel, mentions } = content;
	const asText = (value) => (typeof value === 'string' && value.trim() !== '' ? value : null);
	const post = { id, author, sequence: 1, at: 1700000000000, text: String(text), cw: null, channel: asText(channel), root: null, fork: null, branch: [], mentions: Array.isArray(mentions) ? mentions : [],
		replies: 0, likes: { n: 0, some: [], mine: false }, missing: false, holders: null, cw: asText(contentWarning) };
	take({ people: [{ id: author, name: person.name, image: null, i: 'none', they: 'none', hops: 1, sequence: 1, newest: 1 }], posts: [post] });
	const place = document.getElementById('place');
	render(null, place);
	void place.offsetHeight;
	const began = performance.now();
	render(html\`<div class="posts"><\${Post} id=\${id} isOpened /></div>\`, place);
	void place.offsetHeight;
	const took = performance.now() - began;
	place.querySelector('button.warning')?.click();
	return took;
};
`

/** What no text may do to the layout or the tree. Runs in a page: says what is wrong below `selector`. */
function faults(selector) {
  const out = []
  const say = (what, at) => out.length < 5 && out.push(`${what}: ${at ? at.outerHTML.slice(0, 160) : ''}`)
  const root = document.documentElement
  if (root.scrollWidth > root.clientWidth) say(`scrolls sideways by ${root.scrollWidth - root.clientWidth} px`)
  const isScroller = (one) => getComputedStyle(one).overflowX !== 'visible'
  for (const top of document.querySelectorAll(selector)) {
    const bounds = top.getBoundingClientRect()
    const walk = (one) => {
      for (const kid of one.children) {
        const rect = kid.getBoundingClientRect()
        if (rect.width === 0 || kid.closest('svg, [popover], .sr')) continue
        if (rect.right > bounds.right + 1 || rect.left < bounds.left - 1) say(`wider than its column (${Math.round(rect.left - bounds.left)} to ${Math.round(rect.right - bounds.left)} of ${Math.round(bounds.width)})`, kid)
        if (!isScroller(kid)) walk(kid)
      }
    }
    walk(top)
    for (const group of [top.querySelectorAll(':scope > .main > *'), ...[...top.querySelectorAll('.text')].map((text) => text.children)]) {
      let last = null
      for (const one of group) {
        const rect = one.getBoundingClientRect()
        if (rect.height === 0 || getComputedStyle(one).position === 'absolute' || one.matches('[popover]')) continue
        if (last && rect.top < last.bottom - 1) say(`overlaps what is above it by ${Math.round(last.bottom - rect.top)} px`, one)
        last = rect
      }
    }
    const time = top.querySelector(':scope header a.time')
    const name = top.querySelector(':scope header .name, :scope header h2')
    if (time && name && name.getBoundingClientRect().left > time.getBoundingClientRect().left) say('the name and the time changed places', name)
    for (const text of top.querySelectorAll('.text')) {
      for (const bad of text.querySelectorAll('script, :is(img, video, audio):not([src^="/blob/"]), iframe, style, meta, link, form, input, textarea, object, embed, svg:not(.icon), math, base, template, dialog, [id], [style]')) say('an element or attribute out of a text', bad)
      for (const one of text.querySelectorAll('*')) for (const { name } of one.attributes) if (name.startsWith('on')) say('a handler out of a text', one)
      if (!['clip', 'hidden'].includes(getComputedStyle(text).overflowY)) say('marks may be drawn over the neighbours', text)
      for (const link of text.querySelectorAll('a, .site, .tag, .file')) {
        if (!/isolate/.test(getComputedStyle(link).unicodeBidi)) say('turns the words behind it around', link)
      }
      for (const link of text.querySelectorAll('a')) {
        const href = link.getAttribute('href') ?? ''
        if (!/^(https?:|mailto:|ssb:|\/m\/[\w-]{43}$|\/p\/[\w-]{43}$|\/tag\/|\/search\?|\/blob\/[\w-]{43}\?(unbox=[\w=-]{44}\.boxs&)?name=[^&]*$)/i.test(href)) say('leads where nothing may lead', link)
        if (!href.startsWith('/') && !/noopener.*noreferrer.*nofollow.*ugc/.test(link.getAttribute('rel') ?? '')) say('tells the other side where it comes from', link)
      }
    }
  }
  if (globalThis.pwned !== undefined) say('something ran')
  return out
}

exports.faults = faults

/** Everything that is asked for but the page itself is put into `asked` and refused. */
exports.open = async (context, asked) => {
  const { outputFiles } = buildSync({
    stdin: { contents: entry, resolveDir: path.join(top, 'web'), loader: 'js' }, bundle: true, write: false, format: 'iife', platform: 'browser', target: ['es2022'],
    charset: 'utf8', nodePaths: [modules], alias: { entities: path.join(top, 'web', 'lib', 'entities.js') }, logLevel: 'error',
  })
  const sheet = fs.readFileSync(path.join(top, 'build', 'web', 'page.css'), 'utf8')
  const page = await context.newPage()
  await page.route('**/*', (route) => {
    if (route.request().url() === 'http://bare.test/') {
      return route.fulfill({ contentType: 'text/html', body: '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width"><title>x</title><div id=app class=shell><div></div><main id=place></main></div>' })
    }
    asked.push(route.request().url())
    return route.abort()
  })
  await page.goto('http://bare.test/')
  await page.addStyleTag({ content: sheet })
  await page.addScriptTag({ content: outputFiles[0].text })
  return page
}
