/**
 * parts/gap: what only a conversation has: a gap where a message is missing, whom a reply answers, and replies that became a conversation of their own.
 */
import '../lib/lang/en-more.js';
import { html, useState, useValue } from '../lib/html.js';
import { post as send, saidOf } from '../lib/api.js';
import { listOf, messagePath, nameOf, pathOf, t } from '../lib/text.js';
import { knownPost, personOf } from '../lib/state.js';
import { calledBy } from './avatar.js';
import { Icon } from './bits.js';

/** @typedef {{ id: string, why: 'arriving' | 'blocked' | 'muted' | 'too_far' | 'let_go' | 'unknown', author: string | null, replies: number }} GapData */

/** Who is connected may have it. @param {GapData} gap */
export const mayAsk = (gap) => gap.why !== 'blocked' && gap.why !== 'muted';

/**
 * What came of asking, in a sentence or two.
 * @param {{ found: boolean, came: number, asked: number, cannot: number, silent: number, blocked: boolean }} answer @param {number} wanted
 */
function came(answer, wanted) {
	if (answer.blocked) {
		return t('gap.foundBlocked');
	}
	if (answer.asked === 0) {
		return t('gap.nobody');
	}
	const said = [answer.came > 0 ? t('gap.came', { n: answer.came, of: wanted }) : t('gap.asked', { n: answer.asked })];
	if (!answer.found && answer.cannot > 0) {
		said.push(t('gap.cannot', { n: answer.cannot }));
	}
	if (!answer.found && answer.silent > 0) {
		said.push(t('gap.silent', { n: answer.silent }));
	}
	return said.join(' ');
}

/**
 * A button that asks everybody connected, and what came of it beside it.
 * @param {{ ids: string[], label: string, onCame: () => void }} props
 */
export function Ask({ ids, label, onCame }) {
	const [isBusy, setBusy] = useState(false);
	const [said, setSaid] = useState('');
	const ask = async () => {
		if (isBusy) {
			return;
		}
		setBusy(true);
		setSaid('');
		try {
			const answer = await send(`message/${pathOf(ids[0])}/fetch`, { also: ids.slice(1, 20) });
			setSaid(came(answer, ids.length));
			if (answer.came > 0) {
				onCame();
			}
		} catch (error) {
			setSaid(saidOf(error));
		}
		setBusy(false);
	};
	return html`<button type="button" class="quiet-button" data-act="ask" aria-disabled=${isBusy} onClick=${ask}>${t(isBusy ? 'gap.asking' : label, { n: ids.length })}</button>
		<span class="came" role="status">${said}</span>`;
}

/** Why it is missing, as far as the node can know. @param {GapData} gap */
function reason(gap) {
	const person = gap.author && personOf(gap.author).peek();
	const name = person && person.name ? nameOf(person) : '';
	return name ? t(`gap.${gap.why}By`, { name }) : t(`gap.${gap.why}`);
}

/** A message that is not here: a dashed gap where it belongs. @param {{ gap: GapData, isOpened: boolean, onCame: () => void }} props */
export function Gap({ gap, isOpened, onCame }) {
	return html`<article class=${isOpened ? 'gap opened' : 'gap'} data-id=${gap.id} tabindex="-1" aria-label=${t('gap.title')}>
		<${Icon} name="gap" />
		<div><p><b>${t('gap.title')}</b> ${reason(gap)}</p>
			${mayAsk(gap) && html`<p class="gap-do"><${Ask} ids=${[gap.id]} label="gap.ask" onCame=${onCame} /></p>`}
		</div>
	</article>`;
}

/** Replies to one reply that name it as their beginning. @param {{ id: string, n: number }} props */
export function Own({ id, n }) {
	return html`<p class="own"><a href=${`${messagePath(id)}?own`}><${Icon} name="reply" />${t('thread.own', { n })}</a></p>`;
}

/** Go to a post that is on this page. @param {MouseEvent} event @param {string} id */
function jump(event, id) {
	const article = /** @type {HTMLElement | null} */ (document.querySelector(`main [data-id="${CSS.escape(id)}"]`));
	if (article && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
		event.preventDefault();
		event.stopPropagation();
		article.scrollIntoView({ block: 'center' });
		article.focus({ preventScroll: true });
	}
}

/**
 * Whom a reply answers, one or several; nothing when it is the conversation's beginning.
 * @param {{ post: import('../lib/state.js').Post }} props
 */
export function Answers({ post }) {
	const above = post.branch.filter((id) => id !== post.root);
	useValue(personOf(knownPost(above[0] ?? '')?.author ?? ''));
	if (above.length === 0) {
		return null;
	}
	const known = above.map(knownPost).filter((one) => one && !one.missing);
	const others = known.filter((one) => known.length === 1 || one?.author !== post.author);
	const names = [...new Set(others.map((one) => calledBy(one?.author ?? '')))];
	const said = names.length === 0 ? t('thread.toGap') : listOf(names.slice(0, 3), names.length);
	return html`<p class="context"><a href=${messagePath(above[0])} onClick=${(/** @type {MouseEvent} */ event) => jump(event, known[0]?.id ?? above[0])}>
		<span aria-hidden="true">→ </span><span class="sr">${t('post.to')} </span><bdi>${said}</bdi></a></p>`;
}
