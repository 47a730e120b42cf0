/**
 * parts/composer: writing, in place or as a full page. Every keystroke is kept (lib/writing); what is posted waits on the node and may be taken back
 * (lib/outbox). A submission carries one nonce until its text changes, so trying again never posts twice.
 */
import { html, signal, useEffect, useLayoutEffect, useRef, useState, useValue } from '../lib/html.js';
import { ApiError } from '../lib/api.js';
import { useUnitsLeft } from '../lib/budget.js';
import { nonce as makeNonce, pathOf, t } from '../lib/text.js';
import { isPaused as paused, me, say, status } from '../lib/state.js';
import { held, hold, stored } from '../lib/outbox.js';
import { change, choose, done, look, nonceFor, writingOf } from '../lib/writing.js';
import { Avatar } from './avatar.js';
import { Icon, IconButton, Problem } from './bits.js';
import { PostText } from './posttext.js';

/** Raised to put the cursor into the composer on the screen. */
export const wantsFocus = signal(0);

const COUNTED_FROM = 1000;
/** Where the counter speaks; between them it is only seen. */
const SPOKEN = [0, 20, 50, 100, 200, 500, COUNTED_FROM];
const PREVIEW_MS = 120;

/** Names, tags and emoji while writing are a module of their own, fetched when the first is begun. @typedef {{ Suggest: any }} Suggesting */

/** As the post will look: the same parser, the same elements. @param {{ text: string, cw: string }} props */
function Preview({ text, cw }) {
	const [shown, setShown] = useState(text);
	useEffect(() => {
		const timer = setTimeout(() => setShown(text), PREVIEW_MS);
		return () => clearTimeout(timer);
	}, [text]);
	return html`<section class="preview" aria-label=${t('write.previewLabel')}>
		<h2 class="sr">${t('write.previewLabel')}</h2>
		${cw && html`<p class="warning"><${Icon} name="warn" /><span dir="auto">${t('post.warning', { cw })}</span></p>`}
		${shown.trim() ? html`<${PostText} text=${shown} />` : html`<p class="muted">${t('write.empty')}</p>`}
	</section>`;
}

/** @param {{ left: number }} props */
function Left({ left }) {
	if (left > COUNTED_FROM) {
		return null;
	}
	const said = left < 0 ? t('write.over', { n: -left }) : t('write.left', { n: left });
	const step = SPOKEN.find((at) => left <= at) ?? COUNTED_FROM;
	return html`<span class=${left < 0 ? 'left over' : 'left'} aria-hidden="true">${said}</span>
		<span class="sr" role="status">${left < 0 ? t('write.tooLong') : t('write.left', { n: step })}</span>`;
}

/** Two devices wrote. @param {{ at: import('../lib/writing.js').Writing }} props */
function Other({ at }) {
	const row = useValue(at.other);
	if (!row?.body) {
		return null;
	}
	return html`<div class="problem" role="alert"><${Icon} name="warn" /><div>
		<p>${t('write.other')}</p>
		<blockquote dir="auto" class="other-text">${row.body.text}</blockquote>
		<p class="kept-do">
			<button type="button" class="button" onClick=${() => choose(at, 'both')}>${t('write.both')}</button>
			<button type="button" class="button" onClick=${() => choose(at, 'mine')}>${t('write.mine')}</button>
			<button type="button" class="button" onClick=${() => choose(at, 'theirs')}>${t('write.theirs')}</button>
		</p></div></div>`;
}

/** Posts from here that may still be taken back; their module comes with the first. @param {{ root?: string }} props */
function Waiting({ root }) {
	const all = useValue(held);
	const [Held, setHeld] = useState(/** @type {any} */ (null));
	const mine = root ? all.filter((one) => one.body.root === root) : all;
	useEffect(() => {
		if (mine.length > 0 && !Held) {
			import('./held.js').then((module) => setHeld(() => module.Held), () => {});
		}
	}, [mine.length > 0]);
	return mine.length > 0 && Held && mine.map((one) => html`<${Held} key=${one.nonce} one=${one} />`);
}

/**
 * @param {{ where: string, place: string, label: string, action: string, reply?: () => { root: string, fork?: string, branch?: string[] },
 *   onPosted: (id: string) => void, onHeld?: () => void, autofocus?: boolean, isFull?: boolean }} props
 */
