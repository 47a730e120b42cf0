/**
 * lib/text: words, ids and figures as people read them.
 */
import { plural, words } from './lang/en.js';

/**
 * The sentence for a key, with `{name}` places filled in. A key whose words differ by number is an object with the plural forms.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
	let found = words[key];
	if (found === undefined) {
		return key;
	}
	if (typeof found === 'object') {
		found = found[plural(Number(values.n))] ?? found.other;
	}
	return found.replace(/\{(\w+)\}/g, (_, name) => {
		const value = values[name];
		return typeof value === 'number' ? figure(value) : String(value ?? '');
	});
}

/** 1240 → "1,240". By hand: the first Intl object costs a phone 25 to 60 ms. @param {number} n */
export function figure(n) {
	return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** @param {number} n bytes */
export function bytes(n) {
	const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
	let unit = 0;
	while (n >= 1000 && unit < units.length - 1) {
		n /= 1000;
		unit++;
	}
	return `${unit === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[unit]}`;
}

/** An id as paths carry it: base64url, no sigil, 43 characters. @param {string} id */
export function pathOf(id) {
	return id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_');
}

/** @param {'@' | '%' | '&'} sigil @param {string} path */
export function idOf(sigil, path) {
	const text = path.replace(/-/g, '+').replace(/_/g, '/');
	return `${sigil}${text}=.${sigil === '@' ? 'ed25519' : 'sha256'}`;
}

/** @param {string} id */
export const personPath = (id) => `/p/${pathOf(id)}`;
/** @param {string} id */
export const messagePath = (id) => `/m/${pathOf(id)}`;

/** The key's first eight characters in two groups: enough to tell two people apart aloud. @param {string} id */
export function shortKey(id) {
	return `${id.slice(1, 5)} ${id.slice(5, 9)}`;
}

/** @param {{ id: string, name?: string }} person */
export function nameOf(person) {
	return person.name || shortKey(person.id);
}

/** "Ana", "Ana and Ben", "Ana, Ben and 3 others". @param {string[]} names @param {number} [total] */
export function listOf(names, total = names.length) {
	const shown = names.slice(0, 3);
	const rest = total - shown.length;
	if (rest > 0) {
		return t('list.others', { names: shown.join(', '), n: rest });
	}
	if (shown.length < 2) {
		return shown[0] ?? '';
	}
	return t('list.and', { names: shown.slice(0, -1).join(', '), last: shown[shown.length - 1] });
}

/** A client-made id. `crypto.randomUUID` does not exist on plain HTTP. */
export function nonce() {
	const at = crypto.getRandomValues(new Uint8Array(16));
	return Array.from(at, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * How much of a message is left, in the network's own measure: UTF-16 units of the signed form, of which about 900 go to everything that is not text.
 * @param {string} text
 */
export function unitsLeft(text) {
	return 7200 - (JSON.stringify(text).length - 2);
}
