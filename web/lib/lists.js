/**
 * lib/lists: a list of posts as the node pages it, of which only a window is kept here: pages far from what is being read are let go, and asked for again
 * when somebody scrolls back. What is left of such a page is its height and where it ends.
 */
import { signal } from '@preact/signals-core';
import { get, post } from './api.js';
import { feeds, fresh, dropFresh, keepers, marks, take, unread } from './state.js';

const ROWS = 20;
/** Pages that are kept. */
const KEEP = 8;
/** Lists of earlier places that Back may still want. */
const LISTS = 8;
const HOME = 'timeline?tab=home';

/** @type {{ ids: string[], who: string[] }} */
const NO_NEWS = { ids: [], who: [] };

/**
 * @typedef {{ key: number, ids: string[], end: string | null, newest: string | null, height: number }} Page `end`: where the next page begins, null: nowhere; `height` in px when
 *   it was let go
 * @typedef {{ pages: Page[], from: number, to: number, isLoaded: boolean, isBusy: boolean, error: any, line: number }} ListState pages `from` to `to` are here;
 *   `line`: what is newer than this (ms) was not read yet when the list was opened
 */

let pagesMade = 0;
/** @param {any} answer @returns {Page} */
const pageOf = (answer) => ({ key: ++pagesMade, ids: take(answer), end: answer.cursor, newest: answer.newest ?? null, height: 0 });

export class List {
	/** @param {string} path below /api */
	constructor(path) {
		this.path = path;
		/** Lists of which the node keeps how far they were read. */
		this.tab = /^timeline\?tab=(home|wide)$/.exec(path)?.[1] ?? '';
		this.told = '';
		/** The first answer, for what a screen shows beside the posts. @type {any} */
		this.answer = null;
		/** @type {import('@preact/signals-core').Signal<ListState>} */
		this.at = signal({ pages: [], from: 0, to: 0, isLoaded: false, isBusy: false, error: null, line: 0 });
		/** What came since and is not shown yet. */
		this.news = signal(NO_NEWS);
		if (path === HOME && feeds.home.peek().loaded) {
			const { ids, cursor, newest } = feeds.home.peek();
			this.put({ pages: [{ key: ++pagesMade, ids, end: cursor, newest: newest ?? null, height: 0 }], to: 1, isLoaded: true, line: this.line() });
		}
	}

	/** How far the owner has read now, in any browser. @param {any} [answer] the newest page, which says so */
	line(answer) {
		if (this.tab && answer?.mark !== undefined) {
			marks.value = { ...marks.peek(), [this.tab]: answer.mark };
		}
		return Number.parseInt(marks.peek()[this.tab] ?? '0', 10);
	}

	/** The newest is on the screen: the node is told, once for all that came in a second. */
	seen() {
		const { pages, from } = this.at.peek();
		const newest = from === 0 ? pages[0]?.newest : null;
		if (this.tab && newest && newest !== this.told) {
			this.told = newest;
			setTimeout(async () => {
				if (this.told === newest) {
					const answer = await post('here', { [this.tab]: newest }).catch(() => null);
					marks.value = { ...marks.peek(), [this.tab]: newest };
					unread.value = answer?.unread ?? unread.peek();
				}
			}, 1000);
		}
	}

	/** @param {Partial<ListState>} part */
	put(part) {
		this.at.value = { ...this.at.peek(), ...part };
		const { pages, from, isLoaded } = this.at.peek();
		if (this.path === HOME && isLoaded && from === 0 && pages[0]) {
			feeds.home.value = { ids: pages[0].ids, cursor: pages[0].end, newest: pages[0].newest, loaded: true };
			dropFresh(pages[0].ids);
		}
	}

	/** The posts that are here. */
	ids() {
		const { pages, from, to } = this.at.peek();
		return pages.slice(from, to).flatMap((page) => page.ids);
	}

	/** @param {string} place `before=…`, `after=…` or nothing */
	ask(place) {
		return get(`${this.path}${this.path.includes('?') ? '&' : '?'}limit=${ROWS}${place}`);
	}

	/** One thing at a time; what fails is said in the list. @param {(at: ListState) => Promise<Partial<ListState>>} what */
	async run(what) {
		if (this.at.peek().isBusy) {
			return;
		}
		this.put({ isBusy: true, error: null });
		try {
			this.put({ ...(await what(this.at.peek())), isBusy: false });
		} catch (error) {
			this.put({ error, isBusy: false });
		}
	}

	/** The newest page, and nothing else. */
	top() {
		return this.run(async (at) => {
			const told = this.path === HOME ? fresh.peek().ids : [];
			const answer = (this.answer = await this.ask(''));
			this.news.value = NO_NEWS;
			dropFresh(told); /* what is not on the newest page is older than it */
			const page = pageOf(answer);
			return { pages: [{ ...page, key: at.pages[0]?.key ?? page.key }], from: 0, to: 1, isLoaded: true, line: this.line(answer) };
		});
	}

