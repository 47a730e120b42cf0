/**
 * views/thread: one conversation. What is above the opened post stands above it, replies follow in order, what is missing is a gap that says why. What
 * comes while one reads moves nothing: it is put in its place, and a pill says that it is there.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useLayoutEffect, useRef, useState, useValue } from '../lib/html.js';
import { get } from '../lib/api.js';
import { idOf, messagePath, nameOf, pathOf, t } from '../lib/text.js';
import { changed, keepers, knownPost, me, personOf, postOf, refresh, take } from '../lib/state.js';
import { watch } from '../lib/live.js';
import { go, place } from '../lib/router.js';
import { Bones, Empty, IconButton, Problem, useAnswer } from '../parts/bits.js';
import { Composer, wantsFocus } from '../parts/composer.js';
import { Answers, Ask, Gap, mayAsk, Own } from '../parts/gap.js';
import { Post } from '../parts/post.js';
import { Page, useReturn } from '../parts/shell.js';

/** @typedef {import('../parts/gap.js').GapData} GapData */
/** @typedef {{ root: string, above: string | null, ids: string[], total: number, here: number, gaps: Map<string, GapData> }} ThreadData */

/** Drawn at once, and each time more is needed. */
const AT_ONCE = 60;
/** How far from the screen more is drawn, px. */
const AHEAD = 1200;

/**
 * The newest ends of a conversation: what a reply says it has seen (protocol/07 §4).
 * @param {string[]} ids @param {string} root
 */
export function headsOf(ids, root) {
	const known = ids.map((id) => knownPost(id)).filter((post) => post && !post.missing);
	const answered = new Set(known.flatMap((post) => post?.branch ?? []));
	const heads = known.map((post) => String(post?.id)).filter((id) => !answered.has(id) && id !== root);
	return heads.length > 0 ? heads.slice(-8) : [root];
}

/** @param {string} path @param {boolean} isOwn @returns {Promise<ThreadData>} */
async function ask(path, isOwn) {
	const answer = await get(`thread/${path}${isOwn ? '?own=1' : ''}`);
	if (answer.conversation) {
		go(`/private/${answer.conversation}?at=${path}`, { replace: true });
		return new Promise(() => {});
	}
	const gaps = new Map(answer.gaps.map((/** @type {GapData} */ gap) => [gap.id, gap]));
	const ids = take(answer);
	if (answer.above && !knownPost(answer.above)) {
		take(await get(`posts?ids=${pathOf(answer.above)}`));
	}
	return { root: answer.root, above: answer.above, ids, total: answer.total, here: answer.here, gaps };
}

/** @param {string} id @returns {HTMLElement | null} */
const articleOf = (id) => document.querySelector(`main [data-id="${CSS.escape(id)}"]`);

/** @param {string} id what is not drawn is further down */
const topOf = (id) => articleOf(id)?.getBoundingClientRect().top ?? Infinity;

/** The post on the screen that must not move when others come. */
function anchorNow() {
	for (const article of document.querySelectorAll('main .thread > article')) {
		const at = article.getBoundingClientRect();
		if (at.bottom > 80) {
			return { id: article.getAttribute('data-id') ?? '', top: at.top };
		}
	}
	return null;
}

/** Is the end of the conversation on the screen? */
const isAtEnd = () => {
	const end = document.querySelector('main .thread > article:last-of-type');
	return !end || end.getBoundingClientRect().bottom < innerHeight + 80;
};

/**
 * What came while somebody reads: it is put in its place without moving what is on the screen, and counted until it is seen.
 * @param {ThreadData | null} thread @param {number} from the first that is drawn
 */
function useNews(thread, from) {
	const drawn = useRef(/** @type {{ thread: ThreadData | null, from: number }} */ ({ thread: null, from }));
	const anchor = useRef(/** @type {{ id: string, top: number } | null} */ (null));
	const [news, setNews] = useState(/** @type {string[]} */ ([]));
	const old = drawn.current.thread;
	if (drawn.current.thread !== thread || drawn.current.from !== from) {
		drawn.current = { thread, from };
		anchor.current = anchorNow();
	}
	useLayoutEffect(() => {
		const at = anchor.current && articleOf(anchor.current.id);
		if (at && anchor.current) {
			scrollBy(0, at.getBoundingClientRect().top - anchor.current.top);
		}
		anchor.current = null;
	}, [thread, from]);
	useLayoutEffect(() => {
		if (thread && old && old !== thread && old.root === thread.root) {
			const were = new Set(old.ids.filter((id) => !old.gaps.has(id)));
			const come = thread.ids.filter((id) => !thread.gaps.has(id) && !were.has(id) && knownPost(id)?.author !== me.peek());
			const unseen = come.filter((id) => topOf(id) >= innerHeight - 80);
			setNews((all) => [...new Set([...all, ...unseen])]);
		}
	}, [thread]);
	useEffect(() => {
		const look = () => {
			setNews((all) => {
				const left = all.filter((id) => topOf(id) >= innerHeight - 80);
				return left.length === all.length ? all : left;
			});
		};
		addEventListener('scroll', look, { passive: true });
		return () => removeEventListener('scroll', look);
	}, []);
	return news;
}

