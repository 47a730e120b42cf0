/**
 * parts/sync: what is arriving, from whom, and how much is left: a bar with numbers, gone when done.
 */
import { html, useEffect, useRef, useState, useValue } from '../lib/html.js';
import { listOf, nameOf, t } from '../lib/text.js';
import { peers, personOf, sync } from '../lib/state.js';

const SPOKEN_EVERY_MS = 10000;

/** Figures run; a voice that reads them aloud should not. @param {string} said */
export function useSpoken(said) {
	const [spoken, setSpoken] = useState(said);
	const last = useRef(Date.now());
	useEffect(() => {
		const wait = Math.max(0, last.current + SPOKEN_EVERY_MS - Date.now());
		const timer = setTimeout(() => {
			last.current = Date.now();
			setSpoken(said);
		}, wait);
		return () => clearTimeout(timer);
	}, [said]);
	return spoken;
}

/** @param {{ at: { behind: number, most: number } }} props */
function Line({ at }) {
	const all = useValue(peers);
	const from = all.filter((peer) => peer.state === 'connected' && peer.behind > 0).map((peer) => nameOf(personOf(peer.id).peek()));
	const counts = { done: at.most - at.behind, most: at.most, names: listOf(from) };
	const said = at.behind > 0 ? t(from.length > 0 ? 'sync.from' : 'sync.behind', counts) : t('sync.soon');
	const spoken = useSpoken(said);
	return html`<div class="sync-line"><span aria-hidden="true">${said}</span><span class="sr" role="status">${spoken}</span>
		${at.behind > 0 && html`<progress max=${at.most} value=${counts.done} aria-label=${t('sync.soon')}></progress>`}</div>`;
}

export function SyncLine() {
	const at = useValue(sync);
	return at.phase === 'idle' ? null : html`<${Line} at=${at} />`;
}
