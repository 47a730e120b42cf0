/**
 * parts/post: one post, and the gap where one is missing.
 */
import { html, useLayoutEffect, useRef, useState, useValue } from '../lib/html.js';
import { post as send, saidOf } from '../lib/api.js';
import { figure, listOf, messagePath, nameOf, nonce, pathOf, personPath, t, tagPath } from '../lib/text.js';
import { changePost, isPaused, knownPost, me, personOf, postOf, say, status } from '../lib/state.js';
import { go } from '../lib/router.js';
import { Avatar, Name, calledBy } from './avatar.js';
import { Icon, IconButton, Menu, Time } from './bits.js';
import { PostText } from './posttext.js';
import { full } from '../lib/time.js';

/** @typedef {import('../lib/state.js').Post} PostData */

/** Who holds a copy of our own post. @param {{ post: PostData }} props */
function Receipts({ post }) {
	const holders = post.holders;
	let said = t('receipt.node');
	if (holders && holders.n > 0) {
		const names = holders.names.filter(Boolean);
		const list = listOf(names, holders.n);
		said = names.length === 0 ? t('receipt.some', { n: holders.n }) : t(holders.n === 1 ? 'receipt.one' : 'receipt.many', { n: holders.n, names: list });
	}
	return html`<span class="receipt" role="status"><${Icon} name=${holders?.n ? 'check' : 'node'} />${said}</span>`;
}

/** Like or take it back: shown at once, put right if the node disagrees. @param {PostData} post */
export async function toggleLike(post) {
	const on = !post.likes.mine;
	const flip = (/** @type {boolean} */ mine) =>
		changePost(post.id, (at) => {
			const others = at.likes.some.filter((id) => id !== me.peek());
			const n = Math.max(0, at.likes.n + (mine === at.likes.mine ? 0 : mine ? 1 : -1));
			return { ...at, likes: { n, mine, some: mine ? [me.peek(), ...others] : others } };
		});
	flip(on);
	try {
		const { publish } = await import('../lib/safety.js');
		await publish('like', { id: post.id, on, nonce: nonce() });
	} catch (error) {
		flip(!on);
		say(saidOf(error));
	}
}

/** Keep it, or no longer: only this node knows. @param {PostData} post */
export async function toggleKeep({ id, bookmarked }) {
	const set = (/** @type {boolean} */ is) => changePost(id, (at) => ({ ...at, bookmarked: is }));
	set(!bookmarked);
	try {
		await send('bookmark', { id, on: !bookmarked });
		say(t(bookmarked ? 'post.keptNot' : 'post.kept'));
	} catch (error) {
		set(Boolean(bookmarked));
		say(saidOf(error));
	}
}

/** What may be done about people is a module of its own. @param {'copyText' | 'askBlock' | 'askMute' | 'askPetname'} what @param {string} about */
const person = async (what, about) => /** @type {any} */ (await import('./person.js'))[what](about);
/** @param {string} id */
const likers = async (id) => (await import('./likers.js')).showLikers(id);

/** @param {PostData} post */
export function menuItems(post) {
	/* What few may read is not passed on from here. */
	const items = [
		...(post.likes.n > 0 ? [{ said: t('post.likers'), onPick: () => likers(post.id) }] : []),
		{ said: t('post.raw'), href: `${messagePath(post.id)}/raw` },
		{ said: t('post.copyText'), onPick: () => person('copyText', post.text) },
		...(post.readers ? [] : [{ said: t('post.copyLink'), onPick: () => person('copyText', `ssb:message/classic/${pathOf(post.id)}=`) },
			{ said: t('post.copyId'), onPick: () => person('copyText', post.id) }]),
	];
	if (post.author !== me.peek()) {
		const name = nameOf(personOf(post.author).peek());
		return [...items,
			{ said: t('post.petname', { name }), onPick: () => person('askPetname', post.author) },
			{ said: t('post.mute', { name }), onPick: () => person('askMute', post.author) },
			{ said: t('post.block', { name }), onPick: () => person('askBlock', post.author), danger: true }];
	}
	return items;
}

/** Where it is read and answered: what is private in its conversation alone. @param {PostData} post */
const pathTo = (post) => (post.readers ? `/private/${post.conversation}?at=${pathOf(post.id)}` : messagePath(post.id));

/** @param {{ post: PostData, onReply?: (post: PostData) => void }} props */
function Actions({ post, onReply }) {
	const reply = () => (onReply ? onReply(post) : go(post.readers ? pathTo(post) : `${messagePath(post.id)}?reply`));
	const node = useValue(status);
	const count = post.root ? 0 : post.replies;
	return html`<div class="actions">
		<${IconButton} icon="reply" data-act="reply" label=${count > 0 ? t('post.reply', { n: count }) : t('post.reply0')} onClick=${reply}>
			${count > 0 && html`<span class="count">${figure(count)}</span>`}
		<//>
		<${IconButton} icon="heart" data-act="like" full=${post.likes.mine} class=${`icon-button like${post.likes.mine ? ' liked' : ''}`}
			label=${isPaused(node) ? `${t('post.like')}: ${t('write.keep')}` : t('post.like')} aria-pressed=${post.likes.mine} onClick=${() => toggleLike(post)} />
		<${IconButton} icon="bookmark" data-act="keep" full=${post.bookmarked} label=${t('post.keep')} aria-pressed=${Boolean(post.bookmarked)} onClick=${() => toggleKeep(post)} />
		<${Menu} label=${t('post.more')} items=${menuItems(post)} />
		${post.author === me.peek() && html`<${Receipts} post=${post} />`}
	</div>`;
}

