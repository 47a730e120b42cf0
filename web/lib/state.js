/**
 * lib/state: what this page knows, as signals. One signal per post and per person: a like redraws one post.
 */
import { batch, signal } from '@preact/signals-core';
import { memory } from './api.js';

/**
 * The shapes of server/API.md.
 * @typedef {{ n: number, some: string[], mine: boolean }} Likes
 * @typedef {{ n: number, names: string[] }} Holders
 * @typedef {{ link: string, name?: string }} Mention
 * @typedef {{ id: string, author: string, sequence: number, at: number, text: string, cw: string | null, channel: string | null,
 *   root: string | null, fork: string | null, branch: string[], mentions: Mention[], replies: number, likes: Likes, missing: boolean,
 *   holders: Holders | null, ahead?: boolean, checking?: boolean, bookmarked?: boolean, hidden?: number, blobs?: Blob[],
 *   readers?: string[] | null, readers_proven?: boolean, readers_sealed?: number | null, conversation?: string }} Post `readers`: of a private one, as its author claims
 * @typedef {{ id: string, mime: string, bytes: number | null, w?: number | null, h?: number | null, alt?: string, have: boolean, unbox?: string | null, open?: boolean }} Blob
 * @typedef {'follow' | 'none' | 'block'} Relation
 * @typedef {{ id: string, name: string, image: string | null, i: Relation, they: Relation, hops: number, sequence: number, newest: number,
 *   ahead?: { first: number, newest: number } | null, petname?: string | null, muted?: boolean, image_have?: boolean, i_private?: boolean }} Person
 * @typedef {{ id: string, address: string | null, via: string, state: 'away' | 'looking' | 'dialling' | 'connected', in: number, out: number,
 *   behind: number, received: number, seen: number | null, dialled_by_us: boolean, why: { code: string, said: string } | null }} Peer
 * @typedef {{ version: string, me: string, state: string, cause?: string | null, backup_late?: boolean, words_done?: boolean, uptime_ms: number, peers: { connected: number, dialling: number },
 *   sync: { phase: string, behind: number, last_in: number | null }, store: { feeds: number, messages: number, posts: number, forks: number,
 *   bytes: number, disk_free: number, used?: number, ceiling?: number, full?: boolean }, http: { port: number }, listen: { port: number, address: string | null } }} Status
 */

/** Posts and people that nobody looks at are forgotten beyond this. */
const POSTS_MAX = 600;
const PEOPLE_MAX = 2000;
/** Who still needs posts that are not on the screen: each answers with their ids. @type {Set<() => string[]>} */
export const keepers = new Set();

/** Signals by id, and which of them somebody looks at. @template T @param {(id: string) => T} make */
function cache(make) {
	/** @type {Map<string, import('@preact/signals-core').Signal<T>>} */
	const all = new Map();
	/** @type {Set<string>} */
	const seen = new Set();
	/** @param {string} id */
	const of = (id) => {
		let found = all.get(id);
		if (!found) {
			found = signal(make(id), { watched: () => void seen.add(id), unwatched: () => void seen.delete(id) });
			all.set(id, found);
		}
		return found;
	};
	/** @param {number} max @param {() => string[]} kept */
	const tidy = (max, kept) => {
		if (all.size > max * 1.25) {
			const needed = new Set(kept());
			for (const id of all.keys()) {
				if (all.size <= max) {
					break;
				}
				if (!seen.has(id) && !needed.has(id)) {
					all.delete(id);
				}
			}
		}
	};
	return { all, of, tidy };
}

const posts = cache((id) => /** @type {Post | null} */ (null));
const people = cache((id) => /** @type {Person} */ ({ id, name: '', image: null, i: 'none', they: 'none', hops: -2, sequence: 0, newest: 0 }));
/** What is known of the pictures, sounds and files that posts name; null: nothing. */
const blobs = cache((id) => /** @type {Blob | null} */ (null));
/** @param {string} id */
export const blobOf = blobs.of;
/** @param {Blob} blob */
export function noteBlob(blob) {
	const at = blobOf(blob.id);
	const old = at.peek();
	if (!old || old.have !== blob.have || old.mime !== blob.mime || old.bytes !== blob.bytes) {
		at.value = blob;
	}
}
/** @param {string} id */
export const postOf = posts.of;
/** @param {string} id */
export const personOf = people.of;
/** A post when it is here; asking leaves no trace. @param {string} id @returns {Post | null} */
export const knownPost = (id) => posts.all.get(id)?.peek() ?? null;

/** Take in what an answer carried. @param {{ posts?: Post[], people?: Person[] }} answer @returns {string[]} the ids of its posts, in order */
export function take(answer) {
	posts.tidy(POSTS_MAX, () => [...keepers].flatMap((ids) => ids()));
	people.tidy(PEOPLE_MAX, () => [me.peek(), ...[...posts.all.values()].flatMap((post) => [post.peek()?.author ?? '', ...(post.peek()?.likes?.some ?? [])])]);
	blobs.tidy(POSTS_MAX, () => []);
	const ids = (answer.posts ?? []).map((post) => post.id);
	batch(() => {
		for (const person of answer.people ?? []) {
			personOf(person.id).value = person;
		}
		for (const post of answer.posts ?? []) {
			postOf(post.id).value = post;
			post.blobs?.forEach(noteBlob);
		}
	});
	return ids;
}

