/**
 * lib/live: the WebSocket. Events are hints; what they hint at is fetched. A lost socket comes back by itself, and everything on the screen is asked
 * for again.
 */
import { get, memory, door, post } from './api.js';
import { base } from './base.js';
import { pathOf, t } from './text.js';
import { checkHead, later, opened, safetyChanged, seen, setState } from './safety.js';
import * as outbox from './outbox.js';
import * as state from './state.js';
import * as writing from './writing.js';

/** How long a token and its cookie are good before they are exchanged for new ones. */
const TURN_MS = 24 * 3600 * 1000;
const BACKOFF_MS = [1000, 2000, 4000, 8000, 15000, 30000];
const LOST_AFTER_MS = 3000;
/** Posts asked for in one call: as many ids as fit into an address (LIMIT_HTTP_TARGET_BYTES). */
const AT_ONCE = 40;

/** @type {WebSocket | null} */
let socket = null;
let failures = 0;
let greeted = false;
let lostTimer = 0;
let retryTimer = 0;
let watched = '';
let turnTimer = 0;
let stopped = true;

export const askNetwork = later(async () => {
	const answer = await get('network');
	state.take(answer);
	state.status.value = answer.status;
	state.peers.value = answer.peers;
}, 200);

/** @type {Set<string>} */
const stale = new Set();
const askPosts = later(async () => {
	const known = new Set(state.knownPosts());
	const all = [...stale].filter((id) => known.has(id));
	stale.clear();
	for (let at = 0; at < all.length; at += AT_ONCE) {
		const ids = all.slice(at, at + AT_ONCE);
		const got = state.take(await get(`posts?ids=${ids.map(pathOf).join(',')}`));
		ids.forEach((id) => got.includes(id) || (state.postOf(id).value = null));
	}
}, 150);

/** Posts that are here may say something else now, or be shown no more: somebody was blocked or muted, or that ended. */
export async function reread() {
	const all = state.knownPosts().filter(state.knownPost);
	for (let at = 0; at < all.length; at += AT_ONCE) {
		const ids = all.slice(at, at + AT_ONCE);
		const got = new Set(state.take(await get(`posts?ids=${ids.map(pathOf).join(',')}`)));
		ids.forEach((id) => got.has(id) || (state.postOf(id).value = null));
	}
}

/** @type {Set<string>} */
const renamed = new Set();
const askPeople = later(async () => {
	const ids = [...renamed].filter(state.isKnownPerson).slice(0, 12);
	renamed.clear();
	for (const id of ids) {
		state.take({ people: [(await get(`person/${pathOf(id)}`)).person] });
	}
	state.peopleChanged.value++;
}, 300);

/** @param {any} event */
function onFresh(event) {
	const shown = new Set(state.feeds.home.peek().ids);
	const old = state.fresh.peek();
	const ids = [...new Set([...old.ids, ...event.ids])].filter((id) => !shown.has(id));
	state.fresh.value = { ids, who: [...new Set([...old.who, ...(event.who ?? [])])] };
	if (event.who?.includes(state.me.peek())) {
		checkHead();
	}
	if (event.n > event.ids.length) {
		state.refresh.value++;
	}
}

/** Posts by everybody may be very many: once a second is enough. */
const onWide = later(async () => {
	state.wide.value++;
}, 1000);

/** @param {any} event */
function onSync(event) {
	state.setSync(event.phase, event.behind);
}

/** @param {any} now */
function onUnread(now) {
	const before = state.unread.peek();
	const { activity, private: letters } = (state.unread.value = { ...before, home: now.home ?? before.home, activity: now.activity ?? before.activity, private: now.private ?? before.private });
	if ((activity > before.activity || letters > before.private) && memory.get('notify') === 'on') {
		import('./news.js').then((news) => (letters > before.private ? news.tellPrivate() : news.tell())).catch(() => {});
	}
}
const askUnread = later(async () => onUnread((await post('here', {})).unread), 200);

