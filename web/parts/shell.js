/**
 * parts/shell: the frame around every screen: names of the pages, the node's state, banners, what is said in passing.
 */
import { html, useEffect, useLayoutEffect, useRef, useState, useValue } from '../lib/html.js';
import { bytes, figure, personPath, t } from '../lib/text.js';
import { memory } from '../lib/api.js';
import { head, isPaused, line, me, peers, status, toast } from '../lib/state.js';
import { back as goBack, go, hooks, place } from '../lib/router.js';
import { Avatar, Name } from './avatar.js';
import { Dot, Icon, IconButton } from './bits.js';
import { wantsFocus } from './composer.js';

const PAGES = [
	{ href: '/', icon: 'home', key: 'nav.home' },
	{ href: '/people', icon: 'people', key: 'nav.people' },
	{ href: '/network', icon: 'network', key: 'nav.network' },
	{ href: '/settings', icon: 'settings', key: 'nav.settings' },
];

/** The pill that is always there: is my node in touch with anyone? @param {{ short?: boolean }} props */
export function NodeState({ short = false }) {
	const node = useValue(status);
	const link = useValue(line);
	const n = node?.peers.connected ?? 0;
	const isLooking = n === 0 && (node?.peers.dialling ?? 0) > 0;
	const state = link === 'lost' ? 'lost' : n > 0 ? 'connected' : isLooking ? 'looking' : 'away';
	const said = state === 'lost' ? t('node.lost') : n > 0 ? t('node.connected', { n }) : t(isLooking ? 'node.looking' : 'node.away');
	return html`<a class=${short ? 'node-state short' : 'node-state'} href="/network" aria-label=${said}>
		<${Dot} state=${state} /><span>${short ? (n > 0 && state === 'connected' ? figure(n) : '') : said}</span>
	</a>`;
}

function write() {
	if (place.peek().path !== '/') {
		go('/');
	}
	setTimeout(() => wantsFocus.value++, 30);
}

/** @param {{ at: string }} props */
function Nav({ at }) {
	const self = useValue(me);
	const myPath = self ? personPath(self) : '/settings';
	const mine = html`<a class="nav-link nav-me" href=${myPath} aria-current=${at === myPath ? 'page' : undefined}>
		<${Avatar} id=${self} size="s" /><span class="nav-word">${t('nav.me')}</span><span class="nav-name"><${Name} id=${self} link=${false} /></span>
	</a>`;
	return html`<nav class="nav" aria-label=${t('nav.label')}>
		<a class="brand" href="/" aria-label="kith, ${t('nav.home')}">kith</a>
		<div class="nav-links">
			${PAGES.map((page) => html`<a key=${page.href} class="nav-link" href=${page.href} aria-current=${at === page.href ? 'page' : undefined}>
				<${Icon} name=${page.icon} full=${false} /><span>${t(page.key)}</span>
			</a>`)}
			${mine}
		</div>
		<button type="button" class="button strong nav-write" onClick=${write}><${Icon} name="pen" /><span>${t('nav.write')}</span></button>
		<div class="nav-foot"><${NodeState} /></div>
	</nav>`;
}

function Rail() {
	const all = useValue(peers);
	const node = useValue(status);
	const order = { connected: 0, dialling: 1, looking: 2, away: 3 };
	const near = [...all].sort((a, b) => order[a.state] - order[b.state]).slice(0, 8);
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

export function Banners() {
	const link = useValue(line);
	const node = useValue(status);
	const own = useValue(head);
	const [More, setMore] = useState(/** @type {any} */ (null));
	const isDue = node !== null && (isPaused(node) || node.backup_late || memory.get('drafts') || (node.words_done === false && own > 2));
	useEffect(() => {
		if (isDue) {
			import('./banner.js').then((module) => setMore(() => module.default), () => {});
		}
	}, [Boolean(isDue)]);
	return html`<div class="banners" role="status">
		${link === 'lost' && html`<p class="banner"><${Icon} name="warn" /><span>${t('banner.lost')}</span></p>`}
		${isDue && More && html`<${More} node=${node} />`}
	</div>`;
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
	const hasWrite = at === '/' || at.startsWith('/p/');
	return html`<a class="skip" href="#page">${t('nav.skip')}</a>
		<div class="shell">
			<${Nav} at=${at} />
			<main id="page" tabindex="-1"><${Banners} />${children}</main>
			<${Rail} />
		</div>
		${hasWrite && html`<${IconButton} icon="pen" label=${t('nav.write')} class="fab" onClick=${write} />`}
		<${Toast} />`;
}

/**
 * The head of a screen. After a change of page the focus goes to its h1 and the title changes.
 * @param {{ title: string, tools?: any, back?: boolean, quiet?: boolean, children?: any }} props
 */
export function Page({ title, tools, back = false, children }) {
	const heading = useRef(/** @type {HTMLElement | null} */ (null));
	useEffect(() => {
		document.title = title === t('home.title') ? 'kith' : `${title} · kith`;
	}, [title]);
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
			if (hasFocus || !article.parentElement?.contains(document.activeElement)) {
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
			scrollBy(0, article.getBoundingClientRect().top - anchor.top);
			article.focus({ preventScroll: true });
		}
	}, [isReady]);
}

