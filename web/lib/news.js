/**
 * lib/news: one thing that others did, in words; and the notifications of this browser, when its owner asked for them.
 */
import './lang/en-more.js';
import { get, memory } from './api.js';
import { go } from './router.js';
import { personOf, postOf, take } from './state.js';
import { listOf, messagePath, nameOf, personPath, t } from './text.js';

/** @typedef {{ kind: 'mention' | 'reply' | 'like' | 'follow', at: number, who: string[], n: number, id: string | null, about: string | null, is_new: boolean }} Item */
export const KINDS = ['reply', 'mention', 'like', 'follow'];

const EXCERPT = 160;

/** The first words of a post, without the signs of Markdown; '' when they stand behind a warning. @param {import('./state.js').Post | null} post */
export function excerpt(post) {
	if (!post || post.missing || post.cw) {
		return '';
	}
	const plain = post.text
		.slice(0, 4 * EXCERPT)
		.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
		.replace(/^(#+|>|[-*]) +/gm, '')
		.replace(/\*+|`+|~~|\b_+|_+\b/g, '')
		.replace(/\s+/g, ' ')
		.trim();
	return plain.length > EXCERPT ? `${[...plain.slice(0, EXCERPT)].slice(0, -1).join('').replace(/\s\S*$/, '')}…` : plain;
}

/** "Ana, Ben and 3 others liked your post", each name with a direction of its own. @param {Item} item */
export function sentence(item) {
	const names = item.who.slice(0, item.n > 3 ? 2 : 3).map((id) => `\u2068${nameOf(personOf(id).peek())}\u2069`);
	return t(`activity.did.${item.kind}`, { names: listOf(names, item.n), n: item.n });
}

/** Where it leads. @param {Item} item */
export function pathTo(item) {
	const post = item.id ?? item.about;
	return post ? messagePath(post) : item.n === 1 ? personPath(item.who[0]) : '/people?show=followers';
}

/** One name for all of an item, however it grows. @param {Item} item */
export const nameOfItem = (item) => `${item.kind} ${item.id ?? `${item.about ?? ''} ${Math.floor(item.at / 86400000)}`}`;

/** May this page show notifications? Browsers allow it on localhost and https only. */
export const may = () => 'Notification' in window && isSecureContext;
export const isOn = () => may() && Notification.permission === 'granted' && memory.get('notify') === 'on';

/** @param {string} said @param {string} body @param {string} name @param {string} path */
function show(said, body, name, path) {
	const note = new Notification(said, { body, tag: `kith ${name}` });
	note.onclick = () => {
		window.focus();
		note.close();
		if (path) {
			go(path);
		}
	};
}

/** Ask the browser. @returns {Promise<'on' | 'denied' | 'not'>} `not`: it has them, but not for pages */
export async function turnOn() {
	if ((await Notification.requestPermission()) !== 'granted') {
		return 'denied';
	}
	try {
		show(t('notify.first'), t('notify.firstBody'), 'first', '');
	} catch {
		return 'not';
	}
	memory.set('notify', 'on');
	memory.set('notified', String(Date.now()));
	return 'on';
}

export function turnOff() {
	memory.set('notify', null);
}

/** Something came: tell what is new since the last time, unless the page is being looked at. */
export async function tell() {
	if (!isOn() || (document.visibilityState === 'visible' && document.hasFocus())) {
		return;
	}
	const answer = await get('activity?limit=10');
	const last = Number(memory.get('notified') ?? 0);
	take(answer);
	for (const item of answer.items.filter((/** @type {Item} */ one) => one.is_new && one.at > last).reverse()) {
		const post = postOf(item.id ?? item.about ?? '').peek();
		memory.set('notified', String(item.at));
		show(sentence(item).replace(/[\u2068\u2069]/g, ''), post?.cw ? t('notify.warned') : excerpt(post), nameOfItem(item), pathTo(item));
	}
}

/** A private message came: who wrote, and never what: notifications are kept by others than this page. */
export async function tellPrivate() {
	if (!isOn() || (document.visibilityState === 'visible' && document.hasFocus())) {
		return;
	}
	const answer = await get('private?limit=1');
	const [one] = answer.conversations;
	take(answer);
	if (one?.unread > 0 && one.last) {
		show(t('notify.private', { name: nameOf(personOf(one.last.author).peek()) }), '', `private ${one.id}`, `/private/${one.id}`);
	}
}
