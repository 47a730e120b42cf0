/**
 * parts/list: every list of posts: home, everyone, tags, profiles, bookmarks, search. Elements far from what is being read are let go (lib/lists), and a
 * space of their height stands in their place.
 */
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState, useValue } from '../lib/html.js';
import { memory } from '../lib/api.js';
import { listOf, nameOf, t } from '../lib/text.js';
import { knownPost, line, me, personOf } from '../lib/state.js';
import { place } from '../lib/router.js';
import { listAt } from '../lib/lists.js';
import { Bones, Icon, Problem } from './bits.js';
import { Post } from './post.js';
import { useReturn } from './shell.js';

/** How far from the screen the next page is asked for, px. */
const AHEAD = 1200;

/** @typedef {import('../lib/lists.js').List} List */
/** @typedef {import('../lib/lists.js').Page} Page */

/** A space where posts were let go. @param {{ pages: Page[], place: any }} props */
function Space({ pages, place: at }) {
	const height = pages.reduce((sum, page) => sum + page.height, 0);
	useLayoutEffect(() => {
		at.current.style.height = `${height}px`;
	}, [height]);
	return html`<div class="space" ref=${at}></div>`;
}

/** @param {{ news: { ids: string[], who: string[] }, onShow: () => void }} props */
function Pill({ news, onShow }) {
	const names = listOf(news.who.map((id) => nameOf(personOf(id).peek())));
	return html`<div class="pill-place" role="status">
		${news.ids.length > 0 && html`<button type="button" class="pill" data-act="fresh" onClick=${onShow}><${Icon} name="up" /><span>${t('home.pill', { n: news.ids.length, names })}</span></button>`}
	</div>`;
}

/** The first post on the screen, and where. @param {HTMLElement} box */
function anchorIn(box) {
	for (const one of box.querySelectorAll('article')) {
		const { top, bottom } = one.getBoundingClientRect();
		if (bottom > 0) {
			return { one, top };
		}
	}
	return null;
}

/**
 * One page of posts, drawn again only when its posts change. (An element that is kept and put into a later tree would keep the tree it was first in.)
 * @this {any} @param {{ ids: string[], isFirst: boolean, lineAt: string }} props `lineAt`: the post that "You were here" stands above
 */
function PageOf({ ids, isFirst, lineAt }) {
	this.shouldComponentUpdate = (/** @type {any} */ next) => next.ids !== ids || next.isFirst !== isFirst || next.lineAt !== lineAt;
	return html`<div class=${isFirst ? 'page first' : 'page'}>${ids.map((id) => html`<${Post} key=${id} id=${id} isLine=${id === lineAt} />`)}</div>`;
}

/** The post above which everything is new: none when nothing is. @param {import('../lib/lists.js').ListState} at */
function lineIn({ pages, from, to, line: read }) {
	const ids = pages.slice(from, to).flatMap((page) => page.ids);
	if (read === 0 || (from > 0 && Number.parseInt(pages[from - 1].end ?? '0', 10) <= read)) {
		return '';
	}
	const at = ids.findIndex((id) => Number(knownPost(id)?.at) <= read);
	const isNews = from > 0 || ids.slice(0, at).some((id) => knownPost(id)?.author !== me.peek());
	return isNews ? ids[at] ?? '' : '';
}

