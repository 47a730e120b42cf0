/**
 * parts/pictures: pictures, sound and files inside a text. What comes from strangers, or stands behind a warning, stays shut until it is asked for; what has
 * not reached this node says so, and shows itself when it comes. Looking at one whole is parts/viewer.
 */
import { html, useEffect, useLayoutEffect, useRef, useState, useValue } from '../lib/html.js';
import { get, memory, post } from '../lib/api.js';
import { blobPath, saving } from '../lib/attached.js';
import { bytes, pathOf, t } from '../lib/text.js';
import { blobOf, noteBlob, say, status } from '../lib/state.js';
import { Icon } from './bits.js';

/** @typedef {import('../lib/markdown.js').Piece} Piece */
/** What is known of the blobs of a text, and whether those of which nothing is known are shown at once. @typedef {{ blobs?: import('../lib/state.js').Blob[], isOpen: boolean }} About */
/** @typedef {'picture' | 'audio' | 'video' | 'file'} Kind */

/** So many are fetched at once, the others when they come near. */
const EAGER = 3;
const SIZES_MAX = 300;
/** A picture of which nothing is known yet gets this place. */
const PLACE = [600, 400];
const TALLEST = 544;
const PART_MS = 1500;
let drawn = 0;

/** Points of pictures this browser has seen: the next time their place is right from the beginning. @type {Record<string, number[]> | null} */
let sizes = null;
/** @param {string} id @returns {number[] | undefined} */
function sizeOf(id) {
	try {
		sizes ??= JSON.parse(memory.get('sizes') ?? '{}');
	} catch {
		sizes = {};
	}
	return sizes?.[id];
}
/** @param {string} id @param {number} w @param {number} h */
export function noteSize(id, w, h) {
	if (w > 0 && h > 0 && !sizeOf(id)) {
		sizes = Object.fromEntries([...Object.entries(sizes ?? {}).slice(1 - SIZES_MAX), [id, [w, h]]]);
		memory.set('sizes', JSON.stringify(sizes));
	}
}

/** Asked for, once in the life of this page. @type {Set<string>} */
const wanted = new Set();
/** @param {string} id */
export async function want(id) {
	wanted.add(id);
	const answer = await post(`blob/${pathOf(id)}`, { want: true });
	noteBlob(answer);
	return answer;
}

/** What was shut and is open now, or the other way, for as long as the page lives. @type {Map<string, boolean>} */
const chosen = new Map();

/** Of which kind it is: as its first bytes say, else as its author says. @param {Piece} piece @param {import('../lib/state.js').Blob | null} facts @returns {Kind} */
function kindOf(piece, facts) {
	const by = /^(image|audio|video)\//.exec(facts?.mime ?? '')?.[1];
	if (by && !piece.unbox) {
		return piece.kind === 'file' && by === 'image' ? 'file' : by === 'image' ? 'picture' : /** @type {Kind} */ (by);
	}
	if (facts?.have && facts.mime === '' && !piece.unbox) {
		return 'file';
	}
	return piece.kind === 'file' ? 'file' : /** @type {Kind} */ (piece.as ?? 'picture');
}

/** Named, and to be taken away. @param {{ piece: Piece, size: number | null | undefined, note?: string }} props */
function FileLine({ piece, size, note }) {
	const name = piece.text || t('file.unnamed');
	return html`<span class="file-line"><a ...${saving(String(piece.id), piece.unbox, name)}><${Icon} name="file" /><span dir="auto">${name}</span></a>
		<small>${[note, size ? bytes(size) : ''].filter(Boolean).join(' · ')}</small></span>`;
}

/** Inside a sentence. What is not here is asked for. @param {{ piece: Piece, children?: any }} props */
export function FileLink({ piece, children }) {
	const id = String(piece.id);
	const facts = useValue(blobOf(id));
	const ask = () => want(id).then(() => say(`${t('file.missing')} ${t('blob.again')}`), (problem) => say(problem.said));
	return facts?.have === false ? html`<button type="button" class="file" onClick=${ask}>${children}</button>` : html`<a class="file" ...${saving(id, piece.unbox, piece.text)}>${children}</a>`;
}

