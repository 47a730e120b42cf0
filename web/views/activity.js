/**
 * views/activity: what others did that concerns me: answers, mentions, likes, follows. Opening it says that all of it was seen, in every browser; what is
 * new stays marked while it is on the screen.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useRef, useState, useValue } from '../lib/html.js';
import { get, memory, post } from '../lib/api.js';
import { go, place } from '../lib/router.js';
import { KINDS, excerpt, nameOfItem, pathTo, sentence } from '../lib/news.js';
import { t } from '../lib/text.js';
import { keepers, peopleChanged, postOf, refresh, take, unread } from '../lib/state.js';
import { Avatar } from '../parts/avatar.js';
import { Bones, Empty, Icon, IconButton, Problem, Tabs, Time } from '../parts/bits.js';
import { show } from '../parts/dialog.js';
import { NewsSettings, NotifyOffer } from '../parts/notify.js';
import { FollowButton } from '../parts/person.js';
import { Post } from '../parts/post.js';
import { Page, useReturn } from '../parts/shell.js';
import { SyncLine } from '../parts/sync.js';

/** @typedef {import('../lib/news.js').Item} Item */
/** @typedef {{ items: Item[], cursor: string | null }} News */

const ICON = { reply: 'reply', mention: 'at', like: 'heart', follow: 'person' };
const FACES = 6;
/** What was on the screen, so that Back shows it at once. @type {Map<string, News>} */
const kept = new Map();
keepers.add(() => [...kept.values()].flatMap((news) => news.items.flatMap((item) => [item.id ?? '', item.about ?? ''])));

/** @param {string} kind @param {string | null} before */
const ask = (kind, before) => get(`activity?limit=20${kind && `&kind=${kind}`}${before ? `&before=${encodeURIComponent(before)}` : ''}`);

/** Everything up to there was seen. @param {string | null} newest */
function mark(newest) {
	const tell = () => {
		if (document.visibilityState === 'visible') {
			document.removeEventListener('visibilitychange', tell);
			post('here', newest ? { activity: newest } : {}).then((answer) => (unread.value = answer.unread), () => {});
		}
	};
	document.addEventListener('visibilitychange', tell);
	tell();
}

const New = () => html`<span class="new">${t('activity.new')}</span>`;

/** Somebody wrote: why it is here, and the post itself with all that can be done with it. @param {{ item: Item }} props */
function Written({ item }) {
	const about = useValue(postOf(item.about ?? ''));
	const said = excerpt(about);
	return html`<div class=${`act-post act-${item.kind}${item.is_new ? ' is-new' : ''}`}>
		<p class="act-why"><${Icon} name=${ICON[item.kind]} /><span>${t(`activity.why.${item.kind}`)}${said && html` <a href=${pathTo({ ...item, id: null })} dir="auto"><bdi>${said}</bdi></a>`}</span>${item.is_new && html`<${New} />`}</p>
		<${Post} id=${item.id} />
	</div>`;
}

/** Who did it, and about what. @param {{ item: Item }} props */
function Done({ item }) {
	const about = useValue(postOf(item.about ?? ''));
	useValue(peopleChanged);
	const path = pathTo(item);
	const name = `a-${nameOfItem(item).replace(/[^\w]/g, '')}`;
	const said = about?.cw ? t('post.warning', { cw: about.cw }) : excerpt(about);
	const open = (/** @type {any} */ event) => event.target.closest('a, button') || getSelection()?.isCollapsed === false || go(path);
	return html`<article class=${item.is_new ? 'act is-new' : 'act'} data-id=${nameOfItem(item)} tabindex="-1" aria-labelledby=${name} onClick=${open}>
		<span class=${`act-icon icon-of-${item.kind}`}><${Icon} name=${ICON[item.kind]} full=${item.kind === 'like'} /></span>
		<header>
			<span class="act-faces">${item.who.slice(0, FACES).map((id) => html`<${Avatar} key=${id} id=${id} size="s" />`)}</span>
			${item.is_new && html`<${New} />`}<${Time} at=${item.at} href=${path} />
		</header>
		<div class="main"><h2 id=${name}>${sentence(item)}</h2>
			${said && html`<p class="act-about" dir="auto">${said}</p>`}
			${item.kind === 'follow' && item.n === 1 && html`<${FollowButton} id=${item.who[0]} />`}</div>
	</article>`;
}

/** @param {{ item: Item }} props */
function Row({ item }) {
	const post = useValue(postOf(item.id ?? ''));
	return item.id && post && !post.missing ? html`<${Written} item=${item} />` : html`<${Done} item=${item} />`;
}

