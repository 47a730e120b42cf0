/**
 * views/letters: one conversation of few. The oldest above, the newest at the bottom, where one writes. Who can read it is part of the head, and nobody can be
 * added: other readers are another conversation.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useLayoutEffect, useRef, useState, useValue } from '../lib/html.js';
import { get, memory, post as send, remove } from '../lib/api.js';
import { idOf, listOf, nameOf, pathOf, t } from '../lib/text.js';
import { day } from '../lib/time.js';
import { keepers, knownPost, letters, line, me, peopleChanged, personOf, refresh, say, take } from '../lib/state.js';
import { go, place } from '../lib/router.js';
import { change, writingOf } from '../lib/writing.js';
import { Avatar } from '../parts/avatar.js';
import { Bones, Empty, Icon, Menu, Problem, useAct } from '../parts/bits.js';
import { Composer, wantsFocus } from '../parts/composer.js';
import { Answering, Letter, jumpTo } from '../parts/letter.js';
import { OTHERS_MAX, Outsiders, calledFully, namesOf, othersOf, showReaders } from '../parts/letters.js';
import { Page } from '../parts/shell.js';

/** @typedef {import('../parts/letters.js').Conversation} Conversation */
/** `ids`: oldest first; `line`: the first that was not read when it was opened. @typedef {{ conversation: Conversation, ids: string[], cursor: string | null, newest: string | null, line: string }} Letters */

const ROWS = 50;
/** Pages that are fetched to find one message. */
const LOOK_PAGES = 40;
/** Messages of one author within this are one group. */
const GROUP_MS = 5 * 60 * 1000;

/** @param {string} name @param {string | null} before */
async function ask(name, before) {
	const answer = await get(`private/${name}?limit=${ROWS}${before ? `&before=${encodeURIComponent(before)}` : ''}`);
	return { ...answer, ids: take(answer).reverse() };
}

/** The first of those that the node counts as not read; '' when all are. @param {string[]} ids @param {number} n */
function firstUnread(ids, n) {
	const others = ids.filter((id) => knownPost(id)?.author !== me.peek());
	return n > 0 ? others[Math.max(0, others.length - n)] ?? '' : '';
}

const isAtEnd = () => document.documentElement.scrollHeight - innerHeight - scrollY < 120;
const toEnd = () => scrollTo(0, document.documentElement.scrollHeight);

/** The message on the screen that must not move when others come above it. */
function anchorNow() {
	for (const article of document.querySelectorAll('main .letter')) {
		const { top, bottom } = article.getBoundingClientRect();
		if (bottom > 60) {
			return { article, top };
		}
	}
	return null;
}

/**
 * The conversation as far as it was asked for.
 * @param {string} name @param {string} wanted a message that is to be seen
 */
function useLetters(name, wanted) {
	const hint = useValue(letters);
	const again = useValue(refresh);
	const [shown, setShown] = useState(/** @type {Letters | null} */ (null));
	const [error, setError] = useState(/** @type {any} */ (null));
	const latest = useRef(shown);
	const first = useRef(true);
	const isBusy = useRef(false);
	const put = (/** @type {Letters} */ now) => {
		latest.current = now;
		setShown(now);
	};
	/** The newest page, put below what is here. */
	const load = async () => {
		try {
			const answer = await ask(name, null);
			const old = latest.current;
			if (!old) {
				let { ids, cursor } = answer;
				for (let n = 0; wanted && !ids.includes(wanted) && cursor && n < LOOK_PAGES; n++) {
					const more = await ask(name, cursor);
					ids = [...more.ids, ...ids];
					cursor = more.cursor;
				}
				put({ conversation: answer.conversation, ids, cursor, newest: answer.newest ?? null, line: firstUnread(ids, answer.conversation.unread) });
			} else {
				/* More came than one page: what is between is fetched from the top again. */
				const isJoined = answer.cursor === null || answer.ids.some((/** @type {string} */ id) => old.ids.includes(id));
				const above = isJoined ? old.ids.filter((id) => !answer.ids.includes(id)) : [];
				put({ ...old, conversation: answer.conversation, ids: [...above, ...answer.ids], cursor: isJoined && above.length > 0 ? old.cursor : answer.cursor, newest: answer.newest ?? old.newest });
			}
			setError(null);
		} catch (problem) {
			setError(problem);
		}
	};
	const earlier = async () => {
		const old = latest.current;
		if (!old?.cursor || isBusy.current) {
			return;
		}
		isBusy.current = true;
		try {
			const more = await ask(name, old.cursor);
			const now = latest.current ?? old;
			put({ ...now, ids: [...more.ids.filter((/** @type {string} */ id) => !now.ids.includes(id)), ...now.ids], cursor: more.cursor });
			setError(null);
		} catch (problem) {
			setError(problem);
		}
		isBusy.current = false;
	};
	useEffect(() => {
		load();
	}, [again]);
	useEffect(() => {
		if (!first.current && hint.conversation === name) {
			load();
		}
		first.current = false;
	}, [hint]);
	useEffect(() => {
		const keep = () => latest.current?.ids ?? [];
		keepers.add(keep);
		return () => {
			keepers.delete(keep);
		};
	}, []);
	return { shown, error, load, earlier, put };
}

