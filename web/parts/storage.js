/**
 * parts/storage: what the node takes of the disk and how much it may; what goes first; what is held of whom, and removing it.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useRef, useState, useValue } from '../lib/html.js';
import { get, post, saidOf } from '../lib/api.js';
import { bytes, figure, listOf, nameOf, pathOf, personPath, t } from '../lib/text.js';
import { me, personOf, say, take } from '../lib/state.js';
import { day } from '../lib/time.js';
import { Avatar } from './avatar.js';
import { Bones, Problem, Sheet, useAct, useAnswer } from './bits.js';
import { ask } from './dialog.js';

const CLASSES = ['messages', 'indexes', 'blobs_own', 'blobs_friends', 'blobs_far', 'backups', 'reserve', 'other'];
const MB = 1e6;
/** Of the slider; those that fit on the disk. */
const STEPS = [100, 250, 500, 1000, 2000, 3000, 5000, 8000, 10000, 15000, 20000, 30000, 50000, 100000, 200000, 500000, 1000000];

/** What would go, each kind in a sentence. @param {any} goes @returns {string[]} */
export function saidOfGoes(goes) {
	const said = [];
	if (goes.blobs > 0) {
		said.push(t('storage.goesFiles', { n: goes.blobs, size: bytes(goes.blob_bytes) }));
	}
	if (goes.backups > 0) {
		said.push(t('storage.goesBackups', { n: goes.backups, size: bytes(goes.backup_bytes) }));
	}
	if (goes.messages > 0) {
		said.push(t('storage.goesMessages', { n: goes.messages, people: figure(goes.feeds), size: bytes(goes.message_bytes) }));
	}
	if (said.length === 0 && goes.enough) {
		said.push(t('storage.goesNothing'));
	}
	if (!goes.enough) {
		said.push(t('storage.goesNotEnough'));
	}
	return said;
}

/** Parts of a whole, drawn without a style. @param {{ at: any }} props */
function Bar({ at }) {
	const whole = Math.max(at.ceiling, at.used, 1);
	let from = 0;
	return html`<svg class="parts" role="img" aria-label=${t('storage.used', { size: bytes(at.used), ceiling: bytes(at.ceiling), free: bytes(at.disk_free) })}>
		<rect class="part-rest" width="100%" height="100%" />
		${CLASSES.map((name, i) => {
			const width = (100 * at.classes[name]) / whole;
			const x = from;
			from += width;
			return html`<rect key=${name} class=${`part-${i}`} x=${`${x.toFixed(3)}%`} width=${`${width.toFixed(3)}%`} height="100%" />`;
		})}</svg>`;
}

/** @param {{ at: any }} props */
function Parts({ at }) {
	return html`<ul class="parts-words">${CLASSES.map((name, i) => html`<li key=${name}><svg class=${`part-key part-${i}`} aria-hidden="true"><rect width="100%" height="100%" /></svg>
		<span>${t(`storage.${name}`)}</span><span>${bytes(at.classes[name])}</span></li>`)}</ul>`;
}

/** How much may be used: tried before it is set. @param {{ at: any, put: (answer: any) => void }} props */
function Ceiling({ at, put }) {
	const most = at.used + Math.max(at.disk_free, 0);
	const steps = [...new Set([...STEPS.map((n) => n * MB).filter((n) => n <= most), at.ceiling])].sort((a, b) => a - b);
	const [picked, setPicked] = useState(at.ceiling);
	const [goes, setGoes] = useState(/** @type {any} */ (null));
	const timer = useRef(0);
	const { act, isBusy, error } = useAct();
	useEffect(() => () => clearTimeout(timer.current), []);
	const pick = (/** @type {number} */ value) => {
		setPicked(value);
		setGoes(null);
		clearTimeout(timer.current);
		timer.current = setTimeout(() => post('storage', { ceiling: value, try: true }).then(setGoes, (problem) => say(saidOf(problem))), 250);
	};
	const save = () => act(async () => {
		const now = await post('storage', { ceiling: picked, try: true });
		const isSure = now.bytes === 0 || await ask({ title: t('storage.ask', { size: bytes(picked) }), lines: [...saidOfGoes(now), t('storage.never')], action: t('storage.save'), danger: true });
		if (isSure) {
			put(await post('storage', { ceiling: picked }));
			setGoes(null);
			say(t('storage.saved', { size: bytes(picked) }));
		}
	});
	return html`<${Sheet} id="ceiling" title=${t('storage.ceiling')}>
		<p class="note" id="ceiling-hint">${t('storage.ceilingHint')}</p>
		<label class="field"><span>${t('storage.ceilingAt', { size: bytes(picked) })}</span>
			<input type="range" min="0" max=${steps.length - 1} step="1" value=${steps.indexOf(picked)} aria-valuetext=${bytes(picked)} aria-describedby="ceiling-hint"
				onInput=${(/** @type {any} */ e) => pick(steps[Number(e.target.value)])} /></label>
		${picked !== at.ceiling && html`<div role="status">${goes ? saidOfGoes(goes).map((line) => html`<p key=${line}>${line}</p>`) : html`<p class="note">${t('storage.looking')}</p>`}</div>
			<button type="button" class="button strong" aria-disabled=${isBusy} onClick=${save}>${t('storage.save')}</button>`}
		${error && html`<p class="slip" role="alert">${error}</p>`}
	<//>`;
}

