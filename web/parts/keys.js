/**
 * parts/keys: single-key shortcuts. One table drives the handler and the help sheet; never in fields, and off in settings when wanted.
 */
import '../lib/lang/en-more.js';
import { html } from '../lib/html.js';
import { memory } from '../lib/api.js';
import { personPath, t } from '../lib/text.js';
import { me } from '../lib/state.js';
import { back, go, place } from '../lib/router.js';
import { wantsFocus } from './composer.js';
import { show } from './dialog.js';

/** @returns {HTMLElement[]} */
const articles = () => [...document.querySelectorAll('main article')].filter((one) => one instanceof HTMLElement);
const current = () => /** @type {HTMLElement | null} */ (document.activeElement?.closest('main article'));

/** @param {1 | -1} by */
function move(by) {
	const all = articles();
	const here = current();
	let to = here ? all.indexOf(here) + by : all.findIndex((one) => one.getBoundingClientRect().top >= 60);
	to = Math.max(0, Math.min(all.length - 1, to));
	if (all[to]) {
		all[to].focus({ preventScroll: true });
		all[to].scrollIntoView({ block: 'nearest' });
	}
}

function write() {
	if (place.peek().path !== '/') {
		go('/');
	}
	setTimeout(() => wantsFocus.value++, 30);
}

/** Press a button of the post that has the focus, or of the one that was opened. @param {string} selector */
const press = (selector) => /** @type {HTMLElement | null} */ ((current() ?? document.querySelector('main article.opened'))?.querySelector(selector))?.click();

/** Pictures of that post: shown when one is shut, else shut. */
function togglePictures() {
	const groups = [...((current() ?? document.querySelector('main article.opened'))?.querySelectorAll('.pictures') ?? [])];
	const detail = groups.some((one) => one.querySelector('[data-act=show]'));
	groups.forEach((one) => one.dispatchEvent(new CustomEvent('pictures', { detail })));
}

/** The field of the search screen, which may have to come first. */
function search() {
	go('/search');
	setTimeout(() => /** @type {HTMLElement | null} */ (document.querySelector('main input'))?.focus(), 100);
}

/** @typedef {{ keys: string[], help: string, run?: () => void }} Row `run` is absent where something else listens */
/** Everything there is, in the order of the help sheet. Two letters follow each other. @type {[string, Row[]][]} */
const TABLE = [
	['keys.posts', [
		{ keys: ['j'], help: 'keys.j', run: () => move(1) },
		{ keys: ['k'], help: 'keys.k', run: () => move(-1) },
		{ keys: ['o', 'Enter'], help: 'keys.o', run: () => press('header a.time, [data-act=about]') },
		{ keys: ['r'], help: 'keys.r', run: () => press('[data-act=reply]') },
		{ keys: ['l'], help: 'keys.l', run: () => press('[data-act=like]') },
		{ keys: ['b'], help: 'keys.b', run: () => press('[data-act=keep]') },
		{ keys: ['x'], help: 'keys.x', run: () => press('[data-act=warning]') },
		{ keys: ['e'], help: 'keys.e', run: togglePictures },
		{ keys: ['p'], help: 'keys.p', run: () => press('header a.name') },
		{ keys: ['.'], help: 'keys.dot', run: () => /** @type {HTMLElement | null} */ (document.querySelector('[data-act=fresh]'))?.click() },
	]],
	['keys.everywhere', [
		{ keys: ['n'], help: 'keys.n', run: write },
		{ keys: ['u'], help: 'keys.u', run: () => /** @type {HTMLElement | null} */ (document.querySelector('[data-act=undo]'))?.click() },
		{ keys: ['/'], help: 'keys.search', run: search },
		{ keys: ['Ctrl Enter'], help: 'keys.ctrlEnter' },
		{ keys: ['Esc'], help: 'keys.esc' },
		{ keys: ['?'], help: 'keys.help', run: () => showKeys() },
	]],
	['keys.go', [
		{ keys: ['g h'], help: 'nav.home', run: () => go('/') },
		{ keys: ['g a'], help: 'nav.activity', run: () => go('/activity') },
		{ keys: ['g m'], help: 'nav.private', run: () => go('/private') },
		{ keys: ['g e'], help: 'nav.people', run: () => go('/people') },
		{ keys: ['g b'], help: 'nav.bookmarks', run: () => go('/bookmarks') },
		{ keys: ['g d'], help: 'nav.drafts', run: () => go('/drafts') },
		{ keys: ['g p'], help: 'nav.profile', run: () => go(personPath(me.peek())) },
		{ keys: ['g n'], help: 'nav.network', run: () => go('/network') },
		{ keys: ['g s'], help: 'nav.settings', run: () => go('/settings') },
	]],
];
const ROWS = TABLE.flatMap(([, rows]) => rows);
const SECOND_MS = 1500;
/** The first of two keys, and until when the second counts. */
let first = { key: '', until: 0 };

/** @param {KeyboardEvent} event */
export function onKey(event) {
	const target = /** @type {HTMLElement} */ (event.target);
	if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector('dialog[open]')) {
		return;
	}
	if (target.closest('input, textarea, select, [contenteditable], [role=menu]')) {
		return;
	}
	if (event.key === 'Escape') {
		if (place.peek().path !== '/') {
			back();
		}
		return;
	}
	if (memory.get('keys') === 'off' || (event.key === 'Enter' && !target.matches('article'))) {
		return;
	}
	const key = Date.now() < first.until ? `${first.key} ${event.key}` : event.key;
	first = { key: '', until: 0 };
	const row = ROWS.find((one) => one.run && one.keys.includes(key));
	if (row?.run) {
		event.preventDefault();
		row.run();
	} else if (ROWS.some((one) => one.keys[0].startsWith(`${key} `) && one.run)) {
		first = { key, until: Date.now() + SECOND_MS };
	}
}

/** "g h" is two keys after each other, "Ctrl Enter" two at once. @param {string} keys */
const drawn = (keys) => keys.split(' ').map((key, i) => html`${i > 0 && (keys.startsWith('g ') ? ` ${t('keys.then')} ` : ' ')}<kbd key=${key}>${key}</kbd>`);

/** @param {Row} row */
const drawRow = (row) => html`<div key=${row.help}><dt>${row.keys.map((keys, i) => html`${i > 0 && ', '}${drawn(keys)}`)}</dt><dd>${t(row.help)}</dd></div>`;

export function showKeys() {
	return show((close) => html`<h2 id="dialog-title">${t('keys.title')}</h2>
		${memory.get('keys') === 'off' && html`<p class="note">${t('keys.off')}</p>`}
		<div class="key-groups">${TABLE.map(([title, rows]) => html`<section key=${title}><h3>${t(title)}</h3><dl class="keys">${rows.map(drawRow)}</dl></section>`)}</div>
		<div class="dialog-actions"><button type="button" class="button" onClick=${close}>${t('keys.close')}</button></div>`);
}