/** What stands on the screen of somebody who looks is read. @param {string} name @param {Letters | null} shown */
function useRead(name, shown) {
	const told = useRef('');
	const newest = shown?.newest;
	useEffect(() => {
		if (!newest || shown?.conversation.is_request) {
			return undefined;
		}
		const tell = () => {
			if (told.current !== newest && document.visibilityState === 'visible' && isAtEnd()) {
				told.current = newest;
				send(`private/${name}`, { read: newest }).catch(() => {
					told.current = '';
				});
			}
		};
		const timer = setTimeout(tell, 300);
		addEventListener('scroll', tell, { passive: true });
		document.addEventListener('visibilitychange', tell);
		return () => {
			clearTimeout(timer);
			removeEventListener('scroll', tell);
			document.removeEventListener('visibilitychange', tell);
		};
	}, [newest, shown?.conversation.is_request]);
}

/**
 * What came while somebody reads further up: counted until it is seen. Who is at the end stays there, also when the field below grows.
 * @param {string[]} ids @param {{ current: HTMLElement | null }} foot
 */
function useNews(ids, foot) {
	const known = useRef(/** @type {Set<string> | null} */ (null));
	const wasAtEnd = useRef(true);
	const [news, setNews] = useState(/** @type {string[]} */ ([]));
	const [said, setSaid] = useState('');
	useEffect(() => {
		const look = () => {
			wasAtEnd.current = isAtEnd();
			if (wasAtEnd.current) {
				setNews((old) => (old.length > 0 ? [] : old));
			}
		};
		addEventListener('scroll', look, { passive: true });
		return () => removeEventListener('scroll', look);
	}, []);
	const isHere = ids.length > 0;
	useEffect(() => {
		const grows = new ResizeObserver(() => wasAtEnd.current && toEnd());
		if (foot.current) {
			grows.observe(foot.current);
		}
		return () => grows.disconnect();
	}, [isHere]);
	useLayoutEffect(() => {
		if (ids.length === 0) {
			return;
		}
		const old = known.current;
		known.current = new Set(ids);
		const newestOld = old ? ids.findLastIndex((id) => old.has(id)) : ids.length;
		const come = ids.slice(newestOld + 1);
		const others = come.filter((id) => knownPost(id)?.author !== me.peek());
		if (come.length > 0 && (wasAtEnd.current || others.length < come.length)) {
			toEnd();
		} else if (others.length > 0) {
			setNews((all) => [...all, ...others]);
		}
		if (others.length > 0) {
			setSaid(t('private.came', { n: others.length, names: listOf([...new Set(others.map((id) => nameOf(personOf(knownPost(id)?.author ?? '').peek())))]) }));
		}
	}, [ids]);
	return { news, said };
}

/** @param {{ conversation: Conversation, onDone: (conversation: Conversation) => void }} props */
function Request({ conversation, onDone }) {
	const { act, isBusy, error } = useAct();
	const names = namesOf(conversation.readers);
	const tell = (/** @type {any} */ what) => act(async () => onDone((await send(`private/${conversation.id}`, what)).conversation));
	const hide = () => act(() => hideIt(conversation.id));
	const block = async () => (await import('../parts/person.js')).askBlock(othersOf(conversation.readers)[0]);
	return html`<section class="request" aria-label=${t('private.request')}>
		<p><b>${t('private.requestFrom', { names })}</b></p><p class="note">${t('private.requestNote')}</p>
		<p class="kept-do"><button type="button" class="button strong" aria-disabled=${isBusy} onClick=${() => tell({ accept: true })}>${t('private.accept')}</button>
			<button type="button" class="button" aria-disabled=${isBusy} onClick=${hide}>${t('private.hide')}</button>
			${othersOf(conversation.readers).length === 1 && html`<button type="button" class="quiet-button" onClick=${block}>${t('post.block', { name: names })}</button>`}</p>
		${error && html`<p class="slip" role="alert">${error}</p>`}
	</section>`;
}

/** @param {string} name */
async function hideIt(name) {
	await send(`private/${name}`, { hide: true });
	say(t('private.hidden'));
	go('/private', { replace: true });
}

