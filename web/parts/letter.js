/**
 * parts/letter: one private message in its conversation: ours on one side, those of others on the other, with what can be done about it.
 */
import '../lib/lang/en-more.js';
import { html, useValue } from '../lib/html.js';
import { listOf, nameOf, pathOf, personPath, t } from '../lib/text.js';
import { full } from '../lib/time.js';
import { isPaused, me, personOf, postOf, status, twinsOf } from '../lib/state.js';
import { Avatar, Name, calledBy } from './avatar.js';
import { Icon, IconButton, Menu, Time } from './bits.js';
import { othersOf, showReaders } from './letters.js';
import { Body, menuItems, toggleKeep, toggleLike } from './post.js';

/** @typedef {import('../lib/state.js').Post} PostData */

/** The first words of a post, without what Markdown is made of. @param {PostData} post */
export const firstWords = (post) => (post.cw ? t('post.warning', { cw: post.cw }) : post.text.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[*_`#>]+/g, '').replace(/\s+/g, ' ').trim().slice(0, 120) || t('private.wordless'));

/** Go to a message of this conversation. @param {string} id */
export function jumpTo(id) {
	const article = /** @type {HTMLElement | null} */ (document.querySelector(`main [data-id="${CSS.escape(id)}"]`));
	article?.scrollIntoView({ block: 'center' });
	article?.focus({ preventScroll: true });
	return article !== null;
}

/** Which message this answers, when it is not the one right above. @param {{ id: string, onJump: (id: string) => void }} props */
function Answered({ id, onJump }) {
	const post = useValue(postOf(id));
	const name = post?.author === me.peek() ? t('private.you') : calledBy(post?.author ?? '');
	return post && html`<button type="button" class="answered" onClick=${() => onJump(id)}><span class="sr">${t('private.answers')} </span><b><bdi>${name}</bdi></b><span dir="auto">${firstWords(post)}</span></button>`;
}

/** Who can read this one, and who says so. @param {PostData} post */
function about(post) {
	const name = nameOf(personOf(post.author).peek());
	const readers = post.readers ?? [];
	const sealed = post.readers_sealed ?? readers.length;
	const odd = sealed > readers.length ? 'readers.more' : 'readers.fewer';
	showReaders({ readers, said: [t(post.readers_proven ? 'readers.mine' : 'readers.claimed', { name }), ...(sealed === readers.length ? [] : [t(odd, { n: sealed })]), full(post.at)] });
}

/** @param {PostData} post @param {(() => void) | null} onReply */
function itemsOf(post, onReply) {
	const plain = menuItems(post);
	return [
		...(onReply ? [{ said: t('post.reply0'), onPick: onReply }, { said: t(post.likes.mine ? 'private.unlike' : 'post.like'), onPick: () => toggleLike(post) }] : []),
		{ said: t(post.bookmarked ? 'private.unkeep' : 'post.keep'), onPick: () => toggleKeep(post) },
		{ said: t('readers.who'), onPick: () => about(post) },
		...plain.filter((one) => one.said !== t('post.likers')),
	];
}

/** Who has our message: of those who can read it by name, else how many carry it without being able to. @param {{ post: PostData }} props */
function Receipt({ post }) {
	/* Holders come as names: of two with one name nobody can say which has it. */
	const readers = othersOf(post.readers ?? []).map((id) => personOf(id).peek()).filter((one) => twinsOf(one).length === 0).map(nameOf);
	const names = (post.holders?.names ?? []).filter((name) => readers.includes(name));
	const n = post.holders?.n ?? 0;
	const said = names.length > 0 ? t(names.length === 1 ? 'receipt.one' : 'receipt.many', { n: names.length, names: listOf(names) }) : n > 0 ? t('private.carried', { n }) : t('receipt.node');
	return html`<span class="receipt"><${Icon} name=${names.length > 0 ? 'check' : 'node'} />${said}</span>`;
}

/**
 * `onReply`: null in a request, where whatever we do would tell that we read it. `isFirst`: of several by one author in a row; `answered`: the message it answers, if that is worth a word; `isLast`: our newest, of which we want to know who has it.
 * @param {{ id: string, isFirst: boolean, isLast: boolean, answered: string, onReply: ((post: PostData) => void) | null, onJump: (id: string) => void }} props
 */
export function Letter({ id, isFirst, isLast, answered, onReply, onJump }) {
	const post = useValue(postOf(id));
	const node = useValue(status);
	if (!post || post.missing) {
		return null;
	}
	const dom = pathOf(id);
	const isMine = post.author === me.peek();
	const reply = onReply && (() => onReply(post));
	const likers = [...(post.likes.mine ? [me.peek()] : []), ...post.likes.some.filter((one) => one !== me.peek())].map((one) => (one === me.peek() ? t('private.you') : calledBy(one)));
	const like = isPaused(node) ? `${t('post.like')}: ${t('write.keep')}` : t('post.like');
	return html`<article class=${`letter${isMine ? ' mine' : ''}${isFirst ? ' first' : ''}`} data-id=${id} tabindex="-1" aria-labelledby=${`n-${dom}`} aria-describedby=${`t-${dom}`}>
		${!isMine && html`<a class="face" href=${personPath(post.author)} tabindex="-1" aria-hidden="true">${isFirst && html`<${Avatar} id=${post.author} size="s" />`}</a>`}
		<div class="bubble">
			<h2 id=${`n-${dom}`} class=${isMine || !isFirst ? 'sr' : ''}><${Name} id=${post.author} link=${!isMine && isFirst} /></h2>
			${answered && html`<${Answered} id=${answered} onJump=${onJump} />`}
			<${Body} post=${post} isWhole id=${`t-${dom}`} />
			${Number(post.hidden) > 0 && html`<p class="hidden-note">${t('post.hidden', { n: Number(post.hidden) })}</p>`}
			<p class="letter-foot">${post.likes.n > 0 && html`<span class="letter-likes"><${Icon} name="heart" full /><span class="sr">${t('post.likedBy', { names: '' })}</span>${likers.length > 0 ? listOf(likers, post.likes.n) : post.likes.n}</span>`}
				<button type="button" class="time" data-act="about" onClick=${() => about(post)}><${Time} at=${post.at} /><span class="sr">, ${t('readers.who')}</span></button></p>
			${isMine && isLast && html`<${Receipt} post=${post} />`}
		</div>
		<div class="letter-do">
			${reply && html`<${IconButton} icon="reply" data-act="reply" label=${t('post.reply0')} onClick=${reply} />
			<${IconButton} icon="heart" data-act="like" full=${post.likes.mine} class=${`icon-button like${post.likes.mine ? ' liked' : ''}`} label=${like} aria-pressed=${post.likes.mine} onClick=${() => toggleLike(post)} />`}
			<${Menu} label=${t('post.more')} items=${itemsOf(post, reply)} />
		</div>
	</article>`;
}

/** What is being answered, above the composer. @param {{ id: string, onDrop: () => void }} props */
export function Answering({ id, onDrop }) {
	const post = useValue(postOf(id));
	return html`<p class="answer-to"><span>${post ? html`${t('thread.replyTo', { name: calledBy(post.author) })} <q dir="auto">${firstWords(post)}</q>` : t('private.answers')}</span>
		<${IconButton} icon="close" label=${t('thread.notNow')} onClick=${onDrop} /></p>`;
}