/** @type {Record<string, (event: any) => void>} */
const handlers = {
	hello: (event) => {
		window.clearTimeout(lostTimer);
		lostTimer = 0;
		failures = 0;
		if (state.line.peek() === 'lost') {
			state.say(t('banner.back'));
		}
		state.line.value = 'up';
		state.isStarting.value = false;
		turnKeys();
		askMay();
		if (watched) {
			send({ op: 'watch', id: watched });
		}
		if (greeted) {
			state.refresh.value++;
			askNetwork();
			askUnread();
			outbox.ask().catch(() => {});
			writing.again();
		}
		if (greeted || event.head !== (seen()?.sequence ?? 0)) {
			checkHead();
		}
		safetyChanged();
		greeted = true;
	},
	fresh: onFresh,
	wide: onWide,
	changed: (event) => {
		event.ids.forEach((/** @type {string} */ id) => stale.add(id));
		askPosts();
		state.changed.value = { n: state.changed.peek().n + 1, ids: event.ids };
	},
	people: (event) => {
		event.ids.forEach((/** @type {string} */ id) => renamed.add(id));
		askPeople();
	},
	peers: askNetwork,
	sync: onSync,
	unread: onUnread,
	blob: async ({ ids }) => {
		for (const id of ids.filter(state.isBlobWatched)) {
			await get(`blob/${pathOf(id)}`).then((blob) => state.blobCame(id, blob), () => {});
		}
	},
	private: ({ conversation, id }) => {
		state.letters.value = { n: state.letters.peek().n + 1, conversation, id };
	},
	holders: (event) => state.changeHolders(event.sequence, { n: event.n, names: event.names }),
	kept: () => {
		state.kept.value++;
	},
	outbox: outbox.hear,
	writing: writing.hear,
	state: (event) => {
		setState(event.is, event.cause);
		checkHead();
		safetyChanged();
	},
	safety: safetyChanged,
	devices: () => {
		askMay();
		state.deviceNews.value++;
	},
	resync: () => {
		state.refresh.value++;
		reread().catch(() => {});
		/* What was shown before its history may have been taken back. */
		state.knownPosts().forEach((id) => state.postOf(id).peek()?.ahead && stale.add(id));
		askPosts();
		safetyChanged();
		askNetwork();
		outbox.ask().catch(() => {});
		writing.again();
	},
	/* The node stops, or there are too many pages; or this session is over: another device said so, or this one in another tab. */
	bye: ({ why }) =>
		/stopping/.test(why) || get('session').then((at) => {
			if (!at.in) {
				stop();
				door.on401(memory.get('token') ? 'bye' : 'out');
			}
		}, () => {}),
};

/** @param {unknown} what */
function send(what) {
	if (socket?.readyState === WebSocket.OPEN) {
		socket.send(JSON.stringify(what));
	}
}

/** Once a day the secrets of this session become others: whoever copied them has nothing for long. The old ones are good for a minute more. */
async function turnKeys() {
	const last = memory.get('turned');
	if (Date.now() - Number(last) < TURN_MS) {
		return;
	}
	memory.set('turned', String(Date.now()));
	await post('session/rotate', {}).then(({ token }) => memory.set('token', token), () => memory.set('turned', last));
}

/** Another device may have changed what this one may do. */
function askMay() {
	if (greeted || state.isReader.peek()) {
		get('session').then(({ may }) => may && state.setMay(may), () => {});
	}
}

/** The thread on the screen, '' for none. @param {string} id */
export function watch(id) {
	watched = id;
	send(id ? { op: 'watch', id } : { op: 'unwatch' });
}

function open() {
	window.clearTimeout(retryTimer);
	retryTimer = 0;
	const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
	socket = new WebSocket(`${scheme}://${location.host}${base}/api/live`);
	socket.onopen = () => send({ op: 'hello', token: memory.get('token') ?? '' });
	socket.onmessage = (message) => {
		let event = null;
		try {
			event = JSON.parse(message.data);
		} catch {
			return;
		}
		handlers[event?.ev]?.(event);
	};
	socket.onclose = closed;
}

function closed() {
	socket = null;
	if (stopped) {
		return;
	}
	if (!lostTimer) {
		lostTimer = window.setTimeout(() => {
			state.line.value = 'lost';
		}, LOST_AFTER_MS);
	}
	if (failures > 0) {
		/* A closed door, or a node that waits for its passphrase, does not let a socket in: asking shows which. */
		get('status').catch(() => {});
	}
	const wait = BACKOFF_MS[Math.min(failures++, BACKOFF_MS.length - 1)];
	retryTimer = window.setTimeout(open, wait * (0.5 + Math.random() / 2));
}

/** Somebody is looking, or the network is back: do not wait for the timer. */
export function hurry() {
	if (!stopped && !socket && document.visibilityState === 'visible') {
		failures = 0;
		open();
	}
}

/** @param {import('./safety.js').Seen | null} head the node's newest own message */
export function start(head) {
	opened(head);
	if (stopped) {
		stopped = false;
		open();
		turnTimer = window.setInterval(turnKeys, TURN_MS / 24);
		addEventListener('online', hurry);
		addEventListener('focus', hurry);
		document.addEventListener('visibilitychange', hurry);
	}
}

export function stop() {
	stopped = true;
	window.clearTimeout(retryTimer);
	window.clearInterval(turnTimer);
	socket?.close();
}
