/**
 * parts/marks: the words that were looked for, marked in a text whatever their case and accents: elements, never markup.
 */
import { html } from '../lib/html.js';

/** @param {string} text */
const bare = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/**
 * A drawer of texts for these words; null when there is none among them. One letter of a script with letters says nothing and is not marked.
 * @param {string[]} words @returns {((text: string, plain: (text: string) => any) => any) | null}
 */
export function markerOf(words) {
	const needles = words.map(bare).filter((word) => word.length > 1 || word > '\u2e80');
	return needles.length > 0 ? (text, plain) => mark(text, needles, plain) : null;
}

/** @param {string} text @param {string[]} needles @param {(text: string) => any} plain how words are drawn otherwise @returns {any} */
function mark(text, needles, plain) {
	/* Which letter each unit of the bare text comes from. */
	const letters = [...text];
	const bares = letters.map(bare);
	const from = bares.flatMap((one, i) => Array.from({ length: one.length }, () => i));
	const all = bares.join('');
	const isMarked = letters.map(() => false);
	for (const needle of needles) {
		for (let at = all.indexOf(needle); at >= 0; at = all.indexOf(needle, at + needle.length)) {
			from.slice(at, at + needle.length).forEach((i) => {
				isMarked[i] = true;
			});
		}
	}
	/** @type {any[]} */
	const out = [];
	for (let i = 0; i < letters.length; ) {
		let end = i + 1;
		while (end < letters.length && isMarked[end] === isMarked[i]) {
			end++;
		}
		const part = plain(letters.slice(i, end).join(''));
		out.push(isMarked[i] ? html`<mark>${part}</mark>` : part);
		i = end;
	}
	return out;
}
