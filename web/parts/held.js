/**
 * parts/held: a post that waits to be signed, drawn where it will stand: how long it may still be taken back, and the two buttons.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useState, useValue } from '../lib/html.js';
import { ApiError, saidOf } from '../lib/api.js';
import { listOf, t } from '../lib/text.js';
import { line, me, say } from '../lib/state.js';
import { ask, send, undo } from '../lib/outbox.js';
import { go, place } from '../lib/router.js';
import { Avatar, Name, calledBy } from './avatar.js';
import { Icon } from './bits.js';
import { wantsFocus } from './composer.js';
import { PostText } from './posttext.js';

/** Whole seconds until then, each second anew. @param {number} until */
function useSeconds(until) {
	const left = () => Math.max(0, Math.ceil((until - Date.now()) / 1000));
	const [seconds, setSeconds] = useState(left);
	useEffect(() => {
		const timer = setInterval(() => setSeconds(left()), 250);
		return () => clearInterval(timer);
	}, [until]);
	return seconds;
}

/** @param {string} nonce @param {import('../lib/outbox.js').Held} one */
async function takeBack(nonce, one) {
	const where = await undo(nonce);
	const isHere = where === (one.body.writing ?? 'home');
	say(t(isHere ? 'held.undone' : 'held.undoneBeside'));
	if (!isHere) {
		go('/drafts');
	} else if (place.peek().path === '/drafts') {
		go(one.body.readers ? `/private/${where.slice(2)}` : '/');
	}
	setTimeout(() => wantsFocus.value++, 30);
}

/** @param {{ one: import('../lib/outbox.js').Held }} props */
export function Held({ one }) {
	const seconds = useSeconds(one.until);
	const link = useValue(line);
	const [isOpen, setOpen] = useState(!one.body.cw);
	const [isBusy, setBusy] = useState(false);
	const isDue = one.state === 'signing' || (one.state === 'held' && seconds === 0);
	useEffect(() => {
		/* A word from the node that got lost. */
		const timer = isDue ? setInterval(() => ask().catch(() => {}), 5000) : 0;
		return () => clearInterval(timer);
	}, [isDue]);
	const act = async (/** @type {() => Promise<any>} */ what) => {
		if (isBusy) {
			return;
		}
		setBusy(true);
		try {
			await what();
		} catch (error) {
			say(error instanceof ApiError && error.status === 404 ? t('held.late') : saidOf(error));
			ask().catch(() => {});
		}
		setBusy(false);
	};
	const said = one.state === 'failed' ? t('held.failed', { said: one.said }) : link === 'lost' ? t('held.away') : isDue ? t('held.signing') : t('held.left', { n: seconds });
	const dom = `held-${one.nonce}`;
	return html`<article class=${one.body.readers ? 'post held violet' : 'post held'} tabindex="-1" aria-labelledby=${dom} data-id=${one.nonce}>
		<span class="face"><${Avatar} id=${me.peek()} /></span>
		<header><h2 id=${dom}><${Name} id=${me.peek()} /></h2></header>
		<div class="main">
			${one.body.readers && place.peek().path === '/drafts' && html`<p class="context sealed"><${Icon} name="lock" />${t('private.with', { names: listOf(one.body.readers.map(calledBy)) })}</p>`}
			${one.body.cw &&
			html`<button type="button" class="warning" data-act="warning" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>
				<${Icon} name="warn" /><span dir="auto">${t('post.warning', { cw: one.body.cw })}</span><b>${t(isOpen ? 'post.hide' : 'post.show')}</b>
			</button>`}
			${isOpen && html`<${PostText} text=${one.body.text} isOpen />`}
			<p class="held-line"><${Icon} name="gap" /><span aria-hidden="true">${said}</span><span class="sr" role="status">${one.state === 'failed' ? said : t('held.said')}</span>
				${!(isDue && one.state !== 'failed') && html`<span class="held-do"><button type="button" class="button" data-act="undo" aria-disabled=${isBusy} onClick=${() => act(() => takeBack(one.nonce, one))}>${t('held.undo')}</button>
				<button type="button" class="quiet-button" data-act="now" aria-disabled=${isBusy} onClick=${() => act(() => send(one.nonce))}>${t('held.now')}</button></span>`}
			</p>
		</div>
	</article>`;
}
