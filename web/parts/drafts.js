/**
 * parts/drafts: what was written while publishing was paused, and words of ours that the node has lost: to be posted again or discarded, one by one.
 */
import '../lib/lang/en-more.js';
import { html, useState, useValue } from '../lib/html.js';
import { ApiError, get, memory, remove, saidOf } from '../lib/api.js';
import { nameOf, pathOf, t } from '../lib/text.js';
import { askSafety, forgetPost, lostPosts, publish, safety, wordsKept } from '../lib/safety.js';
import { isPaused, me, personOf, refresh, say, status } from '../lib/state.js';
import { Icon, Problem, Sheet, Time, useAct, useAnswer } from './bits.js';
import { PostText } from './posttext.js';

/** What a draft would do, in words. @param {any} content */
function titleOf(content) {
	const name = (/** @type {any} */ id) => (id === me.peek() ? t('post.you') : nameOf(personOf(String(id)).peek()));
	switch (content.type) {
	case 'post':
		return t(content.root ? 'draft.reply' : 'draft.post');
	case 'vote':
		return t(content.vote?.value > 0 ? 'draft.like' : 'draft.unlike');
	case 'contact':
		return t(content.blocking ? 'draft.block' : content.following ? 'draft.follow' : 'draft.part', { name: name(content.contact) });
	case 'about':
		return content.name ? t('draft.name', { name: content.name }) : t('draft.about');
	default:
		return t('draft.other', { type: content.type ?? '' });
	}
}

/** One thing that is kept, and what to do with it. @param {{ title: string, isPrivate?: boolean, at: number, text: string, canPost: boolean, action: string, onPost: () => Promise<void>, onDrop: () => Promise<void> }} props */
function Kept({ title, isPrivate = false, at, text, canPost, action, onPost, onDrop }) {
	const [isAsked, setAsked] = useState(false);
	const { act, isBusy, error } = useAct();
	return html`<li class=${isPrivate ? 'kept violet' : 'kept'} aria-label=${title}>
		<p class="kept-title sealed">${isPrivate && html`<${Icon} name="lock" />`}<b>${title}</b> <${Time} at=${at} /></p>
		${text && html`<${PostText} text=${text} isOpen />`}
		<div class="kept-do">
			${canPost && !isAsked && html`<button type="button" class="button" aria-disabled=${isBusy} onClick=${() => act(onPost)}>${action}</button>`}
			${isAsked
				? html`<span>${t('draft.sure')}</span><button type="button" class="button" onClick=${() => setAsked(false)}>${t('draft.keep')}</button>
					<button type="button" class="button strong danger" onClick=${() => act(onDrop)}>${t('draft.drop')}</button>`
				: html`<button type="button" class="quiet-button" aria-disabled=${isBusy} onClick=${() => setAsked(true)}>${t('draft.drop')}</button>`}
		</div>
		${error && html`<p class="slip" role="alert">${error}</p>`}
	</li>`;
}

/** Drafts on the node. */
export function Drafts() {
	const node = useValue(status);
	const at = useValue(safety);
	const [drafts, error, load] = useAnswer(async () => {
		const answer = await get('drafts');
		memory.set('drafts', answer.drafts.length > 0 ? String(answer.drafts.length) : null);
		return answer.drafts;
	}, [at?.drafts, node?.state]);
	const done = async () => {
		await load();
		askSafety();
		refresh.value++;
	};
	if (error) {
		return html`<${Problem} error=${error} onRetry=${load} />`;
	}
	if (!drafts || drafts.length === 0) {
		return null;
	}
	const canPost = node !== null && !isPaused(node);
	return html`<${Sheet} id="drafts" title=${t('draft.title', { n: drafts.length })}>
		<p class="note">${t(canPost ? 'draft.now' : node?.state === 'SUSPECT' ? 'draft.wait' : 'draft.never')}</p>
		<ul>${drafts.map((/** @type {any} */ draft) => html`<${Kept} key=${draft.id} title=${draft.private && draft.content.type === 'post' ? t('drafts.private') : titleOf(draft.content)} isPrivate=${draft.private} at=${draft.at} text=${draft.content.type === 'post' ? String(draft.content.text ?? '') : ''}
			canPost=${canPost} action=${t('draft.again')}
			onPost=${async () => {
				await publish(`drafts/${draft.id}/publish`, {});
				say(t('write.done'));
				await done();
			}}
			onDrop=${async () => {
				await remove(`drafts/${draft.id}`);
				await done();
			}} />`)}</ul>
	<//>`;
}

/** Words of posts that are gone from the node, as this browser remembers them. @param {{ sequence: number }} props the node's newest */
export function LostWords({ sequence }) {
	useValue(wordsKept);
	const node = useValue(status);
	const posts = lostPosts(sequence);
	const isKept = isPaused(node);
	if (posts.length === 0) {
		return null;
	}
	const again = async (/** @type {import('../lib/safety.js').OwnPost} */ post) => {
		try {
			await publish('post', { text: post.text, cw: post.cw, root: post.root, branch: post.branch, nonce: `again-${pathOf(post.key)}` });
			say(t('write.done'));
		} catch (problem) {
			if (!(problem instanceof ApiError && problem.draft)) {
				throw problem;
			}
			say(saidOf(problem));
		}
		forgetPost(post.key);
		refresh.value++;
	};
	return html`<${Sheet} id="lost" title=${t('lost.title')}>
		<p class="note">${t(isKept ? 'lost.said' : 'lost.gone')}</p>
		<ul>${posts.map((post) => html`<${Kept} key=${post.key} title=${t('lost.number', { n: post.sequence })} at=${post.at} text=${post.text} canPost=${!isKept || node?.state === 'SUSPECT'}
			action=${t(isKept ? 'write.keep' : 'draft.again')} onPost=${() => again(post)} onDrop=${async () => forgetPost(post.key)} />`)}</ul>
	<//>`;
}
