/**
 * parts/banner: what every screen says while publishing is paused, while drafts from a pause are left, and when no backup succeeded for days.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useValue } from '../lib/html.js';
import { memory } from '../lib/api.js';
import { figure, t } from '../lib/text.js';
import { askSafety, safety } from '../lib/safety.js';
import { isPaused, now } from '../lib/state.js';
import { place } from '../lib/router.js';
import { Icon } from './bits.js';
import { span } from '../lib/time.js';

/** What is left of the quiet time, from when the node told. @param {any} at the safety answer */
export const leftOf = (at) => (at?.wait?.left_ms > 0 ? Math.max(0, at.wait.left_ms - (Date.now() - at.got)) : 0);

/** "103", "103 and 104", "103 to 105". @param {number} from @param {number} to */
export function numbers(from, to) {
	const names = { from: figure(from), to: figure(to) };
	return from === to ? names.from : t(to === from + 1 ? 'numbers.two' : 'numbers.many', names);
}

/** Somebody remembers what this node has not: then it does not go on by itself. @param {any} at the safety answer */
export const isStuck = (at) =>
	at.witnesses.some((/** @type {any} */ one) => !one.agrees) || at.holders.some((/** @type {any} */ one) => one.agrees === 'no');

/** What is being waited for, in one line. @param {any} at the safety answer */
export function waitSaid(at) {
	const { rule, confirmed, of } = at.wait;
	const own = at.head?.sequence ?? 0;
	if (at.state !== 'SUSPECT') {
		return '';
	}
	if (at.cause === 'claim') {
		return t('wait.claim');
	}
	if (at.holders.some((/** @type {any} */ one) => one.told > own)) {
		return t('found.progress', { done: own, n: at.newest_seen });
	}
	if (isStuck(at)) {
		return at.newest_seen > own ? t('wait.forNumbers', { numbers: numbers(own + 1, at.newest_seen) }) : t('wait.owner');
	}
	const left = leftOf(at);
	if (rule && left > 0) {
		return t('wait.quiet', { left: span(left) });
	}
	if (at.holders.length === 0) {
		return t('wait.nobody');
	}
	if (rule === 'U3') {
		return t('wait.more');
	}
	return rule === 'U1' || of === 0 ? t('wait.one') : t('wait.friends', { n: of, done: confirmed });
}

/** @param {{ kind: string, icon?: string, said: string, wait?: string, href: string, action: string }} props */
function Bar({ kind, icon = 'warn', said, wait, href, action }) {
	return html`<div class=${`banner ${kind}`}><${Icon} name=${icon} />
		<p>${said}${wait && html` <span aria-live="off">${wait}</span>`} ${place.peek().path !== href && html`<a href=${href}>${action}</a>`}</p>
	</div>`;
}

/** @param {{ node: import('../lib/state.js').Status }} props */
function Paused({ node }) {
	const at = useValue(safety);
	useValue(now);
	useEffect(() => {
		askSafety();
		const timer = setInterval(askSafety, 30000);
		return () => clearInterval(timer);
	}, [node.state, node.cause]);
	const isFork = node.state === 'FORKED';
	const isTwin = node.cause === 'twin';
	const said = isFork ? (at?.fork ? t('banner.forked', { n: at.fork.sequence }) : t('recovery.FORKED')) : node.state === 'RETIRED' ? t('banner.retired') : `${t('banner.paused')} ${t(`cause.${node.cause ?? 'other'}`)}`;
	return html`<${Bar} kind=${isFork || isTwin ? 'stop' : ''} said=${said} wait=${at && at.state === node.state ? waitSaid(at) : ''} href="/recovery" action=${t('banner.why')} />`;
}

/** @param {{ node: import('../lib/state.js').Status }} props */
export default function Banner({ node }) {
	useValue(safety);
	if (isPaused(node)) {
		return html`<${Paused} node=${node} />`;
	}
	if (memory.get('drafts') && place.peek().path !== '/recovery') {
		return html`<${Bar} kind="hint" icon="pen" said=${t('banner.drafts')} href="/recovery" action=${t('banner.see')} />`;
	}
	if (node.backup_late) {
		return html`<${Bar} kind="" said=${t('banner.backup')} href="/settings/safety" action=${t('banner.see')} />`;
	}
	return null;
}
