/**
 * parts/posttext: a post's text as elements, one switch over the closed set of kinds that lib/markdown makes. No markup is ever taken from a stranger.
 */
import { html, useMemo, useValue } from '../lib/html.js';
import { signal } from '@preact/signals-core';
import { parse } from '../lib/markdown.js';
import { nameOf, shortKey, t, tagPath } from '../lib/text.js';
import { personOf, twinsOf } from '../lib/state.js';
import { FileLink, Pictures } from './pictures.js';

/** @typedef {import('../lib/markdown.js').Piece} Piece */

/* A run of letters as long as no word is: laid out as one it costs a browser seconds, in a writing whose letters join or that has no spaces. */
const NO_WORD = /[\p{L}\p{M}\p{Cf}]{300,}/u;
const PART_OF_IT = /[\p{L}\p{M}\p{Cf}]{100}(?=\p{L})/gu;

/** How the search screen draws words it has found, so that they stand out; null: nothing is looked for. @type {import('@preact/signals-core').Signal<((text: string, plain: (text: string) => any) => any) | null>} */
export const marker = signal(/** @type {any} */ (null));

/** Words, with places where such a run may end a line. @param {string | undefined} text @returns {any} */
function drawPlain(text) {
	if (!text || !NO_WORD.test(text)) {
		return text;
	}
	return text.replace(PART_OF_IT, '$&\0').split('\0').flatMap((part, i) => (i === 0 ? [part] : [html`<wbr />`, part]));
}

/** @param {string | undefined} text @returns {any} */
function drawWords(text) {
	const mark = marker.peek();
	return mark && text ? mark(text, drawPlain) : drawPlain(text);
}

/** Of the text that is being drawn. @type {import('./pictures.js').About} */
let about = { isOpen: false };

/** @param {Piece[] | undefined} pieces @returns {any[]} */
const drawAll = (pieces) => (pieces ?? []).map(draw);

/** @param {string | null | undefined} name */
const plainly = (name) => (name ?? '').normalize('NFKC').replace(/^@|[\p{Cf}\s]/gu, '').toLowerCase();

/** Whom a name leads to, when they are not called so, or others are too. @param {{ id: string, said: string }} props */
function Whom({ id, said }) {
	const person = useValue(personOf(id));
	const isSo = [person.name, person.petname].some((name) => name && plainly(name) === plainly(said));
	const hasTwin = twinsOf(person).length > 0;
	return (!isSo || hasTwin) && !HIDDEN[said] && !said.startsWith(id.slice(0, 9)) && html` <span class="site">(${t('post.leads', { site: hasTwin ? shortKey(id) : nameOf(person) })})</span>`;
}

/** @param {Piece} piece */
function drawLink(piece) {
	const kids = drawAll(piece.kids);
	if (piece.inside) {
		return html`<a href=${piece.href} class="inside">${kids}</a>${piece.who && html`<${Whom} id=${piece.who} said=${piece.text} />`}`;
	}
	return html`<a href=${piece.href} target="_blank" rel="noopener noreferrer nofollow ugc">${kids}</a>${piece.site &&
	html` <span class="site">(${t('post.leads', { site: piece.site })})</span>`}`;
}

/** What the node puts in the place of words of people we block (server/API.md). @type {Record<string, string>} */
const HIDDEN = { '[hidden quote]': 'post.hiddenQuote', '[someone you blocked]': 'post.hiddenName' };

/** @param {string} text */
const drawHidden = (text) => text.split(/(\[hidden quote\]|\[someone you blocked\])/).map((part) => (HIDDEN[part] ? html`<span class="hidden-words">${t(HIDDEN[part])}</span>` : drawWords(part)));

/** @param {Piece} piece @returns {any} */
function draw(piece) {
	switch (piece.kind) {
	case 'text':
		return piece.text?.includes('[') ? drawHidden(piece.text) : drawWords(piece.text);
	case 'plain':
		return html`<p class="plain">${drawWords(piece.text)}</p>`;
	case 'group':
		return drawAll(piece.kids);
	case 'p':
		return html`<p>${drawAll(piece.kids)}</p>`;
	case 'heading':
		/* Below the author's name, an h2: a level left out would be a gap in the page. */
		return html`<h3 class=${Number(piece.level) > 3 ? 'lesser' : undefined}>${drawAll(piece.kids)}</h3>`;
	case 'quote':
		return html`<blockquote>${drawAll(piece.kids)}</blockquote>`;
	case 'ul':
		return html`<ul>${drawAll(piece.kids)}</ul>`;
	case 'ol':
		return html`<ol start=${piece.start}>${drawAll(piece.kids)}</ol>`;
	case 'li':
		return html`<li>${drawAll(piece.kids)}</li>`;
	case 'em':
		return html`<em>${drawAll(piece.kids)}</em>`;
	case 'strong':
		return html`<strong>${drawAll(piece.kids)}</strong>`;
	case 's':
		return html`<s>${drawAll(piece.kids)}</s>`;
	case 'code':
		return html`<code>${drawWords(piece.text)}</code>`;
	case 'pre':
		return html`<pre tabindex="0"><code>${drawWords(piece.text)}</code></pre>`;
	case 'br':
		return html`<br />`;
	case 'hr':
		return html`<hr />`;
	case 'table':
		return html`<div class="table" tabindex="0" role="group"><table>${drawAll(piece.kids)}</table></div>`;
	case 'thead':
		return html`<thead>${drawAll(piece.kids)}</thead>`;
	case 'tbody':
		return html`<tbody>${drawAll(piece.kids)}</tbody>`;
	case 'tr':
		return html`<tr>${drawAll(piece.kids)}</tr>`;
	case 'th':
		return html`<th class=${piece.align}>${drawAll(piece.kids)}</th>`;
	case 'td':
		return html`<td class=${piece.align}>${drawAll(piece.kids)}</td>`;
	case 'link':
		return drawLink(piece);
	case 'tag':
		return html`<a class="tag inside" href=${tagPath(String(piece.text))}>${drawWords(piece.text)}</a>`;
	case 'gallery':
		return html`<${Pictures} pieces=${piece.kids} about=${about} />`;
	case 'blob':
		return html`<${Pictures} pieces=${[piece]} about=${about} />`;
	case 'file':
		return html`<${FileLink} piece=${piece}>${drawWords(piece.text)}<//>`;
	case 'picture':
		return html`<span class="file">${piece.text ? t('post.picture', { alt: piece.text }) : t('post.pictureBare')}</span>`;
	default:
		return null;
	}
}

/** `isOpen`: pictures of which the node said nothing are shown at once. @param {{ text: string, mentions?: import('../lib/state.js').Mention[], blobs?: import('../lib/state.js').Blob[], isOpen?: boolean, id?: string }} props */
export function PostText({ text, mentions, blobs, isOpen = false, id }) {
	const mark = useValue(marker);
	const pieces = useMemo(() => parse(text, mentions), [text]);
	const drawn = useMemo(() => {
		about = { blobs, isOpen };
		return drawAll(pieces);
	}, [pieces, mark, blobs, isOpen]);
	return html`<div class="text" dir="auto" id=${id}>${drawn}</div>`;
}
