/**
 * parts/attach: what is attached to something that is being written: taken in (lib/redraw), sent to the node (lib/upload), described, put in order. What is
 * there already stands in the text (lib/attached); what is still under way stands here.
 */
import '../lib/lang/en-more.js';
import { html, signal, useEffect, useRef, useState, useValue } from '../lib/html.js';
import { ApiError, get, saidOf } from '../lib/api.js';
import { blobPath, join, split } from '../lib/attached.js';
import { BYTES_MAX, Refused, SIDES, fit, isPicture, look, redraw } from '../lib/redraw.js';
import { sheet } from '../lib/sheet.js';
import { bytes, figure, pathOf, t } from '../lib/text.js';
import { blobOf, noteBlob } from '../lib/state.js';
import { upload } from '../lib/upload.js';
import { change } from '../lib/writing.js';
import { IconButton, Icon } from './bits.js';
import { noteSize } from './pictures.js';

/** @typedef {import('../lib/attached.js').Attached} Attached */
/** @typedef {import('../lib/writing.js').Writing} Writing */
/** @typedef {import('../lib/redraw.js').Size} Size */
/**
 * `how`: as it is, or redrawn to a size; `instead`: the one whose place it takes.
 * @typedef {{ key: number, file: File, how: 'as is' | Size, seal: boolean, instead: string, alt: string, phase: 'waiting' | 'redrawing' | 'sending' | 'failed', part: number, said: string,
 *   canRetry: boolean, canAsIs: boolean, stop: AbortController }} Coming
 * @typedef {{ w: number, h: number, bytes: number | null, isTooLarge?: boolean }} Choice
 * @typedef {{ look: import('../lib/redraw.js').Look, at: Size, was: number, isStill: boolean, isKept: boolean, choices: Partial<Record<Size, Choice>> }} Source what this page still has of a picture that is sent
 */

/** In one post. */
const COUNT_MAX = 20;
const ALT_MAX = 1500;
/** Larger ones are only measured when they are chosen. */
const MEASURED_POINTS_MAX = 25e6;

/** Under way, by the name of what is written. */
const coming = signal(/** @type {Record<string, Coming[]>} */ ({}));
/** @type {Map<string, Source>} */
const sources = new Map();
/** Raised when a size was measured. */
const measured = signal(0);
let counter = 0;
let queue = Promise.resolve();

/** @param {string} name @returns {Coming[]} */
const comingOf = (name) => coming.peek()[name] ?? [];
/** @param {string} name @param {Coming[]} list */
const setComing = (name, list) => {
	coming.value = { ...coming.peek(), [name]: list };
};
/** @param {string} name @param {number} key @param {Partial<Coming> | null} part null: gone */
const update = (name, key, part) => setComing(name, comingOf(name).flatMap((one) => (one.key !== key ? [one] : part ? [{ ...one, ...part }] : [])));

/** @param {Writing} at @param {(list: Attached[]) => Attached[]} make */
function changeList(at, make) {
	const { text, list } = split(at.words.peek().text);
	change(at, { text: join(text, make(list)) });
}

/** What is said of a failure, and what can be done about it. @param {any} error @param {Coming} one @returns {Partial<Coming>} */
function failed(error, one) {
	const name = one.file.name || t('file.unnamed');
	if (error instanceof Refused) {
		return { phase: 'failed', said: error.said(name), canRetry: false, canAsIs: error.key !== 'attach.large' && one.file.size <= BYTES_MAX };
	}
	const said = error instanceof ApiError && error.status === 413 ? t('attach.large', { name, size: bytes(one.file.size) }) : saidOf(error);
	return { phase: 'failed', said, canRetry: true, canAsIs: false };
}

/** Redrawn when it is a picture. @param {Coming} one */
async function prepare(one) {
	if (one.how === 'as is') {
		if (one.file.size > BYTES_MAX) {
			throw new Refused('attach.large', { size: one.file.size });
		}
		return { blob: /** @type {Blob} */ (one.file), w: 0, h: 0, source: null };
	}
	const known = one.instead ? sources.get(one.instead)?.look : undefined;
	const seen = known ?? (await look(one.file));
	const made = await redraw(seen, one.how);
	const old = one.instead ? sources.get(one.instead) : undefined;
	const whole = seen.w ? seen : made;
	/** @type {Source} */
	const source = { look: { ...seen, w: whole.w, h: whole.h }, at: one.how, was: one.file.size, isStill: made.isStill, isKept: made.isKept, choices: { ...old?.choices, [one.how]: { w: made.w, h: made.h, bytes: made.blob.size } } };
	return { ...made, source };
}