/** @typedef {{ from: number, to: number }} Part */

/** Which part of a place in the history was drawn, so that Back finds what it left. @type {Map<number, Part>} */
const parts = new Map();

/**
 * A long conversation is drawn in part: around the opened post, more below while one reads, more above when asked. The root is always there.
 * @param {ThreadData | null} thread @param {string} id
 */
function usePart(thread, id) {
	const around = (/** @type {number} */ at) => ({ from: at < AT_ONCE ? 1 : at - AT_ONCE / 3, to: at + AT_ONCE });
	const here = useValue(place).key;
	const [part, setPart] = useState(/** @type {Part & { of: string } | null} */ (null));
	const of = thread ? `${here} ${thread.root}` : '';
	let now = part;
	if (thread && now?.of !== of) {
		now = { ...(parts.get(here) ?? around(Math.max(0, thread.ids.indexOf(id)))), of };
	}
	const draw = (/** @type {Part} */ next) => {
		parts.set(here, next);
		setPart({ ...next, of });
	};
	const end = useRef(/** @type {any} */ (null));
	const count = thread?.ids.length ?? 0;
	const isMore = now !== null && now.to < count;
	useEffect(() => {
		if (!isMore || !now) {
			return undefined;
		}
		const { from, to } = now;
		const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && draw({ from, to: to + AT_ONCE }), { rootMargin: `${AHEAD}px` });
		watcher.observe(end.current);
		return () => watcher.disconnect();
	}, [of, isMore, now?.from, now?.to]);
	const from = Math.min(now?.from ?? 1, Math.max(1, count - 1));
	return {
		from,
		to: now?.to ?? AT_ONCE,
		end,
		up: () => draw({ from: Math.max(1, from - AT_ONCE), to: now?.to ?? AT_ONCE }),
		show: (/** @type {string} */ one) => {
			const at = thread?.ids.indexOf(one) ?? -1;
			if (at >= 0 && now && (at < now.from || at >= now.to) && at > 0) {
				draw(around(at));
			}
		},
	};
}

