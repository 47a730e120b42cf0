/**
 * views/search: one box for people, tags, keys, links and words. What is found shows while typing; the address line keeps the question, but for one that is
 * asked of private words: browsers write down addresses.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useRef, useState, useValue } from '../lib/html.js';
import { get } from '../lib/api.js';
import { figure, listOf, nameOf, t } from '../lib/text.js';
import { personOf, refresh } from '../lib/state.js';
import { List, listAt, putList } from '../lib/lists.js';
import { go, place } from '../lib/router.js';
import { Bones, Empty, Icon, IconButton, Problem, Tabs } from '../parts/bits.js';
import { PostList } from '../parts/list.js';
import { PersonList } from '../parts/person.js';
import { markerOf } from '../parts/marks.js';
import { marker } from '../parts/posttext.js';
import { Page } from '../parts/shell.js';

/** After the last key, before the node is asked. */
const TYPING_MS = 120;

/** A question for an address: the gate takes no `%2F` and no `%5C`. @param {string} text */
const param = (text) => encodeURIComponent(text).replace(/%2F/g, '/').replace(/%5C/g, '%20');
/** @param {string} text @param {boolean} isPrivate */
const pathFor = (text, isPrivate) => `search?q=${param(text)}&zone=${-new Date().getTimezoneOffset()}${isPrivate ? '&private=1' : ''}`;
/** What was asked of private words, by place of the history. @type {Map<number, string>} */
const remembered = new Map();
/** @param {string} tag */
const tagPath = (tag) => (tag.includes('/') ? `/search?q=${param(`tag:${tag}`)}` : `/tag/${encodeURIComponent(tag)}`);

/** @typedef {{ tag: string, n: number }} TagCount */

/** @param {{ tags: TagCount[], label: string }} props */
function Tags({ tags, label }) {
	return html`<ul class="chips" aria-label=${label}>${tags.map(({ tag, n }) => html`<li key=${tag}>
		<a class="chip" href=${tagPath(tag)}><bdi>#${tag}</bdi> <span class="count" aria-hidden="true">${figure(n)}</span><span class="sr">${t('search.tagPosts', { n })}</span></a>
	</li>`)}</ul>`;
}

/** Of private words nothing is offered but a word on what is looked at. */
const StartPrivate = () => html`<${Empty} said=${t('search.privateHere')} then=${t('search.privateThen')} />`;

/** Before anything is typed: what can be asked, and the tags used last. @param {{ onPick: (text: string) => void }} props */
function Start({ onPick }) {
	const [tags, setTags] = useState(/** @type {TagCount[]} */ ([]));
	useEffect(() => {
		get('tags?limit=20').then((answer) => setTags(answer.tags), () => {});
	}, []);
	const ways = ['from', 'tag', 'dates', 'phrase', 'not'];
	return html`${tags.length > 0 && html`<section class="hits"><h2>${t('search.tagsNew')}</h2><${Tags} tags=${tags} label=${t('search.tagsNew')} /></section>`}
		<section class="hits"><h2>${t('search.how')}</h2>
			<dl class="ways">${ways.map((way) => html`<div key=${way}>
				<dt><button type="button" class="chip mono" onClick=${() => onPick(t(`search.way.${way}`))}>${t(`search.way.${way}`)}</button></dt>
				<dd>${t(`search.said.${way}`)}</dd>
			</div>`)}</dl>
			<p class="note">${t('search.here')}</p>
		</section>`;
}

/** What the question was taken for, as far as that is worth a word. @param {{ query: any, behind: number }} props */
function Understood({ query, behind }) {
	const from = (query.from_any ?? []).map((/** @type {string} */ id) => nameOf(personOf(id).peek()));
	return html`${query.said && html`<p class="note warn-note">${t(`search.not.${query.said.code}`, { about: query.said.about })}</p>`}
		${from.length > 1 && html`<p class="note">${t('search.from', { names: listOf(from) })}</p>`}
		${behind > 0 && html`<p class="note">${t('search.behind', { n: behind })}</p>`}`;
}

