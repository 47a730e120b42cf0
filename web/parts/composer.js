/**
 * parts/composer: writing, in place or as a full page. Every keystroke is kept (lib/writing); what is posted waits on the node and may be taken back
 * (lib/outbox). A submission carries one nonce until its text changes, so trying again never posts twice.
 */
import { html, signal, useEffect, useLayoutEffect, useRef, useState, useValue } from '../lib/html.js';
import { ApiError } from '../lib/api.js';
import { join, split } from '../lib/attached.js';
import { useUnitsLeft } from '../lib/budget.js';
import { nonce as makeNonce, pathOf, t } from '../lib/text.js';
import { isPaused as paused, isReader, me, say, status } from '../lib/state.js';
import { held, hold, stored } from '../lib/outbox.js';
import { change, choose, done, look, nonceFor, settle, writingOf } from '../lib/writing.js';
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
		${shown.trim() ? html`<${PostText} text=${shown} isOpen />` : html`<p class="muted">${t('write.empty')}</p>`}
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
		<blockquote dir="auto" class="other-text">${row.body.text.replace(/!?\[([^\]]*)\]\(&[^)]*\)/g, '[$1]')}</blockquote>
		<p class="kept-do">
			<button type="button" class="button" onClick=${() => choose(at, 'both')}>${t('write.both')}</button>
			<button type="button" class="button" onClick=${() => choose(at, 'mine')}>${t('write.mine')}</button>
			<button type="button" class="button" onClick=${() => choose(at, 'theirs')}>${t('write.theirs')}</button>
		</p></div></div>`;
}

/** Posts from here that may still be taken back; their module comes with the first. @param {{ root?: string, to: string }} props `to`: only private ones of there */
function Waiting({ root, to }) {
	const all = useValue(held);
	const [Held, setHeld] = useState(/** @type {any} */ (null));
	const mine = all.filter(({ body }) => (body.readers || to ? body.readers && body.writing === to : !root || body.root === root));
	useEffect(() => {
		if (mine.length > 0 && !Held) {
			import('./held.js').then((module) => setHeld(() => module.Held), () => {});
		}
	}, [mine.length > 0]);
	return mine.length > 0 && Held && mine.map((one) => html`<${Held} key=${one.nonce} one=${one} />`);
}

/** @typedef {typeof import('./attach.js')} Attaching */
/** @param {DataTransfer | null} what */
const hasFiles = (what) => what?.types.includes('Files') === true;

/**
 * Files that are chosen, pasted or dropped, and their module, fetched with the first. `seal`: so that only the readers of a private message can open them.
 * @param {import('../lib/writing.js').Writing} at @param {boolean} isNeeded @param {boolean} seal @param {() => void} onAdd
 */
function useAttaching(at, isNeeded, seal, onAdd) {
	const [attach, setAttach] = useState(/** @type {Attaching | null} */ (null));
	const [isOver, setOver] = useState(false);
	const load = async () => {
		const module = attach ?? (await import('./attach.js'));
		await module.ready();
		setAttach(module);
		return module;
	};
	const add = (/** @type {FileList | File[] | undefined} */ files) => {
		const all = [...(files ?? [])];
		if (all.length > 0) {
			onAdd();
			load().then((module) => module.addFiles(at, all, { seal }), () => say(t('error.offline')));
		}
	};
	useEffect(() => {
		if (isNeeded && !attach) {
			load().catch(() => {});
		}
	}, [isNeeded]);
	/* Anywhere on the page: a file that misses its place must not replace the page. */
	useEffect(() => {
		const over = (/** @type {DragEvent} */ event) => {
			if (hasFiles(event.dataTransfer)) {
				event.preventDefault();
				setOver(event.type === 'dragover');
			}
		};
		const drop = (/** @type {DragEvent} */ event) => {
			if (hasFiles(event.dataTransfer) && !event.defaultPrevented && !document.querySelector('dialog[open]')) {
				over(event);
				add(event.dataTransfer?.files);
			}
		};
		const left = (/** @type {DragEvent} */ event) => !event.relatedTarget && setOver(false);
		document.addEventListener('dragover', over);
		document.addEventListener('drop', drop);
		document.addEventListener('dragleave', left);
		return () => {
			document.removeEventListener('dragover', over);
			document.removeEventListener('drop', drop);
			document.removeEventListener('dragleave', left);
		};
	}, [at, attach]);
	/* Programs that copy words put a picture of them beside; the words are meant. */
	const onPaste = (/** @type {ClipboardEvent} */ event) => {
		const what = event.clipboardData;
		if (what && what.files.length > 0 && !what.types.includes('text/plain')) {
			event.preventDefault();
			add(what.files);
		}
	};
	return { attach, add, isOver, onPaste };
}

/** On a device that may only read, the place says so; anywhere else it is there to write in. @param {any} props see Writer */
export function Composer(props) {
	return useValue(isReader) ? html`<p class="only-reads"><${Icon} name="eye" />${t('read.only')}</p>` : html`<${Writer} ...${props} />`;
}

/**
 * `readers`: private words, for them and nobody else; `below` is drawn under what is written.
 * @param {{ where: string, place: string, label: string, action: string, reply?: () => { root: string, fork?: string, branch?: string[] } | undefined, readers?: string[],
 *   below?: (text: string) => any, onPosted: (id: string) => void, onHeld?: () => void, autofocus?: boolean, isFull?: boolean }} props
 */
function Writer({ where, place, label, action, reply, readers, below, onPosted, onHeld, autofocus = false, isFull = false }) {
	const at = writingOf(where);
	const isSealed = readers !== undefined;
	const words = useValue(at.words);
	const { text, list } = split(words.text);
	const [isOpen, setOpen] = useState(words.text !== '' || words.cw !== '' || autofocus || isFull);
	const [isPreview, setPreview] = useState(false);
	const [hasWarning, setWarning] = useState(words.cw !== '');
	const [isSending, setSending] = useState(false);
	const [error, setError] = useState(/** @type {any} */ (null));
	const [suggesting, setSuggesting] = useState(/** @type {Suggesting | null} */ (null));
	const [caret, setCaret] = useState(0);
	const [isAsking, setAsking] = useState(false);
	/* Posting without descriptions asks once. */
	const wasAsked = useRef(false);
	const file = useRef(/** @type {HTMLInputElement | null} */ (null));
	const { attach, add, isOver, onPaste } = useAttaching(at, list.length > 0, isSealed, () => setOpen(true));
	const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
	const keys = useRef(/** @type {{ onKey: ((event: KeyboardEvent) => boolean) | null }} */ ({ onKey: null }));
	const node = useValue(status);
	const wanted = useValue(wantsFocus);
	const self = useValue(me);
	const became = useValue(stored);
	const isPaused = paused(node);
	const thread = reply?.();
	/* A reply under a post of the conversation has that post's name, and says itself where it belongs. */
	const to = readers ? where : '';
	const aside = thread && where !== pathOf(thread.root) ? thread : {};
	const body = { text: words.text, ...(words.cw.trim() ? { cw: words.cw.trim() } : {}), ...thread, ...(readers ? { readers } : {}) };
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
		if (became.id !== last.current && became.to === to && (to || !thread || became.root === thread.root)) {
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

	const withList = (/** @type {string} */ written) => join(written, split(at.words.peek().text).list);
	const type = (/** @type {any} */ event) => {
		change(at, { text: withList(event.target.value), ...aside });
		setCaret(event.target.selectionStart);
		if (!suggesting && /[@#:]/.test(event.target.value)) {
			import('./suggest.js').then(setSuggesting, () => {});
		}
	};

	const close = () => {
		setWarning(false);
		setPreview(false);
		setError(null);
		setAsking(false);
		wasAsked.current = false;
		setOpen(isFull);
		area.current?.blur();
	};
	const discard = () => {
		change(at, { text: '', cw: '' });
		attach?.drop(at.name);
		close();
	};

	const submit = async () => {
		if (!canPost) {
			return;
		}
		setError(null);
		setAsking(false);
		setSending(true);
		try {
			if (attach && !(await attach.settle(at.name))) {
				say(t('attach.notAll'));
				return;
			}
			if (attach && attach.undescribed(split(at.words.peek().text).list) > 0 && !wasAsked.current) {
				wasAsked.current = true;
				setAsking(true);
				return;
			}
			await settle(at);
			done(at, await hold({ ...body, text: at.words.peek().text, nonce: nonceFor(at, makeNonce), writing: where }));
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
			change(at, {}); /* not posted: it goes on being kept */
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

	/** @param {string} words @param {number} to */
	const replace = (words, to) => {
		change(at, { text: withList(words) });
		setCaret(to);
		requestAnimationFrame(() => {
			area.current?.focus();
			area.current?.setSelectionRange(to, to);
		});
	};

	const post = html`<button type="submit" class="button strong" aria-disabled=${!canPost}>${isPaused ? t('write.keep') : isSending ? t('write.sending') : action}</button>`;
	const form = html`<form class=${`composer${isOpen ? ' open' : ''}${isFull ? ' full' : ''}${isOver ? ' over-it' : ''}`} onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), submit())}>
		${!isFull && html`<${Avatar} id=${self} />`}
		<div class="write">
			${hasWarning &&
			html`<label class="cw"><span class="sr">${t('write.warnLabel')}</span>
				<input value=${words.cw} maxlength="200" placeholder=${t('write.warnPlace')} dir="auto" onInput=${(/** @type {any} */ e) => change(at, { cw: e.target.value })} />
			</label>`}
			<textarea id=${id} ref=${area} rows="1" dir="auto" aria-label=${label} placeholder=${place} value=${text} readonly=${isSending}
				aria-describedby=${`${id}-note`} onFocus=${() => setOpen(true)} onInput=${type} onPaste=${onPaste} onKeyDown=${onKeyDown}
				onSelect=${(/** @type {any} */ e) => setCaret(e.target.selectionStart)}></textarea>
			${isOver && html`<p class="drop-here">${t('attach.drop')}</p>`}
			${isOpen && !attach && list.map((_, i) => html`<div class="attach-wait" key=${i}></div>`)}
			${isOpen && attach && html`<${attach.Attachments} at=${at} list=${list} seal=${isSealed} isAsking=${isAsking} onAnswer=${(/** @type {boolean} */ isFine) => (setAsking(false), isFine && submit())} />`}
			${isOpen &&
			html`<div class="tools">
					<input type="file" multiple hidden ref=${file} aria-label=${t('attach.choose')} onChange=${(/** @type {any} */ e) => (add(e.target.files), (e.target.value = ''))} />
					<${IconButton} icon="picture" label=${t('attach.choose')} onClick=${() => file.current?.click()} />
					<${IconButton} icon="warn" label=${t('write.warn')} aria-pressed=${hasWarning} onClick=${() => (hasWarning && change(at, { cw: '' }), setWarning(!hasWarning))} />
					<${IconButton} icon="eye" label=${t('write.preview')} aria-pressed=${isPreview} onClick=${() => setPreview(!isPreview)} />
					${words.text !== '' && html`<${IconButton} icon="bin" label=${t('write.discard')} onClick=${discard} />`}
					${!isFull && !to && html`<a class="icon-button" href=${thread ? `/write?to=${where}` : '/write'} aria-label=${t('write.page')} title=${t('write.page')}><${Icon} name="expand" /></a>`}
					<span class="grow"></span>
					<${Left} left=${left} />
					${post}
				</div>`}
			${suggesting && html`<${suggesting.Suggest} id=${`${id}-list`} text=${text} caret=${caret} area=${area} keys=${keys.current} onTake=${replace} />`}
			${below?.(text)}
			${error && html`<${Problem} error=${error} kept=${t('write.kept')} onRetry=${submit} />`}
			<${Other} at=${at} />
			${isOpen && isPreview && html`<${Preview} text=${words.text} cw=${words.cw.trim()} />`}
			${(isOpen || to) && html`<p class="note" id=${`${id}-note`}>${t(isPaused ? 'write.paused' : to ? 'write.private' : 'write.public')} ${!to && html`<a href="/drafts">${t('nav.drafts')}</a>`}</p>`}
		</div>
	</form>`;
	const waiting = html`<${Waiting} root=${thread?.root} to=${to} />`;
	return thread || to ? html`${waiting}${form}` : html`${form}${waiting}`;
}
