/**
 * main: opens the door, takes in the first answer, draws the screen that belongs to the address line, and keeps it alive.
 */
import { html, render, useEffect, useState, useValue } from './lib/html.js';
import { ApiError, boot, door, memory } from './lib/api.js';
import { base, within } from './lib/base.js';
import { t } from './lib/text.js';
import { failure, feeds, forgetLetters, head, isPaused, isStarting, marks, me, now, peers, phase, sent, setMay, setSync, spoken, status, take, unread } from './lib/state.js';
import { go, place } from './lib/router.js';
import { sheet } from './lib/sheet.js';
import * as outbox from './lib/outbox.js';
import * as writing from './lib/writing.js';
import { Bones, Empty, Problem } from './parts/bits.js';
import { Page, Shell, readyBanners } from './parts/shell.js';
import Home from './views/home.js';

/** A screen and its sheet. @param {string} name @param {Promise<any>} view */
const styled = (name, view) => Promise.all([view, sheet(name)]).then(([module]) => module);

/** Path, and the screen that belongs to it; all but Home come when they are needed. @type {[RegExp, () => Promise<any>][]} */
const SCREENS = [
	[/^\/m\/([A-Za-z0-9_-]{43})$/, () => import('./views/thread.js')],
	[/^\/m\/([A-Za-z0-9_-]{43})\/raw$/, () => import('./views/raw.js')],
	[/^\/p\/([A-Za-z0-9_-]{43})$/, () => import('./views/profile.js')],
	[/^\/tag\/([^/]+)$/, () => import('./views/tag.js')],
	[/^\/search$/, () => import('./views/search.js')],
	[/^\/bookmarks$/, () => import('./views/bookmarks.js')],
	[/^\/private$/, () => styled('private', import('./views/private.js'))],
	[/^\/private\/([A-Za-z0-9_-]{43})$/, () => styled('private', import('./views/letters.js'))],
	[/^\/activity$/, () => import('./views/activity.js')],
	[/^\/write$/, () => import('./views/write.js')],
	[/^\/drafts$/, () => import('./views/drafts.js')],
	[/^\/people$/, () => import('./views/people.js')],
	[/^\/network$/, () => import('./views/network.js')],
	[/^\/settings(?:\/(profile|appearance|privacy|devices|storage|network|about))?$/, () => styled('door', import('./views/settings.js'))],
	[/^\/settings\/safety$/, () => import('./views/safety.js')],
	[/^\/recovery$/, () => import('./views/recovery.js')],
];
/** A node that did not answer at all is asked again by itself. */
const AGAIN_MS = 5000;
/** Screens that have arrived. @type {Map<RegExp, any>} */
const arrived = new Map();

/** @param {() => Promise<any>} load @param {RegExp} key */
function useScreen(load, key) {
	const [, redraw] = useState(0);
	const [error, setError] = useState(/** @type {any} */ (null));
	const fetchIt = () => {
		setError(null);
		load().then(
			(module) => {
				arrived.set(key, module.default);
				redraw((n) => n + 1);
			},
			() => setError(new ApiError(0, { code: 'offline', said: t('error.offline') })),
		);
	};
	useEffect(() => {
		if (!arrived.has(key)) {
			fetchIt();
		}
	}, [key]);
	return { Screen: arrived.get(key), error, fetchIt };
}

/** @param {{ pattern: RegExp, load: () => Promise<any>, path: string, query: URLSearchParams }} props */
function Later({ pattern, load, path, query }) {
	const { Screen, error, fetchIt } = useScreen(load, pattern);
	if (error) {
		return html`<${Problem} error=${error} onRetry=${fetchIt} />`;
	}
	if (!Screen) {
		return html`<${Bones} />`;
	}
	return html`<${Screen} key=${path} args=${pattern.exec(path)?.slice(1) ?? []} query=${query} />`;
}

const WELCOME = /^\/welcome$/;

/** Door, lock and welcome are what most visits never need. @param {{ name: 'Door' | 'Starting' | 'Locked' | 'default', isDoor?: boolean, props?: any }} what */
function FirstRun({ name, isDoor = false, props = {} }) {
	const [module, setModule] = useState(/** @type {any} */ (null));
	useEffect(() => {
		(isDoor ? styled('door', import('./views/door.js')) : import('./views/welcome.js')).then(setModule, () => {});
	}, []);
	const Part = module?.[name];
	return Part ? html`<${Part} ...${props} />` : null;
}

function Screen() {
	const at = useValue(place);
	if (WELCOME.test(at.path)) {
		return html`<${FirstRun} name="default" />`;
	}
	const found = SCREENS.find(([pattern]) => pattern.test(at.path));
	let body;
	if (at.path === '/') {
		body = html`<${Home} query=${at.query} />`;
	} else if (found) {
		body = html`<${Later} key=${String(found[0])} pattern=${found[0]} load=${found[1]} path=${at.path} query=${at.query} />`;
	} else {
		body = html`<${Page} title="kith"><${Empty} said=${t('error.page')}><p><a href="/">${t('error.pageDo')}</a></p><//><//>`;
	}
	return html`<${Shell} at=${at.path}>${body}<//>`;
}