export function Composer({ where, place, label, action, reply, onPosted, onHeld, autofocus = false, isFull = false }) {
	const at = writingOf(where);
	const words = useValue(at.words);
	const [isOpen, setOpen] = useState(words.text !== '' || words.cw !== '' || autofocus || isFull);
	const [isPreview, setPreview] = useState(false);
	const [hasWarning, setWarning] = useState(words.cw !== '');
	const [isSending, setSending] = useState(false);
	const [error, setError] = useState(/** @type {any} */ (null));
	const [suggesting, setSuggesting] = useState(/** @type {Suggesting | null} */ (null));
	const [caret, setCaret] = useState(0);
	const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
	const keys = useRef(/** @type {{ onKey: ((event: KeyboardEvent) => boolean) | null }} */ ({ onKey: null }));
	const node = useValue(status);
	const wanted = useValue(wantsFocus);
	const self = useValue(me);
	const became = useValue(stored);
	const isPaused = paused(node);
	const thread = reply?.();
	/* A reply under a post of the conversation has that post's name, and says itself where it belongs. */
	const aside = thread && where !== pathOf(thread.root) ? thread : {};
	const body = { text: words.text, ...(words.cw.trim() ? { cw: words.cw.trim() } : {}), ...thread };
	const left = useUnitsLeft(body);
	const canPost = words.text.trim() !== '' && left >= 0 && !isSending;
	const id = `write-${where.replace(/[^\w-]/g, '')}`;

	useEffect(() => look(at), [where]);
	/* What another device wrote, or what was taken back, is to be seen. */
	useEffect(() => {
		if (words.text || words.cw) {
			setOpen(true);
			setWarning((is) => is || words.cw !== '');
		}
	}, [words]);

	const last = useRef(became.id);
	useLayoutEffect(() => {
		if (became.id !== last.current && (!thread || became.root === thread.root)) {
			last.current = became.id;
			onPosted(became.id);
		}
	}, [became]);

	useLayoutEffect(() => {
		const box = area.current;
		if (box && !isFull) {
			box.style.height = 'auto';
			box.style.height = `${box.scrollHeight}px`;
		}
	}, [words.text, isOpen]);

	const firstWish = useRef(wanted);
	useEffect(() => {
		if (autofocus || wanted !== firstWish.current) {
			firstWish.current = wanted;
			const box = area.current;
			box?.focus();
			box?.setSelectionRange(box.value.length, box.value.length);
			box?.scrollIntoView({ block: 'nearest' });
		}
	}, [wanted]);

	const type = (/** @type {any} */ event) => {
		change(at, { text: event.target.value, ...aside });
		setCaret(event.target.selectionStart);
		if (!suggesting && /[@#:]/.test(event.target.value)) {
			import('./suggest.js').then(setSuggesting, () => {});
		}
	};

	const close = () => {
		setWarning(false);
		setPreview(false);
		setError(null);
		setOpen(isFull);
		area.current?.blur();
	};
	const discard = () => {
		change(at, { text: '', cw: '' });
		close();
	};

	const submit = async () => {
		if (!canPost) {
			return;
		}
		setSending(true);
		setError(null);
		try {
			await hold({ ...body, nonce: nonceFor(at, makeNonce), writing: where });
			done(at);
			close();
			onHeld?.();
		} catch (problem) {
			if (problem instanceof ApiError && problem.draft) {
				change(at, { text: '', cw: '' });
				done(at);
				close();
				say(t('write.keptDraft', { n: problem.draft }));
				return;
			}
			setError(problem instanceof ApiError ? problem : new ApiError(0, { code: 'internal', said: t('error.broken') }));
		} finally {
			setSending(false);
		}
	};

	const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
		if (event.isComposing) {
			return;
		}
		if (keys.current.onKey?.(event)) {
			event.preventDefault();
			event.stopPropagation();
		} else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
			event.preventDefault();
			submit();
		} else if (event.key === 'Escape') {
			area.current?.blur();
		}
	};

	/** @param {string} text @param {number} to */
	const replace = (text, to) => {
		change(at, { text });
		setCaret(to);
		requestAnimationFrame(() => {
			area.current?.focus();
			area.current?.setSelectionRange(to, to);
		});
	};

	const post = html`<button type="submit" class="button strong" aria-disabled=${!canPost}>${isPaused ? t('write.keep') : isSending ? t('write.sending') : action}</button>`;
	const form = html`<form class=${`composer${isOpen ? ' open' : ''}${isFull ? ' full' : ''}`} onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), submit())}>
		${!isFull && html`<${Avatar} id=${self} />`}
		<div class="write">
			${hasWarning &&
			html`<label class="cw"><span class="sr">${t('write.warnLabel')}</span>
				<input value=${words.cw} maxlength="200" placeholder=${t('write.warnPlace')} dir="auto" onInput=${(/** @type {any} */ e) => change(at, { cw: e.target.value })} />
			</label>`}
			<textarea id=${id} ref=${area} rows="1" dir="auto" aria-label=${label} placeholder=${place} value=${words.text} readonly=${isSending}
				aria-describedby=${`${id}-note`} onFocus=${() => setOpen(true)} onInput=${type} onKeyDown=${onKeyDown}
				onSelect=${(/** @type {any} */ e) => setCaret(e.target.selectionStart)}></textarea>
			${isOpen &&
			html`<div class="tools">
					<${IconButton} icon="warn" label=${t('write.warn')} aria-pressed=${hasWarning} onClick=${() => (hasWarning && change(at, { cw: '' }), setWarning(!hasWarning))} />
					<${IconButton} icon="eye" label=${t('write.preview')} aria-pressed=${isPreview} onClick=${() => setPreview(!isPreview)} />
					${words.text !== '' && html`<${IconButton} icon="bin" label=${t('write.discard')} onClick=${discard} />`}
					${!isFull && html`<a class="icon-button" href=${thread ? `/write?to=${where}` : '/write'} aria-label=${t('write.page')} title=${t('write.page')}><${Icon} name="expand" /></a>`}
					<span class="grow"></span>
					<${Left} left=${left} />
					${post}
				</div>`}
			${suggesting && html`<${suggesting.Suggest} id=${`${id}-list`} text=${words.text} caret=${caret} area=${area} keys=${keys.current} onTake=${replace} />`}
			${error && html`<${Problem} error=${error} kept=${t('write.kept')} onRetry=${submit} />`}
			<${Other} at=${at} />
			${isOpen && isPreview && html`<${Preview} text=${words.text} cw=${words.cw.trim()} />`}
			${isOpen && html`<p class="note" id=${`${id}-note`}>${isPaused ? t('write.paused') : t('write.public')} <a href="/drafts">${t('nav.drafts')}</a></p>`}
		</div>
	</form>`;
	const waiting = html`<${Waiting} root=${thread?.root} />`;
	return thread ? html`${waiting}${form}` : html`${form}${waiting}`;
}