/** What would be next, what went, and of whom. @param {{ at: any }} props */
function Order({ at }) {
	const gone = at.evicted.slice(0, 6);
	const names = at.let_go.slice(0, 3).map((/** @type {any} */ row) => nameOf(personOf(row.id).peek()));
	return html`<${Sheet} id="order" title=${t('storage.order')}>
		<p>${t('storage.orderSaid')}</p>
		<p class="note">${t('storage.never')}</p>
		${at.used > at.ceiling - at.ceiling / 20 && !at.next.enough && html`<p class="warned">${t('storage.stuck')}</p>`}
		${gone.length > 0 && html`<h3>${t('storage.gone')}</h3><ul class="files">${gone.map((/** @type {any} */ row) => html`<li key=${`${row.at}${row.what}`}>
			<span>${t(`storage.gone_${row.what}`, { n: row.n })}<small>${day(row.at)}</small></span><span>${bytes(row.bytes)}</span></li>`)}</ul>`}
		${names.length > 0 && html`<p class="note">${t('storage.letGo', { names: listOf(names, at.let_go.length) })}</p>`}
	<//>`;
}

/**
 * Remove what the node holds of somebody; what that means is said before. Gives whether it was done.
 * @param {string} id
 */
export async function askRemove(id) {
	const name = nameOf(personOf(id).peek());
	try {
		const would = await post(`person/${pathOf(id)}/remove`, { try: true });
		const lines = [t('remove.goes', { n: would.messages, files: figure(would.blobs), size: bytes(would.bytes) }), would.keeps && t('remove.keeps'), t('remove.others', { name }), t('remove.new', { name })];
		if (!(await ask({ title: t('remove.title', { name }), lines: lines.filter(Boolean), action: t('remove.do'), danger: true }))) {
			return false;
		}
		await post(`person/${pathOf(id)}/remove`, { confirm: 'remove' });
		say(t('remove.done', { name }));
		return true;
	} catch (problem) {
		say(saidOf(problem));
		return false;
	}
}

/** @param {{ row: any, onGone: () => void }} props */
function Holder({ row, onGone }) {
	const person = useValue(personOf(row.id));
	const name = nameOf(person);
	const may = row.id !== useValue(me) && person.i !== 'follow';
	return html`<li><a class="parts-who" href=${personPath(row.id)}><${Avatar} id=${row.id} size="s" /><span><b>${name}</b>
			<small>${t('storage.holds', { n: row.messages })}</small></span></a>
		<span>${bytes(row.bytes + row.blob_bytes)}</span>
		${may && html`<button type="button" class="quiet-button" aria-label=${t('remove.aria', { name })} onClick=${async () => (await askRemove(row.id)) && onGone()}>${t('remove.do')}</button>`}</li>`;
}

/** @param {{ at: any, onGone: () => void }} props */
function Holders({ at, onGone }) {
	const [isAll, setAll] = useState(false);
	const rows = isAll ? at.people : at.people.slice(0, 10);
	return at.people.length > 0 && html`<${Sheet} id="holders" title=${t('storage.people')}>
		<ul class="files">${rows.map((/** @type {any} */ row) => html`<${Holder} key=${row.id} row=${row} onGone=${onGone} />`)}</ul>
		${rows.length < at.people.length && html`<button type="button" class="button" onClick=${() => setAll(true)}>${t('storage.all', { n: at.people.length })}</button>`}
	<//>`;
}

export function Storage() {
	const [at, error, load, put] = useAnswer(async () => {
		const answer = await get('storage');
		take({ people: answer.people_shown });
		return answer;
	}, []);
	if (!at) {
		return error ? html`<${Problem} error=${error} onRetry=${load} />` : html`<${Bones} rows=${3} />`;
	}
	return html`<${Sheet} id="disk" title=${t('storage.title')}>
			<p class="lead-in">${t('storage.used', { size: bytes(at.used), ceiling: bytes(at.ceiling), free: bytes(at.disk_free) })}</p>
			<${Bar} at=${at} /><${Parts} at=${at} />
			<p class="note">${t('storage.full')}</p>
			<p><a href="/settings/safety">${t('storage.backupsDo')}</a></p>
		<//>
		<${Ceiling} key=${at.ceiling} at=${at} put=${put} /><${Order} at=${at} /><${Holders} at=${at} onGone=${load} />`;
}