/** What was taken back while something else stood in the field. @param {{ conversation: Conversation }} props */
function Back({ conversation }) {
	const name = `p-${conversation.id}-back`;
	const [row, setRow] = useState(/** @type {any} */ (null));
	const { act, error } = useAct();
	useEffect(() => {
		get(`writing?name=${name}`).then((answer) => setRow(answer.writing[0] ?? null), () => {});
	}, [name]);
	const drop = async () => {
		await remove(`writing/${name}`);
		setRow(null);
	};
	const put = async () => {
		const at = writingOf(`p-${conversation.id}`);
		change(at, { text: [at.words.peek().text, row.body.text].filter(Boolean).join('\n\n'), cw: at.words.peek().cw || row.body.cw || '' });
		await drop();
	};
	return row?.body && html`<div class="letters-back"><p><b>${t('private.back')}</b></p><blockquote dir="auto" class="other-text">${row.body.text}</blockquote>
		<p class="kept-do"><button type="button" class="button" onClick=${() => act(put)}>${t('private.backTake')}</button><button type="button" class="quiet-button" onClick=${() => act(drop)}>${t('private.backDrop')}</button></p>
		${error && html`<p class="slip" role="alert">${error}</p>`}</div>`;
}

/** Where one writes. @param {{ conversation: Conversation, onPosted: () => void }} props */
function Write({ conversation, onPosted }) {
	const where = `p-${conversation.id}`;
	const at = writingOf(where);
	const words = useValue(at.words);
	const link = useValue(line);
	const readers = othersOf(conversation.readers);
	const answering = words.branch?.length === 1 ? words.branch[0] : '';
	if (readers.length > OTHERS_MAX) {
		return html`<p class="lead-note">${t('private.tooMany', { n: readers.length, most: OTHERS_MAX })}</p>`;
	}
	const reply = () => (answering ? { root: words.root ?? answering, branch: [answering] } : conversation.root ? { root: conversation.root } : undefined);
	const names = namesOf(conversation.readers, 2);
	const label = readers.length > 0 ? t('private.writeTo', { names }) : t('private.writeSelf');
	return html`${place.peek().query.has('back') && html`<${Back} conversation=${conversation} />`}
		${answering && html`<${Answering} id=${answering} onDrop=${() => (change(at, { root: undefined, branch: undefined }), wantsFocus.value++)} />`}
		<${Composer} key=${where} where=${where} readers=${readers} place=${label} label=${label} action=${t('private.send')} reply=${reply} onPosted=${onPosted} onHeld=${() => setTimeout(toEnd, 30)}
			below=${(/** @type {string} */ text) => html`<${Outsiders} text=${text} readers=${readers} />${link === 'lost' && text && html`<p class="note warn-note"><${Icon} name="warn" />${t('private.onlyHere')}</p>`}`} />`;
}

/** Which message each answers, when that is not the one above it. @param {string[]} ids @param {number} i */
function answeredBy(ids, i) {
	const [one, ...more] = knownPost(ids[i])?.branch ?? [];
	return one && more.length === 0 && one !== ids[i - 1] && ids.indexOf(one) < i && ids.includes(one) ? one : '';
}

/** @param {string} id */
const atOf = (id) => knownPost(id)?.at ?? 0;

/** @param {{ shown: Letters, onReply: ((post: any) => void) | null, onJump: (id: string) => void }} props */
function Rows({ shown, onReply, onJump }) {
	const { ids } = shown;
	const last = ids.findLast((id) => knownPost(id)?.author === me.peek());
	return ids.map((id, i) => {
		const before = ids[i - 1];
		const isNewDay = !before || day(atOf(before)) !== day(atOf(id));
		const isLine = id === shown.line;
		const isFirst = isNewDay || isLine || knownPost(before)?.author !== knownPost(id)?.author || atOf(id) - atOf(before) > GROUP_MS;
		return [
			isNewDay && html`<p class="letter-day" key=${`d-${id}`}>${day(atOf(id))}</p>`,
			isLine && html`<p class="here-line" key="line"><span>${t('private.new')}</span></p>`,
			html`<${Letter} key=${id} id=${id} isFirst=${isFirst} isLast=${id === last} answered=${answeredBy(ids, i)} onReply=${onReply} onJump=${onJump} />`,
		];
	});
}

/** Nothing was said yet: with whom this is. @param {{ readers: string[] }} props */
function Begin({ readers }) {
	return html`<div class="empty letters-begin"><p class="begin-faces">${othersOf(readers).map((id) => html`<${Avatar} key=${id} id=${id} size="l" />`)}</p>
		<p class="empty-said">${t('private.beginSaid', { names: namesOf(readers) })}</p><p>${t('private.beginThen')}</p></div>`;
}