/** Long posts are shown to a screen's height in lists. @param {{ post: PostData, isWhole: boolean, id: string }} props */
export function Body({ post, isWhole, id }) {
	const [isOpen, setOpen] = useState(!post.cw);
	const [isLong, setLong] = useState(false);
	const [isAll, setAll] = useState(isWhole);
	const box = useRef(/** @type {HTMLElement | null} */ (null));
	useLayoutEffect(() => {
		if (!isAll && post.text.length > 700 && box.current) {
			setLong(box.current.scrollHeight > box.current.clientHeight + 8);
		}
	}, [isOpen, post.text]);
	/* Folding what was read to its end must not leave the reader somewhere below it. */
	const fold = (/** @type {any} */ event) => {
		const article = event.currentTarget.closest('article');
		setAll(!isAll);
		requestAnimationFrame(() => isAll && article.getBoundingClientRect().top < 0 && article.scrollIntoView({ block: 'start' }));
	};
	return html`${post.cw &&
		html`<button type="button" class="warning" data-act="warning" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>
			<${Icon} name="warn" /><span dir="auto">${t('post.warning', { cw: post.cw })}</span><b>${t(isOpen ? 'post.hide' : 'post.show')}</b>
		</button>`}
		${isOpen &&
		html`<div ref=${box} class=${isAll || post.text.length <= 700 ? 'body' : 'body clipped'} data-long=${isLong && !isAll}>
			<${PostText} id=${id} text=${post.text} mentions=${post.mentions} blobs=${post.blobs} isOpen=${!post.cw && post.author === me.peek()} />
		</div>`}
		${isOpen && isLong && html`<button type="button" class="quiet-button" data-act="fold" aria-expanded=${isAll} onClick=${fold}>${t(isAll ? 'post.less' : 'post.all')}</button>`}`;
}

/** Where a reply belongs. @param {{ post: PostData }} props */
function Context({ post }) {
	const above = knownPost(post.root ?? '');
	if (post.readers) {
		const others = post.readers.filter((one) => one !== me.peek()).map(calledBy);
		return html`<p class="context sealed"><${Icon} name="lock" /><a href=${pathTo(post)}>${others.length > 0 ? t('private.with', { names: listOf(others) }) : t('private.self')}</a></p>`;
	}
	if (!post.root) {
		const path = tagPath(post.channel ?? '');
		return post.channel ? html`<p class="context" dir="auto">${path ? html`<a href=${path}>${t('post.channel', { channel: post.channel })}</a>` : t('post.channel', { channel: post.channel })}</p>` : null;
	}
	const said = above && !above.missing ? t('post.inReplyTo', { name: calledBy(above.author) }) : t('post.inReply');
	return html`<p class="context"><a href=${messagePath(post.id)}>${said}</a></p>`;
}

/** A click anywhere on a post opens it, unless it was meant for something else. @param {MouseEvent} event @param {string} path */
function openFrom(event, path) {
	const target = /** @type {HTMLElement} */ (event.target);
	if (!target.closest('a, button, [popover], textarea, input') && getSelection()?.isCollapsed !== false) {
		go(path);
	}
}

/** @param {{ post: PostData }} props */
function Likers({ post }) {
	if (post.likes.n === 0) {
		return null;
	}
	const others = post.likes.some.filter((id) => id !== me.peek());
	const names = (post.likes.mine ? [me.peek(), ...others] : others).map(calledBy);
	const said = names.length > 0 ? t('post.likedBy', { names: listOf(names, post.likes.n) }) : t('post.likedN', { n: post.likes.n });
	return html`<button type="button" class="quiet-button likers" data-act="likers" onClick=${() => likers(post.id)}>${said}</button>`;
}

/**
 * `isLine`: up to here it was read before. `context`: whom it answers, in a conversation.
 * @param {{ id: string, isOpened?: boolean, context?: any, isLine?: boolean, onReply?: (post: PostData) => void }} props
 */
export function Post({ id, isOpened = false, context, isLine = false, onReply }) {
	const post = useValue(postOf(id));
	if (!post || post.missing) {
		return null;
	}
	const dom = pathOf(id);
	const open = isOpened ? undefined : (/** @type {MouseEvent} */ event) => openFrom(event, pathTo(post));
	return html`<article class=${`post${isOpened ? ' opened' : ''}${post.readers ? ' violet' : ''}`} data-id=${id} tabindex="-1" aria-labelledby=${`n-${dom}`} aria-describedby=${`t-${dom}`} onClick=${open}>
		${isLine && html`<p class="here-line"><span>${t('home.here')}</span></p>`}
		<a class="face" href=${personPath(post.author)} tabindex="-1" aria-hidden="true"><${Avatar} id=${post.author} /></a>
		<header>
			<h2 id=${`n-${dom}`}><${Name} id=${post.author} /></h2>
			<${Time} at=${post.at} href=${pathTo(post)} />${post.checking && html`<span class="time">${t('post.checking')}</span>`}
		</header>
		<div class="main">
			${context ?? html`<${Context} post=${post} />`}
			<${Body} post=${post} isWhole=${isOpened} id=${`t-${dom}`} />
			${Number(post.hidden) > 0 && html`<p class="hidden-note">${t('post.hidden', { n: Number(post.hidden) })}</p>`}
			${isOpened && html`<p class="exact">${full(post.at)}</p>`}
			${isOpened && html`<${Likers} post=${post} />`}
			<${Actions} post=${post} onReply=${onReply} />
		</div>
	</article>`;
}
