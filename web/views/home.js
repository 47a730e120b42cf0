/**
 * views/home: people I follow, newest first; the wider circle beside it. New posts never push what is being read.
 */
import { html, useEffect, useRef, useState, useValue } from '../lib/html.js';
import { get } from '../lib/api.js';
import { listOf, nameOf, pathOf, t } from '../lib/text.js';
import { dropFresh, feeds, fresh, insert, me, personOf, refresh, take } from '../lib/state.js';
import { place } from '../lib/router.js';
import { Bones, Empty, Icon, Problem, Tabs } from '../parts/bits.js';
import { Composer } from '../parts/composer.js';
import { PostList } from '../parts/post.js';
import { Page, useReturn } from '../parts/shell.js';
import { SyncLine } from '../parts/sync.js';

/** @typedef {'home' | 'wide'} Tab */

/** Posts that arrived take their places. @param {boolean} isAsked a person asked to see them */
async function showFresh(isAsked) {
	const ids = fresh.peek().ids;
	for (let at = 0; at < ids.length; at += 50) {
		const some = ids.slice(at, at + 50);
		take(await get(`posts?ids=${some.map(pathOf).join(',')}`));
		insert('home', some);
	}
	dropFresh(ids);
	if (isAsked) {
		scrollTo(0, 0);
		/** @type {HTMLElement | null} */ (document.querySelector('main article'))?.focus({ preventScroll: true });
	}
}

function Pill() {
	const news = useValue(fresh);
	if (news.ids.length === 0) {
		return html`<div class="pill-place" role="status"></div>`;
	}
	const names = listOf(news.who.map((id) => nameOf(personOf(id).peek())));
	return html`<div class="pill-place" role="status">
		<button type="button" class="pill" data-act="fresh" onClick=${() => showFresh(true).catch(() => {})}><${Icon} name="up" />${t('home.pill', { n: news.ids.length, names })}</button>
	</div>`;
}

/** The box to follow somebody, where there is nothing else to show; its module comes when needed. */
function FollowHere() {
	const [Box, setBox] = useState(/** @type {any} */ (null));
	useEffect(() => {
		import('../parts/follow.js').then((module) => setBox(() => module.FollowBox), () => {});
	}, []);
	return Box && html`<${Box} />`;
}

/** @param {{ tab: Tab }} props */
function Nothing({ tab }) {
	const [hasFollowed, setFollowed] = useState(false);
	useEffect(() => {
		get('people').then((answer) => setFollowed(answer.follows.length > 0), () => {});
	}, []);
	if (tab === 'wide') {
		return html`<${Empty} said=${t('home.emptyWide')} then=${t('home.emptyWideDo')} />`;
	}
	return html`<${Empty} said=${t('home.empty')} then=${t(hasFollowed ? 'home.emptyArriving' : 'home.emptyDo')}><${FollowHere} /><p><a href="/network#key">${t('home.showKey')}</a></p><//>`;
}

/** @param {{ tab: Tab, onMore: () => void, isBusy: boolean }} props */
function More({ tab, onMore, isBusy }) {
	const feed = useValue(feeds[tab]);
	const end = useRef(/** @type {HTMLElement | null} */ (null));
	useEffect(() => {
		if (!end.current || !feed.cursor) {
			return undefined;
		}
		const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && onMore(), { rootMargin: '1200px' });
		watcher.observe(end.current);
		return () => watcher.disconnect();
	}, [feed.cursor, onMore]);
	if (!feed.cursor) {
		return html`<p class="end">${t('home.end')}</p>`;
	}
	return html`<p class="end" ref=${end}><button type="button" class="button" aria-disabled=${isBusy} onClick=${onMore}>${t('home.more')}</button></p>`;
}