/** @param {string} mime @param {Coming} one @returns {Attached['kind']} */
function kindOf(mime, one) {
	const by = /^(image|audio|video)\//.exec(mime)?.[1];
	return by === 'image' && one.how !== 'as is' ? 'picture' : by === 'audio' || by === 'video' ? by : by === 'image' ? 'picture' : 'file';
}

/** @param {Writing} at @param {number} key */
async function work(at, key) {
	const one = comingOf(at.name).find((it) => it.key === key);
	if (!one || one.stop.signal.aborted) {
		return;
	}
	try {
		update(at.name, key, { phase: 'redrawing' });
		const { blob, w, h, source } = await prepare(one);
		if (one.stop.signal.aborted) {
			return;
		}
		update(at.name, key, { phase: 'sending', part: 0 });
		const answer = await upload(blob, { seal: one.seal, signal: one.stop.signal, onPart: (part) => update(at.name, key, { part }) });
		noteSize(answer.id, w, h);
		if (source) {
			sources.set(answer.id, source);
		}
		const kind = kindOf(answer.mime, one);
		const alt = one.alt || (kind === 'picture' ? '' : one.file.name);
		const ready = { kind, id: answer.id, unbox: answer.unbox ?? '', alt };
		update(at.name, key, null);
		changeList(at, (list) => (one.instead ? list.map((it) => (it.id === one.instead ? { ...ready, alt: it.alt } : it)) : [...list, ready]));
		if (source && !source.isKept) {
			queue = queue.then(() => measureAll(answer.id));
		}
	} catch (error) {
		if (!one.stop.signal.aborted) {
			update(at.name, key, failed(error, one));
		}
	}
}

/** What the other sizes would take. @param {string} id */
async function measureAll(id) {
	const source = sources.get(id);
	if (!source) {
		return;
	}
	for (const size of sizesOf(source)) {
		const { w, h } = fit(source.look, SIDES[size]);
		if (!source.choices[size] && w * h <= MEASURED_POINTS_MAX) {
			const made = await redraw(source.look, size).catch(() => null);
			source.choices[size] = made ? { w: made.w, h: made.h, bytes: made.blob.size } : { w, h, bytes: null };
			measured.value++;
		}
	}
}

/** Those that differ. @param {Source} source @returns {Size[]} */
function sizesOf({ look: { w, h } }) {
	const side = Math.max(w, h);
	return side > SIDES.medium ? ['small', 'medium', 'original'] : side > SIDES.small * 1.25 ? ['small', 'medium'] : ['medium'];
}

/** @param {Writing} at @param {Iterable<File>} files @param {{ seal?: boolean }} [how] */
export function addFiles(at, files, { seal = false } = {}) {
	const room = COUNT_MAX - split(at.words.peek().text).list.length - comingOf(at.name).length;
	const all = [...files];
	const added = all.map((file, i) => ({ key: ++counter, file, how: /** @type {Coming['how']} */ (isPicture(file) ? 'medium' : 'as is'), seal, instead: '', alt: '', phase: /** @type {Coming['phase']} */ (i < room ? 'waiting' : 'failed'),
		part: 0, said: i < room ? '' : t('attach.tooMany', { n: COUNT_MAX, name: file.name }), canRetry: false, canAsIs: false, stop: new AbortController() }));
	setComing(at.name, [...comingOf(at.name), ...added]);
	for (const { key } of added.slice(0, Math.max(0, room))) {
		queue = queue.then(() => work(at, key));
	}
}

/** @param {Writing} at @param {Coming} one @param {Partial<Coming>} [part] */
function again(at, one, part = {}) {
	update(at.name, one.key, { ...part, phase: 'waiting', said: '', stop: new AbortController() });
	queue = queue.then(() => work(at, one.key));
}

/** Nothing of it is sent any more. @param {string} name @param {number} [key] */
export function drop(name, key) {
	for (const one of comingOf(name)) {
		if (key === undefined || one.key === key) {
			one.stop.abort();
			update(name, one.key, null);
		}
	}
}

/** What it is drawn with. */
export const ready = () => sheet('later');