	/** Is there something newer? With nothing on the screen it is shown, else it waits behind the pill. */
	async look() {
		const at = this.at.peek();
		if (!at.isLoaded || (at.from === 0 && !at.pages[0]?.ids.length)) {
			return this.top();
		}
		const answer = await this.ask('').catch(() => null);
		const newest = Number.parseInt(at.pages[0]?.newest ?? '', 10);
		if (answer) {
			const here = this.ids();
			const news = answer.posts.filter((/** @type {any} */ one) => one.at > newest || (one.at === newest && at.from === 0 && !here.includes(one.id)));
			take({ people: answer.people });
			this.news.value = { ids: news.map((/** @type {any} */ one) => one.id), who: [...new Set(news.map((/** @type {any} */ one) => one.author))] };
		}
		return undefined;
	}

	/** The page below what is here. */
	down() {
		return this.run(async (at) => {
			const end = at.pages[at.to - 1]?.end;
			if (!end) {
				return {};
			}
			const page = pageOf(await this.ask(`&before=${encodeURIComponent(end)}`));
			const here = new Set(this.ids());
			page.ids = page.ids.filter((id) => !here.has(id));
			const pages = [...at.pages];
			pages[at.to] = { ...page, height: pages[at.to]?.height ?? 0 };
			if (page.end === null) {
				pages.length = at.to + 1;
			}
			return this.fit(pages, at.from, at.to + 1, 'top');
		});
	}

	/** The page above it. */
	up() {
		return this.run(async (at) => {
			if (at.from === 0) {
				return {};
			}
			const { newest } = at.pages[at.from];
			const pages = [...at.pages];
			const old = pages[at.from - 1];
			if (!newest) {
				const start = at.from > 1 ? `&before=${encodeURIComponent(String(pages[at.from - 2].end))}` : '';
				pages[at.from - 1] = { ...pageOf(await this.ask(start)), end: old.end };
				return this.fit(pages, at.from - 1, at.to, 'end');
			}
			const answer = await this.ask(`&after=${encodeURIComponent(newest)}`);
			const page = { ...pageOf(answer), end: old.end, height: old.height };
			if (page.ids.length === 0) {
				return { pages: pages.slice(at.from), from: 0, to: at.to - at.from };
			}
			if (!answer.newer) {
				/* The top: whatever was thought to be above is in this page. */
				return this.fit([page, ...pages.slice(at.from)], 0, at.to - at.from + 1, 'end');
			}
			if (at.from === 1) {
				/* More came meanwhile than there was: one page more above. */
				pages.unshift(/** @type {Page} */ ({ ...old, key: ++pagesMade, ids: [] }));
				pages[1] = page;
				return this.fit(pages, 1, at.to + 1, 'end');
			}
			pages[at.from - 1] = page;
			return this.fit(pages, at.from - 1, at.to, 'end');
		});
	}

	/** Another part of the list alone. @param {number} index of a page */
	jump(index) {
		return this.run(async (at) => {
			/** @type {Page[]} */
			const pages = at.pages.map((page) => ({ ...page, ids: [] }));
			const end = index > 0 ? pages[index - 1].end : null;
			const page = pageOf(await this.ask(end ? `&before=${encodeURIComponent(end)}` : ''));
			pages[index] = { ...page, height: pages[index].height };
			if (page.end === null) {
				pages.length = index + 1;
			}
			return { pages, from: index, to: index + 1 };
		});
	}

	/** Let go of what is farthest. @param {Page[]} pages @param {number} from @param {number} to @param {'top' | 'end'} side @returns {Partial<ListState>} */
	fit(pages, from, to, side) {
		while (to - from > KEEP) {
			const gone = side === 'top' ? from++ : --to;
			pages[gone] = { ...pages[gone], ids: [] };
		}
		return { pages, from, to };
	}

	/** How high the pages are that are drawn now. @param {number[]} heights */
	measured(heights) {
		const { pages, from } = this.at.peek();
		heights.forEach((height, i) => pages[from + i] && (pages[from + i].height = height));
	}

	/** Posts of ours, on top. @param {string[]} ids */
	add(ids) {
		const { pages, from, isLoaded } = this.at.peek();
		if (isLoaded && from === 0) {
			const first = pages[0] ?? /** @type {Page} */ ({ key: 0, ids: [], end: null, newest: null, height: 0 });
			this.put({ pages: [{ ...first, ids: [...new Set([...ids, ...first.ids])] }, ...pages.slice(1)], to: Math.max(1, this.at.peek().to) });
		}
	}
}

/** By place of the history and path, the one used last at the end. @type {Map<string, List>} */
const lists = new Map();
keepers.add(() => [...lists.values()].flatMap((list) => list.ids()));

/**
 * The list that belongs to a place of the history: Back finds it as it was left.
 * @param {number} key @param {string} path @param {boolean} isBack
 */
export function listAt(key, path, isBack) {
	const name = `${key} ${path}`;
	const found = (isBack && lists.get(name)) || new List(path);
	lists.delete(name);
	lists.set(name, found);
	for (const old of lists.keys()) {
		if (lists.size <= LISTS) {
			break;
		}
		lists.delete(old);
	}
	return found;
}

/** A list that was made elsewhere belongs to a place of the history. @param {number} key @param {List} list */
export function putList(key, list) {
	lists.delete(`${key} ${list.path}`);
	lists.set(`${key} ${list.path}`, list);
}

/** Posts of ours appear on top of every list with that path. @param {string} path @param {string[]} ids */
export function addTo(path, ids) {
	lists.forEach((list) => list.path === path && list.add(ids));
}
