/**
 * parts/viewer: pictures one after the other on the whole screen: by arrows, by swiping, larger and smaller. The browser's own dialog keeps the focus inside
 * and gives it back.
 */
import '../lib/lang/en-more.js';
import { html, render, useEffect, useRef, useState } from '../lib/html.js';
import { base } from '../lib/base.js';
import { blobPath, saving } from '../lib/attached.js';
import { sheet } from '../lib/sheet.js';
import { bytes, t } from '../lib/text.js';
import { IconButton, Icon } from './bits.js';

/** @typedef {{ id: string, unbox?: string, alt: string, size?: number | null, href?: string }} Seen */

const ZOOMS = [1, 1.5, 2, 3, 4, 6];
const SWIPE = 50;

/** @param {{ list: Seen[], first: number, onClose: () => void, onLeave: () => void }} props */
function Viewer({ list, first, onClose, onLeave }) {
	const [at, setAt] = useState(first);
	const [zoom, setZoom] = useState(0);
	const [state, setState] = useState('loading');
	const stage = useRef(/** @type {HTMLElement | null} */ (null));
	const image = useRef(/** @type {HTMLImageElement | null} */ (null));
	const down = useRef(/** @type {{ x: number, y: number, left: number, top: number, isTouch: boolean } | null} */ (null));
	const one = list[at];
	const go = (/** @type {number} */ to) => {
		const next = Math.max(0, Math.min(list.length - 1, to));
		if (next !== at) {
			setAt(next);
			setZoom(0);
			setState('loading');
		}
	};
	const larger = (/** @type {number} */ by) => setZoom((old) => Math.max(0, Math.min(ZOOMS.length - 1, old + by)));
	/* Its place at 1 is what fits; beyond, the middle of what was seen stays in the middle. */
	useEffect(() => {
		const [box, picture] = [stage.current, image.current];
		if (!box || !picture) {
			return;
		}
		const [x, y] = [(box.scrollLeft + box.clientWidth / 2) / box.scrollWidth, (box.scrollTop + box.clientHeight / 2) / box.scrollHeight];
		const by = Math.min(box.clientWidth / (picture.naturalWidth || 1), box.clientHeight / (picture.naturalHeight || 1), zoom === 0 ? 1 : Infinity);
		picture.style.width = zoom === 0 ? '' : `${Math.round(picture.naturalWidth * Math.min(by, Math.max(by, 1)) * ZOOMS[zoom])}px`;
		box.scrollTo(x * box.scrollWidth - box.clientWidth / 2, y * box.scrollHeight - box.clientHeight / 2);
	}, [zoom, at]);
	/* The neighbours are there before they are wanted. */
	useEffect(() => {
		for (const next of [list[at + 1], list[at - 1]]) {
			if (next) {
				new Image().src = base + blobPath(next.id, next.unbox);
			}
		}
	}, [at]);
	const isRtl = () => getComputedStyle(document.documentElement).direction === 'rtl';
	const onKey = (/** @type {KeyboardEvent} */ event) => {
		const step = isRtl() ? -1 : 1;
		/** @type {Record<string, () => void>} */
		const keys = { ArrowRight: () => go(at + step), ArrowLeft: () => go(at - step), Home: () => go(0), End: () => go(list.length - 1), '+': () => larger(1), '=': () => larger(1), '-': () => larger(-1), 0: () => setZoom(0) };
		if (!event.ctrlKey && !event.metaKey && !event.altKey && keys[event.key]) {
			event.preventDefault();
			keys[event.key]();
		}
	};
	const onDown = (/** @type {PointerEvent} */ event) => {
		const box = /** @type {HTMLElement} */ (stage.current);
		down.current = event.isPrimary ? { x: event.clientX, y: event.clientY, left: box.scrollLeft, top: box.scrollTop, isTouch: event.pointerType !== 'mouse' } : null;
	};
	const onMove = (/** @type {PointerEvent} */ event) => {
		const from = down.current;
		if (from && zoom > 0 && !from.isTouch) {
			stage.current?.scrollTo(from.left + from.x - event.clientX, from.top + from.y - event.clientY);
		}
	};
	const onUp = (/** @type {PointerEvent} */ event) => {
		const from = down.current;
		down.current = null;
		if (!from) {
			return;
		}
		const [x, y] = [event.clientX - from.x, event.clientY - from.y];
		if (zoom === 0 && Math.abs(x) > SWIPE && Math.abs(x) > 2 * Math.abs(y)) {
			go(at + (x < 0 === isRtl() ? -1 : 1));
		} else if (Math.abs(x) + Math.abs(y) < 8 && event.target === stage.current) {
			onClose();
		}
	};
	return html`<div class="viewer" onKeyDown=${onKey}>
		<div class="viewer-bar">
			<h2 id="viewer-title" class=${list.length > 1 ? '' : 'sr'}>${t('viewer.at', { n: at + 1, of: list.length })}</h2>
			<span class="grow"></span>
			${one.href && html`<a class="viewer-post" href=${one.href} data-replace onClick=${onLeave}>${t('viewer.post')}</a>`}
			<${IconButton} icon="less" label=${t('viewer.smaller')} aria-disabled=${zoom === 0} onClick=${() => larger(-1)} />
			<${IconButton} icon="plus" label=${t('viewer.larger')} aria-disabled=${zoom === ZOOMS.length - 1} onClick=${() => larger(1)} />
			<a class="icon-button" ...${saving(one.id, one.unbox, one.alt.slice(0, 60) || 'picture')} aria-label=${t('viewer.save')} title=${t('viewer.save')}><${Icon} name="down" /></a>
			<${IconButton} icon="close" label=${t('viewer.close')} autofocus onClick=${onClose} />
		</div>
		<div class=${`viewer-stage${zoom > 0 ? ' zoomed' : ''}`} ref=${stage} tabindex=${zoom > 0 ? 0 : undefined} role=${zoom > 0 ? 'group' : undefined} aria-label=${zoom > 0 ? t('viewer.part') : undefined}
			onPointerDown=${onDown} onPointerMove=${onMove} onPointerUp=${onUp} onPointerCancel=${() => (down.current = null)} onDblClick=${() => setZoom(zoom > 0 ? 0 : 2)}>
			${state === 'broken' ? html`<p class="viewer-said">${t('picture.broken')}</p>` : html`<img key=${one.id} ref=${image} src=${blobPath(one.id, one.unbox)} alt=${one.alt || t('picture.unnamed')} draggable=${false}
				onLoad=${() => setState('here')} onError=${() => setState('broken')} />`}
		</div>
		<p class="viewer-alt" dir="auto">${one.alt || t('viewer.bare')}${one.size ? html` <small>${bytes(one.size)}</small>` : ''}</p>
		${list.length > 1 && html`<${IconButton} class="icon-button viewer-step prev" icon="back" label=${t('viewer.before')} aria-disabled=${at === 0} onClick=${() => go(at - 1)} />
			<${IconButton} class="icon-button viewer-step next" icon="back" label=${t('viewer.after')} aria-disabled=${at === list.length - 1} onClick=${() => go(at + 1)} />`}
		<p class="sr" role="status">${list.length > 1 && t('viewer.said', { n: at + 1, of: list.length, alt: one.alt || t('viewer.bare') })}</p>
	</div>`;
}

/** @param {Seen[]} list @param {number} first */
export async function view(list, first) {
	await sheet('later');
	const dialog = document.createElement('dialog');
	dialog.className = 'viewer-dialog';
	dialog.setAttribute('aria-labelledby', 'viewer-title');
	document.body.append(dialog);
	/* Back closes what was opened last, and the page stays where it is. */
	let isBack = false;
	const leave = () => {
		isBack = true;
		removeEventListener('popstate', onBack, true);
		if (dialog.open) {
			dialog.close();
		}
	};
	const onBack = (/** @type {Event} */ event) => {
		event.stopImmediatePropagation();
		leave();
	};
	history.pushState(history.state, '', location.href);
	addEventListener('popstate', onBack, true);
	dialog.addEventListener('close', () => {
		render(null, dialog);
		dialog.remove();
		if (!isBack) {
			history.back();
		}
	});
	render(html`<${Viewer} list=${list} first=${first} onClose=${() => dialog.close()} onLeave=${leave} />`, dialog);
	dialog.showModal();
}
