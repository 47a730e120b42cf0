/**
 * lib/safety: this browser as a witness of our own feed, the one way to publish from a page, and what the node says about a pause.
 *
 * A witness is only worth something when it remembers what it saw itself. So the newest own message is noted while publishing is in order, and kept as it
 * is during a pause: a node that may hold an old copy does not overwrite the memory that could tell.
 */
import { signal } from '@preact/signals-core';
import { ApiError, get, memory, post } from './api.js';
import { pathOf } from './text.js';
import * as state from './state.js';

const OWN_MAX = 20;
/** @typedef {{ sequence: number, key: string, told?: number }} Seen `told`: the newest entry of the node's log when it heard this in a pause */
/** @typedef {{ sequence: number, key: string, at: number, text: string, cw?: string, root?: string, branch?: string[] }} OwnPost */

/** What GET /api/safety said, and when. @type {import('@preact/signals-core').Signal<any>} */
export const safety = signal(/** @type {any} */ (null));
/** Raised when the words this browser kept of our own posts changed. */
export const wordsKept = signal(0);

/** Several hints, one question. @param {() => Promise<void>} ask @param {number} wait ms */
export function later(ask, wait) {
	let timer = 0;
	return () => {
		if (!timer) {
			timer = window.setTimeout(() => {
				timer = 0;
				ask().catch(() => {});
			}, wait);
		}
	};
}

/** Without storage the memory lasts as long as the page. @type {Map<string, any>} */
const kept = new Map();
/** @param {string} name @returns {any} */
function recall(name) {
	try {
		return JSON.parse(memory.get(`${name}.${pathOf(state.me.peek())}`) ?? 'null') ?? kept.get(name) ?? null;
	} catch {
		return kept.get(name) ?? null;
	}
}
/** @param {string} name @param {any} value */
function keep(name, value) {
	kept.set(name, value);
	memory.set(`${name}.${pathOf(state.me.peek())}`, value === null ? null : JSON.stringify(value));
}

/** The newest own message this browser has seen. @returns {Seen | null} */
export const seen = () => recall('head');

/** @param {string} name @param {OwnPost[]} list */
function keepPosts(name, list) {
	keep(name, list);
	wordsKept.value++;
}

/** The words of our last posts stay in this browser, so that words a node lost can be posted again. @param {OwnPost} own */
function noteOwn(own) {
	const others = (recall('own') ?? []).filter((/** @type {OwnPost} */ one) => one.key !== own.key);
	others.push(own);
	others.sort((/** @type {OwnPost} */ a, /** @type {OwnPost} */ b) => b.sequence - a.sequence);
	keepPosts('own', others.slice(0, OWN_MAX));
}

/** Own posts on the screen, also those that were written elsewhere. */
function noteShown() {
	const known = new Set((recall('own') ?? []).map((/** @type {OwnPost} */ one) => one.key));
	for (const id of state.feeds.home.peek().ids.slice(0, 60)) {
		const one = state.postOf(id).peek();
		if (one && one.author === state.me.peek() && !one.missing && !one.readers && one.text && !known.has(id)) {
			noteOwn({ sequence: one.sequence, key: id, at: one.at, text: one.text, cw: one.cw ?? undefined, root: one.root ?? undefined, branch: one.branch });
		}
	}
}

/** Posts whose words are here and that the node has not. @param {number} sequence the node's newest @returns {OwnPost[]} oldest first */
export function lostPosts(sequence) {
	/** @type {OwnPost[]} */
	const all = [...(recall('lost') ?? []), ...(recall('own') ?? []).filter((/** @type {OwnPost} */ one) => one.sequence > sequence)];
	return all.filter((one, i) => all.findIndex((other) => other.key === one.key) === i).sort((a, b) => a.sequence - b.sequence);
}

/** @param {string} key */
export function forgetPost(key) {
	for (const name of ['own', 'lost']) {
		keepPosts(name, (recall(name) ?? []).filter((/** @type {OwnPost} */ one) => one.key !== key));
	}
}

