/**
 * views/thread: one conversation. What is above the opened post stands above it, replies follow in order, what is missing is a gap.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useLayoutEffect, useRef, useValue } from '../lib/html.js';
import { get } from '../lib/api.js';
import { idOf, pathOf, t } from '../lib/text.js';
import { changed, fresh, postOf, refresh, take } from '../lib/state.js';
import { watch } from '../lib/live.js';
import { place } from '../lib/router.js';
import { Bones, Empty, Problem, useAnswer } from '../parts/bits.js';
import { Composer, wantsFocus } from '../parts/composer.js';
import { Post } from '../parts/post.js';
import { Page, useReturn } from '../parts/shell.js';

/**
 * The newest ends of a conversation: what a reply says it has seen (protocol/07 §4).
 * @param {string[]} ids @param {string} root
 */
export function headsOf(ids, root) {
	const known = ids.map((id) => postOf(id).peek()).filter((post) => post && !post.missing);
	const answered = new Set(known.flatMap((post) => post?.branch ?? []));
	const heads = known.map((post) => String(post?.id)).filter((id) => !answered.has(id) && id !== root);
	return heads.length > 0 ? heads.slice(-8) : [root];
}

/** @param {{ args: string[] }} props */
export default function Thread({ args }) {
	const id = idOf('%', args[0]);
	const again = useValue(refresh);
	const news = useValue(changed);
	const arrived = useValue(fresh);
	const isPlaced = useRef(false);

	const [thread, error, load, setThread] = useAnswer(async () => {
		const answer = await get(`thread/${args[0]}`);
		return { root: answer.root, ids: take(answer) };
	}, [id, again]);
	useEffect(() => {
		watch(id);
		return () => watch('');
	}, [id]);
	useEffect(() => {
		const timer = setTimeout(() => (news.n > 0 || arrived.ids.length > 0) && load(), 200);
		return () => clearTimeout(timer);
	}, [news, arrived]);
	/* A post that is not here is asked for again as long as somebody looks. */
	useEffect(() => {
		const timer = error?.code === 'not_found' ? setInterval(load, 5000) : 0;
		return () => clearInterval(timer);
	}, [error?.code]);
	useEffect(() => {
		if (place.peek().query.has('reply') && place.peek().moved !== 'back' && thread) {
			setTimeout(() => wantsFocus.value++, 30);
		}
	}, [thread !== null]);
	useLayoutEffect(() => {
		if (thread && !isPlaced.current && place.peek().moved !== 'back') {
			isPlaced.current = true;
			if (thread.ids[0] !== id) {
				document.querySelector('article.opened')?.scrollIntoView({ block: 'center' });
			}
		}
	}, [thread]);
	useReturn(thread !== null);

	if (!thread) {
		const body = !error
			? html`<${Bones} rows=${3} />`
			: error.code === 'not_found'
				? html`<${Empty} said=${t('thread.none')} then=${t('thread.noneDo')}><button type="button" class="button" onClick=${load}>${t('thread.again')}</button><//>`
				: html`<${Problem} error=${error} onRetry=${load} />`;
		return html`<${Page} title=${t('thread.title')} back>${body}<//>`;
	}
	const focusReply = () => {
		wantsFocus.value++;
	};
	const where = () => ({ root: thread.root, branch: headsOf(thread.ids, thread.root) });
	return html`<${Page} title=${t('thread.title')} back>
		<div class="posts thread">
			${thread.ids.map((/** @type {string} */ one) => html`<${Post} key=${one} id=${one} isOpened=${one === id} inThread onReply=${focusReply} />`)}
		</div>
		${error && html`<${Problem} error=${error} onRetry=${load} />`}
		<${Composer} key=${thread.root} where=${pathOf(thread.root)} place=${t('write.reply')} label=${t('write.replyLabel')} action=${t('write.send')} reply=${where}
			onPosted=${(/** @type {string} */ key) => (setThread({ ...thread, ids: [...thread.ids.filter((/** @type {string} */ one) => one !== key), key] }), load())} />
	<//>`;
}
