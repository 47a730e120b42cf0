/**
 * parts/shell: the frame around every screen: names of the pages, the node's state, banners, what is said in passing.
 */
import { html, useEffect, useLayoutEffect, useRef, useState, useValue } from '../lib/html.js';
import { bytes, figure, personPath, t } from '../lib/text.js';
import { ago } from '../lib/time.js';
import { memory } from '../lib/api.js';
import { title as named } from '../lib/badge.js';
import { head, isPaused, isReader, isStarting, line, me, now, peers, personOf, status, toast, unread } from '../lib/state.js';
import { back as goBack, go, hooks, place } from '../lib/router.js';
import { Avatar, Name } from './avatar.js';
import { Dot, Icon, IconButton, Menu } from './bits.js';
import { wantsFocus } from './composer.js';
import { useSpoken } from './sync.js';

/** The pages by name; on a phone those with `few` stand at the bottom, and the others in the menu under your face. */
const PAGES = [
	{ href: '/', icon: 'home', key: 'nav.home', few: true },
	{ href: '/activity', icon: 'bell', key: 'nav.activity', few: true },
	{ href: '/private', icon: 'lock', key: 'nav.private', few: true },
	{ href: '/people', icon: 'people', key: 'nav.people' },
	{ href: '/search', icon: 'search', key: 'nav.search', few: true },
	{ href: '/network', icon: 'network', key: 'nav.network' },
	{ href: '/settings', icon: 'settings', key: 'nav.settings' },
];
const MINE = [
	{ href: '/bookmarks', icon: 'bookmark', key: 'nav.bookmarks' },
	{ href: '/drafts', icon: 'draft', key: 'nav.drafts' },
];

/** @param {string} at @param {string} href */
const isAt = (at, href) => at === href || (href !== '/' && at.startsWith(`${href}/`));

/** In touch with anyone, and since when not: in one word for a dot, and in words. @param {any} node @param {string} link */
function stateOf(node, link) {
	const n = node?.peers.connected ?? 0;
	if (link === 'lost') {
		return { state: 'lost', said: t('node.lost'), n: 0 };
	}
	if (n > 0) {
		return { state: 'connected', said: t('node.connected', { n }), n };
	}
	const isLooking = (node?.peers.dialling ?? 0) > 0;
	return { state: isLooking ? 'looking' : 'away', said: t(isLooking ? 'node.looking' : 'node.away'), n };
}

/** What is left on the disk, or that the node is near what it may use. @param {import('../lib/state.js').Status['store']} store */
function room({ disk_free: free, used = 0, ceiling = 0, full = false }) {
	return full ? t('node.full') : used > 0.97 * ceiling && ceiling > 0 ? t('node.near', { size: bytes(used), ceiling: bytes(ceiling) }) : t('node.room', { free: bytes(free) });
}

/** The pill that is always there: is my node in touch with anyone, when did something last arrive, is there room? @param {{ short?: boolean }} props */
export function NodeState({ short = false }) {
	const node = useValue(status);
	const link = useValue(line);
	const at = useValue(now);
	const { state, said, n } = stateOf(node, link);
	if (short) {
		return html`<a class="node-state short" href="/network" aria-label=${said}><${Dot} state=${state} /><span>${n > 0 ? figure(n) : ''}</span></a>`;
	}
	const last = node?.sync.last_in;
	return html`<a class="node-state" href="/network"><${Dot} state=${state} /><span>${said}
		${node && html`<small>${last ? t('node.last', { when: ago(last, at) }) : t('node.lastNever')}</small><small>${room(node.store)}</small>`}</span></a>`;
}

function write() {
	if (matchMedia('(max-width: 47.99rem)').matches) {
		go('/write');
		return;
	}
	if (place.peek().path !== '/') {
		go('/');
	}
	setTimeout(() => wantsFocus.value++, 30);
}

/** @param {{ page: { href: string, icon: string, key: string, few?: boolean }, at: string }} props */
function NavLink({ page, at }) {
	const { activity, private: letters } = useValue(unread);
	const n = page.href === '/activity' ? activity : page.href === '/private' ? letters : 0;
	const is = isAt(at, page.href);
	return html`<a class=${page.few ? 'nav-link' : 'nav-link nav-wide'} href=${page.href} aria-current=${is ? 'page' : undefined}>
		<${Icon} name=${page.icon} /><span>${t(page.key)}</span>${n > 0 && html`<span class="nav-new"><span aria-hidden="true">${n > 99 ? '99+' : n}</span><span class="sr">${t('nav.new', { n })}</span></span>`}
	</a>`;
}