/** Not here: who was asked, and again. @param {{ piece: Piece, kind: Kind }} props */
function Missing({ piece, kind }) {
	const id = String(piece.id);
	const [again, setAgain] = useState('');
	/* How much of it is here. */
	const [at, note] = useState(/** @type {any} */ (null));
	const part = at?.receiving ?? null;
	const friends = useValue(status)?.peers.connected ?? 0;
	useEffect(() => {
		if (!wanted.has(id)) {
			want(id).then(note, () => {});
		}
	}, [id]);
	useEffect(() => {
		const timer = part === null ? 0 : setTimeout(() => askFacts(id).then(note, () => note(null)), PART_MS);
		return () => clearTimeout(timer);
	}, [at]);
	const ask = () => want(id).then((answer) => (note(answer), setAgain(t('blob.again'))), (problem) => setAgain(problem.said));
	return html`<span class="shut missing"><${Icon} name="gap" /><span class="shut-said">
			${piece.text && html`<span dir="auto" class="shut-alt">${piece.text}</span>`}
			<span>${t(`${kind}.missing`)} ${friends > 0 ? t('blob.asked', { n: friends }) : t('blob.nobody')}</span>
			${part !== null && html`<progress max="1" value=${part} aria-label=${t('blob.arriving')}></progress>`}
			<span role="status">${again}</span></span>
		<button type="button" class="button" onClick=${ask}>${t('error.again')}</button></span>`;
}

/** @param {{ piece: Piece, alone: boolean, onOpen: () => void, onGone: () => void }} props */
function Picture({ piece, alone, onOpen, onGone }) {
	const id = String(piece.id);
	const [size, setSize] = useState(() => sizeOf(id));
	const [isEager] = useState(() => drawn++ < EAGER);
	const [isHere, setHere] = useState(false);
	const [isBare, setBare] = useState(false);
	const box = useRef(/** @type {HTMLImageElement | null} */ (null));
	const [w, h] = size ?? PLACE;
	const by = Math.min(1, TALLEST / h);
	const here = () => {
		const image = box.current;
		if (!image?.naturalWidth) {
			return;
		}
		setHere(true);
		noteSize(id, image.naturalWidth, image.naturalHeight);
		const at = image.getBoundingClientRect();
		/* Nothing moves under the eyes of the reader: what came into a guessed place stays there until it is drawn anew. */
		if (!size && (at.bottom < 0 || at.top > innerHeight)) {
			setSize([image.naturalWidth, image.naturalHeight]);
		} else if (!size) {
			const ratio = image.naturalWidth / image.naturalHeight;
			setBare(ratio < 1.2 || ratio > 1.9);
		}
	};
	useLayoutEffect(() => {
		if (box.current?.complete) {
			here();
		}
	}, []);
	const kind = `${isHere ? 'here' : ''}${alone && !size ? ` guess${isBare ? ' whole' : ''}` : ''}${w / h < 0.3 ? ' thin' : ''}`;
	return html`<button type="button" class="picture" aria-label=${piece.text ? t('picture.open', { alt: piece.text }) : t('picture.openBare')} onClick=${onOpen}>
		<img ref=${box} class=${kind} src=${blobPath(id, piece.unbox)} alt=${piece.text ?? ''} width=${Math.round(w * by)} height=${Math.round(h * by)}
			loading=${isEager ? 'eager' : 'lazy'} decoding="async" onLoad=${here} onError=${onGone} />
	</button>`;
}

/** @param {{ piece: Piece, kind: 'audio' | 'video', size: number | null | undefined }} props */
function Player({ piece, kind, size }) {
	const src = blobPath(String(piece.id), piece.unbox);
	const name = piece.text || t(`${kind}.unnamed`);
	return html`<span class="player">${kind === 'audio' ? html`<audio controls preload="none" src=${src} aria-label=${name}></audio>` : html`<video controls playsinline preload="metadata" src=${src} aria-label=${name}></video>`}
		<small><span dir="auto">${name}</span>${size ? ` · ${bytes(size)}` : ''}</small></span>`;
}

/** Shut: what it is said to show, and how much it is. @param {{ items: Item[], onShow: () => void }} props */
function Shut({ items, onShow }) {
	const kinds = new Set(items.map((item) => item.kind));
	const kind = kinds.size === 1 ? items[0].kind : 'file';
	const total = items.reduce((sum, item) => sum + (item.size ?? 0), 0);
	const said = t(`${kind}.show`, { n: items.length });
	return html`<span class="shut"><${Icon} name=${kind === 'picture' ? 'picture' : 'file'} /><span class="shut-said">
			${items.map(({ piece }, i) => html`<span class="shut-alt" dir="auto" key=${i}>${piece.text || t(`${items[i].kind}.unnamed`)}</span>`)}</span>
		<button type="button" class="button" data-act="show" onClick=${onShow}>${total > 0 ? t('blob.withSize', { said, size: bytes(total) }) : said}</button></span>`;
}