/** @param {{ args: string[], query: URLSearchParams }} props */
export default function Conversation({ args, query }) {
	const [name] = args;
	const wanted = query.get('at') ? idOf('%', query.get('at') ?? '') : '';
	useValue(peopleChanged);
	const { shown, error, load, earlier, put } = useLetters(name, wanted);
	const anchor = useRef(/** @type {{ article: Element, top: number } | null} */ (null));
	const drawn = useRef(/** @type {string[]} */ ([]));
	const isPlaced = useRef(false);
	const top = useRef(/** @type {HTMLElement | null} */ (null));
	const ids = shown?.ids ?? [];
	if (drawn.current !== ids) {
		drawn.current = ids;
		anchor.current = anchorNow();
	}
	/* What comes above must not move what is being read. */
	useLayoutEffect(() => {
		const was = anchor.current;
		if (was?.article.isConnected) {
			scrollBy(0, was.article.getBoundingClientRect().top - was.top);
		}
		anchor.current = null;
	}, [ids]);
	useRead(name, shown);
	const foot = useRef(/** @type {HTMLElement | null} */ (null));
	const { news, said } = useNews(ids, foot);
	useLayoutEffect(() => {
		if (!shown || isPlaced.current) {
			return;
		}
		isPlaced.current = true;
		const to = () => {
			if (wanted && jumpTo(wanted)) {
				return;
			}
			const unread = document.querySelector('.letters .here-line');
			if (unread) {
				scrollTo(0, unread.getBoundingClientRect().top + scrollY - innerHeight / 3);
			} else {
				toEnd();
			}
		};
		to();
		requestAnimationFrame(to);
	}, [shown !== null]);
	useEffect(() => {
		if (!shown?.cursor || !top.current || memory.get('endless') === 'off') {
			return undefined;
		}
		const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && isPlaced.current && earlier(), { rootMargin: '800px' });
		watcher.observe(top.current);
		return () => watcher.disconnect();
	}, [shown?.cursor]);

	if (!shown) {
		const isNone = error?.code === 'not_found';
		const body = !error ? html`<${Bones} rows=${3} />` : isNone ? html`<${Empty} said=${t('private.none')} then=${t('private.noneDo')}><p><a class="button" href="/private">${t('private.all')}</a></p><//>` : html`<${Problem} error=${error} onRetry=${load} />`;
		return html`<${Page} title=${t('nav.private')} back>${body}<//>`;
	}
	const { conversation } = shown;
	const { readers } = conversation;
	const others = othersOf(readers);
	const who = () => showReaders({ readers, said: [t('readers.exactly'), t('readers.theirs'), t('readers.never')] });
	const onReply = (/** @type {import('../lib/state.js').Post} */ post) => {
		change(writingOf(`p-${name}`), { root: post.root ?? post.id, branch: [post.id] });
		/* At once: what is typed next belongs there. */
		/** @type {HTMLElement | null} */ (document.querySelector('.letters-foot textarea'))?.focus();
	};
	const onJump = (/** @type {string} */ id) => void jumpTo(id);
	const tools = html`<button type="button" class="readers-button" aria-haspopup="dialog" onClick=${who}><${Icon} name="lock" /><span>${t('readers.n', { n: readers.length })}</span></button>
		<${Menu} label=${t('private.menu')} items=${[{ said: t('readers.who'), onPick: who }, ...others.slice(0, OTHERS_MAX).map((id) => ({ said: t('private.profile', { name: calledFully(id) }), href: `/p/${pathOf(id)}` })),
			{ said: t('private.hide'), onPick: () => hideIt(name).catch((problem) => say(problem.said)) }]} />`;
	const rows = ids.length > 0 ? html`<${Rows} shown=${shown} onReply=${conversation.is_request ? null : onReply} onJump=${onJump} />` : html`<${Begin} readers=${readers} />`;
	return html`<${Page} title=${namesOf(readers)} tab=${t('nav.private')} tools=${tools} back>
		<div class="letters">
			<p class="end" ref=${top}>${shown.cursor ? html`<button type="button" class="button" data-act="earlier" onClick=${earlier}>${t('private.earlierHere')}</button>` : ids.length > 0 && t('private.beginning')}</p>
			${rows}
			${error && html`<${Problem} error=${error} onRetry=${load} />`}
		</div>
		<p class="sr" role="status">${said}</p>
		<div class="letters-foot" ref=${foot}>
			<div class="pill-end" role="status">${news.length > 0 && html`<button type="button" class="pill" data-act="fresh" onClick=${() => jumpTo(news[0])}>${t('private.pill', { n: news.length })}</button>`}</div>
			${conversation.is_request ? html`<${Request} conversation=${conversation} onDone=${(/** @type {Conversation} */ now) => put({ ...shown, conversation: now })} />` : html`<${Write} conversation=${conversation} onPosted=${load} />`}
		</div>
	<//>`;
}
