/**
 * lib/outbox: posts that wait on the node and may still be taken back. The node signs them when their time has come, whether or not this page is open;
 * every page of the owner shows the same ones.
 */
import { batch, signal } from '@preact/signals-core';
import { get, remove } from './api.js';
import { pathOf, t } from './text.js';
import { publish } from './safety.js';
import { say, take } from './state.js';
import * as writing from './writing.js';

export const HOLD_MS = 10000;

/**
 * `until`: by this browser's clock. `readers`: who alone will be able to read it.
 * @typedef {{ nonce: string, until: number, body: { text: string, cw?: string, root?: string, writing?: string, readers?: string[] }, state: 'held' | 'signing' | 'failed', said: string }} Held
 */

/** In the order in which they will be signed. @type {import('@preact/signals-core').Signal<Held[]>} */
export const held = signal(/** @type {Held[]} */ ([]));
/** The newest that became a post; `to`: of a private one the name of where it was written. */
export const stored = signal({ id: '', root: /** @type {string | undefined} */ (undefined), to: '' });

/** @param {string} nonce @param {Partial<Held>} part */
function change(nonce, part) {
	held.value = held.peek().map((one) => (one.nonce === nonce ? { ...one, ...part } : one));
}
/** @param {string} nonce */
function drop(nonce) {
	held.value = held.peek().filter((one) => one.nonce !== nonce);
}

/** What the node says is held. @param {any[]} list */
export function set(list) {
	const known = new Map(held.peek().map((one) => [one.nonce, one]));
	held.value = list.map((one) => ({ state: 'held', said: '', ...known.get(one.nonce), nonce: one.nonce, until: Date.now() + one.left_ms, body: one.body }));
}

export async function ask() {
	set((await get('outbox')).outbox);
}

/** It is a post now. @param {string} nonce @param {string} id */
async function becomes(nonce, id) {
	const one = held.peek().find((at) => at.nonce === nonce);
	const to = one?.body.readers ? one.body.writing ?? '' : '';
	take(await get(`posts?ids=${pathOf(id)}`));
	batch(() => {
		stored.value = { id, root: one?.body.root, to };
		drop(nonce);
	});
}

/** @param {{ nonce: string, state: string, id: string | null, said: string | null }} event */
export function hear({ nonce, state, id, said }) {
	if (state === 'stored' && id) {
		becomes(nonce, id).catch(() => drop(nonce));
	} else if (state === 'failed') {
		change(nonce, { state: 'failed', said: said ?? '' });
	} else if (state === 'held') {
		held.peek().some((one) => one.nonce === nonce) || ask().catch(() => {});
	} else {
		if (state === 'draft' && held.peek().some((one) => one.nonce === nonce)) {
			say(t('held.draft'));
		}
		drop(nonce);
	}
}

/**
 * Hand a post to the node, and have the number of what is written there. Throws what went wrong; nothing is held then.
 * @param {{ text: string, nonce: string, writing: string, cw?: string, root?: string, branch?: string[], readers?: string[] }} body
 */
export async function hold(body) {
	const answer = await publish('outbox', { ...body, hold_ms: HOLD_MS });
	if (answer.state === 'stored') {
		await becomes(body.nonce, answer.key);
	} else if (!held.peek().some((one) => one.nonce === body.nonce)) {
		held.value = [...held.peek(), { nonce: body.nonce, until: Date.now() + answer.left_ms, body, state: 'held', said: '' }];
	}
	return answer.rev;
}

/** Take it back into the composer it came from; where its words are now. @param {string} nonce @returns {Promise<string>} */
export async function undo(nonce) {
	const answer = await remove(`outbox/${nonce}`);
	drop(nonce);
	writing.take({ name: answer.writing, at: Date.now(), rev: answer.rev, body: writing.wordsOf(answer.body) });
	return answer.writing;
}

/** Sign it now. @param {string} nonce */
export async function send(nonce) {
	change(nonce, { state: 'signing' });
	try {
		await becomes(nonce, (await publish(`outbox/${nonce}`, {})).key);
	} catch (error) {
		change(nonce, { state: 'held' });
		throw error;
	}
}
