/**
 * parts/bits: the small things every screen uses: icons, the faces of a list (waiting, empty, error), dots, menus, tabs, times.
 */
import { html, useEffect, useRef, useState, useValue } from '../lib/html.js';
import { saidOf } from '../lib/api.js';
import { t } from '../lib/text.js';
import { ago, full } from '../lib/time.js';
import { now } from '../lib/state.js';

/** 24 × 24, drawn with a line. @type {Record<string, string>} */
const ICONS = {
	home: 'M4 11.5 12 4.5l8 7V19a1 1 0 0 1-1 1h-4.5v-6h-5v6H5a1 1 0 0 1-1-1z',
	at: 'M12 15.800a3.8 3.8 0 1 0 0-7.6 3.8 3.8 0 0 0 0 7.600zM15.800 8.200v5.300a2.6 2.6 0 0 0 5.200 0V12a9 9 0 1 0-3.500 7.100',
	bell: 'M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 2h-15zM10 20.500h4',
	search: 'M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.300 15.300 20.500 20.500',
	bookmark: 'M6.500 4h11v16.500L12 16.300l-5.500 4.200z',
	draft: 'M6 3.500h8l4.500 4.500v12.500H6zM13.500 3.800v4.700h4.700M9 13h6.500M9 16.500h4.500',
	people: 'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20v-1.5a4 4 0 0 1 4-4h5a4 4 0 0 1 4 4V20M16 4.800a3.5 3.5 0 0 1 0 6.400M18 14.700a4 4 0 0 1 3.5 3.800V20',
	network: 'M12 8.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM5.5 20.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM18.5 20.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM10.9 8.3 6.6 15.800M13.1 8.300l4.3 7.5M8 18h8',
	settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 9.200a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.400zM9 19.200a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.400z',
	person: 'M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5v-1a5 5 0 0 1 5-5h5a5 5 0 0 1 5 5v1',
	reply: 'M4 5.5h16v11h-9.5L6 20.5v-4H4z',
	heart: 'M12 20.300C5.6 15.7 3.3 12.6 3.3 9.300a4.6 4.6 0 0 1 8.7-2.1 4.6 4.6 0 0 1 8.7 2.100c0 3.3-2.3 6.4-8.7 11z',
	more: 'M5.5 12h.01M12 12h.01M18.5 12h.01',
	back: 'M20 12H4.5M11 5l-7 7 7 7',
	pen: 'M4 20l1.2-4.800L16.3 4.100a1.5 1.5 0 0 1 2.1 0l1.5 1.5a1.5 1.5 0 0 1 0 2.100L8.8 18.800zM14 6.400l3.6 3.6',
	eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 14.800a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.600z',
	warn: 'M12 4 2.8 20h18.400zM12 10v4.5M12 17.200h.01',
	check: 'M5 12.5l4.5 4.5L19 7.5',
	close: 'M6 6l12 12M18 6L6 18',
	bin: 'M4.500 6.500h15M9.500 6.500v-2h5v2M6.500 6.500l1 13h9l1-13M10 10.500v5.500M14 10.500v5.500',
	expand: 'M14 4.500h5.500V10M10 19.500H4.500V14M19 5l-6 6M5 19l6-6',
	up: 'M12 20V5M5.5 11.5 12 5l6.5 6.5',
	gap: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2',
	picture: 'M4 5h16v14H4zM4 16l4.5-4.5 3.5 3.5 3-3 5 5M15.5 9.5h.01',
	safe: 'M12 3.5l7.5 3v5c0 4.500-3 7.700-7.5 9-4.500-1.300-7.500-4.500-7.500-9v-5zM8.800 12l2.200 2.200 4.200-4.400',
	lock: 'M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3',
	device: 'M4 5h16v10.500H4zM8.500 19.500h7M12 15.500v4',
	disk: 'M4 7c0-2 3.500-3 8-3s8 1 8 3-3.500 3-8 3-8-1-8-3zM4 7v10c0 2 3.500 3 8 3s8-1 8-3V7M4 12c0 2 3.500 3 8 3s8-1 8-3',
	info: 'M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 11v5.500M12 7.500h.01',
	file: 'M6 3.500h8l4.500 4.500v12.500H6zM13.500 3.800v4.700h4.700',
	sound: 'M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM15.500 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11',
	film: 'M4 5h16v14H4zM10 9v6l5-3z',
	plus: 'M12 5v14M5 12h14',
	less: 'M5 12h14',
	down: 'M12 4v11M6.500 10l5.500 5.500 5.500-5.500M5 20h14',
	node: 'M4 5h16v6H4zM4 13h16v6H4zM7.5 8h.01M7.5 16h.01',
};

