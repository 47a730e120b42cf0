/**
 * lib/writing: what is being written, one for each composer: "home", or the root of a conversation. Kept in this browser at each input, on the node a
 * second later, and shown on other devices. Each kept state has a number; when another device was quicker, both texts are here and the owner chooses.
 * Private words (`p-`) are never kept in this browser, only by the node, which seals them: so they go there sooner.
 */
import { signal } from '@preact/signals-core';
import { ApiError, get, memory, post, remove } from './api.js';

const PUSH_MS = 1000;
const PUSH_PRIVATE_MS = 250;

/**
 * `root`, `fork`, `branch`: of a reply, where its name does not tell.
 * @typedef {{ text: string, cw: string, root?: string, fork?: string, branch?: string[] }} Words
 * @typedef {{ name: string, at: number, rev: number, body: Words | null }} Row what the node has
 * @typedef {{ name: string, words: import('@preact/signals-core').Signal<Words>, other: import('@preact/signals-core').Signal<Row | null>,
 *   rev: number, base: string, nonce: string, sent: string, timer: number, going: Promise<void> | null, isAsked: boolean }} Writing
 */

/** @type {Map<string, Writing>} */
const open = new Map();
/** Raised when something is written or done with, here or elsewhere. */
export const written = signal(0);

/** @param {string} name */
const isPrivate = (name) => name.startsWith('p-');
/** @param {Words} words */
const isEmpty = (words) => !words.text && !words.cw;
/** Two texts are the same when this is. @param {Words | null} words */
const keyOf = (words) => (!words || isEmpty(words) ? '' : JSON.stringify([words.text, words.cw]));

/** Of whatever was kept. @param {any} body @returns {Words} */
export function wordsOf(body) {
	const words = { text: String(body?.text ?? ''), cw: String(body?.cw ?? '') };
	return body?.root ? { ...words, root: body.root, fork: body.fork, branch: body.branch } : words;
}

/** @param {string} name @returns {Writing} */
export function writingOf(name) {
	let found = open.get(name);
	if (!found) {
		let kept = null;
		try {
			kept = isPrivate(name) ? null : JSON.parse(memory.get(`draft.${name}`) ?? 'null');
		} catch {
			/* an older or damaged one */
		}
		found = { name, words: signal(wordsOf(kept)), other: signal(null), rev: Number(kept?.rev ?? 0), base: String(kept?.base ?? ''), nonce: String(kept?.nonce ?? ''),
			sent: String(kept?.sent ?? ''), timer: 0, going: null, isAsked: false };
		open.set(name, found);
	}
	return found;
}

/** @param {Writing} at */
function keep(at) {
	const words = at.words.peek();
	const { rev, base, nonce, sent } = at;
	if (isPrivate(at.name)) {
		return;
	}
	memory.set(`draft.${at.name}`, isEmpty(words) && !base ? null : JSON.stringify({ ...words, rev, base, nonce, sent }));
}

/** @param {Writing} at */
function pushSoon(at) {
	window.clearTimeout(at.timer);
	at.timer = window.setTimeout(() => push(at), isPrivate(at.name) ? PUSH_PRIVATE_MS : PUSH_MS);
}

/** @param {Writing} at @param {Partial<Words>} part */
export function change(at, part) {
	at.words.value = { ...at.words.peek(), ...part };
	keep(at);
	pushSoon(at);
}

/** The text's own id, the same for each attempt to post it. @param {Writing} at @param {() => string} make */
export function nonceFor(at, make) {
	const sent = keyOf(at.words.peek());
	if (!at.nonce || at.sent !== sent) {
		at.nonce = make();
		at.sent = sent;
		keep(at);
	}
	return at.nonce;
}

/** It is about to be posted: no word of it is on its way to the node, where the two would cross. @param {Writing} at */
export async function settle(at) {
	window.clearTimeout(at.timer);
	await at.going;
}

/** Posted, or kept elsewhere: nothing is being written here any more; the node did the same. @param {Writing} at @param {number} [rev] its number there */
export function done(at, rev = at.rev) {
	window.clearTimeout(at.timer);
	at.rev = rev;
	at.words.value = { text: '', cw: '' };
	at.other.value = null;
	at.base = '';
	at.nonce = '';
	at.sent = '';
	keep(at);
	written.value++;
}