/** @param {{ tab: Tab }} props */
function Timeline({ tab }) {
	const feed = useValue(feeds[tab]);
	const again = useValue(refresh);
	const news = useValue(fresh);
	const [error, setError] = useState(/** @type {any} */ (null));
	const [isBusy, setBusy] = useState(false);
	const firstAgain = useRef(again);

	/** The newest page: everything when nothing was there, else what is new goes behind the pill. */
	const load = async () => {
		setError(null);
		try {
			const answer = await get(`timeline?tab=${tab}&limit=20`);
			const ids = take(answer);
			const now = feeds[tab].peek();
			const isJoined = ids.some((id) => now.ids.includes(id));
			if (!now.loaded || now.ids.length === 0 || (!isJoined && ids.length > 0) || tab === 'wide') {
				feeds[tab].value = { ids: tab === 'wide' && isJoined ? [...new Set([...ids, ...now.ids])] : ids, cursor: isJoined ? now.cursor : answer.cursor, loaded: true };
				dropFresh(ids);
			} else {
				const unseen = ids.filter((id) => !now.ids.includes(id));
				fresh.value = { ids: [...new Set([...unseen, ...fresh.peek().ids])], who: [...new Set([...answer.posts.filter((/** @type {any} */ p) => unseen.includes(p.id)).map((/** @type {any} */ p) => p.author), ...fresh.peek().who])] };
			}
		} catch (problem) {
			setError(problem);
		}
	};

	const more = async () => {
		if (isBusy || !feed.cursor) {
			return;
		}
		setBusy(true);
		try {
			const answer = await get(`timeline?tab=${tab}&limit=20&before=${encodeURIComponent(feed.cursor)}`);
			const ids = take(answer);
			const now = feeds[tab].peek();
			feeds[tab].value = { ids: [...new Set([...now.ids, ...ids])], cursor: answer.cursor, loaded: true };
			dropFresh(ids);
		} catch (problem) {
			setError(problem);
		} finally {
			setBusy(false);
		}
	};

	useEffect(() => {
		if (!feed.loaded || again !== firstAgain.current || (tab === 'wide' && place.peek().moved !== 'back')) {
			firstAgain.current = again;
			load();
		}
	}, [again, tab]);

	/* With nothing on the screen there is nothing to push; and what I wrote elsewhere I know already. */
	useEffect(() => {
		if (tab === 'home' && news.ids.length > 0 && feed.loaded && (feed.ids.length === 0 || news.who.every((id) => id === me.peek()))) {
			showFresh(false).catch(() => {});
		}
	}, [news, feed.loaded, tab]);
	useReturn(feed.loaded);

	if (error && feed.ids.length === 0) {
		return html`<${Problem} error=${error} onRetry=${load} />`;
	}
	if (!feed.loaded) {
		return html`<${Bones} />`;
	}
	if (feed.ids.length === 0) {
		return html`<${Nothing} tab=${tab} />`;
	}
	return html`<${PostList} ids=${feed.ids} label=${t('home.feed')} isBusy=${isBusy} />
		${error && html`<${Problem} error=${error} onRetry=${feed.cursor ? more : load} />`}
		<${More} tab=${tab} onMore=${more} isBusy=${isBusy} />`;
}

/** @param {{ query: URLSearchParams }} props */
export default function Home({ query }) {
	const tab = query.get('tab') === 'wide' ? 'wide' : 'home';
	const tabs = [
		{ id: 'home', href: '/', said: t('home.friends') },
		{ id: 'wide', href: '/?tab=wide', said: t('home.wide') },
	];
	const posted = (/** @type {string} */ id) => insert('home', [id]);
	return html`<${Page} title=${t('home.title')} tools=${html`<${Tabs} label=${t('home.tabs')} at=${tab} tabs=${tabs} />`}>
		<${Composer} where="home" place=${t('write.what')} label=${t('write.label')} action=${t('write.post')} onPosted=${posted} />
		<${SyncLine} />
		${tab === 'home' && html`<${Pill} />`}
		<${Timeline} key=${tab} tab=${tab} />
	<//>`;
}