/** @typedef {{ piece: Piece, kind: Kind, facts: import('../lib/state.js').Blob | null, size: number | null | undefined }} Item */

/** What the node knows of one that stands in no list: asked when it could not be shown. @param {string} id */
async function askFacts(id) {
	const answer = await get(`blob/${pathOf(id)}`);
	noteBlob(answer);
	return answer;
}

/** Follows what is known of each. @param {{ id: string, onChange: () => void }} props */
function Watch({ id, onChange }) {
	const facts = useValue(blobOf(id));
	const first = useRef(facts);
	useEffect(() => {
		if (facts !== first.current) {
			first.current = facts;
			onChange();
		}
	}, [facts]);
	return null;
}

/** @param {{ pieces: Piece[], about: About }} props */
export function Pictures({ pieces, about }) {
	const [, redraw] = useState(0);
	const key = pieces.map((piece) => piece.id).join();
	const [choice, setChoice] = useState(chosen.get(key));
	const [broken, setBroken] = useState(/** @type {string[]} */ ([]));
	const box = useRef(/** @type {HTMLElement | null} */ (null));
	const choose = (/** @type {boolean} */ is) => {
		chosen.set(key, is);
		setChoice(is);
	};
	useEffect(() => {
		const one = box.current;
		const hear = (/** @type {any} */ event) => choose(event.detail);
		one?.addEventListener('pictures', hear);
		return () => one?.removeEventListener('pictures', hear);
	}, [key]);
	const known = new Map((about.blobs ?? []).map((blob) => [blob.id, blob]));
	const isOpen = pieces.every((piece) => known.get(String(piece.id))?.open ?? about.isOpen);
	const isShown = choice ?? isOpen;
	const items = pieces.map((piece) => {
		const id = String(piece.id);
		const facts = blobOf(id).peek() ?? known.get(id) ?? null;
		return { piece, facts, kind: kindOf(piece, facts), size: facts?.bytes };
	});
	const watches = [...new Set(pieces.map((piece) => String(piece.id)))].map((id) => html`<${Watch} key=${id} id=${id} onChange=${() => redraw((n) => n + 1)} />`);
	if (!isShown) {
		return html`<span class="pictures" ref=${box}>${watches}<${Shut} items=${items} onShow=${() => choose(true)} /></span>`;
	}
	const isGone = (/** @type {Item} */ item) => item.facts?.have === false;
	const seen = items.filter((item) => item.kind === 'picture' && !isGone(item) && !broken.includes(String(item.piece.id)));
	const rest = items.filter((item) => !seen.includes(item));
	const view = (/** @type {number} */ i) => import('./viewer.js').then(({ view: open }) => open(seen.map(({ piece, size }) => ({ id: String(piece.id), unbox: piece.unbox, alt: piece.text ?? '', size })), i), () => {});
	const gone = (/** @type {string} */ id) =>
		askFacts(id).then(() => blobOf(id).peek()?.have && setBroken((all) => [...all, id]), () => setBroken((all) => [...all, id]));
	const alone = seen.length === 1;
	return html`<span class="pictures" ref=${box}>${watches}
		${seen.length > 0 &&
		html`<span class=${`grid n${Math.min(5, seen.length)}`} role=${alone ? undefined : 'group'} aria-label=${alone ? undefined : t('picture.many', { n: seen.length })}>
			${seen.map(({ piece }, i) => html`<${Picture} key=${`${piece.id}${i}`} piece=${piece} alone=${alone} onOpen=${() => view(i)} onGone=${() => gone(String(piece.id))} />`)}
		</span>`}
		${alone && seen[0].piece.text && html`<span class="caption" dir="auto" aria-hidden="true">${seen[0].piece.text}</span>`}
		${rest.map((item, i) => {
			const { piece, kind, size } = item;
			return html`<span class="blob-row" key=${`${piece.id}${i}`}>${isGone(item)
				? html`<${Missing} piece=${piece} kind=${kind} />`
				: kind === 'audio' || kind === 'video'
					? html`<${Player} piece=${piece} kind=${kind} size=${size} />`
					: html`<${FileLine} piece=${piece} size=${size} note=${kind === 'picture' ? t('picture.broken') : ''} />`}</span>`;
		})}
		${!isOpen && html`<button type="button" class="quiet-button" data-act="hide" onClick=${() => choose(false)}>${t('post.hide')}</button>`}
	</span>`;
}
