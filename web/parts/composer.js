/**
 * parts/composer: writing. Every keystroke is kept in this browser; a submission carries one nonce until its text changes, so trying again never posts twice.
 */
import { html, signal, useEffect, useLayoutEffect, useRef, useState, useValue } from '../lib/html.js';
import { ApiError, get, memory } from '../lib/api.js';
import { nonce as makeNonce, pathOf, t, unitsLeft } from '../lib/text.js';
import { isPaused as paused, me, say, status, take } from '../lib/state.js';
import { Avatar } from './avatar.js';
import { IconButton, Problem } from './bits.js';
import { PostText } from './posttext.js';

/** @typedef {{ text: string, cw: string, nonce: string, sent: string }} Draft */

/** Raised to put the cursor into the composer on the screen. */
export const wantsFocus = signal(0);

/** @param {string} key @returns {Draft} */
function loadDraft(key) {
	try {
		const found = JSON.parse(memory.get(`draft.${key}`) ?? 'null');
		if (found && typeof found.text === 'string') {
			return { text: found.text, cw: String(found.cw ?? ''), nonce: String(found.nonce ?? ''), sent: String(found.sent ?? '') };
		}
	} catch {
		/* an older or damaged draft */
	}
	return { text: '', cw: '', nonce: '', sent: '' };
}

/** @param {string} key @param {Draft} draft */
function keepDraft(key, draft) {
	memory.set(`draft.${key}`, draft.text || draft.cw ? JSON.stringify(draft) : null);
}

/**
 * Suggestions are a module of their own, fetched when the first name is begun.
 * @typedef {{ Suggest: any }} Suggesting
 */

/**
 * @param {{ where: string, place: string, label: string, action: string, reply?: () => { root: string, branch: string[] },
 *   onPosted: (id: string) => void, autofocus?: boolean }} props
 */