/** @param {{ at: string }} props */
function Nav({ at }) {
	const self = useValue(me);
	const isLooking = useValue(isReader);
	const myPath = self ? personPath(self) : '/settings';
	const others = [{ said: t('nav.profile'), href: myPath }, ...[...MINE, ...PAGES.filter((page) => !page.few)].map((page) => ({ said: t(page.key), href: page.href }))];
	return html`<nav class="nav" aria-label=${t('nav.label')}>
		<a class="brand" href="/" aria-label="kith, ${t('nav.home')}">kith</a>
		<div class="nav-links">
			${PAGES.map((page) => html`<${NavLink} key=${page.href} page=${page} at=${at} />`)}
			<div class="nav-more"><${Menu} label=${t('nav.me')} class="nav-link" items=${others}><${Avatar} id=${self} size="s" /><span>${t('nav.me')}</span><//></div>
		</div>
		${!isLooking && html`<button type="button" class="button strong nav-write" onClick=${write}><${Icon} name="pen" /><span>${t('nav.write')}</span></button>`}
		<div class="nav-links nav-mine">
			${MINE.map((page) => html`<${NavLink} key=${page.href} page=${page} at=${at} />`)}
			<a class="nav-link nav-wide" href=${myPath} aria-current=${at === myPath ? 'page' : undefined}><${Avatar} id=${self} size="s" /><span class="nav-name"><${Name} id=${self} link=${false} /></span></a>
		</div>
		<div class="nav-foot"><${NodeState} /></div>
	</nav>`;
}

/** @param {{ at: string }} props */
function Rail({ at }) {
	const [Side, setSide] = useState(/** @type {any} */ (null));
	const hasSide = at.startsWith('/private/') && matchMedia('(min-width: 73rem)').matches;
	useEffect(() => {
		if (hasSide && !Side) {
			import('../views/private.js').then((module) => setSide(() => module.Side), () => {});
		}
	}, [hasSide]);
	return hasSide && Side ? html`<aside class="rail violet" aria-label=${t('nav.private')}><${Side} at=${at} /></aside>` : html`<${Around} />`;
}

function Around() {
	const all = useValue(peers);
	const node = useValue(status);
	const order = { connected: 0, dialling: 1, looking: 2, away: 3 };
	const near = all.filter((peer) => personOf(peer.id).peek().i !== 'block').sort((a, b) => order[a.state] - order[b.state]).slice(0, 8);
	return html`<aside class="rail" aria-label=${t('nav.around')}>
		<h2>${t('nav.around')}</h2>
		${near.length > 0
			? html`<ul>${near.map((peer) => html`<li key=${peer.id}>
				<${Avatar} id=${peer.id} size="s" /><${Dot} state=${peer.state} /><${Name} id=${peer.id} /><span class="sr">, ${t(peer.state !== 'connected' ? `network.${peer.state}` : peer.behind > 0 ? 'sync.soon' : 'network.upToDate')}</span>
			</li>`)}</ul>`
			: html`<p class="note">${t('nav.aroundNobody')}</p>`}
		${node && html`<h2>${t('nav.kept')}</h2>
			<p class="note">${t('nav.keptLine', { n: node.store.posts, feeds: t('nav.feeds', { n: node.store.feeds }), size: bytes(node.store.bytes) })}</p>`}
		<p class="note promise">${t('nav.promise')}</p>
	</aside>`;
}

/** Pauses, late backups and left drafts have a module of their own. @type {any} */
let Urgent = null;
/** @param {import('../lib/state.js').Status | null} node */
const isUrgent = (node) => node !== null && (isPaused(node) || node.backup_late === true || memory.get('drafts') !== null);
/** Waited for before the first screen, so that nothing moves down afterwards. @param {import('../lib/state.js').Status} node */
export async function readyBanners(node) {
	if (isUrgent(node) && !Urgent) {
		await import('./banner.js').then((module) => {
			Urgent = module.default;
		}, () => {});
	}
}

const WORDS_LATER_MS = 14 * 24 * 3600 * 1000;

/** Until the words of the key are on paper. */
function WordsHint() {
	const [later, setLater] = useState(Number(memory.get('words.later') ?? 0));
	const putOff = () => {
		memory.set('words.later', String(Date.now()));
		setLater(Date.now());
	};
	return Date.now() - later < WORDS_LATER_MS ? null : html`<div class="banner hint"><${Icon} name="safe" />
		<p>${t('banner.words')} ${place.peek().path !== '/settings/safety' && html`<a href="/settings/safety">${t('banner.wordsDo')}</a>`}</p>
		<${IconButton} icon="close" label=${t('banner.later')} onClick=${putOff} /></div>`;
}

export function Banners() {
	const link = useValue(line);
	const node = useValue(status);
	const own = useValue(head);
	const isLooking = useValue(isReader);
	const [, redraw] = useState(0);
	const isNow = isUrgent(node);
	useEffect(() => {
		if (node && isNow) {
			readyBanners(node).then(() => redraw((n) => n + 1));
		}
	}, [isNow]);
	return html`<div class="banners" role="status">
		${link === 'lost' && html`<${Lost} />`}
		${isNow ? Urgent && html`<${Urgent} node=${node} />` : node?.words_done === false && own > 2 && !isLooking && html`<${WordsHint} />`}
	</div>`;
}

