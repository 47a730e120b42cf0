/**
 * lib/text: words, ids and figures as people read them, in the language they chose. English comes with the page; of another language the file of words is
 * fetched first (lib/languages), and a key it lacks is said in English.
 */
import { months, words } from './lang/en.js';

/** @typedef {{ code: string, dir: 'ltr' | 'rtl', months: string[], words: Record<string, string | Record<string, string>> }} Language */
/** @type {Language} */
export const english = { code: 'en', dir: 'ltr', months, words };
/** What is spoken now. */
export let tongue = english;
/** @type {Map<string, any>} */
let formats = new Map();

/** @param {Language} language */
export function speak(language) {
	tongue = language;
	formats = new Map();
}

/**
 * One Intl object of each kind, made when it is first needed: the first one costs a phone 25 to 60 ms, so English does without on the first screen.
 * @template T
 * @param {string} name @param {(locale: string) => T} make with the reader's region, if they have one for this language @returns {T}
 */
export function format(name, make) {
	if (!formats.has(name)) {
		formats.set(name, make(navigator.languages?.find((one) => one.startsWith(tongue.code)) ?? tongue.code));
	}
	return formats.get(name);
}

/** Which form of a word this number takes. @param {number} n */
const form = (n) => (tongue === english ? (n === 1 ? 'one' : 'other') : format('plural', (locale) => new Intl.PluralRules(locale)).select(n));

/**
 * The sentence for a key, with `{name}` places filled in. A key whose words differ by number is an object with the plural forms.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
	let found = tongue.words[key] ?? words[key];
	if (found === undefined) {
		return key;
	}
	if (typeof found === 'object') {
		found = found[form(Number(values.n))] ?? found.other;
	}
	return found.replace(/\{(\w+)\}/g, (_, name) => {
		const value = values[name];
		return typeof value === 'number' ? figure(value) : String(value ?? '');
	});
}

/** 1240 → "1,240", "1.240". @param {number} n */
export function figure(n) {
	const whole = Math.round(n);
	if (whole < 1000) {
		return String(whole);
	}
	return tongue === english ? String(whole).replace(/\B(?=(\d{3})+$)/g, ',') : format('figure', (locale) => new Intl.NumberFormat(locale)).format(whole);
}

/** 1240000 → "1.2 MB", "1,2 MB". @param {number} n bytes */
export function bytes(n) {
	const units = ['', 'kB', 'MB', 'GB', 'TB'];
	let unit = 0;
	while (n >= 1000 && unit < units.length - 1) {
		n /= 1000;
		unit++;
	}
	if (unit === 0) {
		return t('size.bytes', { n });
	}
	const tenths = (/** @type {string} */ locale) => new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
	const said = n >= 100 ? figure(n) : tongue === english ? n.toFixed(1) : format('tenths', tenths).format(n);
	return `${said}\u00a0${units[unit]}`;
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

/** Where posts with a tag are, without what does not count in tags (feed/tag.h); '' when its letters have no place in a path. @param {string} tag */
export function tagPath(tag) {
	const plain = tag.replace(/[\s,.?!<>()[\]"#]/gu, '');
	return plain === '' || /[\\/\p{Cc}\p{Cs}]/u.test(plain) ? '' : `/tag/${encodeURIComponent(plain)}`;
}

/** The key's first eight characters in two groups: enough to tell two people apart aloud. @param {string} id */
export function shortKey(id) {
	return `${id.slice(1, 5)} ${id.slice(5, 9)}`;
}

/** What somebody is called here: the name the owner gave them comes first. @param {{ id: string, name?: string, petname?: string | null }} person */
export function nameOf(person) {
	return person.petname || person.name || shortKey(person.id);
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