export function Composer({ where, place, label, action, reply, onPosted, autofocus = false }) {
	const [draft, setDraft] = useState(() => loadDraft(where));
	const [isOpen, setOpen] = useState(draft.text !== '' || draft.cw !== '' || autofocus);
	const [isPreview, setPreview] = useState(false);
	const [hasWarning, setWarning] = useState(draft.cw !== '');
	const [isSending, setSending] = useState(false);
	const [error, setError] = useState(/** @type {any} */ (null));
	const [suggesting, setSuggesting] = useState(/** @type {Suggesting | null} */ (null));
	const [caret, setCaret] = useState(0);
	const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
	const keys = useRef(/** @type {{ onKey: ((event: KeyboardEvent) => boolean) | null }} */ ({ onKey: null }));
	const node = useValue(status);
	const wanted = useValue(wantsFocus);
	const self = useValue(me);
	const isPaused = paused(node);
	const left = unitsLeft(draft.text + draft.cw);
	const canPost = draft.text.trim() !== '' && left >= 0 && !isSending;
	const id = `write-${where.replace(/[^\w-]/g, '')}`;

	const change = (/** @type {Partial<Draft>} */ part) => {
		const next = { ...draft, ...part };
		setDraft(next);
		keepDraft(where, next);
	};

	useLayoutEffect(() => {
		const box = area.current;
		if (box) {
			box.style.height = 'auto';
			box.style.height = `${box.scrollHeight}px`;
		}
	}, [draft.text, isPreview, isOpen]);

	const firstWish = useRef(wanted);
	useEffect(() => {
		if (autofocus || wanted !== firstWish.current) {
			firstWish.current = wanted;
			setPreview(false);
			area.current?.focus();
			area.current?.scrollIntoView({ block: 'nearest' });
		}
	}, [wanted]);

	const type = (/** @type {any} */ event) => {
		change({ text: event.target.value });
		setCaret(event.target.selectionStart);
		if (!suggesting && event.target.value.includes('@')) {
			import('./suggest.js').then(setSuggesting, () => {});
		}
	};

	const clear = () => {
		setDraft({ text: '', cw: '', nonce: '', sent: '' });
		memory.set(`draft.${where}`, null);
		setWarning(false);
		setPreview(false);
		setError(null);
	};

	const submit = async () => {
		if (!canPost) {
			return;
		}
		const sent = JSON.stringify([draft.text, draft.cw]);
		const nonce = draft.nonce && draft.sent === sent ? draft.nonce : makeNonce();
		change({ nonce, sent });
		setSending(true);
		setError(null);
		try {
			const cw = hasWarning && draft.cw.trim() ? { cw: draft.cw.trim() } : {};
			const { publish } = await import('../lib/safety.js');
			const answer = await publish('post', { text: draft.text, nonce, ...cw, ...(reply ? reply() : {}) });
			clear();
			take(await get(`posts?ids=${pathOf(answer.key)}`));
			onPosted(answer.key);
			say(t('write.done'));
			setOpen(false);
			area.current?.blur();
		} catch (problem) {
			if (problem instanceof ApiError && problem.draft) {
				clear();
				say(t('write.keptDraft', { n: problem.draft }));
				return;
			}
			setError(problem instanceof ApiError ? problem : new ApiError(0, { code: 'internal', said: t('error.broken') }));
		} finally {
			setSending(false);
		}
	};

	const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
		if (keys.current.onKey?.(event)) {
			event.preventDefault();
		} else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
			event.preventDefault();
			submit();
		} else if (event.key === 'Escape') {
			area.current?.blur();
		}
	};

	/** @param {string} text @param {number} at */
	const replace = (text, at) => {
		change({ text });
		setCaret(at);
		requestAnimationFrame(() => area.current?.setSelectionRange(at, at));
	};

	return html`<form class=${isOpen ? 'composer open' : 'composer'} onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), submit())}>
		<${Avatar} id=${self} />
		<div class="write">
			${hasWarning &&
			html`<label class="cw"><span class="sr">${t('write.warnLabel')}</span>
				<input value=${draft.cw} maxlength="200" placeholder=${t('write.warnPlace')} dir="auto" onInput=${(/** @type {any} */ e) => change({ cw: e.target.value })} />
			</label>`}
			${isPreview
				? html`<div class="preview">${draft.text.trim() ? html`<${PostText} text=${draft.text} />` : html`<p class="muted">${t('write.empty')}</p>`}</div>`
				: html`<textarea id=${id} ref=${area} rows="1" dir="auto" aria-label=${label} placeholder=${place} value=${draft.text} readonly=${isSending}
						aria-describedby=${`${id}-note`}
						onFocus=${() => setOpen(true)} onInput=${type} onKeyDown=${onKeyDown}
						onSelect=${(/** @type {any} */ e) => setCaret(e.target.selectionStart)}></textarea>`}
			${isOpen &&
			html`<div class="tools">
					<${IconButton} icon="warn" label=${t('write.warn')} aria-pressed=${hasWarning} onClick=${() => (hasWarning && change({ cw: '' }), setWarning(!hasWarning))} />
					<${IconButton} icon=${isPreview ? 'pen' : 'eye'} label=${t(isPreview ? 'write.edit' : 'write.preview')} aria-pressed=${isPreview} onClick=${() => setPreview(!isPreview)} />
					${draft.text !== '' && html`<${IconButton} icon="close" label=${t('write.discard')} onClick=${() => (clear(), setOpen(false))} />`}
					<span class="grow"></span>
					${left <= 1000 && html`<span class=${left < 0 ? 'left over' : 'left'} role="status">${left < 0 ? t('write.over', { n: -left }) : t('write.left', { n: left })}</span>`}
					<button type="submit" class="button strong" aria-disabled=${!canPost}>${isPaused ? t('write.keep') : isSending ? t('write.sending') : action}</button>
				</div>
				<p class="note" id=${`${id}-note`}>${isPaused ? t('write.paused') : t('write.public')}</p>`}
			${suggesting && !isPreview && html`<${suggesting.Suggest} id=${`${id}-list`} text=${draft.text} caret=${caret} area=${area} keys=${keys.current} onTake=${replace} />`}
			${error && html`<${Problem} error=${error} kept=${t('write.kept')} onRetry=${submit} />`}
		</div>
	</form>`;
}