/** @param {{ name: string, full?: boolean }} props */
export function Icon({ name, full: isFull = false }) {
	return html`<svg class=${`icon icon-${name}${isFull ? ' full' : ''}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${ICONS[name]} /></svg>`;
}

/** A button that is only an icon. @param {{ icon: string, label: string, full?: boolean, [rest: string]: any }} props */
export function IconButton({ icon, label, full: isFull, children, ...rest }) {
	return html`<button type="button" class="icon-button" aria-label=${label} title=${label} ...${rest}>
		<${Icon} name=${icon} full=${isFull} />${children}
	</button>`;
}

/**
 * What the node answers, asked again whenever one of `when` changes. A failure leaves the last answer.
 * @param {() => Promise<any>} ask @param {any[]} when
 * @returns {[any, any, () => Promise<void>, (answer: any) => void]} answer, error, ask now, put another answer in its place
 */
export function useAnswer(ask, when) {
	const [answer, setAnswer] = useState(/** @type {any} */ (null));
	const [error, setError] = useState(/** @type {any} */ (null));
	/* Of two questions under way only the later one's answer counts. */
	const last = useRef(0);
	const load = async () => {
		const mine = ++last.current;
		const [got, problem] = await ask().then((it) => [it, null], (it) => [null, it]);
		if (mine === last.current) {
			setError(problem);
			setAnswer((/** @type {any} */ old) => (problem ? old : got));
		}
	};
	useEffect(() => {
		load();
	}, when);
	return [answer, error, load, setAnswer];
}

/** Doing something that may fail, once at a time: its error in words, and whether it runs. */
export function useAct() {
	const [error, setError] = useState('');
	const [isBusy, setBusy] = useState(false);
	const act = async (/** @type {() => Promise<any>} */ what, /** @type {(problem: any) => string} */ told = saidOf) => {
		if (isBusy) {
			return;
		}
		setBusy(true);
		setError('');
		try {
			await what();
		} catch (problem) {
			setError(told(problem));
		}
		setBusy(false);
	};
	return { act, isBusy, error, setError };
}

/** Grey bones, and only after 150 ms: a fast answer should not flash. @param {{ rows?: number }} props */
export function Bones({ rows = 4 }) {
	const [isDue, setDue] = useState(false);
	useEffect(() => {
		const timer = setTimeout(() => setDue(true), 150);
		return () => clearTimeout(timer);
	}, []);
	if (!isDue) {
		return html`<div class="bones-before"></div>`;
	}
	return html`<div class="bones" role="status" aria-label=${t('wait.label')}>
		${Array.from({ length: rows }, (_, i) => html`<div class="bone" key=${i}><i></i><b></b><b></b><b></b></div>`)}
	</div>`;
}

/** A part of a page under its own title. @param {{ id: string, title: any, children?: any }} props */
export function Sheet({ id, title, children }) {
	return html`<section class="sheet" id=${id} aria-labelledby=${`${id}-title`}><h2 id=${`${id}-title`}>${title}</h2>${children}</section>`;
}

/** Nothing there: a sentence and something to do. @param {{ said: string, then?: string, children?: any }} props */
export function Empty({ said, then, children }) {
	return html`<div class="empty"><p class="empty-said">${said}</p>${then && html`<p>${then}</p>`}${children}</div>`;
}

/** What happened, was anything lost, what to do. @param {{ error: any, onRetry?: () => void, kept?: string }} props */
export function Problem({ error, onRetry, kept = '' }) {
	const said = error?.said ?? t('error.broken');
	return html`<div class="problem" role="alert">
		<${Icon} name="warn" />
		<div>
			<p>${said}</p>
			<p>${error?.lost ? t('error.lost') : kept || t('error.notLost')}</p>
			${onRetry && html`<button type="button" class="button" onClick=${onRetry}>${t('error.again')}</button>`}
		</div>
	</div>`;
}

/** Full: connected; dotted: looking; ring: away. Always beside words. @param {{ state: string }} props */
export function Dot({ state }) {
	return html`<span class=${`dot dot-${state}`} aria-hidden="true"></span>`;
}

/** @param {{ at: number, href?: string }} props */
export function Time({ at, href }) {
	const here = useValue(now);
	const tell = (/** @type {any} */ event) => {
		event.currentTarget.title = full(at);
	};
	const clock = html`<time datetime=${new Date(at).toISOString()} onPointerEnter=${tell}>${ago(at, here)}</time>`;
	return href ? html`<a class="time" href=${href}>${clock}</a>` : html`<span class="time">${clock}</span>`;
}

/** Links that look like a switch. @param {{ label: string, at: string, tabs: { id: string, href: string, said: string }[] }} props */
export function Tabs({ label, at, tabs }) {
	return html`<nav class="tabs" aria-label=${label}>
		${tabs.map((tab) => html`<a key=${tab.id} href=${tab.href} data-replace aria-current=${tab.id === at ? 'page' : undefined}>${tab.said}</a>`)}
	</nav>`;
}

/** @param {HTMLElement} menu @param {HTMLElement} button */
function placeMenu(menu, button) {
	const at = button.getBoundingClientRect();
	const isLow = at.bottom + menu.offsetHeight + 8 > innerHeight;
	const isRtl = getComputedStyle(button).direction === 'rtl';
	const left = isRtl ? at.left : at.right - menu.offsetWidth;
	menu.style.top = `${isLow ? Math.max(8, at.top - menu.offsetHeight - 4) : at.bottom + 4}px`;
	menu.style.left = `${Math.max(8, Math.min(left, innerWidth - menu.offsetWidth - 8))}px`;
}

/** @param {KeyboardEvent} event */
function menuKeys(event) {
	const menu = /** @type {HTMLElement} */ (event.currentTarget);
	const items = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll('[role=menuitem]')]);
	const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
	/** @type {Record<string, number>} */
	const to = { ArrowDown: (at + 1) % items.length, ArrowUp: (at + items.length - 1) % items.length, Home: 0, End: items.length - 1 };
	if (event.key in to) {
		event.preventDefault();
		items[to[event.key]].focus();
	} else if (event.key === 'Tab') {
		menu.hidePopover();
	}
}

/** @typedef {{ said: string, href?: string, onPick?: () => void, danger?: boolean }} MenuItem */
/** A button with a list of things to do: three dots, or what stands between the tags. @param {{ label: string, items: MenuItem[], class?: string, children?: any }} props */
export function Menu({ label, items, class: kind = 'icon-button', children }) {
	const menu = useRef(/** @type {HTMLElement | null} */ (null));
	const button = useRef(/** @type {HTMLElement | null} */ (null));
	const [isOpen, setOpen] = useState(false);
	const open = () => {
		setOpen(true);
	};
	useEffect(() => {
		const list = menu.current;
		if (!isOpen || !list || !button.current) {
			return undefined;
		}
		const toggled = (/** @type {any} */ event) => {
			if (event.newState === 'closed') {
				const hadFocus = list.contains(document.activeElement) || document.activeElement === document.body;
				setOpen(false);
				if (hadFocus) {
					button.current?.focus();
				}
			}
		};
		list.addEventListener('toggle', toggled);
		list.showPopover();
		placeMenu(list, button.current);
		/** @type {HTMLElement | null} */ (list.querySelector('[role=menuitem]'))?.focus();
		return () => list.removeEventListener('toggle', toggled);
	}, [isOpen]);
	const pick = (/** @type {MenuItem} */ item) => () => {
		menu.current?.hidePopover();
		item.onPick?.();
	};
	return html`<button type="button" class=${kind} ref=${button} aria-label=${label} title=${label} aria-haspopup="menu" aria-expanded=${isOpen} onClick=${open}>
			${children ?? html`<${Icon} name="more" />`}
		</button>
		${isOpen &&
		html`<div class="menu" role="menu" aria-label=${label} popover="auto" ref=${menu} onKeyDown=${menuKeys}>
			${items.map((item) =>
				item.href
					? html`<a role="menuitem" key=${item.said} href=${item.href} onClick=${pick(item)}>${item.said}</a>`
					: html`<button type="button" role="menuitem" key=${item.said} class=${item.danger ? 'danger' : ''} onClick=${pick(item)}>${item.said}</button>`,
			)}
		</div>`}`;
}