export const knownPosts = () => [...posts.all.keys()];
/** @param {string} id */
export const isKnownPerson = (id) => people.all.has(id);
/** Others here that go by the same name. @param {Person} person @returns {string[]} */
export const twinsOf = ({ id, name }) => [...people.all.values()].flatMap((one) => (one.peek().id !== id && name && one.peek().name === name ? [one.peek().id] : []));

/** Is there a post or a person on this page that names it? @param {string} id */
export const isBlobWatched = (id) => blobs.all.has(id) || [...people.all.values()].some((person) => person.peek().image === id);

/** Something that was not here has come: drawn where it is wanted, without asking for posts and people again. @param {string} id @param {Blob} blob */
export function blobCame(id, blob) {
	noteBlob(blob);
	for (const person of people.all.values()) {
		if (person.peek().image === id && !person.peek().image_have) {
			person.value = { ...person.peek(), image_have: blob.have };
		}
	}
}

/** Change a post that is on the page. @param {string} id @param {(post: Post) => Post} change */
export function changePost(id, change) {
	const post = postOf(id);
	if (post.peek()) {
		post.value = change(/** @type {Post} */ (post.peek()));
	}
}

/** Who holds our posts: whoever has number n has all before it. @param {number} sequence @param {Holders} holders */
export function changeHolders(sequence, holders) {
	for (const post of posts.all.values()) {
		const at = post.peek();
		if (at && at.author === me.peek() && at.sequence <= sequence && holders.n > (at.holders?.n ?? 0)) {
			post.value = { ...at, holders };
		}
	}
}

/** The language on the screen; everything is drawn anew when it changes. */
export const spoken = signal('en');

/** @typedef {'start' | 'door' | 'locked' | 'starting' | 'open' | 'failed'} Phase */
/** Whether the page may speak with the node. */
export const phase = signal(/** @type {Phase} */ ('start'));
export const failure = signal(/** @type {any} */ (null));
/** Why this browser stands at the door again: views/door has the words. */
export const sent = signal('');
/** This device may look, and change nothing. */
export const isReader = signal(false);
/** @param {string | null} may as the node says it */
export function setMay(may) {
	memory.set('may', may === 'read' ? may : null);
	isReader.value = may === 'read';
}
/** The node went away to start again, and says so. */
export const isStarting = signal(false);
/** Our own id; '' until the node told us. */
export const me = signal('');
/** The newest own sequence this page knows. */
export const head = signal(0);
export const status = signal(/** @type {Status | null} */ (null));
/** Nothing is signed now; what is written is kept as a draft. @param {Status | null} node */
export const isPaused = (node) => node !== null && node.state !== 'CLEAN' && node.state !== 'NEW';
export const peers = signal(/** @type {Peer[]} */ ([]));
/** What is still to come: `most` is the largest figure since it began, so that a bar can be drawn. */
export const sync = signal({ phase: 'idle', behind: 0, most: 0 });
/** Kept over a reload, so that a bar goes on where it was. @param {string} phase @param {number} behind */
export function setSync(phase, behind) {
	const most = phase === 'idle' ? 0 : Math.max(sync.peek().most, Number(memory.get('sync') ?? 0), behind);
	memory.set('sync', most > 0 ? String(most) : null);
	sync.value = { phase, behind, most };
}
/** The live socket: 'lost' only after it stayed away for three seconds. */
export const line = signal(/** @type {'starting' | 'up' | 'lost'} */ ('starting'));
/** Raised when everything on the screen should be asked for again. */
export const refresh = signal(0);
/** Raised when posts changed or came; views that list posts look at `ids`. */
export const changed = signal({ n: 0, ids: /** @type {string[]} */ ([]) });
/** Raised when names or follows changed. */
export const peopleChanged = signal(0);
/** Raised when mutes, names or bookmarks changed in another browser. */
export const kept = signal(0);
/** New posts for home that are not shown yet. */
export const fresh = signal({ ids: /** @type {string[]} */ ([]), who: /** @type {string[]} */ ([]) });
/** Raised when posts by anybody came. */
export const wide = signal(0);
/** A minute hand for "4 min". */
export const now = signal(Date.now());
/** What is said in passing, at the bottom. */
export const toast = signal({ n: 0, said: '' });
/** @param {string} said */
export function say(said) {
	toast.value = { n: toast.peek().n + 1, said };
}

/** How far the owner has read the lists, in any browser: a cursor, which begins with its time. */
export const marks = signal(/** @type {Record<string, string | null>} */ ({}));
/** What is new since, on the node's word. */
export const unread = signal({ home: 0, activity: 0, private: 0 });
/** Counts when a device came or went, or is another now. */
export const deviceNews = signal(0);
/** Raised when something happened in a conversation of few. */
export const letters = signal({ n: 0, conversation: '', id: '' });
/** The door is shut: private words do not wait in the memory of a page that may not show them. */
export function forgetLetters() {
	posts.all.forEach((post) => post.peek()?.readers && (post.value = null));
}

/** @typedef {{ ids: string[], cursor: string | null, newest?: string | null, loaded: boolean }} Feed */
/** The newest page of home, so that it is shown at once (lib/lists has the rest). */
export const feeds = { home: signal(/** @type {Feed} */ ({ ids: [], cursor: null, loaded: false })) };
keepers.add(() => feeds.home.peek().ids);

/** @param {string[]} ids */
export function dropFresh(ids) {
	if (fresh.peek().ids.length > 0) {
		const left = fresh.peek().ids.filter((id) => !ids.includes(id));
		fresh.value = { ids: left, who: left.length === 0 ? [] : fresh.peek().who };
	}
}