/** @param {{ found: any, count: number, hasMore: boolean }} props */
function Count({ found, count, hasMore }) {
	const said = [
		found.people.length > 0 && t('search.nPeople', { n: found.people.length }),
		found.tags.length > 0 && t('search.nTags', { n: found.tags.length }),
		t(hasMore ? 'search.nPostsMore' : 'search.nPosts', { n: count }),
	];
	return html`<p class="sr" role="status">${said.filter(Boolean).join(', ')}</p>`;
}

/** @param {{ list: List, again: any }} props */
function Found({ list, again }) {
	const at = useValue(list.at);
	const { found = { people: [], tags: [], go: null }, query = {}, behind = 0 } = list.answer ?? {};
	const count = list.ids().length;
	const nothing = count === 0 && found.people.length === 0 && found.tags.length === 0 && !found.go;
	useEffect(() => {
		marker.value = markerOf(query.words ?? []);
		return () => {
			marker.value = null;
		};
	}, [list.answer]);
	if (at.error && !list.answer) {
		return html`<${Problem} error=${at.error} onRetry=${() => list.top()} />`;
	}
	return html`<${Count} found=${found} count=${count} hasMore=${Boolean(at.pages[0]?.end)} />
		<${Understood} query=${query} behind=${behind} />
		${found.go && html`<p class="go"><a class="button strong" href=${found.go}>${t(`search.go.${found.go[1]}`)}</a></p>`}
		${found.people.length > 0 && html`<section class="hits"><h2>${t('search.people')}</h2><${PersonList} ids=${found.people} /></section>`}
		${found.tags.length > 0 && html`<section class="hits"><h2>${t('search.tags')}</h2><${Tags} tags=${found.tags} label=${t('search.tags')} /></section>`}
		${nothing
			? html`<${Empty} said=${t('search.empty')} then=${t('search.emptyDo')} />`
			: count > 0 && html`<section class="hits"><h2>${t('search.posts')}</h2>
				<${PostList} key=${list.path} path=${list.path} list=${list} label=${t('search.posts')} end=${t('search.end')} again=${again} empty=${null} /></section>`}`;
}

/** @param {string} text what was typed, or stands in the address @param {boolean} isPrivate */
function listFor(text, isPrivate) {
	const list = listAt(place.peek().key, pathFor(text, isPrivate), place.peek().moved === 'back');
	if (!list.at.peek().isLoaded) {
		list.top();
	}
	return list;
}

