/**
 * views/safety: backups, the paper words, another machine, a passphrase for the key, and what happened to the feed so far.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useRef, useState, useValue } from '../lib/html.js';
import { base } from '../lib/base.js';
import { ApiError, memory, post, saidOf } from '../lib/api.js';
import { bytes, t } from '../lib/text.js';
import { askSafety, loadSafety, safety } from '../lib/safety.js';
import { refresh, say } from '../lib/state.js';
import { full } from '../lib/time.js';
import { Bones, Problem, Sheet, useAct } from '../parts/bits.js';
import { Page } from '../parts/shell.js';
import { Words } from '../parts/words.js';

/** A file of the node, saved by the browser: the token cannot travel in a link. @param {string} name */
async function save(name) {
	const answer = await fetch(`${base}/api/safety/backup/${encodeURIComponent(name)}`, { headers: { 'X-Kith-Token': memory.get('token') ?? '' } });
	if (!answer.ok) {
		throw new ApiError(answer.status, (await answer.json().catch(() => null))?.error ?? { code: 'internal', said: t('error.strange', { n: answer.status }) });
	}
	const link = document.createElement('a');
	link.href = URL.createObjectURL(await answer.blob());
	link.download = name;
	document.body.append(link);
	link.click();
	link.remove();
	setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** @param {{ label: string, value: string, onInput: (value: string) => void, kind?: string, auto?: string, hint?: any }} props */
function Field({ label, value, onInput, kind = 'password', auto = 'new-password' }) {
	return html`<label class="field"><span>${label}</span>
		<input type=${kind} value=${value} autocomplete=${auto} autocapitalize="off" spellcheck=${false} onInput=${(/** @type {any} */ e) => onInput(e.target.value)} /></label>`;
}

/** How far a backup or a move is. @param {{ job: any }} props */
function Job({ job }) {
	if (!job) {
		return null;
	}
	const isEnd = job.phase === 'done' || job.phase === 'failed';
	return html`<div class="sync-line"><span role="status">${job.said || t(`job.${job.phase}`)}</span>
		${!isEnd && html`<progress max=${job.total || 1} value=${job.total ? job.done : undefined} aria-label=${t(`job.${job.phase}`)}></progress>`}</div>`;
}

/** Saves the file of a job that this page began, once. @param {any} job @param {(said: string) => void} onError */
function useTake(job, onError) {
	const mine = useRef(0);
	useEffect(() => {
		if (job && job.id === mine.current && job.phase === 'done' && job.name) {
			mine.current = 0;
			save(job.name).catch((problem) => onError(saidOf(problem)));
		}
	}, [job?.id, job?.phase]);
	return mine;
}

/** @param {{ onGo: (passphrase: string) => Promise<any>, action: string, children?: any, canGo?: boolean, danger?: boolean }} props */
function WithPassphrase({ onGo, action, children, canGo = true, danger = false }) {
	const [one, setOne] = useState('');
	const [two, setTwo] = useState('');
	const { act, isBusy, error, setError } = useAct();
	const go = () => {
		if (one === '' || one !== two) {
			setError(t(one === '' ? 'pass.none' : 'pass.differ'));
		} else if (canGo) {
			act(async () => {
				await onGo(one);
				setOne('');
				setTwo('');
			});
		}
	};
	return html`<form onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), go())}>
		<${Field} label=${t('pass.new')} value=${one} onInput=${setOne} />
		<${Field} label=${t('pass.twice')} value=${two} onInput=${setTwo} />
		<p class="note">${t('pass.hint')}</p>
		${children}
		${error && html`<p class="slip" role="alert">${error}</p>`}
		<button type="submit" class=${danger ? 'button strong danger' : 'button'} aria-disabled=${isBusy || !canGo}>${action}</button>
	</form>`;
}

/** @param {{ at: any }} props */
function Backups({ at }) {
	const { act, isBusy, error, setError } = useAct();
	const [isAway, setAway] = useState(false);
	const { backup } = at;
	const mine = useTake(backup.job, setError);
	const isRunning = backup.job && !['done', 'failed'].includes(backup.job.phase);
	const begin = async (/** @type {any} */ body) => {
		mine.current = (await post('safety/backup', body)).job * (body.passphrase ? 1 : 0);
		askSafety();
	};
	return html`<p class=${backup.is_late ? 'warned' : ''}>${backup.last_ok ? t('backup.last', { when: full(backup.last_ok) }) : t('backup.never')}</p>
		<p class="note">${t('backup.said')} <code>${backup.dir}</code></p>
		${backup.last_error && html`<p class="slip">${backup.last_error}</p>`}
		${backup.files.length > 0 && html`<ul class="files">${backup.files.map((/** @type {any} */ file) => html`<li key=${file.name}>
			<span><b>${full(file.at)}</b><small>${bytes(file.bytes)} · ${file.name}</small></span>
			<button type="button" class="quiet-button" aria-label=${t('backup.takeAria', { name: file.name })} onClick=${() => act(() => save(file.name))}>${t('backup.take')}</button></li>`)}</ul>`}
		<${Job} job=${backup.job?.kind === 'backup' ? backup.job : null} />
		${error && html`<p class="slip" role="alert">${error}</p>`}
		<button type="button" class="button" aria-disabled=${isBusy || isRunning} onClick=${() => !isRunning && act(() => begin({}))}>${t('backup.now')}</button>
		<h3>${t('backup.away')}</h3>
		<p class="note">${t('backup.awaySaid')}</p>
		${isAway ? html`<${WithPassphrase} action=${t('backup.awayDo')} onGo=${(/** @type {string} */ passphrase) => begin({ passphrase })} />`
			: html`<button type="button" class="button" onClick=${() => setAway(true)}>${t('backup.away')}</button>`}`;
}

/** @param {{ at: any }} props */
function Move({ at }) {
	const [isOpen, setOpen] = useState(false);
	const [typed, setTyped] = useState('');
	const [error, setError] = useState('');
	const { job } = at.backup;
	const mine = useTake(job, setError);
	const move = async (/** @type {string} */ passphrase) => {
		mine.current = (await post('safety/move', { passphrase, confirm: 'move' })).job;
		askSafety();
	};
	if (at.state === 'RETIRED' || job?.kind === 'move') {
		return html`<p>${t('move.done')}</p><${Job} job=${job} />${error && html`<p class="slip" role="alert">${error}</p>`}
			${job?.name && job.phase === 'done' && html`<button type="button" class="button" onClick=${() => save(job.name).catch((problem) => setError(saidOf(problem)))}>${t('move.take')}</button>`}`;
	}
	if (at.state !== 'CLEAN') {
		return html`<p>${t('move.paused')} <a href="/recovery">${t('banner.why')}</a></p>`;
	}
	return html`<ul class="consequences">${['move.one', 'move.two', 'move.three', 'move.four'].map((key) => html`<li key=${key}>${t(key)}</li>`)}</ul>
		${isOpen ? html`<${WithPassphrase} action=${t('move.go')} danger canGo=${typed.trim().toLowerCase() === 'move'} onGo=${move}>
				<${Field} label=${t('move.confirm')} value=${typed} onInput=${setTyped} kind="text" auto="off" /><//>`
			: html`<button type="button" class="button" onClick=${() => setOpen(true)}>${t('move.open')}</button>`}`;
}

/** @param {{ at: any }} props */
function Passphrase({ at }) {
	const [old, setOld] = useState('');
	const [isOpen, setOpen] = useState(false);
	const { act, isBusy, error } = useAct();
	const isWrapped = at.key.is_wrapped;
	const set = async (/** @type {string | null} */ next) => {
		await post('safety/passphrase', { old: isWrapped ? old : null, new: next });
		setOld('');
		setOpen(false);
		say(t(next === null ? 'pass.removed' : 'pass.set'));
		await loadSafety();
	};
	return html`<p>${t(isWrapped ? 'pass.on' : 'pass.off')}</p>
		<p class="note">${t('pass.said')}</p>
		${!isOpen ? html`<button type="button" class="button" onClick=${() => setOpen(true)}>${t(isWrapped ? 'pass.change' : 'pass.add')}</button>`
			: html`${isWrapped && html`<${Field} label=${t('pass.old')} value=${old} onInput=${setOld} auto="current-password" />`}
				<${WithPassphrase} action=${t(isWrapped ? 'pass.change' : 'pass.add')} onGo=${set} />
				${isWrapped && html`<p><button type="button" class="quiet-button" aria-disabled=${isBusy} onClick=${() => act(() => set(null))}>${t('pass.remove')}</button></p>`}
				${error && html`<p class="slip" role="alert">${error}</p>`}`}`;
}

/** @param {{ at: any }} props */
function Log({ at }) {
	return at.log.length === 0
		? html`<p class="note">${t('log.none')}</p>`
		: html`<ul class="files">${at.log.map((/** @type {any} */ one, /** @type {number} */ i) => html`<li key=${i}><span>${one.said || one.event}<small>${full(one.at)}${one.sequence > 0 ? ` · ${t('log.number', { n: one.sequence })}` : ''}</small></span></li>`)}</ul>`;
}

export default function Safety() {
	const at = useValue(safety);
	const again = useValue(refresh);
	const [error, setError] = useState(/** @type {any} */ (null));
	const load = () => loadSafety().then(() => setError(null), setError);
	const isRunning = at?.backup.job && !['done', 'failed'].includes(at.backup.job.phase);
	useEffect(() => {
		load();
		const timer = isRunning ? setInterval(load, 1000) : 0;
		return () => clearInterval(timer);
	}, [again, Boolean(isRunning)]);
	if (!at) {
		return html`<${Page} title=${t('safety.title')} back>${error ? html`<${Problem} error=${error} onRetry=${load} />` : html`<${Bones} rows=${3} />`}<//>`;
	}
	/** @type {[string, any][]} */
	const parts = [
		['backup', html`<${Backups} at=${at} />`],
		['words', at.key.words_done ? html`<p>${t('words.done')}</p>` : html`<${Words} onDone=${load} />`],
		['move', html`<${Move} at=${at} />`],
		['pass', html`<${Passphrase} at=${at} />`],
		['log', html`<${Log} at=${at} />`],
	];
	return html`<${Page} title=${t('safety.title')} back>
		${error && html`<${Problem} error=${error} onRetry=${load} />`}
		${parts.map(([id, body]) => html`<${Sheet} key=${id} id=${id} title=${t(`${id}.title`)}>${body}<//>`)}
	<//>`;
}