/** @param {{ list: List, label: string, end: string }} props */
function Rows({ list, label, end }) {
	const at = useValue(list.at);
	const box = useRef(/** @type {any} */ (null));
	const above = useRef(/** @type {any} */ (null));
	const below = useRef(/** @type {any} */ (null));
	const anchor = useRef(/** @type {{ one: HTMLElement, top: number } | null} */ (null));
	const drawn = useRef(at);
	const isByHand = memory.get('endless') === 'off';

	if (drawn.current !== at) {
		drawn.current = at;
		anchor.current = box.current && anchorIn(box.current);
	}
	/* Whatever comes or goes above, what is being read stays where it is. */
	useLayoutEffect(() => {
		const was = anchor.current;
		const by = was?.one.isConnected ? was.one.getBoundingClientRect().top - was.top : 0;
		if (Math.abs(by) > 1) {
			scrollBy(0, by);
		}
		anchor.current = null;
	}, [at.pages, at.from, at.to]);

	/** @param {() => Promise<any>} what */
	const act = async (what) => {
		list.measured([...box.current.children].map((/** @type {HTMLElement} */ page) => page.offsetHeight));
		await what();
	};
	useEffect(() => {
		const look = () => {
			if (!above.current || !below.current) {
				return; /* told of once more after it left the screen */
			}
			const space = above.current.getBoundingClientRect();
			const rest = below.current.getBoundingClientRect();
			const isAbove = at.from > 0 && space.bottom > -AHEAD;
			const isBelow = rest.top < innerHeight + AHEAD;
			if (at.error) {
				return;
			}
			if (isAbove && space.bottom > innerHeight + AHEAD) {
				act(() => list.jump(pageAt(at.pages, 0, -space.top)));
			} else if (isBelow && at.to < at.pages.length && rest.top < -AHEAD) {
				act(() => list.jump(pageAt(at.pages, at.to, -rest.top)));
			} else if (isAbove) {
				act(() => list.up());
			} else if (isBelow && (!isByHand || at.to < at.pages.length)) {
				act(() => list.down());
			}
		};
		if (at.isBusy) {
			return undefined;
		}
		const watcher = new IntersectionObserver(look, { rootMargin: `${AHEAD}px` });
		watcher.observe(above.current);
		watcher.observe(below.current);
		return () => watcher.disconnect();
	}, [at.pages, at.from, at.to, at.isBusy, at.error]);

	useLayoutEffect(() => {
		let n = at.from * 20;
		for (const one of box.current.querySelectorAll('article')) {
			one.setAttribute('aria-posinset', String(++n));
			one.setAttribute('aria-setsize', '-1');
		}
	}, [at.pages, at.from, at.to]);

	/* Read is what stood on the screen of somebody who looks. */
	useEffect(() => {
		const top = at.from === 0 && box.current.querySelector('article');
		const seen = () => document.visibilityState === 'visible' && list.seen();
		const watcher = new IntersectionObserver((all) => {
			if (all.some((one) => one.isIntersecting)) {
				seen();
				document.addEventListener('visibilitychange', seen);
			} else {
				document.removeEventListener('visibilitychange', seen);
			}
		});
		if (top) {
			watcher.observe(top);
		}
		return () => {
			watcher.disconnect();
			document.removeEventListener('visibilitychange', seen);
		};
	}, [at.pages, at.from]);

	const lineAt = lineIn(at);
	return html`<${Space} pages=${at.pages.slice(0, at.from)} place=${above} />
		<div class="posts" role="feed" aria-label=${label} aria-busy=${at.isBusy} ref=${box}>
			${at.pages.slice(at.from, at.to).map((page, i) => html`<${PageOf} key=${page.key} ids=${page.ids} isFirst=${at.from + i === 0} lineAt=${page.ids.includes(lineAt) ? lineAt : ''} />`)}
		</div>
		<${Space} pages=${at.pages.slice(at.to)} place=${below} />
		${at.error && html`<${Problem} error=${at.error} onRetry=${() => list.put({ error: null })} />`}
		${!at.error && (at.pages[at.to - 1]?.end
			? html`<p class="end"><button type="button" class="button" aria-disabled=${at.isBusy} onClick=${() => act(() => list.down())}>${t('home.more')}</button></p>`
			: end && html`<p class="end">${end}</p>`)}`;
}

/** The page at this distance below the beginning of page `from`. @param {Page[]} pages @param {number} from @param {number} y px */
function pageAt(pages, from, y) {
	let at = from;
	while (at < pages.length - 1 && y > pages[at].height) {
		y -= pages[at++].height;
	}
	return at;
}

/**
 * @param {{ path: string, label: string, empty: any, end?: string, again?: any, news?: { ids: string[], who: string[] } | null, onShow?: () => void, onList?: (list: List) => void, list?: List }} props
 *   `path` below /api, answered with posts, people and a cursor; `empty` is drawn when there are none; whenever `again` changes the newest page is looked at;
 *   `end` is said below the oldest; `news` in place of what looking finds; `list`: it is made already
 */
export function PostList({ path, label, empty, end = '', again, news = null, onShow, onList, list: given }) {
	const list = useMemo(() => given ?? listAt(place.peek().key, path, place.peek().moved === 'back'), [path]);
	const at = useValue(list.at);
	const found = useValue(list.news);
	const link = useValue(line);
	const [first] = useState({ again });
	useEffect(() => {
		onList?.(list);
		if (!list.at.peek().isLoaded) {
			list.top();
		} else if (!given && place.peek().moved !== 'back') {
			list.look();
		}
	}, [list]);
	useEffect(() => {
		if (first.again !== again) {
			first.again = again;
			list.look();
		}
	}, [again]);
	useEffect(() => {
		if (link === 'up' && list.at.peek().error) {
			list.put({ error: null });
		}
	}, [link]);
	useReturn(at.isLoaded);

	const show = async () => {
		await list.top();
		onShow?.();
		scrollTo(0, 0);
		/** @type {HTMLElement | null} */ (document.querySelector('main article'))?.focus({ preventScroll: true });
	};
	if (at.error && list.ids().length === 0) {
		return html`<${Problem} error=${at.error} onRetry=${() => list.top()} />`;
	}
	if (!at.isLoaded) {
		return html`<${Bones} />`;
	}
	if (list.ids().length === 0 && at.from === 0) {
		return empty;
	}
	return html`<${Pill} news=${news ?? found} onShow=${show} /><${Rows} list=${list} label=${label} end=${end} />`;
}