function App() {
	const is = useValue(phase);
	const error = useValue(failure);
	const tongue = useValue(spoken);
	const why = useValue(sent);
	const onOpen = () => start(undefined);
	switch (is) {
	case 'door':
		return html`<${FirstRun} key="door" name="Door" isDoor props=${{ error, sent: why, onOpen }} />`;
	case 'starting':
		return html`<${FirstRun} key="starting" name="Starting" isDoor props=${{ error, onOpen: open }} />`;
	case 'locked':
		return html`<${FirstRun} key="locked" name="Locked" props=${{ onOpen }} />`;
	case 'failed':
		return html`<main class="welcome" id="page"><p class="brand">kith</p><h1 class="sr">kith</h1><${Problem} error=${error} onRetry=${onOpen} /></main>`;
	case 'open':
		return html`<${Screen} key=${tongue} />`;
	default:
		return html`<main class="welcome" id="page"><${Bones} /></main>`;
	}
}

/** @param {Promise<Response> | undefined} early what boot.js already asked for */
async function start(early) {
	try {
		const answer = await boot(early);
		const ids = take(answer);
		take({ people: [answer.me] });
		me.value = answer.me.id;
		head.value = answer.head?.sequence ?? 0;
		status.value = answer.status;
		setMay(memory.get('may'));
		await readyBanners(answer.status);
		peers.value = answer.peers;
		unread.value = answer.unread ?? unread.peek();
		setSync(answer.status.sync.phase, answer.status.sync.behind);
		feeds.home.value = { ids, cursor: answer.cursor, newest: answer.newest, loaded: true };
		marks.value = answer.marks ?? {};
		if (!answer.head && !memory.get('welcomed') && place.peek().path === '/') {
			/* A key that was brought along has no name to ask for; its feed is somewhere. */
			memory.set('welcomed', isPaused(answer.status) ? 'yes' : null);
			go(isPaused(answer.status) ? '/recovery' : '/welcome', { replace: true });
		}
		outbox.set(answer.outbox);
		writing.start(answer.writing);
		failure.value = null;
		sent.value = '';
		phase.value = 'open';
		const live = await import('./lib/live.js');
		live.start(answer.head);
	} catch (error) {
		const status = error instanceof ApiError ? error.status : 0;
		failure.value = status === 401 ? null : error;
		phase.value = status === 401 ? 'door' : status === 423 ? 'locked' : /** @type {any} */ (error).code === 'starting' ? 'starting' : 'failed';
		if (status === 0) {
			setTimeout(() => phase.peek() === 'failed' && start(undefined), AGAIN_MS);
		}
	}
}

/** Of a printed link, or of a device that is being added. */
const CODE = /^#([0-9A-Za-z_-]{16,64}|[A-Z2-9]{4}-[A-Z2-9]{4})$/;

/** The code from a link is used once and leaves the address line at once. */
async function open() {
	const code = CODE.exec(location.hash)?.[1];
	if (code) {
		history.replaceState(history.state, '', location.pathname);
		try {
			const { enter } = await import('./views/door.js');
			await enter({ code });
		} catch (/** @type {any} */ error) {
			const isEarly = error.code === 'starting';
			if (isEarly) {
				history.replaceState(history.state, '', `#${code}`);
			}
			if (isEarly || !memory.get('token')) {
				failure.value = error;
				phase.value = isEarly ? 'starting' : 'door';
				return;
			}
		}
	}
	const early = /** @type {any} */ (window).kithBoot;
	/** @type {any} */ (window).kithBoot = undefined;
	await start(code ? undefined : early);
}

/* The printed link, opened in a tab that is here already. */
addEventListener('hashchange', () => {
	if (CODE.test(location.hash)) {
		open();
	}
});

/** What is private does not stay in a page that may not show it. */
function forget() {
	document.querySelectorAll('dialog').forEach((dialog) => dialog.close());
	forgetLetters();
	writing.forgetPrivate();
}

door.on423 = () => {
	if (phase.peek() === 'open') {
		forget();
		phase.value = 'locked';
	}
};

/* `why`: see views/door. */
door.on401 = (why = 'over') => {
	if (phase.peek() === 'open') {
		const isUnsaved = writing.forgetSaved();
		forget();
		memory.set('token', null);
		failure.value = null;
		sent.value = isUnsaved ? `${why}+` : why;
		phase.value = 'door';
		import('./lib/live.js').then((live) => live.stop(), () => {});
	}
};

door.onReadOnly = () => setMay('read');
door.onStarting = () => {
	isStarting.value = true;
};

/** Ordinary links, followed without a new page. @param {MouseEvent} event */
function followLink(event) {
	const link = /** @type {HTMLElement} */ (event.target).closest('a');
	if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || link.target || link.download) {
		return;
	}
	if (link.origin !== location.origin || !link.pathname.startsWith(`${base}/`) || link.getAttribute('href')?.startsWith('#')) {
		return;
	}
	event.preventDefault();
	go(within(link.pathname) + link.search + link.hash, { replace: 'replace' in link.dataset });
}
document.addEventListener('click', followLink);

/** Shortcuts are a module of their own, fetched at the first key. @type {typeof import('./parts/keys.js') | null} */
let keys = null;
document.addEventListener('keydown', (event) => {
	if (phase.peek() !== 'open') {
		return;
	}
	if (keys) {
		keys.onKey(event);
	} else if (!(event.target instanceof HTMLElement && event.target.closest('input, textarea, dialog'))) {
		import('./parts/keys.js').then((module) => {
			keys = module;
			module.onKey(event);
		}, () => {});
	}
});

setInterval(() => {
	now.value = Date.now();
}, 30000);

const draw = () => render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById('app')));
/* boot.js chose the language. */
const chosen = document.documentElement.lang;
if (chosen === 'en') {
	draw();
} else {
	import('./lib/languages.js').then((languages) => languages.choose(chosen)).then(draw, draw);
}
open();