/** The page has lost its node, or this device its network. Said once; what was on the screen stays. */
function Lost() {
	const [isOnline, setOnline] = useState(navigator.onLine);
	const isAgain = useValue(isStarting);
	useEffect(() => {
		const look = () => setOnline(navigator.onLine);
		addEventListener('online', look);
		addEventListener('offline', look);
		return () => {
			removeEventListener('online', look);
			removeEventListener('offline', look);
		};
	}, []);
	return html`<div class="banner"><${Icon} name="warn" /><p>${t(isAgain ? 'banner.starting' : isOnline ? 'banner.lost' : 'banner.offline')}</p>
		<button type="button" class="button" onClick=${() => import('../lib/live.js').then((live) => live.hurry(), () => {})}>${t('banner.again')}</button></div>`;
}

/** The count in the tab's title, for those who hear the page. */
function Spoken() {
	const { activity: n, private: letters } = useValue(unread);
	return html`<p class="sr" role="status">${useSpoken([n > 0 && t('nav.newSpoken', { n }), letters > 0 && t('nav.newPrivate', { n: letters })].filter(Boolean).join(', '))}</p>`;
}

export function Toast() {
	const said = useValue(toast);
	const [shown, setShown] = useState(0);
	useEffect(() => {
		if (said.n > 0 && said.said) {
			setShown(said.n);
			const timer = setTimeout(() => setShown(0), 5000);
			return () => clearTimeout(timer);
		}
		return undefined;
	}, [said.n]);
	return html`<div class="toasts" role="status">${shown === said.n && said.said && html`<p class="toast">${said.said}</p>`}</div>`;
}

/** @param {{ at: string, children?: any }} props */
export function Shell({ at, children }) {
	const isLooking = useValue(isReader);
	const hasWrite = !isLooking && (at === '/' || at.startsWith('/p/') || at.startsWith('/tag/'));
	return html`<a class="skip" href="#page">${t('nav.skip')}</a>
		<div class="shell">
			<${Nav} at=${at} />
			<main id="page" class=${at.startsWith('/private') ? 'violet' : ''} tabindex="-1"><${Banners} />${children}</main>
			<${Rail} at=${at} />
		</div>
		${hasWrite && html`<${IconButton} icon="pen" label=${t('nav.write')} class="fab" onClick=${write} />`}
		<${Spoken} />
		<${Toast} />`;
}

/**
 * The head of a screen. After a change of page the focus goes to its h1 and the title changes.
 * @param {{ title: string, tab?: string, tools?: any, back?: boolean, quiet?: boolean, children?: any }} props `tab`: what the browser may write down
 */
export function Page({ title, tab = title, tools, back = false, children }) {
	const heading = useRef(/** @type {HTMLElement | null} */ (null));
	useEffect(() => {
		named.value = tab === t('home.title') ? 'kith' : `${tab} · kith`;
	}, [tab]);
	useLayoutEffect(() => {
		if (place.peek().moved === 'new') {
			heading.current?.focus({ preventScroll: true });
			scrollTo(0, 0);
		}
	}, []);
	return html`<header class="page-head">
			${back && html`<${IconButton} icon="back" label=${t('nav.back')} onClick=${goBack} />`}
			<h1 tabindex="-1" ref=${heading}><bdi>${title}</bdi></h1>
			${tools}
			<${NodeState} short />
		</header>
		${children}`;
}

/** Where each place of the history was left: a post and its distance from the top. @type {Map<number, { id: string, top: number, focus: boolean }>} */
const anchors = new Map();
hooks.leave = (key) => {
	for (const article of document.querySelectorAll('main [data-id]')) {
		const at = article.getBoundingClientRect();
		const hasFocus = article.contains(document.activeElement);
		if (hasFocus || at.bottom > 80) {
			anchors.set(key, { id: article.getAttribute('data-id') ?? '', top: at.top, focus: hasFocus });
			if (hasFocus || !(article.closest('.posts') ?? article.parentElement)?.contains(document.activeElement)) {
				return;
			}
		}
	}
};

/** Coming back restores the post that was on the screen, and the focus it had. @param {boolean} isReady the list is drawn */
export function useReturn(isReady) {
	useLayoutEffect(() => {
		const at = place.peek();
		const anchor = anchors.get(at.key);
		if (!isReady || at.moved !== 'back' || !anchor) {
			return;
		}
		const article = /** @type {HTMLElement | null} */ (document.querySelector(`main [data-id="${CSS.escape(anchor.id)}"]`));
		if (article) {
			let isMoved = false;
			const stop = () => {
				isMoved = true;
			};
			const settle = (/** @type {number} */ frames, /** @type {number} */ quiet) => {
				if (isMoved) {
					return;
				}
				const by = article.getBoundingClientRect().top - anchor.top;
				scrollBy(0, by);
				const left = Math.abs(by) > 1 ? 6 : quiet - 1;
				if (frames > 0 && left > 0 && article.isConnected) {
					requestAnimationFrame(() => settle(frames - 1, left));
				}
			};
			/* Posts above it get their heights when they are drawn, in the frames that follow: until six of them moved nothing, a second at most. */
			['wheel', 'touchstart', 'keydown', 'pointerdown'].forEach((kind) => addEventListener(kind, stop, { once: true, passive: true }));
			settle(60, 6);
			article.focus({ preventScroll: true });
		}
	}, [isReady]);
}