/** Where a conversation of its own began. @param {{ id: string, root: string }} props */
function Above({ id, root }) {
	const post = useValue(postOf(id));
	const person = useValue(personOf(post?.author ?? ''));
	const text = post && !post.missing && !post.cw ? post.text.replace(/[*_`#>]+/g, '').replace(/\s+/g, ' ').slice(0, 120) : '';
	return html`<p class="above">
		<span>${t('thread.began')}${text && html` <bdi>${nameOf(person)}</bdi>: <q dir="auto">${text}</q>`}</span>
		<a href=${messagePath(root)}>${t('thread.up')}</a>
	</p>`;
}

/** How much of it is here, and one button for all that is not. @param {{ thread: ThreadData, onCame: () => void }} props */
function Count({ thread, onCame }) {
	const asked = [...thread.gaps.values()].filter(mayAsk).map((gap) => gap.id).slice(0, 20);
	const isCut = thread.ids.length < thread.total;
	if (thread.here === thread.total && !isCut) {
		return null;
	}
	return html`<div class="count-line">
		<p>${t('thread.here', { here: thread.here, total: thread.total })}${isCut && ` ${t('thread.cut', { n: thread.ids.length - thread.gaps.size })}`}</p>
		${asked.length > 1 && html`<p><${Ask} ids=${asked} label="gap.askAll" onCame=${onCame} /></p>`}
	</div>`;
}

/** Nothing of it is here: it is asked for at once, and again by itself. @param {{ id: string, load: () => Promise<void> }} props */
function Missing({ id, load }) {
	useEffect(() => {
		const press = () => /** @type {HTMLElement | null} */ (document.querySelector('.empty [data-act=ask]'))?.click();
		press();
		const looking = setInterval(load, 5000);
		const asking = setInterval(press, 30000);
		return () => {
			clearInterval(looking);
			clearInterval(asking);
		};
	}, [id]);
	return html`<${Empty} said=${t('thread.none')} then=${t('thread.noneDo')}><p class="gap-do"><${Ask} ids=${[id]} label="gap.ask" onCame=${load} /></p><//>`;
}

/** @param {{ args: string[] }} props */
export default function Thread({ args }) {
	const id = idOf('%', args[0]);
	const isOwn = useValue(place).query.has('own');
	const again = useValue(refresh);
	const hint = useValue(changed);
	const isPlaced = useRef('');
	const [answering, setAnswering] = useState('');

	const [found, error, load, setThread] = useAnswer(() => ask(args[0], isOwn), [id, isOwn, again]);
	const thread = /** @type {ThreadData | null} */ (found);
	const held = useRef(/** @type {string[]} */ ([]));
	held.current = thread ? [...thread.ids, thread.above ?? ''] : [];
	useEffect(() => {
		const keep = () => held.current;
		keepers.add(keep);
		return () => {
			keepers.delete(keep);
		};
	}, []);
	const part = usePart(thread, id);
	const news = useNews(thread, part.from);
	/* One more hint must not put off for ever what an earlier one asked for. */
	const latest = useRef(load);
	latest.current = load;
	const latestShow = useRef(part.show);
	latestShow.current = part.show;
	const due = useRef(0);
	const seen = useRef(hint.n);

	const root = thread?.root ?? id;
	useEffect(() => {
		watch(root);
		return () => watch('');
	}, [root]);
	useEffect(() => {
		const isOurs = hint.ids.includes(root) || hint.ids.some((/** @type {string} */ one) => thread?.gaps.has(one));
		if (hint.n > seen.current && isOurs) {
			seen.current = hint.n;
			clearTimeout(due.current);
			due.current = setTimeout(() => latest.current(), 200);
		}
	}, [hint]);
	useEffect(() => () => clearTimeout(due.current), []);
	useEffect(() => {
		if (place.peek().query.has('reply') && place.peek().moved !== 'back' && thread) {
			setAnswering(id);
		}
	}, [thread !== null, id]);
	useLayoutEffect(() => {
		if (thread && isPlaced.current !== id && place.peek().moved !== 'back') {
			isPlaced.current = id;
			if (thread.ids[0] !== id) {
				articleOf(id)?.scrollIntoView({ block: 'center' });
			}
		}
	}, [thread]);
	useReturn(thread !== null);

	if (!thread) {
		const isMissing = error?.code === 'not_found';
		const body = !error ? html`<${Bones} rows=${3} />` : isMissing ? html`<${Missing} id=${id} load=${load} />` : html`<${Problem} error=${error} onRetry=${load} />`;
		return html`<${Page} title=${t('thread.title')} back>${body}<//>`;
	}

	const fork = thread.above ? { fork: thread.above } : {};
	const posted = (/** @type {string} */ key) => {
		setAnswering('');
		setThread({ ...thread, ids: [...thread.ids.filter((one) => one !== key), key] });
		load().then(() => setTimeout(() => {
			latestShow.current(key);
			setTimeout(() => articleOf(key)?.scrollIntoView({ block: 'nearest' }), 30);
		}, 0));
	};
	const answer = (/** @type {string} */ one) => {
		const post = knownPost(one);
		const name = post && nameOf(personOf(post.author).peek());
		const isRoot = one === thread.root;
		const where = () => ({ root: thread.root, ...fork, branch: [one] });
		const said = name ? t('thread.replyTo', { name }) : t('write.reply');
		return html`<div class="answer" key=${`answer-${one}`}>
			<p class="answer-to"><span>${said}</span><${IconButton} icon="close" label=${t('thread.notNow')} onClick=${() => (setAnswering(''), articleOf(one)?.focus())} /></p>
			<${Composer} where=${pathOf(one)} place=${t('write.reply')} label=${said} action=${t('write.send')} autofocus reply=${isRoot ? atEnd : where} onPosted=${posted} />
		</div>`;
	};
	const atEnd = () => ({ root: thread.root, ...fork, branch: headsOf(thread.ids, thread.root) });
	const onReply = (/** @type {{ id: string }} */ post) => {
		setAnswering(post.id);
		wantsFocus.value++;
	};
	const row = (/** @type {string} */ one) => {
		const gap = thread.gaps.get(one);
		const post = knownPost(one);
		const own = one === thread.root ? 0 : gap ? gap.replies : post?.replies ?? 0;
		return [
			gap
				? html`<${Gap} key=${one} gap=${gap} isOpened=${one === id} onCame=${load} />`
				: html`<${Post} key=${one} id=${one} isOpened=${one === id} context=${post?.root ? html`<${Answers} post=${post} />` : undefined} onReply=${onReply} />`,
			own > 0 && html`<${Own} key=${`own-${one}`} id=${one} n=${own} />`,
			answering === one && answer(one),
		];
	};
	const toNews = () => {
		part.show(news[0]);
		setTimeout(() => {
			const first = articleOf(news[0]);
			first?.scrollIntoView({ block: 'center' });
			first?.focus({ preventScroll: true });
		}, 30);
	};
	return html`<${Page} title=${t('thread.title')} back>
		${thread.above && html`<${Above} id=${thread.above} root=${thread.root} />`}
		<${Count} thread=${thread} onCame=${load} />
		<div class="posts thread">
			${thread.ids.slice(0, 1).map(row)}
			${part.from > 1 && html`<p class="end" key="up"><button type="button" class="button" data-act="earlier" onClick=${part.up}>${t('thread.earlier', { n: part.from - 1 })}</button></p>`}
			${thread.ids.slice(part.from, part.to).map(row)}
		</div>
		<div ref=${part.end}></div>
		${error && html`<${Problem} error=${error} onRetry=${load} />`}
		<div class="pill-end" role="status">
			${news.length > 0 && !isAtEnd() && html`<button type="button" class="pill" data-act="fresh" onClick=${toNews}>${t('thread.news', { n: news.length })}</button>`}
		</div>
		${!answering && html`<${Composer} key=${thread.root} where=${pathOf(thread.root)} place=${t('write.reply')} label=${t('write.replyLabel')} action=${t('write.send')} reply=${atEnd} onPosted=${posted} />`}
	<//>`;
}
