/**
 * views/private: conversations of few, by the people in them; requests from strangers apart; how one begins; and what was said in them, looked for.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useRef, useState, useValue } from '../lib/html.js';
import { get, memory } from '../lib/api.js';
import { t } from '../lib/text.js';
import { letters, refresh, take, unread } from '../lib/state.js';
import { go, place } from '../lib/router.js';
import { Bones, Empty, IconButton, Problem, Tabs } from '../parts/bits.js';
import { Row, Start } from '../parts/letters.js';
import { Page, useReturn } from '../parts/shell.js';

/** @typedef {import('../parts/letters.js').Conversation} Conversation */
/** @typedef {{ rows: Map<string, Conversation>, cursor: string | null, requests: number, behind: number }} Shown */

/** Boxes are tried behind; how far that is, is asked for again after this. */
const BEHIND_MS = 3000;
/** What was on the screen, so that Back shows it at once; in memory alone. @type {Map<boolean, Shown>} */
const kept = new Map();

/** @param {boolean} isRequests @param {string | null} before */
async function ask(isRequests, before) {
	const answer = await get(`private?limit=20${isRequests ? '&requests=1' : ''}${before ? `&before=${encodeURIComponent(before)}` : ''}`);
	take(answer);
	return answer;
}

/** The list as far as it was asked for, kept up with what comes. @param {boolean} isRequests */
function useConversations(isRequests) {
	const hint = useValue(letters);
	const again = useValue(refresh);
	const news = useValue(unread).private;
	const [shown, setShown] = useState(/** @type {Shown | null} */ ((place.peek().moved === 'back' && kept.get(isRequests)) || null));
	const [error, setError] = useState(/** @type {any} */ (null));
	const isBusy = useRef(false);
	const latest = useRef(shown);
	const put = (/** @type {Shown} */ now) => {
		latest.current = now;
		kept.set(isRequests, now);
		setShown(now);
	};
	const load = async (/** @type {string | null} */ before = null) => {
		if (isBusy.current && before) {
			return;
		}
		isBusy.current = true;
		try {
			const answer = await ask(isRequests, before);
			const old = latest.current;
			const isWhole = !before && (!old || answer.cursor === null);
			const rows = new Map(isWhole ? [] : old?.rows);
			answer.conversations.forEach((/** @type {Conversation} */ one) => rows.set(one.id, one));
			/* Further pages that are here stay, and so does where they end. */
			const isLonger = !before && old !== null && old.rows.size > answer.conversations.length;
			put({ rows, cursor: isLonger && !isWhole ? old.cursor : answer.cursor, requests: answer.requests ?? 0, behind: answer.behind ?? 0 });
			setError(null);
		} catch (problem) {
			setError(problem);
		}
		isBusy.current = false;
	};
	useEffect(() => {
		load();
	}, [hint.n, again, news]);
	useEffect(() => {
		const timer = shown && shown.behind > 0 ? setTimeout(() => load(), BEHIND_MS) : 0;
		return () => clearTimeout(timer);
	}, [shown]);
	return { shown, error, load };
}

/** @param {{ cursor: string | null, onMore: () => void }} props */
function More({ cursor, onMore }) {
	const end = useRef(/** @type {HTMLElement | null} */ (null));
	useEffect(() => {
		if (!cursor || memory.get('endless') === 'off' || !end.current) {
			return undefined;
		}
		const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && onMore(), { rootMargin: '600px' });
		watcher.observe(end.current);
		return () => watcher.disconnect();
	}, [cursor]);
	return html`<p class="end" ref=${end}>${cursor && html`<button type="button" class="button" onClick=${onMore}>${t('private.earlier')}</button>`}</p>`;
}

/** @param {{ isRequests: boolean }} props */
function List({ isRequests }) {
	const { shown, error, load } = useConversations(isRequests);
	useReturn(shown !== null);
	const rows = [...(shown?.rows.values() ?? [])].sort((a, b) => b.at - a.at);
	const requests = isRequests ? rows.length : shown?.requests ?? 0;
	const tabs = [{ id: 'all', href: '/private', said: t('private.conversations') },
		{ id: 'requests', href: '/private?show=requests', said: requests > 0 ? t('private.requestsN', { n: requests }) : t('private.requests') }];
	let body = html`<${Bones} />`;
	if (rows.length > 0) {
		body = html`${isRequests && html`<p class="note lead-note">${t('private.requestsSaid')}</p>`}
			<section class="posts" aria-label=${t(isRequests ? 'private.requests' : 'private.conversations')}>${rows.map((one) => html`<${Row} key=${one.id} one=${one} />`)}</section>
			${error ? html`<${Problem} error=${error} onRetry=${() => load()} />` : html`<${More} cursor=${shown?.cursor ?? null} onMore=${() => load(shown?.cursor)} />`}`;
	} else if (error) {
		body = html`<${Problem} error=${error} onRetry=${() => load()} />`;
	} else if (shown) {
		body = isRequests ? html`<${Empty} said=${t('private.noRequests')} then=${t('private.noRequestsDo')} />`
			: html`<${Empty} said=${t('private.empty')} then=${t('private.emptyDo')}><p class="note">${t('write.private')}</p><//>`;
	}
	return html`${(requests > 0 || isRequests) && html`<div class="tab-bar"><${Tabs} label=${t('private.tabs')} at=${isRequests ? 'requests' : 'all'} tabs=${tabs} /></div>`}
		${shown && shown.behind > 0 && html`<div class="sync-line"><span role="status">${t('private.behind', { n: shown.behind })}</span></div>`}
		${body}`;
}

/** Beside one conversation, where there is room: the others. @param {{ at: string }} props */
export function Side({ at }) {
	const { shown } = useConversations(false);
	const rows = [...(shown?.rows.values() ?? [])].sort((a, b) => b.at - a.at).slice(0, 20);
	return rows.length > 0 && html`<h2>${t('private.conversations')}</h2>${rows.map((one) => html`<${Row} key=${one.id} one=${one} isCurrent=${at === `/private/${one.id}`} />`)}`;
}

/** @param {{ query: URLSearchParams }} props */
export default function Private({ query }) {
	const isRequests = query.get('show') === 'requests';
	const tools = html`<${IconButton} icon="search" label=${t('private.search')} onClick=${() => go('/search?show=private')} />`;
	return html`<${Page} title=${t('nav.private')} tools=${tools}>
		${!isRequests && html`<${Start} />`}
		<${List} key=${isRequests} isRequests=${isRequests} />
	<//>`;
}
