/**
 * views/network: whom this node is connected to, how well, my key to give away, and the state of the node itself.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useState, useValue } from '../lib/html.js';
import { ApiError, get, post } from '../lib/api.js';
import { bytes, nameOf, t } from '../lib/text.js';
import { now, peers, personOf, refresh, say, status, take } from '../lib/state.js';
import { ago, span } from '../lib/time.js';
import { Avatar, Name } from '../parts/avatar.js';
import { Bones, Dot, Empty, Problem, Sheet, useAnswer } from '../parts/bits.js';
import { FollowBox, hostOf } from '../parts/follow.js';
import { KeyText } from '../parts/person.js';
import { Page } from '../parts/shell.js';

/** @typedef {import('../lib/state.js').Peer} Peer */

/** @param {Peer} peer */
function wayOf(peer) {
	const host = hostOf(peer.address);
	const isHere = /^(127\.|\[?::1)/.test(host);
	const way = t(isHere ? 'network.here' : peer.via === 'lan' ? 'network.lan' : 'network.net');
	return host ? `${way} · ${host}` : way;
}

/** @param {Peer} peer @param {number} at */
function stateOf(peer, at) {
	switch (peer.state) {
	case 'connected':
		return peer.behind > 0 ? t('network.behind', { n: peer.behind }) : t('network.upToDate');
	case 'dialling':
		return t('network.dialling');
	case 'looking':
		return t('network.looking');
	default:
		return peer.seen ? t('network.seen', { when: ago(peer.seen, at) }) : t('network.away');
	}
}

/** @param {{ peer: Peer }} props */
function PeerRow({ peer }) {
	const at = useValue(now);
	const [isBusy, setBusy] = useState(false);
	const name = nameOf(useValue(personOf(peer.id)));
	const isUp = peer.state === 'connected';
	const act = async () => {
		setBusy(true);
		try {
			await (isUp ? post('network/disconnect', { id: peer.id }) : post('network/connect', { address: peer.address }));
		} catch (error) {
			say(error instanceof ApiError ? error.said : t('error.broken'));
		}
		setBusy(false);
	};
	return html`<li class="row peer">
		<${Avatar} id=${peer.id} />
		<div class="row-main"><${Name} id=${peer.id} /><p class="row-facts">${wayOf(peer)}</p>
			${!isUp && peer.why?.said && html`<p class="row-facts why">${peer.why.said}</p>`}</div>
		<div class="peer-state"><p><${Dot} state=${peer.state} />${stateOf(peer, at)}</p>
			${isUp && html`<p class="row-facts">${t('network.traffic', { in: bytes(peer.in), out: bytes(peer.out) })}</p>`}</div>
		${(isUp || peer.address) &&
		html`<button type="button" class="button small" aria-disabled=${isBusy} aria-label=${t(isUp ? 'network.hangupAria' : 'network.tryAria', { name })} onClick=${act}>
			${t(isBusy && !isUp ? 'network.trying' : isUp ? 'network.hangup' : 'network.try')}</button>`}
	</li>`;
}

/** @param {{ node: import('../lib/state.js').Status }} props */
function NodeFacts({ node }) {
	const at = useValue(now);
	const lastIn = node.sync.last_in ? ago(node.sync.last_in, at) : t('network.lastInNever');
	return html`<dl class="facts">
		<dt>${t('network.state')}</dt><dd class=${node.state === 'CLEAN' ? '' : 'warned'}>${t(`state.${node.state}`)}</dd>
		<dt>${t('network.kept')}</dt><dd>${t('network.keptValue', { n: node.store.posts, feeds: t('nav.feeds', { n: node.store.feeds }) })}</dd>
		<dt>${t('network.disk')}</dt><dd>${t('network.diskValue', { size: bytes(node.store.bytes), free: bytes(node.store.disk_free) })}</dd>
		<dt>${t('network.lastIn')}</dt><dd>${lastIn}</dd>
		<dt>${t('network.up')}</dt><dd>${span(node.uptime_ms)}</dd>
		<dt>${t('network.version')}</dt><dd>${node.version}</dd>
		${node.store.forks > 0 && html`<dt>${t('nav.kept')}</dt><dd class="warned">${t('network.forks', { n: node.store.forks })}</dd>`}
	</dl>`;
}

export default function Network() {
	const all = useValue(peers);
	const node = useValue(status);
	const again = useValue(refresh);
	const [mine, error, load] = useAnswer(async () => {
		const answer = await get('network');
		take(answer);
		status.value = answer.status;
		peers.value = answer.peers;
		return answer;
	}, [again]);
	useEffect(() => {
		const timer = setInterval(load, 10000);
		return () => clearInterval(timer);
	}, [again]);
	useEffect(() => {
		if (mine && location.hash === '#key') {
			document.getElementById('key')?.scrollIntoView();
		}
	}, [mine !== null]);
	if (!node) {
		return html`<${Page} title=${t('network.title')}>${error ? html`<${Problem} error=${error} onRetry=${load} />` : html`<${Bones} />`}<//>`;
	}
	const up = all.filter((peer) => peer.state === 'connected').length;
	const address = mine?.address ?? node.listen.address;
	return html`<${Page} title=${t('network.title')}>
		${error && html`<${Problem} error=${error} onRetry=${load} />`}
		<p class="lead">${up > 0 ? t('network.well', { n: up }) : t('network.none')}</p>
		<section aria-labelledby="peers-title"><h2 class="sr" id="peers-title">${t('network.peers')}</h2>
			${all.length > 0
				? html`<ul class="rows">${all.map((peer) => html`<${PeerRow} key=${peer.id} peer=${peer} />`)}</ul>`
				: html`<${Empty} said=${t('network.noPeers')} then=${t('network.noPeersDo')} />`}
		</section>
		<${Sheet} id="key" title=${t('network.letFollow')}>
			<div class="my-key"><${Avatar} id=${node.me} size="l" /><div>
				<p>${t('network.key')}</p>
				<${KeyText} text=${node.me} label=${t('key.label')} action=${t('key.copy')} />
				${address && html`<p>${t('network.address')}</p><${KeyText} text=${address} label=${t('key.addressLabel')} action=${t('key.copyAddress')} />`}
			</div></div>
		<//>
		<${Sheet} id="follow" title=${t('follow.title')}><${FollowBox} /><//>
		<${Sheet} id="node" title=${t('network.node')}><${NodeFacts} node=${node} /><//>
	<//>`;
}