/** Everything that is under way has arrived, or failed. @param {string} name @returns {Promise<boolean>} whether all is there */
export async function settle(name) {
	while (comingOf(name).some((one) => one.phase !== 'failed')) {
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	return comingOf(name).length === 0;
}

/** @param {string} id @param {Size} size @param {Writing} at @param {boolean} seal */
function resize(id, size, at, seal) {
	const source = sources.get(id);
	if (source && source.at !== size) {
		setComing(at.name, [...comingOf(at.name), { key: ++counter, file: source.look.file, how: size, seal, instead: id, alt: '', phase: 'waiting', part: 0, said: '', canRetry: false, canAsIs: false, stop: new AbortController() }]);
		const key = counter;
		queue = queue.then(() => work(at, key));
	}
}

const SIZE_SAID = { small: 'attach.small', medium: 'attach.medium', original: 'attach.original' };

/** "Medium, 310 kB, 1,600 × 1,067". @param {Source} source @param {Size} size */
function sizeLine(source, size) {
	const choice = source.choices[size] ?? { ...fit(source.look, SIDES[size]), bytes: null };
	const points = `${figure(choice.w)} × ${figure(choice.h)}`;
	return `${t(SIZE_SAID[size])}, ${choice.bytes ? `${bytes(choice.bytes)}, ` : ''}${points}`;
}

/** The sizes there are, and what became of the picture. @param {{ id: string, at: Writing, seal: boolean }} props */
function Sizes({ id, at, seal }) {
	useValue(measured);
	const facts = useValue(blobOf(id));
	const source = sources.get(id);
	useEffect(() => {
		if (!source && !facts) {
			get(`blob/${pathOf(id)}`).then(noteBlob, () => {});
		}
	}, [id]);
	if (!source) {
		return facts?.bytes ? html`<p class="note">${bytes(facts.bytes)}</p>` : null;
	}
	const sizes = sizesOf(source);
	const now = source.choices[source.at];
	const note = source.isKept ? t('attach.kept') : source.was > BYTES_MAX ? t('attach.made', { was: bytes(source.was), now: bytes(now?.bytes ?? 0) }) : '';
	return html`${source.isKept || sizes.length === 1
			? html`<p class="note">${bytes(now?.bytes ?? 0)}, ${figure(now?.w ?? 0)} × ${figure(now?.h ?? 0)}</p>`
			: html`<label class="attach-size"><span class="sr">${t('attach.size')}</span><select value=${source.at} onChange=${(/** @type {any} */ e) => resize(id, e.target.value, at, seal)}>
				${sizes.map((size) => html`<option key=${size} value=${size} selected=${size === source.at}>${sizeLine(source, size)}</option>`)}</select></label>`}
		${(note || source.isStill) && html`<p class="note">${note}${source.isStill && ` ${t('attach.still')}`}</p>`}`;
}

/** @param {{ one: Attached, i: number, n: number, at: Writing, seal: boolean }} props */
function Card({ one, i, n, at, seal }) {
	const isPictured = one.kind === 'picture';
	const [isBroken, setBroken] = useState(false);
	const name = one.alt || t(`${one.kind}.unnamed`);
	const facts = useValue(blobOf(one.id));
	const set = (/** @type {string} */ alt) => changeList(at, (list) => list.map((it, k) => (k === i ? { ...it, alt } : it)));
	const move = (/** @type {any} */ event, /** @type {number} */ by) => {
		const button = event.currentTarget;
		if (i + by >= 0 && i + by < n) {
			changeList(at, (list) => {
				const all = [...list];
				all.splice(i + by, 0, ...all.splice(i, 1));
				return all;
			});
			requestAnimationFrame(() => button.focus());
		}
	};
	const label = t(isPictured ? 'attach.alt' : 'attach.name');
	return html`<li class="attach" aria-label=${t('attach.nth', { n: i + 1, name })}>
		<span class="attach-face">${isPictured && !isBroken ? html`<img src=${blobPath(one.id, one.unbox)} alt="" onError=${() => setBroken(true)} />` : html`<${Icon} name=${isPictured ? 'picture' : one.kind === 'file' ? 'file' : one.kind === 'audio' ? 'sound' : 'film'} />`}</span>
		<div class="attach-main">
			<label><span class="sr">${label}</span><textarea rows="2" dir="auto" maxlength=${ALT_MAX} class="attach-alt" placeholder=${t(isPictured ? 'attach.altPlace' : 'attach.namePlace')} value=${one.alt}
				onInput=${(/** @type {any} */ e) => set(e.target.value)}></textarea></label>
			${isPictured ? html`<${Sizes} id=${one.id} at=${at} seal=${seal} />` : html`<p class="note">${facts?.bytes && `${bytes(facts.bytes)} · `}${t('attach.asIs')}</p>`}
		</div>
		<div class="attach-do">
			<${IconButton} icon="close" label=${t('attach.remove', { name })} onClick=${() => changeList(at, (list) => list.filter((_, k) => k !== i))} />
			${n > 1 && html`<${IconButton} icon="up" label=${t('attach.earlier', { name })} aria-disabled=${i === 0} onClick=${(/** @type {any} */ e) => move(e, -1)} />
				<${IconButton} icon="up" class="icon-button turned" label=${t('attach.later', { name })} aria-disabled=${i === n - 1} onClick=${(/** @type {any} */ e) => move(e, 1)} />`}
		</div>
	</li>`;
}

/** @param {{ one: Coming, at: Writing }} props */
function ComingCard({ one, at }) {
	const name = one.file.name || t('file.unnamed');
	const said = one.phase === 'failed' ? one.said : one.phase === 'sending' ? t('attach.sending', { n: Math.round(one.part * 100) }) : one.how === 'as is' ? t('attach.waiting') : t('attach.redrawing');
	return html`<li class=${`attach ${one.phase}`} aria-label=${name}>
		<span class="attach-face"><${Icon} name=${one.phase === 'failed' ? 'warn' : 'picture'} /></span>
		<div class="attach-main">
			${one.phase !== 'failed' && html`<p dir="auto"><b>${name}</b></p>`}
			<p class="note" role=${one.phase === 'failed' ? 'alert' : undefined}>${said}</p>
			${one.phase === 'failed'
				? html`<p class="kept-do">${one.canRetry && html`<button type="button" class="button" onClick=${() => again(at, one)}>${t('error.again')}</button>`}
					${one.canAsIs && html`<button type="button" class="button" onClick=${() => again(at, one, { how: 'as is' })}>${t('attach.asFile')}</button>`}</p>`
				: html`<progress max="1" value=${one.phase === 'sending' ? one.part : undefined} aria-label=${said}></progress>`}
		</div>
		<div class="attach-do"><${IconButton} icon="close" label=${t('attach.remove', { name })} onClick=${() => drop(at.name, one.key)} /></div>
	</li>`;
}

/** How many pictures nobody described. @param {Attached[]} list */
export const undescribed = (list) => list.filter((one) => one.kind === 'picture' && one.alt.trim() === '').length;

/**
 * `isAsking`: the post was about to go without descriptions.
 * @param {{ at: Writing, list: Attached[], seal?: boolean, isAsking: boolean, onAnswer: (isFine: boolean) => void }} props
 */
export function Attachments({ at, list, seal = false, isAsking, onAnswer }) {
	const under = useValue(coming)[at.name] ?? [];
	const box = useRef(/** @type {HTMLElement | null} */ (null));
	const none = undescribed(list);
	const question = useRef(/** @type {HTMLElement | null} */ (null));
	useEffect(() => {
		if (isAsking) {
			question.current?.focus();
		}
	}, [isAsking]);
	const describe = () => {
		onAnswer(false);
		const first = list.findIndex((one) => one.kind === 'picture' && one.alt.trim() === '');
		/** @type {NodeListOf<HTMLElement> | undefined} */ (box.current?.querySelectorAll('.attach-alt'))?.[first]?.focus();
	};
	if (list.length + under.length === 0) {
		return null;
	}
	/** The same picture may stand there twice. @param {Attached} one @param {number} i */
	const keyOf = (one, i) => `${one.id} ${list.slice(0, i).filter((it) => it.id === one.id).length}`;
	const done = under.filter((one) => one.phase === 'failed').length;
	return html`<section class="attached" ref=${box} aria-label=${t('attach.list')}>
		<ul>${list.map((one, i) => html`<${Card} key=${keyOf(one, i)} one=${one} i=${i} n=${list.length} at=${at} seal=${seal} />`)}
			${under.map((one) => html`<${ComingCard} key=${one.key} one=${one} at=${at} />`)}</ul>
		<p class="sr" role="status">${under.length > done ? t('attach.busy', { n: under.length - done }) : list.length > 0 ? t('attach.ready', { n: list.length }) : ''}</p>
		${list.some((one) => one.kind === 'picture' && sources.has(one.id)) && html`<p class="note is-safe"><${Icon} name="safe" />${t('attach.gone')}</p>`}
		<p class="note">${t('attach.limits', { n: COUNT_MAX })}</p>
		${isAsking && none > 0 && html`<div class="problem" role="alertdialog" aria-labelledby="attach-ask"><${Icon} name="eye" /><div>
			<p id="attach-ask" tabindex="-1" ref=${question}>${t('attach.ask', { n: none })}</p>
			<p class="kept-do"><button type="button" class="button strong" onClick=${describe}>${t('attach.describe')}</button>
				<button type="button" class="button" onClick=${() => onAnswer(true)}>${t('attach.without')}</button></p></div></div>`}
	</section>`;
}
