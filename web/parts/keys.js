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

/** Press a button of the post that has the focus. @param {string} selector */
const press = (selector) => /** @type {HTMLElement | null} */ (current()?.querySelector(selector))?.click();

/** @type {{ keys: string[], help: string, run: () => void }[]} */
const TABLE = [
	{ keys: ['j'], help: 'keys.j', run: () => move(1) },
	{ keys: ['k'], help: 'keys.k', run: () => move(-1) },
	{ keys: ['o', 'Enter'], help: 'keys.o', run: () => press('header a.time') },
	{ keys: ['r'], help: 'keys.r', run: () => press('[data-act=reply]') },
	{ keys: ['l'], help: 'keys.l', run: () => press('[data-act=like]') },
	{ keys: ['x'], help: 'keys.x', run: () => press('[data-act=warning]') },
	{ keys: ['p'], help: 'keys.p', run: () => press('header a.name') },
	{
		keys: ['n'],
		help: 'keys.n',
		run: () => {
			if (place.peek().path !== '/') {
				go('/');
			}
			setTimeout(() => wantsFocus.value++, 30);
		},
	},
	{ keys: ['.'], help: 'keys.dot', run: () => /** @type {HTMLElement | null} */ (document.querySelector('[data-act=fresh]'))?.click() },
	{ keys: ['?'], help: 'keys.help', run: () => showKeys() },
];

/** @type {Record<string, () => string>} */
const PLACES = { h: () => '/', e: () => '/people', p: () => personPath(me.peek()), n: () => '/network', s: () => '/settings' };
let goUntil = 0;

/** @param {KeyboardEvent} event */
export function onKey(event) {
	const target = /** @type {HTMLElement} */ (event.target);
	if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector('dialog[open]')) {
		return;
	}
	if (target.closest('input, textarea, select, [role=menu]')) {
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
	if (Date.now() < goUntil && event.key in PLACES) {
		goUntil = 0;
		event.preventDefault();
		go(PLACES[event.key]());
		return;
	}
	if (event.key === 'g') {
		goUntil = Date.now() + 1500;
		return;
	}
	const row = TABLE.find((one) => one.keys.includes(event.key));
	if (row) {
		event.preventDefault();
		row.run();
	}
}

export function showKeys() {
	const rows = [...TABLE.map((row) => [row.keys.join(', '), row.help]), ['g', 'keys.g'], ['Ctrl Enter', 'keys.ctrlEnter'], ['Esc', 'keys.esc']];
	return show((close) => html`<h2 id="dialog-title">${t('keys.title')}</h2>
		<dl class="keys">${rows.map(([keys, help]) => html`<div key=${help}><dt><kbd>${keys}</kbd></dt><dd>${t(help)}</dd></div>`)}</dl>
		<div class="dialog-actions"><button type="button" class="button" onClick=${close}>${t('keys.close')}</button></div>`);
}
