/**
 * views/thread: one conversation. What is above the opened post stands above it, replies follow in order, what is missing is a gap that says why. What
 * comes while one reads moves nothing: it is put in its place, and a pill says that it is there.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useLayoutEffect, useRef, useState, useValue } from '../lib/html.js';
import { get } from '../lib/api.js';
import { idOf, messagePath, nameOf, pathOf, t } from '../lib/text.js';
import { changed, keepers, knownPost, personOf, postOf, refresh, take } from '../lib/state.js';
import { watch } from '../lib/live.js';
import { place } from '../lib/router.js';
import { Bones, Empty, IconButton, Problem, useAnswer } from '../parts/bits.js';
import { Composer, wantsFocus } from '../parts/composer.js';
import { Answers, Ask, Gap, mayAsk, Own } from '../parts/gap.js';
import { Post } from '../parts/post.js';
import { Page, useReturn } from '../parts/shell.js';

/** @typedef {import('../parts/gap.js').GapData} GapData */
/** @typedef {{ root: string, above: string | null, ids: string[], total: number, here: number, gaps: Map<string, GapData> }} ThreadData */

/** Drawn at once; the rest follows while one reads. */
const AT_ONCE = 60;

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
	const gaps = new Map(answer.gaps.map((/** @type {GapData} */ gap) => [gap.id, gap]));
	const ids = take(answer);
	if (answer.above && !knownPost(answer.above)) {
		take(await get(`posts?ids=${pathOf(answer.above)}`));
	}
	return { root: answer.root, above: answer.above, ids, total: answer.total, here: answer.here, gaps };
}

/** @param {string} id @returns {HTMLElement | null} */
const articleOf = (id) => document.querySelector(`main [data-id="${CSS.escape(id)}"]`);

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
 * What came while somebody reads: it is put in its place without moving anything, and counted until it is seen.
 * @param {ThreadData | null} thread
 */
function useNews(thread) {
	const before = useRef(/** @type {{ ids: Set<string>, root: string } | null} */ (null));
	const anchor = useRef(/** @type {{ id: string, top: number } | null} */ (null));
	const [news, setNews] = useState(/** @type {string[]} */ ([]));
	const keepPlace = () => {
		anchor.current = anchorNow();
	};
	useLayoutEffect(() => {
		const old = before.current;
		before.current = thread && { ids: new Set(thread.ids.filter((id) => !thread.gaps.has(id))), root: thread.root };
		const at = anchor.current && articleOf(anchor.current.id);
		if (at && anchor.current) {
			scrollBy(0, at.getBoundingClientRect().top - anchor.current.top);
		}
		anchor.current = null;
		if (thread && old?.root === thread.root) {
			const come = thread.ids.filter((id) => !thread.gaps.has(id) && !old.ids.has(id));
			const unseen = come.filter((id) => (articleOf(id)?.getBoundingClientRect().top ?? innerHeight) >= innerHeight - 80);
			setNews((all) => [...new Set([...all, ...unseen])]);
		}
	}, [thread]);
	useEffect(() => {
		const look = () => {
			setNews((all) => {
				const left = all.filter((id) => (articleOf(id)?.getBoundingClientRect().top ?? 0) >= innerHeight - 80);
				return left.length === all.length ? all : left;
			});
		};
		addEventListener('scroll', look, { passive: true });
		return () => removeEventListener('scroll', look);
	}, []);
	return { news, keepPlace };
}

/** Long conversations are drawn in parts: up to what is looked at, then more. @param {number} count @param {number} needed */
function useParts(count, needed) {
	const [shown, setShown] = useState(AT_ONCE);
	const most = Math.max(shown, needed + AT_ONCE / 2);
	useEffect(() => {
		const timer = most < count ? setTimeout(() => setShown(most + AT_ONCE), 60) : 0;
		return () => clearTimeout(timer);
	}, [most < count, most]);
	return most;
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
	const { news, keepPlace } = useNews(thread);
	const held = useRef(/** @type {string[]} */ ([]));
	held.current = thread ? [...thread.ids, thread.above ?? ''] : [];
	useEffect(() => {
		const keep = () => held.current;
		keepers.add(keep);
		return () => {
			keepers.delete(keep);
		};
	}, []);
	const opened = thread ? thread.ids.indexOf(id) : 0;
	const shown = useParts(thread?.ids.length ?? 0, opened);
	const reload = async () => {
		keepPlace();
		await load();
	};

	/* One more hint must not put off for ever what an earlier one asked for. */
	const latest = useRef(reload);
	latest.current = reload;
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
		keepPlace();
		setThread({ ...thread, ids: [...thread.ids.filter((one) => one !== key), key] });
		load().then(() => articleOf(key)?.scrollIntoView({ block: 'nearest' }));
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
				? html`<${Gap} key=${one} gap=${gap} isOpened=${one === id} onCame=${reload} />`
				: html`<${Post} key=${one} id=${one} isOpened=${one === id} context=${post?.root ? html`<${Answers} post=${post} />` : undefined} onReply=${onReply} />`,
			own > 0 && html`<${Own} key=${`own-${one}`} id=${one} n=${own} />`,
			answering === one && answer(one),
		];
	};
	const toNews = () => {
		const first = articleOf(news[0]);
		first?.scrollIntoView({ block: 'center' });
		first?.focus({ preventScroll: true });
	};
	return html`<${Page} title=${t('thread.title')} back>
		${thread.above && html`<${Above} id=${thread.above} root=${thread.root} />`}
		<${Count} thread=${thread} onCame=${reload} />
		<div class="posts thread">${thread.ids.slice(0, shown).map(row)}</div>
		${error && html`<${Problem} error=${error} onRetry=${load} />`}
		<div class="pill-end" role="status">
			${news.length > 0 && !isAtEnd() && html`<button type="button" class="pill" data-act="fresh" onClick=${toNews}>${t('thread.news', { n: news.length })}</button>`}
		</div>
		${!answering && html`<${Composer} key=${thread.root} where=${pathOf(thread.root)} place=${t('write.reply')} label=${t('write.replyLabel')} action=${t('write.send')} reply=${atEnd} onPosted=${posted} />`}
	<//>`;
}