/** What the node has under a name. @param {Row} row */
export function take(row) {
	const at = writingOf(row.name);
	const mine = keyOf(at.words.peek());
	const theirs = keyOf(row.body);
	if (row.rev === at.rev && theirs === at.base) {
		return;
	}
	const isChanged = mine !== at.base;
	if (isChanged && theirs && theirs !== mine) {
		at.other.value = row;
		return;
	}
	at.rev = row.rev;
	at.base = theirs;
	at.other.value = null;
	if (!isChanged) {
		at.words.value = wordsOf(row.body);
	} else if (mine !== theirs) {
		pushSoon(at);
	}
	keep(at);
	written.value++;
}

/** @param {Writing} at @param {Words} words */
async function send(at, words) {
	const mine = keyOf(words);
	try {
		const answer = mine ? await post(`writing/${at.name}`, { rev: at.rev, body: words }) : await remove(`writing/${at.name}`);
		at.rev = answer.rev;
		at.base = mine;
		keep(at);
		written.value++;
	} catch (error) {
		if (error instanceof ApiError && error.now) {
			take(error.now);
		} /* else: out of reach; the text is kept here, and sent when the node is back */
	}
	at.going = null;
}

/** @param {Writing} at */
function push(at) {
	const words = at.words.peek();
	if (at.going) {
		pushSoon(at);
	} else if (keyOf(words) !== at.base && !at.other.peek()) {
		at.going = send(at, words);
	}
}

/** @param {string} name */
async function ask(name) {
	const [row] = (await get(`writing?name=${name}`)).writing;
	if (row) {
		take(row);
	}
}

/** Another device, or an answer to us. @param {{ name: string, rev: number }} event */
export function hear({ name, rev }) {
	const at = open.get(name);
	written.value++;
	if (at && at.rev !== rev && !at.going) {
		ask(name).catch(() => {});
	}
}

/** A composer is on the screen: what did other devices write? @param {Writing} at */
export function look(at) {
	if (!at.isAsked) {
		at.isAsked = true;
		ask(at.name).catch(() => {
			at.isAsked = false;
		});
	}
}

/** The first answer brought what is written on Home. @param {Row | null | undefined} row */
export function start(row) {
	const at = writingOf('home');
	at.isAsked = true;
	if (row) {
		take(row);
	}
	if (keyOf(at.words.peek()) !== at.base) {
		pushSoon(at);
	}
}

/** The node is back: what was written meanwhile goes there, what others wrote comes. */
export function again() {
	for (const at of open.values()) {
		ask(at.name).then(() => pushSoon(at), () => {});
	}
}

/** Two devices wrote: which text stays? @param {Writing} at @param {'mine' | 'theirs' | 'both'} which */
export function choose(at, which) {
	const row = at.other.peek();
	const mine = at.words.peek();
	if (!row?.body) {
		return;
	}
	at.rev = row.rev;
	at.base = keyOf(row.body);
	at.other.value = null;
	if (which === 'theirs') {
		at.words.value = { ...mine, text: row.body.text, cw: row.body.cw };
	} else if (which === 'both') {
		at.words.value = { ...mine, text: `${row.body.text}\n\n${mine.text}`, cw: mine.cw || row.body.cw };
	}
	keep(at);
	pushSoon(at);
}

/** The door is shut: what is private and was being written here is on the node. */
export function forgetPrivate() {
	open.forEach((at, name) => isPrivate(name) && open.delete(name));
}

/** This browser is signed out: what the node has is not kept here any longer. @returns {boolean} is there anything that the node has not? */
export function forgetSaved() {
	open.forEach((at) => window.clearTimeout(at.timer));
	const isUnsaved = [...open.values()].some((at) => isPrivate(at.name) && keyOf(at.words.peek()) !== at.base);
	forgetPrivate();
	return memory.names('draft.').map((key) => {
		const at = writingOf(key.slice('draft.'.length));
		const isSaved = keyOf(at.words.peek()) === at.base;
		if (isSaved) {
			memory.set(key, null);
			open.delete(at.name);
		}
		return !isSaved;
	}).concat(isUnsaved).some(Boolean);
}

/* The page goes away: private words that only it has go to the node at once. */
document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && open.forEach((at) => isPrivate(at.name) && push(at)));