/** Something came while this was open. @param {{ onShow: () => void }} props */
function Pill({ onShow }) {
	const { activity } = useValue(unread);
	return html`<div class="pill-place" role="status">${activity > 0 && html`<button type="button" class="pill" data-act="fresh" onClick=${onShow}><${Icon} name="up" />${t('activity.pill', { n: activity })}</button>`}</div>`;
}

/** @param {{ cursor: string | null, isBusy: boolean, onMore: () => void }} props */
function More({ cursor, isBusy, onMore }) {
	const end = useRef(/** @type {HTMLElement | null} */ (null));
	useEffect(() => {
		if (!end.current || !cursor || memory.get('endless') === 'off') {
			return undefined;
		}
		const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && onMore(), { rootMargin: '1200px' });
		watcher.observe(end.current);
		return () => watcher.disconnect();
	}, [cursor, onMore]);
	return html`<p class="end" ref=${end}>${cursor ? html`<button type="button" class="button" aria-disabled=${isBusy} onClick=${onMore}>${t('activity.more')}</button>` : t('activity.end')}</p>`;
}

/** @param {{ query: URLSearchParams }} props */
export default function Activity({ query }) {
	const again = useValue(refresh);
	const wanted = query.get('kind') ?? '';
	const kind = KINDS.includes(wanted) ? wanted : '';
	const [news, setNews] = useState(/** @type {News | null} */ (kept.get(kind) ?? null));
	const [error, setError] = useState(/** @type {any} */ (null));
	const [isBusy, setBusy] = useState(false);
	const shown = useRef(kind);
	const put = (/** @type {News} */ now) => {
		kept.set(kind, now);
		if (shown.current === kind) {
			setNews(now);
		}
	};
	const load = async () => {
		setError(null);
		try {
			const answer = await ask(kind, null);
			take(answer);
			put({ items: answer.items, cursor: answer.cursor });
			mark(answer.newest);
		} catch (problem) {
			setError(problem);
		}
	};
	const more = async () => {
		if (isBusy || !news?.cursor) {
			return;
		}
		setBusy(true);
		try {
			const answer = await ask(kind, news.cursor);
			take(answer);
			put({ items: [...news.items, ...answer.items], cursor: answer.cursor });
		} catch (problem) {
			setError(problem);
		}
		setBusy(false);
	};
	const fresh = async () => {
		await load();
		scrollTo(0, 0);
		/** @type {HTMLElement | null} */ (document.querySelector('main article'))?.focus({ preventScroll: true });
	};
	useEffect(() => {
		shown.current = kind;
		setNews(kept.get(kind) ?? null);
		/* Coming back, the screen stays what it was; what came since is behind the pill. */
		if (!kept.has(kind) || place.peek().moved !== 'back') {
			load();
		}
	}, [kind]);
	useEffect(() => {
		if (error || news?.items.length === 0) {
			load();
		}
	}, [again]);
	useReturn(news !== null);
	const tabs = ['', ...KINDS].map((id) => ({ id, href: id ? `/activity?kind=${id}` : '/activity', said: t(id ? `activity.tab.${id}` : 'activity.tab') }));
	const settings = () => show((close) => html`<${NewsSettings} close=${close} />`).then(load);
	let body = html`<${Bones} />`;
	if (news && news.items.length > 0) {
		body = html`<section class="posts" aria-label=${t('activity.feed')} aria-busy=${isBusy}>${news.items.map((item) => html`<${Row} key=${nameOfItem(item)} item=${item} />`)}</section>
			${error ? html`<${Problem} error=${error} onRetry=${more} />` : html`<${More} cursor=${news.cursor} isBusy=${isBusy} onMore=${more} />`}`;
	} else if (error) {
		body = html`<${Problem} error=${error} onRetry=${load} />`;
	} else if (news) {
		body = html`<${Empty} said=${t(kind ? `activity.none.${kind}` : 'activity.empty')} then=${t('activity.emptyDo')}><p><a class="button" href="/">${t('activity.emptyGo')}</a></p><//>`;
	}
	return html`<${Page} title=${t('activity.title')} tools=${html`<${IconButton} icon="settings" label=${t('activity.settings')} onClick=${settings} />`}>
		<div class="tab-bar"><${Tabs} label=${t('activity.tabs')} at=${kind} tabs=${tabs} /></div>
		<${SyncLine} />
		${news && news.items.length > 0 && html`<${NotifyOffer} />`}
		${news && html`<${Pill} onShow=${fresh} />`}
		${body}
	<//>`;
}