/** @param {{ query: URLSearchParams }} props */
export default function Search({ query }) {
	const isPrivate = query.get('show') === 'private';
	const asked = (isPrivate ? remembered.get(place.peek().key) : query.get('q')) ?? '';
	const [typed, setTyped] = useState(asked);
	const [shown, setShown] = useState(() => (asked.trim() ? listFor(asked.trim(), isPrivate) : null));
	const [isBusy, setBusy] = useState(false);
	const again = useValue(refresh);
	const field = useRef(/** @type {any} */ (null));
	const last = useRef({ n: 0, text: asked.trim(), timer: 0 });

	/** Ask; of several questions under way only the last one's answer is shown. @param {string} text */
	const ask = async (text) => {
		const mine = ++last.current.n;
		clearTimeout(last.current.timer);
		last.current.text = text;
		if (isPrivate) {
			remembered.set(place.peek().key, text);
		}
		if (!text) {
			setShown(null);
			setBusy(false);
			isPrivate || go('/search', { replace: true });
			return null;
		}
		const list = new List(pathFor(text, isPrivate));
		setBusy(true);
		await list.top();
		if (mine !== last.current.n) {
			return null;
		}
		setBusy(false);
		setShown(list);
		putList(place.peek().key, list);
		isPrivate || go(`/search?q=${param(text)}`, { replace: true });
		return list;
	};
	/** @param {string} text */
	const type = (text) => {
		setTyped(text);
		clearTimeout(last.current.timer);
		if (text.trim() !== last.current.text) {
			last.current.timer = setTimeout(() => ask(text.trim()), TYPING_MS);
		}
	};
	/** @param {string} text */
	const pick = (text) => {
		type(text);
		field.current?.focus();
	};
	/** @param {Event} event */
	const submit = async (event) => {
		event.preventDefault();
		const text = typed.trim();
		const list = text === last.current.text && !isBusy ? shown : await ask(text);
		if (list?.answer?.found?.go) {
			go(list.answer.found.go);
		}
	};
	/** @param {KeyboardEvent} event */
	const onKey = (event) => {
		if (event.key === 'ArrowDown') {
			event.preventDefault();
			/** @type {HTMLElement | null} */ (document.querySelector('.results a[href]:not([tabindex="-1"]), .results button, .results article'))?.focus();
		} else if (event.key === 'Escape') {
			event.preventDefault();
			if (typed) {
				type('');
			} else {
				field.current?.blur();
			}
		}
	};

	useEffect(() => {
		if (place.peek().moved !== 'back') {
			field.current?.focus();
		}
		return () => clearTimeout(last.current.timer);
	}, []);
	/* Another question in the address: a link, or "/" pressed again. */
	useEffect(() => {
		if (!isPrivate && asked.trim() !== last.current.text && place.peek().path === '/search' && was.current === isPrivate) {
			setTyped(asked);
			last.current.text = asked.trim();
			last.current.n++;
			setShown(asked.trim() ? listFor(asked.trim(), isPrivate) : null);
			field.current?.focus();
		}
	}, [asked]);
	/* Another of the two: what was asked in public is asked again; what was asked in private stays there. */
	const was = useRef(isPrivate);
	useEffect(() => {
		if (was.current !== isPrivate) {
			was.current = isPrivate;
			const text = isPrivate ? typed.trim() : asked.trim();
			setTyped(text);
			setShown(null);
			ask(text);
			field.current?.focus();
		}
	}, [isPrivate]);

	const tabs = [{ id: 'public', href: '/search', said: t('search.public') }, { id: 'private', href: '/search?show=private', said: t('nav.private') }];
	let body = isPrivate ? html`<${StartPrivate} />` : html`<${Start} onPick=${pick} />`;
	if (shown) {
		body = html`<${Loaded} list=${shown} again=${again} />`;
	} else if (typed.trim()) {
		body = html`<${Bones} />`;
	}
	return html`<${Page} title=${t('search.title')}>
		<form class=${isPrivate ? 'search-box violet' : 'search-box'} role="search" onSubmit=${submit}>
			<${Icon} name="search" />
			<input ref=${field} type="search" enterkeyhint="search" autocomplete="off" autocapitalize="none" spellcheck=${false} maxlength="256" dir="auto" aria-label=${t(isPrivate ? 'private.search' : 'search.label')}
				placeholder=${t(isPrivate ? 'private.search' : 'search.place')} value=${typed} onInput=${(/** @type {any} */ e) => type(e.target.value)} onKeyDown=${onKey} />
			${typed && html`<${IconButton} icon="close" label=${t('search.clear')} onClick=${() => pick('')} />`}
		</form>
		<div class=${isPrivate ? 'tab-bar violet' : 'tab-bar'}><${Tabs} label=${t('search.where')} at=${isPrivate ? 'private' : 'public'} tabs=${tabs} /></div>
		<div class=${isPrivate ? 'results violet' : 'results'} aria-busy=${isBusy}>${body}</div>
	<//>`;
}

/** Nothing is drawn of a list that has not come yet but bones. @param {{ list: List, again: any }} props */
function Loaded({ list, again }) {
	const at = useValue(list.at);
	return at.isLoaded || at.error ? html`<${Found} list=${list} again=${again} />` : html`<${Bones} />`;
}