/** The node's newest message is ours to remember now; words beyond it are put aside. @param {Seen | null} theirs */
export function adopt(theirs) {
	const sequence = theirs?.sequence ?? 0;
	const lost = lostPosts(sequence);
	if (lost.length > 0) {
		keepPosts('lost', lost.slice(-OWN_MAX));
		keepPosts('own', (recall('own') ?? []).filter((/** @type {OwnPost} */ one) => one.sequence <= sequence));
	}
	keep('head', theirs && { sequence, key: theirs.key });
	state.head.value = sequence;
}

/** @param {string} is @param {string | null} [cause] */
export function setState(is, cause) {
	const status = state.status.peek();
	if (status && (status.state !== is || (cause !== undefined && status.cause !== cause))) {
		state.status.value = { ...status, state: is, cause: cause ?? (is === 'CLEAN' ? null : status.cause) };
	}
}

/** Ask now; throws what went wrong. */
export async function loadSafety() {
	const answer = await get('safety');
	state.take({ people: answer.holders.map((/** @type {any} */ one) => one.person) });
	safety.value = { ...answer, got: Date.now() };
	memory.set('drafts', answer.drafts > 0 ? String(answer.drafts) : null);
	setState(answer.state, answer.cause);
}
export const askSafety = later(loadSafety, 150);
/** Only when somebody looks: banner and screens ask for themselves. */
export const safetyChanged = () => safety.peek() && askSafety();

/** Is it still the node that heard us? A machine that was set back once more has another log. @param {number} told */
async function remembersPause(told) {
	await loadSafety();
	return safety.peek().log.some((/** @type {any} */ one) => one.at === told);
}

/** Compare what the node says with what this browser saw. @param {Seen | null} theirs @param {string} is the node's state */
async function compare(theirs, is) {
	const mine = seen();
	const isPaused = is !== 'CLEAN' && is !== 'NEW';
	if (!mine) {
		if (!isPaused) {
			adopt(theirs);
		}
		return;
	}
	const isAhead = mine.sequence > (theirs?.sequence ?? 0) || (mine.sequence === theirs?.sequence && mine.key !== theirs.key);
	if (!isPaused && (!isAhead || (mine.told && (await remembersPause(mine.told))))) {
		adopt(theirs);
		return;
	}
	const answer = await post('safety/witness', { sequence: mine.sequence, key: mine.key });
	setState(answer.state);
	if (answer.state === 'CLEAN' || answer.state === 'NEW') {
		adopt(theirs);
	} else {
		await loadSafety();
		keep('head', { ...mine, told: safety.peek().log[0]?.at });
	}
}

/** Ask for the head and the state, and compare. */
export const checkHead = later(async () => {
	const answer = await get('boot?limit=1');
	state.status.value = answer.status;
	await compare(answer.head, answer.status.state);
}, 100);

let isWatching = false;
/** The page is open: the first comparison. @param {Seen | null} theirs */
export function opened(theirs) {
	if (!isWatching) {
		isWatching = true;
		state.feeds.home.subscribe(() => setTimeout(noteShown, 0));
	}
	compare(theirs, state.status.peek()?.state ?? 'CLEAN').catch(() => {});
}

/**
 * Append to our feed: everything on a page that signs goes through here. While publishing is paused the node keeps a draft and this throws an ApiError
 * with its number.
 * @param {string} path below /api @param {any} body @returns {Promise<any>}
 */
export async function publish(path, body) {
	const mine = seen();
	const said = mine && mine.sequence >= state.head.peek() ? { if_head: mine.sequence, if_head_key: mine.key } : { if_head: state.head.peek() };
	try {
		const answer = await post(path, { ...body, ...said });
		if (answer.sequence) {
			if (answer.sequence >= (seen()?.sequence ?? 0)) {
				keep('head', { sequence: answer.sequence, key: answer.key });
			}
			state.head.value = Math.max(state.head.peek(), answer.sequence);
			if (path === 'post' && !body.readers) {
				noteOwn({ sequence: answer.sequence, key: answer.key, at: Date.now(), text: body.text, cw: body.cw, root: body.root, branch: body.branch });
			}
		}
		return answer;
	} catch (error) {
		if (error instanceof ApiError && error.code === 'paused') {
			memory.set('drafts', error.draft ? '1' : memory.get('drafts'));
			askSafety();
		}
		throw error;
	}
}
